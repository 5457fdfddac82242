// SPDX-License-Identifier: Apache-2.0
// Counts the rows or the columns of a frame with a border of its own pixels, over and over.
// Part of tom_edge_pad_ring.
//
// Size places have Before places in front of them and Behind behind them, which repeat the nearest place or
// mirror the others at it.

#ifndef TOM_EDGE_COUNT_HPP
#define TOM_EDGE_COUNT_HPP

#include "tom_codes.hpp"

template <
    unsigned Size,    // places without the border
    unsigned Before,  // places of border in front
    unsigned Behind,  // places of border behind
    bool Mirrored     // the border mirrors
    >
class tom_edge_count {
 public:
  static const unsigned Ahead = Mirrored ? Before : 0;  // places that the first one shows at once
  static const unsigned After = Mirrored ? Behind : 0;  // places that wait for the last one

  tom_edge_count() : count(0) {
#pragma HLS INLINE
  }

  // This is the first place.
  bool first() const {
#pragma HLS INLINE
    return count == 0;
  }

  // This is the last place.
  bool last() const {
#pragma HLS INLINE
    return count == Total - 1;
  }

  // What this shows was not shown yet, nor all that lies in front of it.
  bool fresh() const {
#pragma HLS INLINE
    return first() || (count > Before + Ahead && count < Before + Size);
  }

  // What this shows is shown for the last time, and all that lies in front of it.
  bool leaves() const {
#pragma HLS INLINE
    return last() || (count + 1 > Before && count + 1 + After < Before + Size);
  }

  // Places from what this shows to what the next one shows, if this is not the last.
  int step() const {
#pragma HLS INLINE
    return count + 1 > Before && count + 1 < Before + Size ? 1 : Mirrored ? -1 : 0;
  }

  void advance() {
#pragma HLS INLINE
    count = tom_next<Total>(count);
  }

 private:
  static_assert(!Mirrored || (Before < Size && Behind < Size), "there must be as many places to mirror");
  static const unsigned Total = Before + Size + Behind;

  tom_count<Total> count;
};

#endif
