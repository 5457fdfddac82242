// SPDX-License-Identifier: Apache-2.0
// Pooling: a line buffer (tom_window) and, for every lane, a tree of maxima or adders.
//
// Bit-exact with tomato/ops/pool.py (MaxPool, SumPool) and tom_pool_window.sv. Cycles per frame:
// OutHeight * OutWidth * Beats * reads, where a read takes one tap of Lanes channels (all rows and columns of
// the kernel at once with ParallelH and ParallelW); at least one cycle per input beat.

#ifndef TOM_POOL_WINDOW_HPP
#define TOM_POOL_WINDOW_HPP

#include "tom_codes.hpp"

#include "hls_stream.h"
#include "tom_window.hpp"

// One step of the reduction.
template <bool Max, int Bits>
ap_int<Bits> tom_join(const ap_int<Bits> &a, const ap_int<Bits> &b) {
#pragma HLS INLINE
  return Max ? (a > b ? a : b) : ap_int<Bits>(a + b);
}

template <
    unsigned Lanes,       // codes per beat, in and out: channels computed at once
    unsigned Beats,       // beats per pixel, in and out
    unsigned Height,      // input rows
    unsigned Width,       // input columns
    unsigned OutHeight,   // output rows
    unsigned OutWidth,    // output columns
    unsigned KernelH, unsigned KernelW, unsigned StrideH, unsigned StrideW, unsigned DilationH, unsigned DilationW,
    unsigned PadTop, unsigned PadLeft,
    int PadValue,         // code of the border
    bool ParallelH,       // all kernel rows at once
    bool ParallelW,       // all kernel columns at once
    unsigned Rows,        // rows in the line buffer
    unsigned Columns,     // column banks of the line buffer
    unsigned Pixels,      // neighbouring columns per input beat
    unsigned RingRam,     // memory kind of the line buffer: 0 LUTRAM, 1 block RAM, 2 UltraRAM
    unsigned InBits,      // width of an input code
    bool InSigned,        // inputs are two's complement
    unsigned OutBits,     // width of an output code
    bool Max              // true: maximum, false: sum
    >
void tom_pool_window(
    const unsigned frames,
    hls::stream<ap_uint<Pixels * Lanes * InBits> > &in,
    hls::stream<ap_uint<Lanes * OutBits> > &out) {
  typedef tom_window<Lanes, InBits, Beats, Beats, 1, Height, Width, OutHeight, OutWidth, KernelH, KernelW, StrideH,
                     StrideW, DilationH, DilationW, PadTop, PadLeft, PadValue, ParallelH, ParallelW, Rows, Columns,
                     Pixels, RingRam> buffer;
  typedef ap_int<tom_max(InBits, OutBits) + 1> number;
  const unsigned Cycles = buffer::Cycles;
  (void)Cycles;  // only a directive names it

  buffer window(frames);
  number results[Lanes];
#pragma HLS ARRAY_PARTITION variable = results complete

  while (window.busy()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
    ap_uint<InBits> codes[buffer::Codes];
#pragma HLS ARRAY_PARTITION variable = codes complete
    const tom_read read = window.step(in, codes);
    if (read.valid) {
      ap_uint<Lanes * OutBits> beat = 0;
      for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
        number joined = tom_number<InSigned>(codes[l]);
        for (unsigned k = 1; k < buffer::TapsH * buffer::TapsW; ++k) {
#pragma HLS UNROLL
          joined = tom_join<Max>(joined, number(tom_number<InSigned>(codes[k * Lanes + l])));
        }
        results[l] = read.first ? joined : tom_join<Max>(results[l], joined);
        tom_put<OutBits>(beat, l, ap_uint<OutBits>(results[l]));
      }
      if (read.last) out.write(beat);
    }
  }
}

#endif
