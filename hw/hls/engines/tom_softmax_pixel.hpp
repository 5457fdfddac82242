// SPDX-License-Identifier: Apache-2.0
// Softmax over runs of channels of every pixel, in steps of 2^-Fraction.
//
// Bit-exact with Softmax of tomato/ops/softmax.py and tom_softmax_pixel.sv: of the codes of a run, with m the greatest
// (or, falling, the least),
//   u = (|m - x| * Mult + half) >> Shift, whole = u >> PowerBits (SumBits + 1 if |m - x| is Far or more),
//   p = 2^PowerBits * 2^-(rest of u), S = sum((p << (SumBits - PowerBits)) >> whole),
//   r = 2^(k + InverseBits + SumBits) / S, k the place of the leading one of S less SumBits,
//   y = (p * r + half) >> (InverseBits + PowerBits - Fraction + k + whole).
// p and r come from tables of lines; inputs of few bits have a table of p and whole for every |m - x| instead.
//
// Runs wait in a ring for their greatest code and Late steps more, their powers in another for the sum and SumLate
// steps more. A beat per step: FrameBeats cycles a frame, and two runs and these steps more. It never waits for a beat
// while it has one to write.

#ifndef TOM_SOFTMAX_PIXEL_HPP
#define TOM_SOFTMAX_PIXEL_HPP

#include <cassert>

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"
#include "tom_memory.hpp"

template <
    unsigned Lanes,             // codes per beat
    unsigned Channels,          // channels of a run
    unsigned InBits,            // width of an input code
    bool InSigned,              // inputs are two's complement
    bool Falls,                 // the least code stands for the greatest real
    bool Direct,                // a table of p and whole for every depth, without Mult
    unsigned MultBits,          // width of Mult
    unsigned Mult,              // steps of u per step of the input, times 2^Shift
    unsigned Shift,             // bits that a product loses
    unsigned Far,               // the least depth that counts as 0
    unsigned PowerBits,         // bits behind the point of p and of u
    unsigned PowerIndexBits,    // bits of u behind the point that choose a line
    unsigned PowerFallBits,     // width of what a line of powers falls
    unsigned SumBits,           // bits behind the point of S
    unsigned InverseBits,       // bits behind the point of r
    unsigned InverseIndexBits,  // bits behind the leading one of S that choose a line
    unsigned InverseRestBits,   // bits behind these: the place on that line
    unsigned InverseFallBits,   // width of what a line of inverses falls
    unsigned Fraction,          // bits behind the point of a result
    unsigned Depth,             // beats that may wait for the greatest code
    unsigned PowerDepth,        // beats of powers that may wait for the sum
    unsigned Ram,               // memory of both: 0 LUTRAM, 1 block RAM, 2 UltraRAM
    unsigned FrameBeats         // output beats per frame
    >
