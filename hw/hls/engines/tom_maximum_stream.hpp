// SPDX-License-Identifier: Apache-2.0
// The greater of two streams, y = max(a, b), or the lesser.
//
// Bit-exact with Maximum of tomato/ops/maximum.py and tom_maximum_stream.sv: both codes are compared with one
// more bit than the wider has; OutBits hold the one chosen. One beat per cycle: FrameBeats cycles a frame.

#ifndef TOM_MAXIMUM_STREAM_HPP
#define TOM_MAXIMUM_STREAM_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"

template <
    unsigned Lanes,      // codes per beat
    unsigned ABits,      // width of a code of a
    bool ASigned,        // a is two's complement
    unsigned BBits,      // width of a code of b
    bool BSigned,        // b is two's complement
    bool Least,          // the lesser
    unsigned OutBits,    // width of the one chosen
    unsigned FrameBeats  // output beats per frame
    >
void tom_maximum_stream(
    const unsigned frames,
    hls::stream<ap_uint<Lanes * OutBits> > &out,
    hls::stream<ap_uint<Lanes * ABits> > &a,
    hls::stream<ap_uint<Lanes * BBits> > &b) {
  for (tom_countdown<FrameBeats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
    ap_uint<ABits> code_a[Lanes];
    ap_uint<BBits> code_b[Lanes];
    ap_uint<Lanes * OutBits> chosen = 0;
    tom_unpack<Lanes, ABits>(a.read(), code_a);
    tom_unpack<Lanes, BBits>(b.read(), code_b);

    for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
      const ap_int<tom_max(ABits, BBits) + 1> wide_a = tom_number<ASigned>(code_a[l]);
      const ap_int<tom_max(ABits, BBits) + 1> wide_b = tom_number<BSigned>(code_b[l]);
      const bool pick_a = (wide_a > wide_b) != Least;
      tom_put<OutBits>(chosen, l, ap_uint<OutBits>(pick_a ? wide_a : wide_b));
    }
    out.write(chosen);
  }
}

#endif
