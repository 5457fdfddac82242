// SPDX-License-Identifier: Apache-2.0
// Fills a memory that the bitstream cannot initialise: every word in beats of LoadBits, low bits first.

#ifndef TOM_LOAD_HPP
#define TOM_LOAD_HPP

#include "tom_codes.hpp"

#include "hls_stream.h"
#include "tom_axis.hpp"

template <
    unsigned LoadBits,  // bits per beat, a multiple of 64
    unsigned Width,     // bits per word
    unsigned Words      // words of the memory
    >
void tom_load(hls::stream<tom_axis_beat<LoadBits> > &in, tom_piece (&memory)[Words][tom_pieces(Width)]) {
  const unsigned Pieces = tom_pieces(Width), PerBeat = LoadBits / 64, Beats = tom_ceil_div(Width, LoadBits);
  static_assert(LoadBits % 64 == 0, "beats must be whole pieces");
  for (unsigned w = 0; w < Words; ++w) {
    tom_piece word[Beats * PerBeat];
#pragma HLS ARRAY_PARTITION variable = word complete
    for (unsigned b = 0; b < Beats; ++b) {
#pragma HLS PIPELINE II = 1
      const ap_uint<LoadBits> beat = in.read().data;
      for (unsigned p = 0; p < Beats * PerBeat; ++p) {
#pragma HLS UNROLL
        const int low = static_cast<int>(p % PerBeat * 64);
        if (p / PerBeat == b) word[p] = ap_uint<64>(beat.range(low + 63, low)).to_uint64();
      }
      // The directive that joins pieces makes one write of these.
      if (b == Beats - 1) {
        for (unsigned p = 0; p < Pieces; ++p) {
#pragma HLS UNROLL
          memory[w][p] = word[p];
        }
      }
    }
  }
}

#endif
