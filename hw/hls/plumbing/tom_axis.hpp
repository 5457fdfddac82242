// SPDX-License-Identifier: Apache-2.0
// The edges of an accelerator: AXI4-Stream on one side, plain streams on the other.

#ifndef TOM_AXIS_HPP
#define TOM_AXIS_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "ap_axi_sdata.h"
#include "hls_stream.h"

// An AXI4-Stream beat of Width bits in whole bytes. Vivado HLS cannot leave its side channels out.
#ifdef TOM_VIVADO_HLS
template <unsigned Width>
using tom_axis_beat = ap_axiu<tom_ceil_div(Width, 8) * 8, 1, 1, 1>;
#else
template <unsigned Width>
using tom_axis_beat = ap_axiu<tom_ceil_div(Width, 8) * 8, 0, 0, 0>;
#endif

// Frames are counted: tlast is not used at the input.
template <
    unsigned Width,      // bits per beat
    unsigned FrameBeats  // beats per frame
    >
void tom_axis_in(const unsigned frames, hls::stream<tom_axis_beat<Width> > &in, hls::stream<ap_uint<Width> > &out) {
  for (tom_countdown<FrameBeats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
    out.write(ap_uint<Width>(in.read().data));
  }
}

// tlast marks the last beat of a frame.
template <
    unsigned Width,      // bits per beat
    unsigned FrameBeats  // beats per frame
    >
void tom_axis_out(const unsigned frames, hls::stream<ap_uint<Width> > &in, hls::stream<tom_axis_beat<Width> > &out) {
  tom_count<FrameBeats> beat = 0;
  for (tom_countdown<FrameBeats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
    tom_axis_beat<Width> packet;
    packet.data = in.read();
    packet.keep = -1;
    packet.strb = -1;
    packet.last = beat == FrameBeats - 1;
#ifdef TOM_VIVADO_HLS
    packet.user = 0;
    packet.id = 0;
    packet.dest = 0;
#endif
    out.write(packet);
    beat = tom_next<FrameBeats>(beat);
  }
}

#endif
