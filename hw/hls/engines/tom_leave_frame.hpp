// SPDX-License-Identifier: Apache-2.0
// Passes every frame, and drops the bit that says whether it is sure.
//
// Bit-exact with Leave of tomato/ops/exits.py. A loop plays every frame to its end, so nothing is left out here: in
// tom_leave_frame.sv the frames that are sure end. One beat per cycle: Beats cycles a frame.

#ifndef TOM_LEAVE_FRAME_HPP
#define TOM_LEAVE_FRAME_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"

template <
    unsigned Width,  // bits of a beat
    unsigned Beats   // beats of a frame
    >
void tom_leave_frame(
    const unsigned frames,
    hls::stream<ap_uint<Width> > &out,
    hls::stream<ap_uint<1> > &sure,
    hls::stream<ap_uint<Width> > &in) {
  tom_count<Beats> beat = 0;
  for (tom_countdown<Beats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Beats max = Beats
    if (beat == 0) sure.read();
    out.write(in.read());
    beat = tom_next<Beats>(beat);
  }
}

#endif
