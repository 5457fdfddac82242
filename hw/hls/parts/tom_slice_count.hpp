// SPDX-License-Identifier: Apache-2.0
// Counts 0 to Size - 1 over and over and tells which counts are in Begin, Begin + Step, ... below End.
// Part of tom_slice_stream and tom_pad_stream.

#ifndef TOM_SLICE_COUNT_HPP
#define TOM_SLICE_COUNT_HPP

#include "tom_codes.hpp"

template <
    unsigned Size,   // counts
    unsigned Begin,  // first that passes
    unsigned End,    // behind the last that may pass
    unsigned Step    // from one that passes to the next
    >
class tom_slice_count {
 public:
  tom_slice_count() : count(0), phase(0) {
#pragma HLS INLINE
  }

  // This count passes.
  bool pass() const {
#pragma HLS INLINE
    return count >= Begin && count < End && phase == 0;
  }

  // This count is Size - 1.
  bool last() const {
#pragma HLS INLINE
    return count == Size - 1;
  }

  void step() {
#pragma HLS INLINE
    count = tom_next<Size>(count);
    phase = count == Begin ? tom_count<Step>(0) : tom_next<Step>(phase);
  }

 private:
  static_assert(Begin < End && End <= Size && Step >= 1, "the slice must lie in the counts");

  tom_count<Size> count;
  tom_count<Step> phase;  // counts since the last that passed, modulo Step
};

// The three counts of a beat in its frame.
template <typename Row, typename Col, typename Beat>
struct tom_slice_place {
  Row row;
  Col col;
  Beat beat;

  bool pass() const {
#pragma HLS INLINE
    return row.pass() && col.pass() && beat.pass();
  }

  void step() {
#pragma HLS INLINE
    const bool pixel_end = beat.last(), row_end = col.last();
    beat.step();
    if (pixel_end) col.step();
    if (pixel_end && row_end) row.step();
  }
};

#endif
