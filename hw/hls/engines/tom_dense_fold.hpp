// SPDX-License-Identifier: Apache-2.0
// Matrix product on every pixel: a ring of a few pixels in front of an array of multipliers (tom_dot).
//
// Bit-exact with tomato/ops/dense.py and tom_dense_fold.sv: fully connected layers and pointwise
// convolutions. Cycles per pixel: Beats * Folds; at least one cycle per input beat. Each fold yields Outputs
// channels.

#ifndef TOM_DENSE_FOLD_HPP
#define TOM_DENSE_FOLD_HPP

#include "tom_dot.hpp"
#include "tom_window.hpp"

#include "hls_stream.h"

template <
    unsigned Lanes,       // input codes per beat
    unsigned Outputs,     // output codes per beat: filters computed at once
    unsigned Beats,       // input beats per pixel
    unsigned Folds,       // output beats per pixel
    unsigned Pixels,      // pixels in the ring
    unsigned RingRam,     // memory kind of the ring: 0 LUTRAM, 1 block RAM, 2 UltraRAM
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
void tom_dense_fold(
    const unsigned frames,
    const tom_piece (&mem_file)[Folds * Beats][tom_pieces(Lanes * Outputs * FieldBits)],
    hls::stream<ap_uint<Lanes * InBits> > &in,
    hls::stream<ap_uint<Outputs * AccBits> > &out) {
  // Every pixel is an image of its own.
  typedef tom_window<Lanes, InBits, Beats, 1, Folds, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, false, false, Pixels, 1, 1,
                     RingRam, FrameBeats / Folds> buffer;
  const unsigned Words = Folds * Beats, Cycles = buffer::Cycles;
  (void)Cycles;  // only a directive names it

  buffer window(frames);
  tom_dot<Lanes, Outputs, true, InBits, InSigned, Cell, FieldBits, WeightBits, Constants, ProdBits, AccBits, Pack,
          Chain, Words> dot;

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
