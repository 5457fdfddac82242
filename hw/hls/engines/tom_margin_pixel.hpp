// SPDX-License-Identifier: Apache-2.0
// Whether the largest code of a frame is Margin or more ahead of the second largest: y = first - second >= Margin.
//
// Bit-exact with Sure of tomato/ops/exits.py and tom_margin_pixel.sv. One code per cycle: Channels cycles a frame.

#ifndef TOM_MARGIN_PIXEL_HPP
#define TOM_MARGIN_PIXEL_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"

template <
    unsigned Channels,  // codes of a frame
    unsigned InBits,    // width of a code
    bool InSigned,      // codes are two's complement
    unsigned Margin     // the least difference that is sure; 2^InBits: none is
    >
void tom_margin_pixel(const unsigned frames, hls::stream<ap_uint<InBits> > &in, hls::stream<ap_uint<1> > &out) {
  static_assert(Channels >= 2, "Channels must be at least 2");

  typedef ap_int<InBits + 1> key;
  key most = 0;
  key second = 0;
  tom_count<Channels> channel = 0;
  for (tom_countdown<Channels> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Channels max = Channels
    const ap_uint<InBits> code = in.read();
    const key x = tom_number<InSigned>(code);
    const bool first = channel == 0;
    const bool ahead = first || x > most;
    const key least = key(ap_uint<InBits + 1>(1) << int(InBits));
    second = first ? least : ahead ? most : x > second ? x : second;
    most = ahead ? x : most;
    if (channel == Channels - 1) out.write(ap_uint<1>(ap_uint<InBits + 1>(most - second) >= Margin));
    channel = tom_next<Channels>(channel);
  }
}

#endif
