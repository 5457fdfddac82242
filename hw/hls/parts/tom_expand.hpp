// SPDX-License-Identifier: Apache-2.0
// The end of tom_gated_fold: results of the chosen groups wait for their pixel, which leaves whole, zeros for the others.
//
// A pixel leaves when its last result is there, one beat per step: whichever its groups are, it takes Groups * Folds steps.
// One group alone has no gate: its results leave at once.

#ifndef TOM_EXPAND_HPP
#define TOM_EXPAND_HPP

#include "tom_codes.hpp"

#include "hls_stream.h"

template <
    unsigned Width,   // bits per result
    unsigned Groups,  // groups of a pixel
    unsigned Keep,    // of them are chosen
    unsigned Folds,   // results of each
    unsigned Depth    // results that may wait
    >
class tom_expand {
 public:
  typedef ap_uint<Width> beat_type;

  tom_expand() : write_at(0), read_at(0), waiting(0), result(0), pixels(0), group(0), fold(0), left(Keep * Folds) {
#pragma HLS INLINE
#pragma HLS DEPENDENCE variable = results intra false
#pragma HLS DEPENDENCE variable = groups intra false
  }

  // Whether there is room for a result.
  bool room() const {
#pragma HLS INLINE
    return waiting != Depth;
  }

  // One step: a result of group `of` comes, or none, and a beat leaves if its pixel is there. Returns whether.
  bool step(bool comes, const beat_type &data, const tom_count<Groups> &of, hls::stream<beat_type> &out) {
#pragma HLS INLINE
    if (Groups == 1) {
      if (comes) out.write(data);
      return comes;
    }
    const bool leaves = pixels != 0;
    const bool hit = leaves && left != 0 && groups[read_at] == group;
    if (leaves) {
      const bool last_fold = fold == Folds - 1, ends = last_fold && group == Groups - 1;
      out.write(hit ? results[read_at] : beat_type(0));
      fold = tom_next<Folds>(fold);
      if (last_fold) group = tom_next<Groups>(group);
      left = ends ? tom_count<Keep * Folds>(Keep * Folds) : tom_count<Keep * Folds>(left - hit);
      if (ends) --pixels;
      if (hit) read_at = tom_next<Depth>(read_at);
    }
    if (comes) {
      results[write_at] = data;
      groups[write_at] = of;
      write_at = tom_next<Depth>(write_at);
      if (result == Keep * Folds - 1) ++pixels;
      result = tom_next<Keep * Folds>(result);
    }
    waiting = waiting + comes - hit;
    return leaves;
  }

 private:
  beat_type results[Depth];
  tom_count<Groups> groups[Depth];
  tom_count<Depth> write_at, read_at, waiting;
  tom_count<Keep * Folds> result;  // the next one of its pixel
  tom_count<Depth> pixels;         // that may leave
  tom_count<Groups> group;
  tom_count<Folds> fold;
  tom_count<Keep * Folds> left;    // results of the pixel that have not left
};

#endif
