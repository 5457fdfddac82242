// SPDX-License-Identifier: Apache-2.0
// Copies a stream: every output gets every beat. One beat per cycle.

#ifndef TOM_FORK_HPP
#define TOM_FORK_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"

template <int Width>
void tom_copy(const ap_uint<Width> &beat, hls::stream<ap_uint<Width> > &out) {
#pragma HLS INLINE
  out.write(beat);
}

template <int Width, typename... Others>
void tom_copy(const ap_uint<Width> &beat, hls::stream<ap_uint<Width> > &out, Others &...others) {
#pragma HLS INLINE
  out.write(beat);
  tom_copy(beat, others...);
}

template <
    unsigned Outputs,     // copies
    unsigned Width,       // bits per beat
    unsigned FrameBeats,  // beats per frame
    typename... Streams   // as many as Outputs
    >
void tom_fork(const unsigned frames, hls::stream<ap_uint<Width> > &in, Streams &...outs) {
  static_assert(sizeof...(Streams) == Outputs, "one stream per output");
  for (tom_countdown<FrameBeats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
    tom_copy(in.read(), outs...);
  }
}

#endif
