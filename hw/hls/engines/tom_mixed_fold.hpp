// SPDX-License-Identifier: Apache-2.0
// Multipliers of two kinds: those of some filters are in DSP blocks, those of the others in LUTs.
//
// Bit-exact with tomato/ops/dense.py, tomato/ops/conv2d.py and tom_mixed_fold.sv: a line buffer (tom_window) in front of
// two arrays of multipliers (tom_dot), one of each kind, that see the same inputs. Cycles per output pixel: Groups *
// Folds * reads; at least one cycle per input beat. Each fold yields Outputs channels, the last InLuts of them from LUTs.

#ifndef TOM_MIXED_FOLD_HPP
#define TOM_MIXED_FOLD_HPP

#include "tom_dot.hpp"
#include "tom_window.hpp"

#include "hls_stream.h"

template <
    unsigned Lanes,          // input codes per beat
    unsigned Outputs,        // output codes per beat: filters computed at once
    unsigned InLuts,         // of them, filters that multiply in LUTs
    unsigned Beats,          // input beats per pixel
    unsigned Groups,         // groups of channels
    unsigned Folds,          // output beats per pixel and group
    unsigned Depth,          // results on their way or waiting: of the Verilog alone
    unsigned Height,         // input rows
    unsigned Width,          // input columns
    unsigned OutHeight,      // output rows
    unsigned OutWidth,       // output columns
    unsigned KernelH, unsigned KernelW, unsigned StrideH, unsigned StrideW, unsigned DilationH, unsigned DilationW,
    unsigned PadTop, unsigned PadLeft,
    int PadValue,            // code of the border
    bool ParallelH,          // all kernel rows at once
    bool ParallelW,          // all kernel columns at once
    unsigned Rows,           // rows in the line buffer
    unsigned Columns,        // column banks of the line buffer
    unsigned Pixels,         // neighbouring columns per input beat
    unsigned RingRam,        // memory kind of the line buffer: 0 LUTRAM, 1 block RAM, 2 UltraRAM
    unsigned InBits,         // width of an input code
    bool InSigned,           // inputs are two's complement
    unsigned WeightBits,     // width of a weight that goes to a DSP block, two's complement
    unsigned ProdBits,       // width of its products, or of the sum of a chain
    unsigned Pack,           // filters that share a DSP block
    unsigned Chain,          // products that are summed in a row of DSP blocks; 0: all are in LUTs
    unsigned LutWeightBits,  // width of a weight that goes to LUTs, two's complement
    unsigned LutProdBits,    // width of its products
    unsigned AccBits,        // width of an output code
    unsigned WeightRam,      // memory kind of the weights: 0 LUT, 1 block RAM, bound by the caller
    unsigned FrameBeats      // output beats per frame
    >
void tom_mixed_fold(
    const unsigned frames,
    const tom_piece (&mem_file)[Groups * Folds * tom_window_reads(KernelH, KernelW, ParallelH, ParallelW, Beats / Groups)]
                               [tom_pieces(tom_taps(KernelH, KernelW, ParallelH, ParallelW) * Lanes * (Outputs - InLuts) * WeightBits)],
    const tom_piece (&mem_file0)[Groups * Folds * tom_window_reads(KernelH, KernelW, ParallelH, ParallelW, Beats / Groups)]
                                [tom_pieces(tom_taps(KernelH, KernelW, ParallelH, ParallelW) * Lanes * InLuts * LutWeightBits)],
    hls::stream<ap_uint<Pixels * Lanes * InBits> > &in,
    hls::stream<ap_uint<Outputs * AccBits> > &out) {
  const unsigned Images = FrameBeats / (OutHeight * OutWidth * Groups * Folds);
  typedef tom_window<Lanes, InBits, Beats, Groups, Folds, Height, Width, OutHeight, OutWidth, KernelH, KernelW,
                     StrideH, StrideW, DilationH, DilationW, PadTop, PadLeft, PadValue, ParallelH, ParallelW, Rows,
                     Columns, Pixels, RingRam, Images> buffer;
  typedef tom_bits<> None;
  const unsigned Words = Groups * Folds * buffer::Reads, Cycles = buffer::Cycles, InBlocks = Outputs - InLuts;
  (void)Cycles;  // only a directive names it

  buffer window(frames);
  tom_dot<buffer::Codes, InBlocks, true, InBits, InSigned, 0, WeightBits, WeightBits, None, ProdBits, AccBits, Pack,
          Chain, Words> blocks;
  tom_dot<buffer::Codes, InLuts, true, InBits, InSigned, 0, LutWeightBits, LutWeightBits, None, LutProdBits, AccBits, 0,
          0, Words> luts;

  while (window.busy()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
    ap_uint<InBits> codes[buffer::Codes];
#pragma HLS ARRAY_PARTITION variable = codes complete
    const tom_read read = window.step(in, codes);
    if (read.valid) {
      blocks.step(mem_file, codes, read.first);
      luts.step(mem_file0, codes, read.first);
      if (read.last) {
        ap_uint<Outputs * AccBits> beat = blocks.results();
        beat.range(Outputs * AccBits - 1, InBlocks * AccBits) = luts.results();
        out.write(beat);
      }
    }
  }
}

#endif
