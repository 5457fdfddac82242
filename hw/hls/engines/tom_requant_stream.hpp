// SPDX-License-Identifier: Apache-2.0
// Narrow a stream of accumulators: y = clamp((x * mult + bias) >> Shift, Lo, Hi).
//
// Bit-exact with tomato/ops/requant.py and tom_requant_stream.sv. One beat per cycle: FrameBeats
// cycles a frame. Each word of the memory holds mult (low), bias and the nudges of every lane, lane 0 in the
// low bits; words follow the beats of a pixel.
//
// A nudge is an input code and d, two bits of two's complement: an x that equals the code counts as x + d.
// As (x + d) * mult + bias = (x * mult + bias) + d * mult, the multiplier need not wait for the comparison.

#ifndef TOM_REQUANT_STREAM_HPP
#define TOM_REQUANT_STREAM_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"

// x * mult; without a multiplier where mult has no bits and means 1.
template <unsigned MultBits>
struct tom_requant_factor {
  typedef ap_int<MultBits> type;

  template <unsigned Pieces>
  static type read(const tom_piece (&word)[Pieces], unsigned from) {
#pragma HLS INLINE
    return type(tom_field<MultBits>(word, from));
  }
};

template <>
struct tom_requant_factor<0> {
  typedef ap_int<2> type;

  template <unsigned Pieces>
  static type read(const tom_piece (&)[Pieces], unsigned) {
#pragma HLS INLINE
    return type(1);
  }
};

template <
    unsigned Lanes,      // codes per beat
    unsigned Beats,      // beats per pixel
    unsigned InBits,     // width of an input code
    bool InSigned,       // inputs are two's complement
    unsigned MultBits,   // width of mult, two's complement; 0: no multiplication
    unsigned InSlice,    // bits of an input that a multiplier takes in hardware; here synthesis cuts
    unsigned MultSlice,  // bits of mult that it takes
    unsigned BiasBits,   // width of bias, two's complement
    unsigned Shift,      // right shift, rounding down
    unsigned OutBits,    // width of an output code
    int Lo,              // smallest result
    int Hi,              // largest result
    unsigned Nudges,     // inputs that are nudged, per channel
    unsigned ConstantRam,  // memory kind of the constants: 0 LUTs, 1 block RAM, bound by the caller
    unsigned FrameBeats  // output beats per frame
    >
void tom_requant_stream(
    const unsigned frames,
    const tom_piece (&mem_file)[Beats][tom_pieces(Lanes * (MultBits + BiasBits + Nudges * (InBits + 2)))],
    hls::stream<ap_uint<Lanes * InBits> > &in,
    hls::stream<ap_uint<Lanes * OutBits> > &out) {
  const unsigned NudgeBits = InBits + 2;
  const unsigned LaneBits = MultBits + BiasBits + Nudges * NudgeBits;
  const unsigned ValueBits = InBits + (InSigned ? 0 : 1);
  const unsigned SumBits = tom_max(ValueBits + tom_max(MultBits, 2), BiasBits) + 2;
  typedef tom_requant_factor<MultBits> factor;

  tom_count<Beats> beat = 0;
  for (tom_countdown<FrameBeats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
    ap_uint<InBits> code[Lanes];
    ap_uint<Lanes * OutBits> result = 0;
    tom_unpack<Lanes, InBits>(in.read(), code);

    for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
      const typename factor::type mult = factor::read(mem_file[beat], l * LaneBits);
      const ap_int<BiasBits> bias = ap_int<BiasBits>(tom_field<BiasBits>(mem_file[beat], l * LaneBits + MultBits));
      ap_int<SumBits> sum = tom_number<InSigned>(code[l]) * mult + bias;

      for (unsigned n = 0; n < Nudges; ++n) {
#pragma HLS UNROLL
        const unsigned from = l * LaneBits + MultBits + BiasBits + n * NudgeBits;
        const ap_uint<2> step = tom_field<2>(mem_file[beat], from + InBits);
        if (tom_field<InBits>(mem_file[beat], from) == code[l]) {
          if (step == 1) sum += mult;
          if (step == 3) sum -= mult;
        }
      }

      const ap_int<SumBits> shifted = sum >> static_cast<int>(Shift);
      const ap_int<OutBits + 1> clamped = shifted < Lo ? ap_int<OutBits + 1>(Lo)
                                        : shifted > Hi ? ap_int<OutBits + 1>(Hi)
                                                       : ap_int<OutBits + 1>(shifted);
      tom_put<OutBits>(result, l, ap_uint<OutBits>(clamped));
    }
    out.write(result);
    beat = tom_next<Beats>(beat);
  }
}

#endif
