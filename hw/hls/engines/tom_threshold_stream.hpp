// SPDX-License-Identifier: Apache-2.0
// Narrow a stream of accumulators: y = Lo + the number of thresholds <= x, thresholds per channel.
//
// Bit-exact with tomato/ops/threshold.py and tom_threshold_stream.sv. One beat per cycle: FrameBeats
// cycles a frame. A binary search: each step finds one bit of the result, most significant first, and has its
// own memory, see tom_threshold_step.

#ifndef TOM_THRESHOLD_STREAM_HPP
#define TOM_THRESHOLD_STREAM_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"
#include "tom_threshold_step.hpp"

template <
    unsigned Lanes,      // codes per beat
    unsigned Beats,      // beats per pixel
    unsigned InBits,     // width of an input code
    bool InSigned,       // inputs are two's complement
    unsigned BoundBits,  // width of a threshold, at least InBits; signed as the inputs are
    unsigned Steps,      // bits to find: there are at most 2^Steps - 1 thresholds
    unsigned OutBits,    // width of an output code
    int Lo,              // the result below all thresholds
    unsigned BlockFrom,  // the first step whose memory is block RAM, bound by the caller
    unsigned FrameBeats  // output beats per frame
    >
void tom_threshold_stream(
    const unsigned frames,
    const tom_piece (&mem_file0)[tom_threshold_words(Steps, 0, Beats)][tom_pieces(Lanes * BoundBits)],
    const tom_piece (&mem_file1)[tom_threshold_words(Steps, 1, Beats)][tom_pieces(Lanes * BoundBits)],
    const tom_piece (&mem_file2)[tom_threshold_words(Steps, 2, Beats)][tom_pieces(Lanes * BoundBits)],
    const tom_piece (&mem_file3)[tom_threshold_words(Steps, 3, Beats)][tom_pieces(Lanes * BoundBits)],
    const tom_piece (&mem_file4)[tom_threshold_words(Steps, 4, Beats)][tom_pieces(Lanes * BoundBits)],
    const tom_piece (&mem_file5)[tom_threshold_words(Steps, 5, Beats)][tom_pieces(Lanes * BoundBits)],
    const tom_piece (&mem_file6)[tom_threshold_words(Steps, 6, Beats)][tom_pieces(Lanes * BoundBits)],
    const tom_piece (&mem_file7)[tom_threshold_words(Steps, 7, Beats)][tom_pieces(Lanes * BoundBits)],
    hls::stream<ap_uint<Lanes * InBits> > &in,
    hls::stream<ap_uint<Lanes * OutBits> > &out) {
  static_assert(1 <= Steps && Steps <= 8, "Steps must be 1 to 8");
  static_assert(BoundBits >= InBits, "BoundBits must not be less than InBits");

  tom_count<Beats> beat = 0;
  for (tom_countdown<FrameBeats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
    ap_uint<InBits> codes[Lanes];
    ap_uint<Steps> index[Lanes];  // bits found so far
    ap_uint<Lanes * OutBits> results = 0;
    tom_unpack<Lanes, InBits>(in.read(), codes);
    for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
      index[l] = 0;
    }

    tom_threshold_step<0, BoundBits, InSigned>(mem_file0, beat, codes, index);
    tom_threshold_step<1, BoundBits, InSigned>(mem_file1, beat, codes, index);
    tom_threshold_step<2, BoundBits, InSigned>(mem_file2, beat, codes, index);
    tom_threshold_step<3, BoundBits, InSigned>(mem_file3, beat, codes, index);
    tom_threshold_step<4, BoundBits, InSigned>(mem_file4, beat, codes, index);
    tom_threshold_step<5, BoundBits, InSigned>(mem_file5, beat, codes, index);
    tom_threshold_step<6, BoundBits, InSigned>(mem_file6, beat, codes, index);
    tom_threshold_step<7, BoundBits, InSigned>(mem_file7, beat, codes, index);

    for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
      tom_put<OutBits>(results, l, ap_uint<OutBits>(index[l] + Lo));
    }
    out.write(results);
    beat = tom_next<Beats>(beat);
  }
}

#endif
