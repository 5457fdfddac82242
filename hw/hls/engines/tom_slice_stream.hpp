// SPDX-License-Identifier: Apache-2.0
// Passes a part of every frame: rows and columns from a begin to an end by a step, beats from a begin to an end.
//
// Bit-exact with Slice of tomato/ops/move.py and tom_slice_stream.sv. One input beat per cycle:
// Height * Width * Beats cycles a frame.

#ifndef TOM_SLICE_STREAM_HPP
#define TOM_SLICE_STREAM_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"
#include "tom_slice_count.hpp"

template <
    unsigned Lanes,      // codes per beat
    unsigned Bits,       // width of a code
    unsigned Height,     // rows of the input
    unsigned Width,      // columns of the input
    unsigned Beats,      // beats per input pixel
    unsigned RowBegin,   // first row that passes
    unsigned RowEnd,     // the row behind the last that may pass
    unsigned RowStep,    // rows from one that passes to the next
    unsigned ColBegin,   // the same for columns
    unsigned ColEnd,
    unsigned ColStep,
    unsigned BeatBegin,  // first beat of a pixel that passes
    unsigned BeatEnd,    // the beat behind the last that passes
    unsigned Places      // beats that may wait; here it is the stream behind that holds them
    >
void tom_slice_stream(const unsigned frames, hls::stream<ap_uint<Lanes * Bits> > &in,
                      hls::stream<ap_uint<Lanes * Bits> > &out) {
  const unsigned Cycles = Height * Width * Beats;

  tom_slice_place<tom_slice_count<Height, RowBegin, RowEnd, RowStep>, tom_slice_count<Width, ColBegin, ColEnd, ColStep>,
                  tom_slice_count<Beats, BeatBegin, BeatEnd, 1> > place;
  for (tom_countdown<Cycles> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
    const ap_uint<Lanes * Bits> beat = in.read();
    if (place.pass()) out.write(beat);
    place.step();
  }
}

#endif
