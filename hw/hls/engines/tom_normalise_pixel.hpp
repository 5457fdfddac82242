// SPDX-License-Identifier: Apache-2.0
// Normalise the channels of every pixel: y = (x - mean) / deviation, in steps of 2^-Fraction.
//
// Bit-exact with Normalise of tomato/ops/normalise.py and tom_normalise_pixel.sv: of the N channels of a pixel
//   d = N * x - S1, v = N * S2 - S1^2 + Epsilon, y = (d * r(v) + half) >> s,
// S1 and S2 the sums of all channels and of their squares; not centred, S1 counts as 0. With p the place of the
// leading one of v, r(v) = 2^(p / 2 + RootBits) / sqrt(v) comes from a table of lines, s = p / 2 + RootBits - Fraction.
//
// Pixels wait in a ring for their sums and for Late steps more, in which a pipeline makes r of them. A beat per step:
// FrameBeats cycles a frame, and Late and a pixel more. It never waits for a beat while it has one to write.

#ifndef TOM_NORMALISE_PIXEL_HPP
#define TOM_NORMALISE_PIXEL_HPP

#include <cassert>

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"
#include "tom_memory.hpp"

template <
    unsigned Lanes,       // codes per beat
    unsigned Channels,    // channels of a pixel: N
    unsigned InBits,      // width of an input code
    bool InSigned,        // inputs are two's complement
    int Zero,             // the code that stands for 0
    bool Centred,         // the mean is taken away
    typename Epsilon,     // tom_bits: added to v, 64 bits
    unsigned SpreadBits,  // width of v, two's complement
    unsigned IndexBits,   // bits behind the leading one that choose a line of the table
    unsigned RestBits,    // bits behind these: the place on that line
    unsigned RootBits,    // bits behind the point of r
    unsigned FallBits,    // width of what a line falls
    unsigned Fraction,    // bits behind the point of a result
    unsigned OutBits,     // width of a result
    unsigned Depth,       // beats that may wait
    unsigned Ram,         // memory of these: 0 LUTRAM, 1 block RAM, 2 UltraRAM
    unsigned FrameBeats   // output beats per frame
    >
