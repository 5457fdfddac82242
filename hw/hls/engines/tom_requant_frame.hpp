// SPDX-License-Identifier: Apache-2.0
// Narrow a stream by constants that differ from pixel to pixel: y = clamp((x * mult + bias) >> Shift, Lo, Hi).
//
// Bit-exact with tomato/ops/frame_requant.py and tom_requant_frame.sv. One beat per cycle: FrameBeats cycles a frame.
// Each word of the memory holds mult (low) and bias of every lane, lane 0 in the low bits; words follow the beats of a
// frame. If channels are alike, a word holds those of one lane and serves all beats of a pixel. If MultBits is 0, mult
// is Factor everywhere.

#ifndef TOM_REQUANT_FRAME_HPP
#define TOM_REQUANT_FRAME_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"

// The factor of a lane: from memory, or the one that all places share.
template <unsigned MultBits, int Factor>
struct tom_frame_factor {
  typedef ap_int<MultBits> type;

  template <unsigned Pieces>
  static type read(const tom_piece (&word)[Pieces], unsigned from) {
#pragma HLS INLINE
    return type(tom_field<MultBits>(word, from));
  }
};

template <int Factor>
struct tom_frame_factor<0, Factor> {
  typedef ap_int<tom_clog2(Factor < 0 ? 0u - static_cast<unsigned>(Factor) : static_cast<unsigned>(Factor)) + 2> type;

  template <unsigned Pieces>
  static type read(const tom_piece (&)[Pieces], unsigned) {
#pragma HLS INLINE
    return type(Factor);
  }
};

template <
    unsigned Lanes,      // codes per beat
    unsigned Beats,      // beats per pixel
    unsigned Pixels,     // pixels per frame
    bool PerChannel,     // the channels of a pixel differ
    unsigned InBits,     // width of an input code
    bool InSigned,       // inputs are two's complement
    unsigned MultBits,   // width of mult, two's complement; 0: it is Factor
    int Factor,          // mult, where all places share it
    unsigned BiasBits,   // width of a stored bias, two's complement
    unsigned BiasZeros,  // zero bits below it
    unsigned Shift,      // right shift, rounding down
    unsigned OutBits,    // width of an output code
    int Lo,              // smallest result
    int Hi,              // largest result
    unsigned Ram,        // memory kind: 0 LUTs, 1 block RAM, bound by the caller
    unsigned FrameBeats  // output beats per frame
    >
void tom_requant_frame(
    const unsigned frames,
    const tom_piece (&mem_file)[Pixels * (PerChannel ? Beats : 1)]
                               [tom_pieces((PerChannel ? Lanes : 1) * (MultBits + BiasBits))],
    hls::stream<ap_uint<Lanes * InBits> > &in,
    hls::stream<ap_uint<Lanes * OutBits> > &out) {
  const unsigned LaneBits = MultBits + BiasBits;
  const unsigned Words = Pixels * (PerChannel ? Beats : 1);
  typedef tom_frame_factor<MultBits, Factor> factor;
  const unsigned SumBits = tom_max(InBits + 1 + factor::type::width, BiasBits + BiasZeros) + 1;

  tom_count<Words> word = 0;
  tom_count<Beats> beat = 0;
  for (tom_countdown<FrameBeats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
    ap_uint<InBits> code[Lanes];
    ap_uint<Lanes * OutBits> result = 0;
    tom_unpack<Lanes, InBits>(in.read(), code);

    for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
      const unsigned from = PerChannel ? l * LaneBits : 0;
      const typename factor::type mult = factor::read(mem_file[word], from);
      const ap_int<BiasBits> bias = ap_int<BiasBits>(tom_field<BiasBits>(mem_file[word], from + MultBits));
      const ap_int<SumBits> whole = ap_int<SumBits>(bias) << static_cast<int>(BiasZeros);
      const ap_int<SumBits> sum = tom_number<InSigned>(code[l]) * mult + whole;
      const ap_int<SumBits> shifted = sum >> static_cast<int>(Shift);
      const ap_int<OutBits + 1> clamped = shifted < Lo ? ap_int<OutBits + 1>(Lo)
                                        : shifted > Hi ? ap_int<OutBits + 1>(Hi)
                                                       : ap_int<OutBits + 1>(shifted);
      tom_put<OutBits>(result, l, ap_uint<OutBits>(clamped));
    }
    out.write(result);
    const bool last = beat == Beats - 1;
    beat = tom_next<Beats>(beat);
    if (PerChannel || last) word = tom_next<Words>(word);
  }
}

#endif
