// SPDX-License-Identifier: Apache-2.0
// One of two streams, place by place: y = condition != 0 ? a : b.
//
// Bit-exact with Select of tomato/ops/select.py and tom_select_stream.sv; OutBits hold every code of a and of b.
// One beat per cycle: FrameBeats cycles a frame.

#ifndef TOM_SELECT_STREAM_HPP
#define TOM_SELECT_STREAM_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"

template <
    unsigned Lanes,          // codes per beat
    unsigned ConditionBits,  // width of a code of the condition
    unsigned ABits,          // width of a code of a
    bool ASigned,            // a is two's complement
    unsigned BBits,          // width of a code of b
    bool BSigned,            // b is two's complement
    unsigned OutBits,        // width of the one chosen
    unsigned FrameBeats      // output beats per frame
    >
void tom_select_stream(
    const unsigned frames,
    hls::stream<ap_uint<Lanes * OutBits> > &out,
    hls::stream<ap_uint<Lanes * ConditionBits> > &condition,
    hls::stream<ap_uint<Lanes * ABits> > &a,
    hls::stream<ap_uint<Lanes * BBits> > &b) {
  for (tom_countdown<FrameBeats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
    ap_uint<ConditionBits> picks[Lanes];
    ap_uint<ABits> code_a[Lanes];
    ap_uint<BBits> code_b[Lanes];
    ap_uint<Lanes * OutBits> chosen = 0;
    tom_unpack<Lanes, ConditionBits>(condition.read(), picks);
    tom_unpack<Lanes, ABits>(a.read(), code_a);
    tom_unpack<Lanes, BBits>(b.read(), code_b);

    for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
      const ap_int<tom_max(ABits, BBits) + 1> wide_a = tom_number<ASigned>(code_a[l]);
      const ap_int<tom_max(ABits, BBits) + 1> wide_b = tom_number<BSigned>(code_b[l]);
      tom_put<OutBits>(chosen, l, ap_uint<OutBits>(picks[l] != 0 ? wide_a : wide_b));
    }
    out.write(chosen);
  }
}

#endif