void tom_softmax_pixel(
    const unsigned frames,
    const tom_piece (&mem_file0)[1u << (Direct ? InBits : PowerIndexBits)]
                                 [tom_pieces(PowerBits + 1 + (Direct ? tom_clog2(SumBits + 2) : PowerFallBits))],
    const tom_piece (&mem_file1)[1u << InverseIndexBits][tom_pieces(InverseBits + 1 + InverseFallBits)],
    hls::stream<ap_uint<Lanes * InBits> > &in, hls::stream<ap_uint<Lanes * (Fraction + 1)> > &out) {
  const unsigned Beats = tom_ceil_div(Channels, Lanes);
  const unsigned Late = 4, SumLate = 16;
  const unsigned Runs = Depth / Beats + 2, PowerRuns = PowerDepth / Beats + 2;  // that waiting beats may be of
  const unsigned WholeBits = tom_clog2(SumBits + 2);
  const unsigned PairBits = PowerBits + 1 + WholeBits;
  const unsigned PowerRestBits = PowerBits - PowerIndexBits;
  const unsigned BehindBits = InverseIndexBits + InverseRestBits;
  const unsigned TotalBits = SumBits + 1 + tom_clog2(Channels);
  const unsigned ProdBits = tom_max(InBits + MultBits, Shift) + 1;
  typedef ap_int<InBits + 2> key_type;
  typedef ap_uint<TotalBits> total_type;

  ap_uint<Lanes * InBits> waiting[Depth];
  ap_uint<Lanes * PairBits> powers[PowerDepth];
  tom_memory<Ram>::bind(waiting);
  tom_memory<Ram>::bind(powers);
  key_type mosts[Runs];
  ap_uint<InverseBits + 1> inverses[PowerRuns];
  ap_uint<6> places[PowerRuns];
#pragma HLS ARRAY_PARTITION variable = mosts complete
#pragma HLS ARRAY_PARTITION variable = inverses complete
#pragma HLS ARRAY_PARTITION variable = places complete
// A run is read Late or SumLate steps or more behind its last beat.
#pragma HLS DEPENDENCE variable = waiting inter RAW distance = 4 true
#pragma HLS DEPENDENCE variable = powers inter RAW distance = 16 true
#pragma HLS DEPENDENCE variable = mosts inter RAW distance = 4 true
#pragma HLS DEPENDENCE variable = inverses inter RAW distance = 16 true
#pragma HLS DEPENDENCE variable = places inter RAW distance = 16 true
  bool came[Late], weighed[SumLate];
#pragma HLS ARRAY_PARTITION variable = came complete
#pragma HLS ARRAY_PARTITION variable = weighed complete
  for (unsigned i = 0; i < Late; ++i) {
#pragma HLS UNROLL
    came[i] = false;
  }
  for (unsigned i = 0; i < SumLate; ++i) {
#pragma HLS UNROLL
    weighed[i] = false;
  }

  tom_countdown<FrameBeats> to_come(frames);
  tom_countdown<FrameBeats> to_leave(frames);
  tom_count<Depth> held = 0, write = 0, read = 0;
  tom_count<PowerDepth> power_held = 0, power_write = 0, power_read = 0;
  tom_count<Runs> known = 0, in_run = 0, weigh_run = 0;
  tom_count<PowerRuns> ready = 0, sum_run = 0, out_run = 0;
  tom_count<Beats> in_beat = 0, weigh_beat = 0, out_beat = 0;
  key_type most = 0;
  total_type total = 0;
#ifndef __SYNTHESIS__
  tom_piece steps_left = tom_piece(frames) * FrameBeats + 2 * Beats + Late + SumLate + 1;
#endif

  while (to_leave.any()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = FrameBeats max = FrameBeats
#ifndef __SYNTHESIS__
    assert(steps_left-- != 0 && "slower than the closed form, or the input stream lacks beats");
#endif
    const bool leaves = ready != 0, weighs = known != 0 && power_held != PowerDepth;
    const bool comes = to_come.any() && held != Depth && !in.empty();
    const bool left = leaves && out_beat == Beats - 1, summed = weighs && weigh_beat == Beats - 1;
    const bool whole_run = comes && in_beat == Beats - 1;
    const bool known_now = came[Late - 1], ready_now = weighed[SumLate - 1];

    if (leaves) {
      ap_uint<PairBits> pair[Lanes];
      ap_uint<Lanes * (Fraction + 1)> result = 0;
      tom_unpack<Lanes, PairBits>(powers[power_read], pair);
      for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
        const ap_uint<PowerBits + 1> power = ap_uint<PowerBits + 1>(pair[l]);
        const ap_uint<6> amount = ap_uint<6>(ap_uint<WholeBits>(pair[l] >> int(PowerBits + 1)) + places[out_run]);
        const ap_uint<PowerBits + InverseBits + 2> product = power * inverses[out_run];
        const ap_uint<Fraction + 2> twice =
            ap_uint<Fraction + 2>(product >> int(InverseBits + PowerBits - Fraction - 1)) >> static_cast<int>(amount);
        tom_put<Fraction + 1>(result, l, ap_uint<Fraction + 1>((twice + 1) >> 1));
      }
      out.write(result);
      power_read = tom_next<PowerDepth>(power_read);
      if (left) out_run = tom_next<PowerRuns>(out_run);
      out_beat = tom_next<Beats>(out_beat);
      to_leave.step();
    }

    if (weighs) {
      ap_uint<InBits> code[Lanes];
      ap_uint<Lanes * PairBits> pairs = 0;
      total_type part = weigh_beat == 0 ? total_type(0) : total;
      tom_unpack<Lanes, InBits>(waiting[read], code);
      for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
        const key_type wide = tom_number<InSigned>(code[l]);
        const ap_uint<InBits> depth = ap_uint<InBits>(mosts[weigh_run] - (Falls ? key_type(-wide) : wide));
        ap_uint<PowerBits + 1> power = 0;
        ap_uint<WholeBits> whole = 0;
        if (Direct) {
          power = tom_field<PowerBits + 1>(mem_file0[depth], 0);
          whole = tom_field<WholeBits>(mem_file0[depth], PowerBits + 1);
        } else {
          const ap_uint<ProdBits> product =
              depth * ap_uint<MultBits>(Mult) + ap_uint<ProdBits>((ap_uint<ProdBits>(1) << int(Shift)) >> 1);
          const ap_uint<WholeBits + PowerBits> u = ap_uint<WholeBits + PowerBits>(product >> int(Shift));
          const ap_uint<PowerIndexBits> line = ap_uint<PowerIndexBits>(u >> int(PowerRestBits));
          const ap_uint<PowerFallBits + PowerRestBits> fall =
              ap_uint<PowerFallBits>(tom_field<PowerFallBits>(mem_file0[line], PowerBits + 1)) *
              ap_uint<PowerRestBits>(u);
          power = tom_field<PowerBits + 1>(mem_file0[line], 0) - ap_uint<PowerFallBits>(fall >> int(PowerRestBits));
          whole = depth >= Far ? ap_uint<WholeBits>(SumBits + 1) : ap_uint<WholeBits>(u >> int(PowerBits));
        }
        const ap_uint<SumBits + 1> term = ap_uint<SumBits + 1>(power) << int(SumBits - PowerBits);
        if (weigh_beat * Lanes + l < Channels) part += term >> static_cast<int>(whole);
        tom_put<PairBits>(pairs, l,
                          ap_uint<PairBits>((ap_uint<PairBits>(whole) << int(PowerBits + 1)) + ap_uint<PairBits>(power)));
      }
      powers[power_write] = pairs;
      total = part;

      ap_uint<6> place = 0;
      for (unsigned b = SumBits; b < TotalBits; ++b) {
#pragma HLS UNROLL
        if (part[static_cast<int>(b)]) place = b - SumBits;
      }
      const ap_uint<BehindBits> behind =
          ap_uint<BehindBits>((part >> static_cast<int>(place)) >> int(SumBits - BehindBits));
      const ap_uint<InverseIndexBits> line = ap_uint<InverseIndexBits>(behind >> int(InverseRestBits));
      const ap_uint<InverseFallBits + InverseRestBits> fall =
          ap_uint<InverseFallBits>(tom_field<InverseFallBits>(mem_file1[line], InverseBits + 1)) *
          ap_uint<InverseRestBits>(behind);
      inverses[sum_run] =
          tom_field<InverseBits + 1>(mem_file1[line], 0) - ap_uint<InverseFallBits>(fall >> int(InverseRestBits));
      places[sum_run] = place;
      read = tom_next<Depth>(read);
      power_write = tom_next<PowerDepth>(power_write);
      if (summed) weigh_run = tom_next<Runs>(weigh_run);
      if (summed) sum_run = tom_next<PowerRuns>(sum_run);
      weigh_beat = tom_next<Beats>(weigh_beat);
    }

    if (comes) {
      const ap_uint<Lanes * InBits> beat = in.read();
      ap_uint<InBits> code[Lanes];
      tom_unpack<Lanes, InBits>(beat, code);
      for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
        const key_type wide = tom_number<InSigned>(code[l]);
        const key_type key = Falls ? key_type(-wide) : wide;
        if ((in_beat == 0 && l == 0) || (in_beat * Lanes + l < Channels && key > most)) most = key;
      }
      mosts[in_run] = most;
      waiting[write] = beat;
      write = tom_next<Depth>(write);
      if (whole_run) in_run = tom_next<Runs>(in_run);
      in_beat = tom_next<Beats>(in_beat);
      to_come.step();
    }

    for (unsigned i = Late - 1; i > 0; --i) {
#pragma HLS UNROLL
      came[i] = came[i - 1];
    }
    for (unsigned i = SumLate - 1; i > 0; --i) {
#pragma HLS UNROLL
      weighed[i] = weighed[i - 1];
    }
    came[0] = whole_run;
    weighed[0] = summed;
    known += (known_now ? 1 : 0) - (summed ? 1 : 0);
    ready += (ready_now ? 1 : 0) - (left ? 1 : 0);
    held += (comes ? 1 : 0) - (weighs ? 1 : 0);
    power_held += (weighs ? 1 : 0) - (leaves ? 1 : 0);
  }
}

#endif
