// SPDX-License-Identifier: Apache-2.0
// The largest channels of every pixel as they are, all others Zero.
//
// Bit-exact with KeepLargest of tomato/ops/keep_largest.py and tom_largest_pixel.sv: of equals the first are kept. A
// list in order, one cell for each, takes in those that are kept, or those that are not where they are fewer (Kept 0);
// its last, the bound, and the place of that decide every code that leaves.
//
// Codes wait in a ring for the bound of their pixel. A code per step: FrameBeats cycles a frame, and a pixel more.

#ifndef TOM_LARGEST_PIXEL_HPP
#define TOM_LARGEST_PIXEL_HPP

#include <cassert>

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"
#include "tom_memory.hpp"

template <
    unsigned Channels,   // codes of a pixel
    unsigned InBits,     // width of an input code
    bool InSigned,       // inputs are two's complement
    bool Kept,           // the list has what is kept; false: what is not
    unsigned Cells,      // of the list
    int Zero,            // the code of all that is not kept
    unsigned OutBits,    // width of a result
    unsigned Depth,      // codes that may wait
    unsigned Ram,        // memory of these: 0 LUTRAM, 1 block RAM
    unsigned FrameBeats  // output beats per frame
    >
void tom_largest_pixel(const unsigned frames, hls::stream<ap_uint<InBits> > &in, hls::stream<ap_uint<OutBits> > &out) {
  const unsigned Pixels = Depth / Channels + 1;
  typedef ap_int<InBits + 1> number_type;
  typedef tom_count<Channels> place_type;

  ap_uint<InBits> waiting[Depth];
  tom_memory<Ram>::bind(waiting);
  number_type bounds[Pixels], cell[Cells];
  place_type bound_places[Pixels], place[Cells];
#pragma HLS ARRAY_PARTITION variable = bounds complete
#pragma HLS ARRAY_PARTITION variable = bound_places complete
#pragma HLS ARRAY_PARTITION variable = cell complete
#pragma HLS ARRAY_PARTITION variable = place complete
// A code is read a pixel behind its bound's, or more.
#pragma HLS DEPENDENCE variable = waiting inter RAW distance = 1 true

  tom_countdown<FrameBeats> to_come(frames);
  tom_countdown<FrameBeats> to_leave(frames);
  tom_count<Depth> held = 0, write = 0, read = 0;
  tom_count<Pixels> ready = 0, in_pixel = 0, out_pixel = 0;
  place_type in_place = 0, out_place = 0;
#ifndef __SYNTHESIS__
  tom_piece steps_left = tom_piece(frames) * FrameBeats + Channels + 1;
#endif

  while (to_leave.any()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
#ifndef __SYNTHESIS__
    assert(steps_left-- != 0 && "slower than the closed form, or the input stream lacks beats");
#endif
    const bool reads = ready != 0, writes = to_come.any() && held != Depth && !in.empty();
    const bool left = reads && out_place == Channels - 1, came = writes && in_place == Channels - 1;

    if (reads) {
      const number_type code = tom_number<InSigned>(waiting[read]);
      const number_type bound = bounds[out_pixel];
      const bool before = out_place <= bound_places[out_pixel], behind = out_place >= bound_places[out_pixel];
      const bool listed = Kept ? code > bound || (code == bound && before) : code < bound || (code == bound && behind);
      out.write(listed == Kept ? ap_uint<OutBits>(code) : ap_uint<OutBits>(Zero));
      read = tom_next<Depth>(read);
      if (left) out_pixel = tom_next<Pixels>(out_pixel);
      out_place = tom_next<Channels>(out_place);
      to_leave.step();
    }

    if (writes) {
      const ap_uint<InBits> word = in.read();
      const number_type code = tom_number<InSigned>(word);
      bool ahead[Cells];
#pragma HLS ARRAY_PARTITION variable = ahead complete
      for (unsigned c = 0; c < Cells; ++c) {
#pragma HLS UNROLL
        ahead[c] = in_place <= c || (Kept ? code > cell[c] : code <= cell[c]);
      }
      for (unsigned c = Cells; c-- > 0;) {
#pragma HLS UNROLL
        if (ahead[c]) {
          const bool moves = c != 0 && ahead[c == 0 ? 0 : c - 1];
          cell[c] = moves ? cell[c == 0 ? 0 : c - 1] : code;
          place[c] = moves ? place[c == 0 ? 0 : c - 1] : in_place;
        }
      }
      waiting[write] = word;
      bounds[in_pixel] = cell[Cells - 1];
      bound_places[in_pixel] = place[Cells - 1];
      write = tom_next<Depth>(write);
      if (came) in_pixel = tom_next<Pixels>(in_pixel);
      in_place = tom_next<Channels>(in_place);
      to_come.step();
    }

    ready += (came ? 1 : 0) - (left ? 1 : 0);
    held += (writes ? 1 : 0) - (reads ? 1 : 0);
  }
}

#endif
