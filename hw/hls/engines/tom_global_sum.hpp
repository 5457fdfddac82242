// SPDX-License-Identifier: Apache-2.0
// The exact sum of every channel over all pixels of a frame.
//
// Bit-exact with GlobalSum of tomato/ops/pool.py and tom_global_sum.sv; OutBits hold every sum. One input
// beat per cycle: Pixels * Beats cycles a frame; sums leave with the beats of the last pixel.

#ifndef TOM_GLOBAL_SUM_HPP
#define TOM_GLOBAL_SUM_HPP

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"
#include "tom_memory.hpp"

// Few sums are registers: there, the next beat may want what this one has just written. More are LUTRAM, which
// takes a step or two to give back what was written, and a sum returns after Beats steps, at least 4.
template <bool Few>
struct tom_global_sum_memory;

template <>
struct tom_global_sum_memory<true> {
  template <typename Array>
  static void bind(Array &sums) {
#pragma HLS INLINE
#pragma HLS ARRAY_PARTITION variable = sums complete
    (void)sums;
  }
};

template <>
struct tom_global_sum_memory<false> {
  template <typename Array>
  static void bind(Array &sums) {
#pragma HLS INLINE
    TOM_STORE(sums, RAM_S2P, LUTRAM)
#pragma HLS DEPENDENCE variable = sums inter RAW distance = 4 true
    (void)sums;
  }
};

template <
    unsigned Lanes,   // codes per beat
    unsigned Beats,   // beats per pixel
    unsigned Pixels,  // pixels per frame
    unsigned InBits,  // width of an input code
    bool InSigned,    // inputs are two's complement
    unsigned OutBits  // width of a sum
    >
void tom_global_sum(const unsigned frames, hls::stream<ap_uint<Lanes * InBits> > &in,
                    hls::stream<ap_uint<Lanes * OutBits> > &out) {
  const unsigned Cycles = Pixels * Beats;
  static_assert(OutBits >= InBits, "OutBits must not be less than InBits");

  ap_uint<Lanes * OutBits> sums[Beats];
  tom_global_sum_memory<(Beats < 4)>::bind(sums);
  tom_count<Beats> beat = 0;
  tom_count<Pixels> pixel = 0;
  for (tom_countdown<Cycles> to_come(frames); to_come.any(); to_come.step()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
    ap_uint<InBits> code[Lanes];
    ap_uint<OutBits> sum[Lanes];
    ap_uint<Lanes * OutBits> result = 0;
    tom_unpack<Lanes, InBits>(in.read(), code);
    tom_unpack<Lanes, OutBits>(sums[beat], sum);

    for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
      const ap_uint<OutBits> before = pixel == 0 ? ap_uint<OutBits>(0) : sum[l];
      tom_put<OutBits>(result, l, ap_uint<OutBits>(before + tom_number<InSigned>(code[l])));
    }
    sums[beat] = result;
    if (pixel == Pixels - 1) out.write(result);
    if (beat == Beats - 1) pixel = tom_next<Pixels>(pixel);
    beat = tom_next<Beats>(beat);
  }
}

#endif
