// SPDX-License-Identifier: Apache-2.0
// Changes how many codes a beat carries, from InLanes to OutLanes, any ratio.
//
// Drops the unused lanes at the end of every input pixel and leaves the last beat of every output pixel ragged.
// The channel counts of the two sides may differ: the frame is the same sequence of codes. One beat per cycle on
// the side that has more of them: a buffer that codes enter at its end and leave at its start, in units of as
// many codes as every beat is a multiple of. It never waits for a beat while it has one to write.

#ifndef TOM_WIDTH_HPP
#define TOM_WIDTH_HPP

#include <cassert>

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"

constexpr unsigned tom_gcd(unsigned a, unsigned b) { return b == 0 ? a : tom_gcd(b, a % b); }

// `value` moved up by `units` of UnitW bits: one choice per bit of `units`, and no multiplication.
template <unsigned UnitW, int Width, int Bits>
ap_uint<Width> tom_raised(ap_uint<Width> value, const ap_uint<Bits> &units) {
#pragma HLS INLINE
  for (int b = 0; b < Bits; ++b) {
#pragma HLS UNROLL
    const int by = static_cast<int>(UnitW << b);
    if (by < Width && units[b]) value = value << by;
  }
  return value;
}

template <
    unsigned Bits,         // width of a code
    unsigned InChannels,   // codes per input pixel
    unsigned InLanes,      // codes per input beat
    unsigned OutChannels,  // codes per output pixel
    unsigned OutLanes,     // codes per output beat
    unsigned FrameBeats    // output beats per frame
    >
void tom_width(const unsigned frames, hls::stream<ap_uint<InLanes * Bits> > &in,
               hls::stream<ap_uint<OutLanes * Bits> > &out) {
  const unsigned Unit = tom_gcd(tom_gcd(InChannels, InLanes), tom_gcd(OutChannels, OutLanes));
  const unsigned UnitW = Unit * Bits;
  const unsigned In = InLanes / Unit, Out = OutLanes / Unit;
  const unsigned InBeats = tom_ceil_div(InChannels, InLanes);
  const unsigned OutBeats = tom_ceil_div(OutChannels, OutLanes);
  const unsigned InLast = InChannels / Unit - (InBeats - 1) * In;
  const unsigned OutLast = OutChannels / Unit - (OutBeats - 1) * Out;
  const unsigned Capacity = In + Out - 1 + (InChannels == OutChannels ? tom_max(In, Out) : In + Out);
  const unsigned InFrame = FrameBeats / OutBeats * OutChannels / InChannels * InBeats;  // input beats per frame
  const unsigned Cycles = tom_max(InFrame, FrameBeats);
  const unsigned Lead = tom_ceil_div(OutLanes, InLanes) + 1;  // from the first beat in to the first beat out
  typedef ap_uint<InLanes * Bits> in_type;
  typedef ap_uint<OutLanes * Bits> out_type;
  typedef ap_uint<Capacity * UnitW> buffer_type;

  buffer_type buffer = 0;
  tom_count<Capacity> count = 0;
  tom_count<InBeats> in_beat = 0;
  tom_count<OutBeats> out_beat = 0;
  tom_countdown<InFrame> to_come(frames);
  tom_countdown<FrameBeats> to_leave(frames);

#ifndef __SYNTHESIS__
  tom_piece steps_left = tom_piece(frames) * Cycles + Lead;
#endif

  while (to_leave.any()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
#ifndef __SYNTHESIS__
    assert(steps_left-- != 0 && "slower than the closed form, or the input stream lacks beats");
#endif
    // Both sides see what earlier steps have left.
    const bool out_end = out_beat == OutBeats - 1, in_end = in_beat == InBeats - 1;
    const tom_count<Capacity> leaving = out_end ? OutLast : Out, arriving = in_end ? InLast : In;
    const bool gives = count >= leaving, takes = to_come.any() && count <= Capacity - In && !in.empty();
    const tom_count<Capacity> kept = gives ? tom_count<Capacity>(count - leaving) : count;
    if (gives) {
      out.write(out_type(buffer));
      buffer = out_end ? buffer >> static_cast<int>(OutLast * UnitW) : buffer >> static_cast<int>(Out * UnitW);
      out_beat = tom_next<OutBeats>(out_beat);
      to_leave.step();
    }
    if (takes) {
      in_type beat = in.read();
      if (in_end) beat = in_type(ap_uint<InLast * UnitW>(beat));
      buffer |= tom_raised<UnitW>(buffer_type(beat), kept);
      in_beat = tom_next<InBeats>(in_beat);
      to_come.step();
    }
    count = takes ? tom_count<Capacity>(kept + arriving) : kept;
  }
}

#endif
