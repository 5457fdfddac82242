// SPDX-License-Identifier: Apache-2.0
// Reads the beats of a band in another order: a double-buffered memory behind a nest of counters.
//
// Upsample, Flip, DepthToSpace, SpaceToDepth and Transpose of tomato/ops/move.py; twin of tom_reorder_band.sv.
// BandIn beats are written in order; when all are there, BandOut beats are read, at addresses that Levels nested
// loops give, from beat Begin on, level 0 innermost: Counts[l] passes, Strides[l] beats apart (0 repeats, below 0 goes
// back). The other bank fills meanwhile: a band costs the larger of BandIn and BandOut cycles, and the first BandIn more. It never waits for a
// beat while it has one to write.

#ifndef TOM_REORDER_BAND_HPP
#define TOM_REORDER_BAND_HPP

#include <cassert>

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"
#include "tom_memory.hpp"

// Levels Level and above of a nest of loops.
template <unsigned Level, unsigned Levels, typename Counts, typename Strides>
class tom_nest {
 public:
  tom_nest() : pass(0) {
#pragma HLS INLINE
  }

  // Goes on by one pass and returns the distance to it, behind the last one that back to the first.
  int advance() {
#pragma HLS INLINE
    const bool last = pass == Count - 1;
    pass = tom_next<Count>(pass);
    return last ? above.advance() - Span : Stride;
  }

  static constexpr unsigned passes() { return Count * tom_nest<Level + 1, Levels, Counts, Strides>::passes(); }

 private:
  static const unsigned Count = static_cast<unsigned>(Counts::field(Level, 32));
  static const int Stride = Strides::signed_field(Level, 32);
  static const int Span = static_cast<int>(Count - 1) * Stride;  // from the first pass to the last

  tom_count<Count> pass;
  tom_nest<Level + 1, Levels, Counts, Strides> above;
};

template <unsigned Levels, typename Counts, typename Strides>
class tom_nest<Levels, Levels, Counts, Strides> {
 public:
  static int advance() {
#pragma HLS INLINE
    return 0;
  }

  static constexpr unsigned passes() { return 1; }
};

template <
    unsigned Lanes,      // codes per beat
    unsigned Bits,       // width of a code
    unsigned BandIn,     // beats written per band
    unsigned BandOut,    // beats read per band
    unsigned Begin,      // the beat of a band that is read first
    unsigned Levels,     // nested loops
    typename Counts,     // tom_bits: passes of each level, 32 bits each, level 0 lowest
    typename Strides,    // tom_bits: beats from pass to pass, 32 bits each
    unsigned Ram,        // memory kind: 0 LUTRAM, 1 block RAM, 2 UltraRAM
    unsigned FrameBeats  // output beats per frame
    >
void tom_reorder_band(const unsigned frames, hls::stream<ap_uint<Lanes * Bits> > &in,
                      hls::stream<ap_uint<Lanes * Bits> > &out) {
  typedef tom_nest<0, Levels, Counts, Strides> nest;
  const unsigned Cycles = FrameBeats / BandOut * tom_max(BandIn, BandOut);
  static_assert(nest::passes() == BandOut, "BandOut must be the product of Counts");
  static_assert(FrameBeats % BandOut == 0, "a frame must be whole bands");

  ap_uint<Lanes * Bits> banks[2 * BandIn];
  tom_memory<Ram>::bind(banks);
// A step never reads the bank that it writes.
#pragma HLS DEPENDENCE variable = banks intra false

  nest loops;
  tom_countdown<FrameBeats / BandOut * BandIn> to_come(frames);
  tom_countdown<FrameBeats> to_leave(frames);
  tom_count<2> full = 0;            // banks whose band is complete and not yet read
  tom_count<BandIn> offset = Begin;     // of the beat to read, in its bank
  bool bank = false;                // that is read
  tom_count<BandOut> out_beat = 0;  // of the band that is read
  tom_count<2 * BandIn> write = 0;  // where the next beat goes
#ifndef __SYNTHESIS__
  tom_piece steps_left = tom_piece(frames) * Cycles + BandIn;
#endif

  while (to_leave.any()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
#ifndef __SYNTHESIS__
    assert(steps_left-- != 0 && "slower than the closed form, or the input stream lacks beats");
#endif
    const bool reads = full != 0, writes = to_come.any() && full != 2 && !in.empty();
    if (reads) {
      const tom_count<2 * BandIn> read = (bank ? BandIn : 0) + offset;
      out.write(banks[read]);
      offset += loops.advance();
      if (out_beat == BandOut - 1) {
        bank = !bank;
        --full;
      }
      out_beat = tom_next<BandOut>(out_beat);
      to_leave.step();
    }
    if (writes) {
      banks[write] = in.read();
      if (write == BandIn - 1 || write == 2 * BandIn - 1) ++full;
      write = tom_next<2 * BandIn>(write);
      to_come.step();
    }
  }
}

#endif
