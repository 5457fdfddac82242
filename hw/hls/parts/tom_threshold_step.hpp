// SPDX-License-Identifier: Apache-2.0
// One step of a binary search among thresholds, on every lane: it finds one more bit of the result.
//
// Address of the memory: the bits found so far, above them the beat within the pixel; a word holds the threshold
// of every lane, lane 0 in the low bits.

#ifndef TOM_THRESHOLD_STEP_HPP
#define TOM_THRESHOLD_STEP_HPP

#include "tom_codes.hpp"

// Words of the memory of step Found; one of no meaning for a step that there is not.
constexpr unsigned tom_threshold_words(unsigned steps, unsigned found, unsigned beats) {
  return found < steps ? beats << found : 1;
}

template <
    unsigned Found,     // bits of the result that are known before this step
    unsigned DataBits,  // width of a threshold
    bool Signed,        // thresholds and codes are two's complement
    unsigned Lanes, int Steps, int InBits, int BeatBits, unsigned Words, unsigned Pieces  // deduced
    >
void tom_threshold_step(
    const tom_piece (&mem_file)[Words][Pieces],
    const ap_uint<BeatBits> &beat,
    const ap_uint<InBits> (&codes)[Lanes],
    ap_uint<Steps> (&index)[Lanes]) {
#pragma HLS INLINE
  typedef tom_count<Words> address;
  if (static_cast<int>(Found) >= Steps) return;
  for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
    const address word = (address(beat) << Found) | index[l];
    const ap_uint<DataBits> bound = tom_field<DataBits>(mem_file[word], l * DataBits);
    const bool reached = tom_number<Signed>(codes[l]) >= tom_number<Signed>(bound);
    index[l] = (index[l] << 1) | ap_uint<1>(reached);
  }
}

#endif
