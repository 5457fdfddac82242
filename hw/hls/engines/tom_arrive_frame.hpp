// SPDX-License-Identifier: Apache-2.0
// The early frame where it is sure, else the late one, in the order of the frames.
//
// Bit-exact with Exit of tomato/ops/exits.py. A loop plays every frame to its end, so that nothing arrives before its
// turn, and Ram is not used: tom_arrive_frame.sv lets frames leave as they come. One beat per cycle: Beats cycles a
// frame.

#ifndef TOM_ARRIVE_FRAME_HPP
#define TOM_ARRIVE_FRAME_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"

template <
    unsigned Lanes,      // codes per beat
    unsigned EarlyBits,  // width of an early code
    bool EarlySigned,    // early codes are two's complement
    unsigned LateBits,   // width of a late code
    bool LateSigned,     // late codes are two's complement
    unsigned OutBits,    // width of the one that leaves
    unsigned Beats,      // beats of a frame
    unsigned Ram         // memory kind of late frames in Verilog
    >
void tom_arrive_frame(
    const unsigned frames,
    hls::stream<ap_uint<Lanes * OutBits> > &out,
    hls::stream<ap_uint<1> > &sure,
    hls::stream<ap_uint<Lanes * EarlyBits> > &early,
    hls::stream<ap_uint<Lanes * LateBits> > &late) {
  ap_uint<1> leaves = 0;
  tom_count<Beats> beat = 0;
  for (tom_countdown<Beats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Beats max = Beats
    ap_uint<EarlyBits> code_early[Lanes];
    ap_uint<LateBits> code_late[Lanes];
    ap_uint<Lanes * OutBits> chosen = 0;
    if (beat == 0) leaves = sure.read();
    tom_unpack<Lanes, EarlyBits>(early.read(), code_early);
    tom_unpack<Lanes, LateBits>(late.read(), code_late);

    for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
      const ap_int<tom_max(EarlyBits, LateBits) + 1> wide_early = tom_number<EarlySigned>(code_early[l]);
      const ap_int<tom_max(EarlyBits, LateBits) + 1> wide_late = tom_number<LateSigned>(code_late[l]);
      tom_put<OutBits>(chosen, l, ap_uint<OutBits>(leaves != 0 ? wide_early : wide_late));
    }
    out.write(chosen);
    beat = tom_next<Beats>(beat);
  }
}

#endif
