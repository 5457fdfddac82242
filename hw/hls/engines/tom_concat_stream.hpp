// SPDX-License-Identifier: Apache-2.0
// Concatenates streams over channels: of every pixel the beats of input 0, then those of input 1, and so on.
//
// Bit-exact with Concat of tomato/ops/move.py and tom_concat_stream.sv. Inputs may have narrower codes
// than the output. One output beat per cycle: FrameBeats cycles a frame.

#ifndef TOM_CONCAT_STREAM_HPP
#define TOM_CONCAT_STREAM_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"

// A beat of input `turn`, which is I or follows it, in lanes of OutBits. The last input needs no comparison.
template <unsigned I, unsigned Lanes, typename InBits, typename InSigned, unsigned OutBits>
struct tom_concat_input {
  static const unsigned Bits = static_cast<unsigned>(InBits::field(I, 8));
  static const bool Signed = InSigned::field(I, 1) != 0;
  typedef tom_concat_input<I + 1, Lanes, InBits, InSigned, OutBits> next;

  static ap_uint<Lanes * OutBits> read(unsigned, hls::stream<ap_uint<Lanes * Bits> > &in) {
#pragma HLS INLINE
    return tom_widen<Lanes, Bits, Signed, OutBits>(in.read());
  }

  template <typename... Others>
  static ap_uint<Lanes * OutBits> read(unsigned turn, hls::stream<ap_uint<Lanes * Bits> > &in, Others &...others) {
#pragma HLS INLINE
    if (turn == I) return read(turn, in);
    return next::read(turn, others...);
  }
};

template <
    unsigned Inputs,      // streams to concatenate, at least 2
    unsigned Lanes,       // codes per beat
    typename Beats,       // tom_bits: beats per pixel of each input, 16 bits each
    typename InBits,      // tom_bits: width of a code of each input, 8 bits each
    typename InSigned,    // tom_bits: which inputs are two's complement, a bit each
    unsigned OutBits,     // width of an output code
    unsigned FrameBeats,  // output beats per frame
    typename... Streams   // as many as Inputs
    >
void tom_concat_stream(const unsigned frames, hls::stream<ap_uint<Lanes * OutBits> > &out, Streams &...ins) {
  static_assert(sizeof...(Streams) == Inputs, "one stream per input");
  static_assert(Inputs >= 2, "Inputs must be at least 2");

  tom_count<Inputs> turn = 0;  // the input whose beats are passing
  ap_uint<16> beat = 0;        // of that input's pixel
  for (tom_countdown<FrameBeats> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
    bool last = false;
    for (unsigned i = 0; i < Inputs; ++i) {
#pragma HLS UNROLL
      if (turn == i) last = beat == Beats::field(i, 16) - 1;
    }
    out.write(tom_concat_input<0, Lanes, InBits, InSigned, OutBits>::read(turn.to_uint(), ins...));
    if (last) {
      beat = 0;
      turn = tom_next<Inputs>(turn);
    } else {
      ++beat;
    }
  }
}

#endif
