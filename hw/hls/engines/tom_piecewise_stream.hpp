// SPDX-License-Identifier: Apache-2.0
// A unary function of wide codes, as lines on segments of equal width.
//
// Bit-exact with tomato/ops/piecewise.py and tom_piecewise_stream.sv: see tom_piecewise.hpp. One beat per cycle:
// FrameBeats cycles a frame. Each lane reads another line: the memory has a read port for each.

#ifndef TOM_PIECEWISE_STREAM_HPP
#define TOM_PIECEWISE_STREAM_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"
#include "tom_piecewise.hpp"

#include "hls_stream.h"

template <
    unsigned Lanes,       // codes per beat
    unsigned InBits,      // width of an input code
    bool InSigned,        // inputs are two's complement
    int First,            // the least code of the first segment
    unsigned IndexBits,   // segments, as a power of 2; at least 1
    unsigned RestBits,    // codes of a segment, as a power of 2
    unsigned SlopeBits,   // width of a slope, two's complement
    unsigned OffsetBits,  // width of an offset, two's complement
    unsigned Shift,       // right shift, rounding down
    unsigned OutBits,     // width of an output code
    int Lo,               // smallest result
    int Hi,               // largest result
    unsigned Ram,         // memory kind of the lines: 0 LUTs, 1 block RAM, bound by the caller
    unsigned FrameBeats   // output beats per frame
    >
void tom_piecewise_stream(
    const unsigned frames,
    const tom_piece (&mem_file)[1u << IndexBits][tom_pieces(OffsetBits + SlopeBits)],
    hls::stream<ap_uint<Lanes * InBits> > &in,
    hls::stream<ap_uint<Lanes * OutBits> > &out) {
  for (tom_countdown<FrameBeats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
    ap_uint<InBits> code[Lanes];
    ap_uint<Lanes * OutBits> results = 0;
    tom_unpack<Lanes, InBits>(in.read(), code);

    for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
      const ap_uint<OutBits> y =
          tom_piecewise<InBits, InSigned, First, IndexBits, RestBits, SlopeBits, OffsetBits, Shift, OutBits, Lo, Hi>(
              mem_file, code[l]);
      tom_put<OutBits>(results, l, y);
    }
    out.write(results);
  }
}

#endif
