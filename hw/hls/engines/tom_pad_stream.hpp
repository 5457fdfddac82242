// SPDX-License-Identifier: Apache-2.0
// Surrounds every frame with a border of one code.
//
// Bit-exact with Pad of tomato/ops/move.py and tom_pad_stream.sv. One output beat per cycle:
// (Top + Height + Bottom) * (Left + Width + Right) * Beats cycles a frame; input beats wait while border passes.

#ifndef TOM_PAD_STREAM_HPP
#define TOM_PAD_STREAM_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"
#include "tom_slice_count.hpp"

template <
    unsigned Lanes,    // codes per beat
    unsigned InBits,   // width of an input code
    bool InSigned,     // inputs are two's complement
    unsigned OutBits,  // width of an output code
    unsigned Height,   // rows of the input
    unsigned Width,    // columns of the input
    unsigned Beats,    // beats per pixel
    unsigned Top,      // rows of border above
    unsigned Left,     // columns of border before
    unsigned Bottom,   // rows of border below
    unsigned Right,    // columns of border behind
    int Value          // code of the border
    >
void tom_pad_stream(const unsigned frames, hls::stream<ap_uint<Lanes * InBits> > &in,
                    hls::stream<ap_uint<Lanes * OutBits> > &out) {
  const unsigned OutHeight = Top + Height + Bottom, OutWidth = Left + Width + Right;
  const unsigned Cycles = OutHeight * OutWidth * Beats;

  tom_slice_place<tom_slice_count<OutHeight, Top, Top + Height, 1>, tom_slice_count<OutWidth, Left, Left + Width, 1>,
                  tom_slice_count<Beats, 0, Beats, 1> > place;
  ap_uint<Lanes * OutBits> border = 0;
  for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
    tom_put<OutBits>(border, l, ap_uint<OutBits>(Value));
  }

  for (tom_countdown<Cycles> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
    out.write(place.pass() ? tom_widen<Lanes, InBits, InSigned, OutBits>(in.read()) : border);
    place.step();
  }
}

#endif
