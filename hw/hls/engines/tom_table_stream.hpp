// SPDX-License-Identifier: Apache-2.0
// Any unary function by table: y = table[x], one table for all channels or one per channel.
//
// Bit-exact with tomato/ops/table.py and tom_table_stream.sv. One beat per cycle: FrameBeats cycles a
// frame. Address of the memory: the bits of the input code, above them the beat within the pixel if tables are
// per channel; a word holds the entry of every lane then, lane 0 in the low bits, and else the one entry. Each
// lane reads another word: the memory has a read port for each.

#ifndef TOM_TABLE_STREAM_HPP
#define TOM_TABLE_STREAM_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"

template <
    unsigned Lanes,      // codes per beat
    unsigned Beats,      // beats per pixel
    bool PerChannel,     // every channel has its own table
    unsigned InBits,     // width of an input code
    unsigned OutBits,    // width of an output code
    unsigned Ram,        // memory kind: 0 LUTs, 1 block RAM, bound by the caller
    unsigned FrameBeats  // output beats per frame
    >
void tom_table_stream(
    const unsigned frames,
    const tom_piece (&mem_file)[(PerChannel ? Beats : 1) << InBits][tom_pieces((PerChannel ? Lanes : 1) * OutBits)],
    hls::stream<ap_uint<Lanes * InBits> > &in,
    hls::stream<ap_uint<Lanes * OutBits> > &out) {
  const unsigned Rows = PerChannel ? Beats : 1;
  typedef tom_count<Rows << InBits> address;
  static_assert(InBits <= 16, "InBits must not exceed 16");

  tom_count<Rows> row = 0;
  for (tom_countdown<FrameBeats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
    ap_uint<InBits> code[Lanes];
    ap_uint<Lanes * OutBits> results = 0;
    tom_unpack<Lanes, InBits>(in.read(), code);

    for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
      const address word = (address(row) << InBits) | code[l];
      tom_put<OutBits>(results, l, tom_field<OutBits>(mem_file[word], PerChannel ? l * OutBits : 0));
    }
    out.write(results);
    row = tom_next<Rows>(row);
  }
}

#endif
