// SPDX-License-Identifier: Apache-2.0
// The exact product of two streams: y = (a - ZeroA) * (b - ZeroB).
//
// Bit-exact with Multiply of tomato/ops/join.py and tom_multiply_stream.sv; OutBits hold every product.
// One beat per cycle: FrameBeats cycles a frame.

#ifndef TOM_MULTIPLY_STREAM_HPP
#define TOM_MULTIPLY_STREAM_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"
#include "tom_memory.hpp"

template <
    unsigned Lanes,      // codes per beat
    unsigned ABits,      // width of a code of a
    bool ASigned,        // a is two's complement
    int ZeroA,           // zero point of a
    unsigned ADiffBits,  // width of a - ZeroA, two's complement
    unsigned BBits,      // width of a code of b
    bool BSigned,        // b is two's complement
    int ZeroB,           // zero point of b
    unsigned BDiffBits,  // width of b - ZeroB, two's complement
    unsigned OutBits,    // width of a product
    unsigned FrameBeats  // output beats per frame
    >
void tom_multiply_stream(
    const unsigned frames,
    hls::stream<ap_uint<Lanes * OutBits> > &out,
    hls::stream<ap_uint<Lanes * ABits> > &a,
    hls::stream<ap_uint<Lanes * BBits> > &b) {
  for (tom_countdown<FrameBeats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
    ap_uint<ABits> code_a[Lanes];
    ap_uint<BBits> code_b[Lanes];
    ap_uint<Lanes * OutBits> products = 0;
    tom_unpack<Lanes, ABits>(a.read(), code_a);
    tom_unpack<Lanes, BBits>(b.read(), code_b);

    for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
      const ap_int<ADiffBits> diff_a = tom_number<ASigned>(code_a[l]) - ZeroA;
      const ap_int<BDiffBits> diff_b = tom_number<BSigned>(code_b[l]) - ZeroB;
      tom_put<OutBits>(products, l, ap_uint<OutBits>(tom_multiply<true>::product(diff_a, diff_b)));
    }
    out.write(products);
  }
}

#endif
