// SPDX-License-Identifier: Apache-2.0
// The exact weighted sum of two streams: y = a * ScaleA + b * ScaleB.
//
// Bit-exact with Add of tomato/ops/join.py and tom_add_stream.sv: OutBits hold every sum, so arithmetic
// modulo 2^OutBits is exact. One beat per cycle: FrameBeats cycles a frame.

#ifndef TOM_ADD_STREAM_HPP
#define TOM_ADD_STREAM_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"

template <
    unsigned Lanes,      // codes per beat
    unsigned ABits,      // width of a code of a
    bool ASigned,        // a is two's complement
    unsigned BBits,      // width of a code of b
    bool BSigned,        // b is two's complement
    int ScaleA,          // factor of a
    int ScaleB,          // factor of b
    unsigned OutBits,    // width of a sum
    unsigned FrameBeats  // output beats per frame
    >
void tom_add_stream(
    const unsigned frames,
    hls::stream<ap_uint<Lanes * OutBits> > &out,
    hls::stream<ap_uint<Lanes * ABits> > &a,
    hls::stream<ap_uint<Lanes * BBits> > &b) {
  for (tom_countdown<FrameBeats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
    ap_uint<ABits> code_a[Lanes];
    ap_uint<BBits> code_b[Lanes];
    ap_uint<Lanes * OutBits> sums = 0;
    tom_unpack<Lanes, ABits>(a.read(), code_a);
    tom_unpack<Lanes, BBits>(b.read(), code_b);

    for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
      const ap_int<OutBits> scaled_a = tom_number<ASigned>(code_a[l]) * ScaleA;
      const ap_int<OutBits> scaled_b = tom_number<BSigned>(code_b[l]) * ScaleB;
      tom_put<OutBits>(sums, l, ap_uint<OutBits>(scaled_a + scaled_b));
    }
    out.write(sums);
  }
}

#endif
