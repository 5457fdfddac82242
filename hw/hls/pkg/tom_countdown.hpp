// SPDX-License-Identifier: Apache-2.0
// Counts what is to come in a number of frames.
//
// In two levels, frames and what is left of one: their product would outgrow 32 bits and cost multipliers.

#ifndef TOM_COUNTDOWN_HPP
#define TOM_COUNTDOWN_HPP

#include "tom_codes.hpp"

template <unsigned PerFrame>
class tom_countdown {
 public:
  explicit tom_countdown(unsigned frames) : more(frames != 0), frames_left(frames), done(0) {
#pragma HLS INLINE
  }

  // Whether anything is to come: a register, as a loop that ends with it decides so every cycle.
  bool any() const {
#pragma HLS INLINE
    return more;
  }

  void step() {
#pragma HLS INLINE
    if (done == PerFrame - 1) {
      more = frames_left != 1;
      --frames_left;
    }
    done = tom_next<PerFrame>(done);
  }

 private:
  bool more;
  unsigned frames_left;      // this frame is one of them
  tom_count<PerFrame> done;  // of this frame
};

#endif
