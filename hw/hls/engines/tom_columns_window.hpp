// SPDX-License-Identifier: Apache-2.0
// Several columns of a convolution at once: a line buffer (tom_window), and an array of multipliers (tom_dot) for each.
//
// Bit-exact with tomato/ops/conv2d.py without groups, and with one filter per channel, with tomato/ops/dense.py, where a
// frame is a row of Sides pixels, and with tom_columns_window.sv. A beat has all channels of Pixels columns in, of Sides
// columns out. The window of tom_window is what all these columns see: KernelW and StrideW are its own, Taps, TapStep
// and SideStep those of a column. Cycles per frame: OutHeight * OutWidth * reads, where a read takes a row of the window,
// or all rows with ParallelH; at least one cycle per input beat.

#ifndef TOM_COLUMNS_WINDOW_HPP
#define TOM_COLUMNS_WINDOW_HPP

#include "tom_dot.hpp"
#include "tom_window.hpp"

#include "hls_stream.h"

template <
    unsigned Lanes,       // channels in
    unsigned Outputs,     // channels out: filters
    unsigned Sides,       // columns per output beat
    unsigned Taps,        // kernel columns of a column
    unsigned TapStep,     // columns from one of them to the next
    unsigned SideStep,    // columns from the first of a column to that of the next one
    bool Shared,          // all filters see the same inputs; else each one channel
    unsigned Height,      // input rows
    unsigned Width,       // input columns
    unsigned OutHeight,   // output rows
    unsigned OutWidth,    // output columns
    unsigned KernelH, unsigned KernelW, unsigned StrideH, unsigned StrideW, unsigned DilationH, unsigned DilationW,
    unsigned PadTop, unsigned PadLeft,
    int PadValue,         // code of the border
    bool ParallelH,       // all kernel rows at once
    bool ParallelW,       // all kernel columns at once
    unsigned Rows,        // rows in the line buffer
    unsigned Columns,     // column banks of the line buffer
    unsigned Pixels,      // neighbouring columns per input beat
    unsigned RingRam,     // memory kind of the line buffer: 0 LUTRAM, 1 block RAM, 2 UltraRAM
    unsigned InBits,      // width of an input code
    bool InSigned,        // inputs are two's complement
    unsigned Cell,        // what a weight is, see tom_dot.hpp
    unsigned FieldBits,   // stored width of a weight
    unsigned WeightBits,  // width of its value, two's complement
    typename Constants,   // tom_bits: what all weights share
    unsigned ProdBits,    // width of a product, or of the sum of a chain
    unsigned AccBits,     // width of an output code
    unsigned Pack,        // filters that share a DSP block; 0: multiply in LUTs
    unsigned Chain,       // products that are summed in a row of DSP blocks; 0: all are in LUTs
    unsigned WeightRam,   // memory kind of the weights: 0 LUT, 1 block RAM, 2 UltraRAM, bound by the caller
    unsigned LoadBits,    // bits per beat of the loader that fills UltraRAM
    unsigned FrameBeats   // output beats per frame
    >
void tom_columns_window(
    const unsigned frames,
    const tom_piece (&mem_file)[tom_window_reads(KernelH, 1, ParallelH, true, 1)]
                               [tom_pieces(tom_taps(KernelH, Taps, ParallelH, true) * (Shared ? Lanes : 1) * Outputs *
                                           FieldBits)],
    hls::stream<ap_uint<Pixels * Lanes * InBits> > &in,
    hls::stream<ap_uint<Sides * Outputs * AccBits> > &out) {
  typedef tom_window<Lanes, InBits, 1, 1, 1, Height, Width, OutHeight, OutWidth, KernelH, KernelW, StrideH, StrideW,
                     DilationH, DilationW, PadTop, PadLeft, PadValue, ParallelH, ParallelW, Rows, Columns, Pixels,
                     RingRam, FrameBeats / (OutHeight * OutWidth)> buffer;
  const unsigned Words = buffer::Reads, Cycles = buffer::Cycles, Seen = buffer::TapsH * Taps * Lanes;
  const unsigned Inputs = buffer::TapsH * Taps * (Shared ? Lanes : 1);
  (void)Cycles;  // only a directive names it

  buffer window(frames);
  tom_dot<Inputs, Outputs, Shared, InBits, InSigned, Cell, FieldBits, WeightBits, Constants, ProdBits, AccBits, Pack,
          Chain, Words> dot[Sides];
#pragma HLS ARRAY_PARTITION variable = dot complete

  while (window.busy()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
    ap_uint<InBits> codes[buffer::Codes];
#pragma HLS ARRAY_PARTITION variable = codes complete
    const tom_read read = window.step(in, codes);
    if (read.valid) {
      ap_uint<Sides * Outputs * AccBits> beat = 0;
      for (unsigned s = 0; s < Sides; ++s) {
#pragma HLS UNROLL
        ap_uint<InBits> seen[Seen];
#pragma HLS ARRAY_PARTITION variable = seen complete
        for (unsigned h = 0; h < buffer::TapsH; ++h) {
#pragma HLS UNROLL
          for (unsigned t = 0; t < Taps; ++t) {
#pragma HLS UNROLL
            for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
              seen[(h * Taps + t) * Lanes + l] = codes[(h * KernelW + s * SideStep + t * TapStep) * Lanes + l];
            }
          }
        }
        dot[s].step(mem_file, seen, read.first);
        tom_put<Outputs * AccBits>(beat, s, dot[s].results());
      }
      if (read.last) out.write(beat);
    }
  }
}

#endif
