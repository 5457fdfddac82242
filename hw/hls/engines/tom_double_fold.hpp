// SPDX-License-Identifier: Apache-2.0
// Products and their sums, where the Verilog has an array of half the size at twice the clock.
//
// Bit-exact with tomato/ops/dense.py, tomato/ops/conv2d.py and tom_double_fold.sv. A loop has one clock: it takes both
// halves of a read in one step, with multipliers for both. Cycles per output pixel: Groups * Folds * reads, at least one
// cycle per input beat. Each fold yields Outputs channels.

#ifndef TOM_DOUBLE_FOLD_HPP
#define TOM_DOUBLE_FOLD_HPP

#include "tom_dot.hpp"
#include "tom_window.hpp"

#include "hls_stream.h"

template <
    unsigned Lanes,       // input codes per beat
    unsigned Outputs,     // output codes per beat: filters computed at once
    unsigned Beats,       // input beats per pixel
    unsigned Groups,      // groups of channels
    unsigned Folds,       // output beats per pixel and group
    unsigned Depth,       // results on their way or waiting: of the Verilog alone
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
    unsigned WeightRam,   // memory kind of the weights: 0 LUT, 1 block RAM, bound by the caller
    unsigned FrameBeats   // output beats per frame
    >
void tom_double_fold(
    const unsigned frames,
    const tom_piece (&mem_file)[2 * Groups * Folds *
                                tom_window_reads(KernelH, KernelW, ParallelH, ParallelW, Beats / Groups)]
                               [tom_pieces((tom_taps(KernelH, KernelW, ParallelH, ParallelW) * Lanes + 1) / 2 * Outputs * FieldBits)],
    hls::stream<ap_uint<Pixels * Lanes * InBits> > &in,
    hls::stream<ap_uint<Outputs * AccBits> > &out) {
  const unsigned Images = FrameBeats / (OutHeight * OutWidth * Groups * Folds);
  typedef tom_window<Lanes, InBits, Beats, Groups, Folds, Height, Width, OutHeight, OutWidth, KernelH, KernelW,
                     StrideH, StrideW, DilationH, DilationW, PadTop, PadLeft, PadValue, ParallelH, ParallelW, Rows,
                     Columns, Pixels, RingRam, Images> buffer;
  const unsigned Words = 2 * Groups * Folds * buffer::Reads, Cycles = buffer::Cycles;
  const unsigned Half = (buffer::Codes + 1) / 2;
  (void)Cycles;  // only a directive names it

  buffer window(frames);
  tom_dot<Half, Outputs, true, InBits, InSigned, Cell, FieldBits, WeightBits, Constants, ProdBits, AccBits, Pack, Chain,
          Words> dot;

  while (window.busy()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
    ap_uint<InBits> codes[buffer::Codes], early[Half], late[Half];
#pragma HLS ARRAY_PARTITION variable = codes complete
#pragma HLS ARRAY_PARTITION variable = early complete
#pragma HLS ARRAY_PARTITION variable = late complete
    const tom_read read = window.step(in, codes);
    if (read.valid) {
      for (unsigned i = 0; i < Half; ++i) {
#pragma HLS UNROLL
        early[i] = codes[i];
        late[i] = Half + i < buffer::Codes ? codes[(Half + i) % buffer::Codes] : ap_uint<InBits>(0);
      }
      dot.step(mem_file, early, read.first);
      dot.step(mem_file, late, false);
      if (read.last) out.write(dot.results());
    }
  }
}

#endif