void tom_normalise_pixel(const unsigned frames,
                         const tom_piece (&mem_file)[2u << IndexBits][tom_pieces(RootBits + 1 + FallBits)],
                         hls::stream<ap_uint<Lanes * InBits> > &in, hls::stream<ap_uint<Lanes * OutBits> > &out) {
  const unsigned Beats = tom_ceil_div(Channels, Lanes);
  const unsigned Late = 12;
  const unsigned Pixels = Depth / Beats + 1;
  const unsigned ValueBits = InBits + 2;
  const unsigned SumBits = ValueBits + tom_clog2(Channels + 1);
  const unsigned BehindBits = IndexBits + RestBits;
  typedef ap_int<SumBits> sum_type;
  typedef ap_int<SpreadBits + 1> spread_type;

  ap_uint<Lanes * InBits> waiting[Depth];
  tom_memory<Ram>::bind(waiting);
  sum_type sums[Pixels];
  ap_uint<RootBits + 1> roots[Pixels];
  ap_uint<6> places[Pixels];
#pragma HLS ARRAY_PARTITION variable = sums complete
#pragma HLS ARRAY_PARTITION variable = roots complete
#pragma HLS ARRAY_PARTITION variable = places complete
// A pixel is read Late steps or more behind its last beat.
#pragma HLS DEPENDENCE variable = waiting inter RAW distance = 12 true
#pragma HLS DEPENDENCE variable = sums inter RAW distance = 12 true
#pragma HLS DEPENDENCE variable = roots inter RAW distance = 12 true
#pragma HLS DEPENDENCE variable = places inter RAW distance = 12 true
  bool made[Late];
#pragma HLS ARRAY_PARTITION variable = made complete
  for (unsigned i = 0; i < Late; ++i) {
#pragma HLS UNROLL
    made[i] = false;
  }

  tom_countdown<FrameBeats> to_come(frames);
  tom_countdown<FrameBeats> to_leave(frames);
  tom_count<Depth> held = 0, write = 0, read = 0;
  tom_count<Pixels> ready = 0, in_pixel = 0, out_pixel = 0;
  tom_count<Beats> in_beat = 0, out_beat = 0;
  sum_type sum = 0;
  spread_type total = 0;
#ifndef __SYNTHESIS__
  tom_piece steps_left = tom_piece(frames) * FrameBeats + Beats + Late + 1;
#endif

  while (to_leave.any()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
#ifndef __SYNTHESIS__
    assert(steps_left-- != 0 && "slower than the closed form, or the input stream lacks beats");
#endif
    const bool reads = ready != 0, writes = to_come.any() && held != Depth && !in.empty();
    const bool left = reads && out_beat == Beats - 1, came = writes && in_beat == Beats - 1;
    const bool ripe = made[Late - 1];

    if (reads) {
      ap_uint<InBits> code[Lanes];
      ap_uint<Lanes * OutBits> result = 0;
      tom_unpack<Lanes, InBits>(waiting[read], code);
      const ap_uint<6> shift = ap_uint<6>((places[out_pixel] >> 1) + (RootBits - Fraction));
      for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
        const ap_int<ValueBits> value = ap_int<ValueBits>(tom_number<InSigned>(code[l]) - Zero);
        const ap_int<SumBits + 1> off = value * ap_int<SumBits>(int(Channels)) - sums[out_pixel];
        ap_int<SumBits + RootBits + 4> product = off * ap_int<RootBits + 2>(roots[out_pixel]);
        product += ap_int<SumBits + RootBits + 4>(1) << static_cast<int>(shift - 1);
        tom_put<OutBits>(result, l, ap_uint<OutBits>(product >> static_cast<int>(shift)));
      }
      out.write(result);
      read = tom_next<Depth>(read);
      if (left) out_pixel = tom_next<Pixels>(out_pixel);
      out_beat = tom_next<Beats>(out_beat);
      to_leave.step();
    }

    if (writes) {
      const ap_uint<Lanes * InBits> beat = in.read();
      ap_uint<InBits> code[Lanes];
      tom_unpack<Lanes, InBits>(beat, code);
      sum_type part = in_beat == 0 ? sum_type(0) : sum;
      spread_type squares = in_beat == 0 ? spread_type(0) : total;
      for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
        const ap_int<ValueBits> value = in_beat * Lanes + l >= Channels
                                            ? ap_int<ValueBits>(0)
                                            : ap_int<ValueBits>(tom_number<InSigned>(code[l]) - Zero);
        part += value;
        squares += value * value;
      }
      sum = part;
      total = squares;
      waiting[write] = beat;

      const sum_type taken = Centred ? part : sum_type(0);
      const spread_type spread =
          spread_type(squares * int(Channels) - taken * taken) + spread_type(ap_uint<64>(Epsilon::piece(0)));
      ap_uint<6> place = 0;
      for (unsigned b = 0; b < SpreadBits; ++b) {
#pragma HLS UNROLL
        if (spread[static_cast<int>(b)]) place = b;
      }
      const ap_uint<SpreadBits + BehindBits> aligned = ap_uint<SpreadBits + BehindBits>(spread) << int(BehindBits);
      const ap_uint<BehindBits> behind = ap_uint<BehindBits>(aligned >> static_cast<int>(place));
      const ap_uint<IndexBits + 1> line =
          (ap_uint<IndexBits + 1>(place[0]) << int(IndexBits)) + ap_uint<IndexBits + 1>(behind >> int(RestBits));
      const ap_uint<RootBits + 1> begin = tom_field<RootBits + 1>(mem_file[line], 0);
      const ap_uint<FallBits + RestBits> fall =
          ap_uint<FallBits>(tom_field<FallBits>(mem_file[line], RootBits + 1)) * ap_uint<RestBits>(behind);
      sums[in_pixel] = taken;
      roots[in_pixel] = begin - ap_uint<FallBits>(fall >> int(RestBits));
      places[in_pixel] = place;
      write = tom_next<Depth>(write);
      if (came) in_pixel = tom_next<Pixels>(in_pixel);
      in_beat = tom_next<Beats>(in_beat);
      to_come.step();
    }

    for (unsigned i = Late - 1; i > 0; --i) {
#pragma HLS UNROLL
      made[i] = made[i - 1];
    }
    made[0] = came;
    ready += (ripe ? 1 : 0) - (left ? 1 : 0);
    held += (writes ? 1 : 0) - (reads ? 1 : 0);
  }
}

#endif
