// SPDX-License-Identifier: Apache-2.0
// Weights that are mostly zero: what a list names is read, the words that are not zero.
//
// A line buffer (tom_window) in front of an array of multipliers (tom_dot).
// Bit-exact with tomato/ops/dense.py, tomato/ops/conv2d.py and tom_sparse_fold.sv. Matrix products on every pixel (each
// is an image of its own), convolutions of any kernel, stride, dilation, padding and groups of whole beats, depthwise
// ones without Shared. Cycles per output pixel: the Kept words, of every pass at least one; at least one cycle per
// input beat.

#ifndef TOM_SPARSE_FOLD_HPP
#define TOM_SPARSE_FOLD_HPP

#include "tom_dot.hpp"
#include "tom_window.hpp"

#include "hls_stream.h"

template <
    unsigned Lanes,       // input codes per beat
    unsigned Parts,       // of a beat, a weight word meets one
    unsigned Lists,       // groups of lanes, each reads what the list names for it
    unsigned Outputs,     // output codes per beat: filters computed at once
    unsigned Beats,       // input beats per pixel
    unsigned Folds,       // output beats per pixel
    bool Shared,          // all filters see the same inputs; false: depthwise, Outputs is Lanes
    unsigned Kept,        // weight words, and reads of an output pixel
    unsigned ListRam,     // memory kind of the list of reads: 0 LUT, 1 block RAM, bound by the caller
    unsigned Depth,       // results on their way or waiting
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
void tom_sparse_fold(
    const unsigned frames,
    const tom_piece (&mem_file)[Kept][tom_pieces(tom_taps(KernelH, KernelW, ParallelH, ParallelW) *
                                                 (Shared ? Lanes / Parts : 1) * Outputs * FieldBits)],
    const tom_piece (&mem_file0)[Kept][tom_pieces(
        2 + Lists * tom_place_bits(Parts, Beats, ParallelW ? 1 : KernelW, ParallelH ? 1 : KernelH))],
    hls::stream<ap_uint<Pixels * Lanes * InBits> > &in,
    hls::stream<ap_uint<Outputs * AccBits> > &out) {
  const unsigned Images = FrameBeats / (OutHeight * OutWidth * Folds);
  typedef tom_window<Lanes, InBits, Beats, 1, 1, Height, Width, OutHeight, OutWidth, KernelH, KernelW, StrideH, StrideW,
                     DilationH, DilationW, PadTop, PadLeft, PadValue, ParallelH, ParallelW, Rows, Columns, Pixels,
                     RingRam, Images, Kept, Lists, Parts> buffer;
  const unsigned Inputs = buffer::TapsH * buffer::TapsW * (Shared ? Lanes / Parts : 1), Cycles = buffer::Cycles;
  (void)Cycles;  // only a directive names it

  buffer window(frames);
  tom_dot<Inputs, Outputs, Shared, InBits, InSigned, Cell, FieldBits, WeightBits, Constants, ProdBits, AccBits, Pack,
          Chain, Kept> dot;

  while (window.busy()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
    ap_uint<InBits> codes[buffer::Codes];
#pragma HLS ARRAY_PARTITION variable = codes complete
    const tom_read read = window.step(mem_file0, in, codes);
    if (read.valid) {
      dot.step(mem_file, codes, read.first);
      if (read.last) out.write(dot.results());
    }
  }
}

#endif
