// SPDX-License-Identifier: Apache-2.0
// Counts frames: for every beat that comes, the number of those before it in this call, modulo 2^Bits.
//
// Bit-exact with Number of tomato/ops/exits.py and tom_number_frame.sv. The number leaves in Beats beats of Width bits,
// the lowest digits first, with zeros above it. One beat per cycle: Beats cycles a frame.

#ifndef TOM_NUMBER_FRAME_HPP
#define TOM_NUMBER_FRAME_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"

template <
    unsigned Bits,   // width of the number
    unsigned Width,  // bits of a beat
    unsigned Beats   // beats of a number
    >
void tom_number_frame(const unsigned frames, hls::stream<ap_uint<1> > &told, hls::stream<ap_uint<Width> > &out) {
  ap_uint<Bits> number = 0;
  ap_uint<Width * Beats> digits = 0;
  tom_count<Beats> beat = 0;
  for (tom_countdown<Beats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Beats max = Beats
    if (beat == 0) {
      told.read();
      digits = number;
      number += 1;
    }
    out.write(ap_uint<Width>(digits));
    digits >>= Width;
    beat = tom_next<Beats>(beat);
  }
}

#endif
