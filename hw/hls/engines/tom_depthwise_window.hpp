// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution: a line buffer (tom_window) and, for every lane, its own multipliers (tom_dot).
//
// Bit-exact with tomato/ops/conv2d.py, one filter per channel, and tom_depthwise_window.sv. Any kernel,
// stride, dilation, padding. Cycles per frame: OutHeight * OutWidth * Beats * reads, where a read takes one tap
// of Lanes channels (all rows and columns of the kernel at once with ParallelH and ParallelW); at least one
// cycle per input beat. Output beats carry Lanes channels.

#ifndef TOM_DEPTHWISE_WINDOW_HPP
#define TOM_DEPTHWISE_WINDOW_HPP

#include "tom_dot.hpp"
#include "tom_window.hpp"

#include "hls_stream.h"

template <
    unsigned Lanes,       // codes per beat, in and out: channels computed at once
    unsigned Beats,       // beats per pixel, in and out
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
    unsigned Pack,        // 1: multiply in DSP blocks; 0: multiply in LUTs
    unsigned Chain,       // products that are summed in a row of DSP blocks; 0: all are in LUTs
    unsigned WeightRam,   // memory kind of the weights: 0 LUT, 1 block RAM, 2 UltraRAM, bound by the caller
    unsigned LoadBits     // bits per beat of the loader that fills UltraRAM
    >
void tom_depthwise_window(
    const unsigned frames,
    const tom_piece (&mem_file)[Beats * tom_window_reads(KernelH, KernelW, ParallelH, ParallelW, 1)]
                               [tom_pieces(tom_taps(KernelH, KernelW, ParallelH, ParallelW) * Lanes * FieldBits)],
    hls::stream<ap_uint<Pixels * Lanes * InBits> > &in,
    hls::stream<ap_uint<Lanes * AccBits> > &out) {
  typedef tom_window<Lanes, InBits, Beats, Beats, 1, Height, Width, OutHeight, OutWidth, KernelH, KernelW, StrideH,
                     StrideW, DilationH, DilationW, PadTop, PadLeft, PadValue, ParallelH, ParallelW, Rows, Columns,
                     Pixels, RingRam> buffer;
  const unsigned Words = Beats * buffer::Reads, Cycles = buffer::Cycles;
  (void)Cycles;  // only a directive names it

  buffer window(frames);
  tom_dot<buffer::TapsH * buffer::TapsW, Lanes, false, InBits, InSigned, Cell, FieldBits, WeightBits, Constants,
          ProdBits, AccBits, Pack, Chain, Words> dot;

  while (window.busy()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
    ap_uint<InBits> codes[buffer::Codes];
#pragma HLS ARRAY_PARTITION variable = codes complete
    const tom_read read = window.step(in, codes);
    if (read.valid) {
      dot.step(mem_file, codes, read.first);
      if (read.last) out.write(dot.results());
    }
  }
}

#endif
