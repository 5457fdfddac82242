// SPDX-License-Identifier: Apache-2.0
// A unary function of a wide code, as lines on 2^IndexBits segments of 2^RestBits codes each.
//
//   c = clip(x, First, First + 2^(IndexBits + RestBits) - 1)
//   k = (c - First) >> RestBits, low = (c - First) mod 2^RestBits
//   y = clip((offset[k] + slope[k] * low) >> Shift, Lo, Hi)
// Bit-exact with tomato/ops/piecewise.py and tom_piecewise.sv. A word of the memory holds an offset (low) and its slope.

#ifndef TOM_PIECEWISE_HPP
#define TOM_PIECEWISE_HPP

#include "tom_codes.hpp"

template <
    unsigned InBits,      // width of x
    bool InSigned,        // x is two's complement
    int First,            // the least code of the first segment
    unsigned IndexBits,   // segments, as a power of 2; at least 1
    unsigned RestBits,    // codes of a segment, as a power of 2
    unsigned SlopeBits,   // width of a slope, two's complement
    unsigned OffsetBits,  // width of an offset, two's complement
    unsigned Shift,       // right shift, rounding down
    unsigned OutBits,     // width of y
    int Lo,               // smallest result
    int Hi,               // largest result
    unsigned Pieces       // deduced
    >
ap_uint<OutBits> tom_piecewise(const tom_piece (&mem_file)[1u << IndexBits][Pieces], const ap_uint<InBits> &x) {
#pragma HLS INLINE
  static_assert(Lo <= Hi, "Lo must not exceed Hi");
  static_assert(IndexBits >= 1, "there must be two segments or more");
  const unsigned PlaceBits = IndexBits + RestBits;
  const unsigned SumBits = tom_max(SlopeBits + RestBits + 1, OffsetBits) + 1;
  typedef ap_int<tom_max(tom_max(InBits, 32), PlaceBits) + 2> far_type;

  const far_type most = (far_type(1) << int(PlaceBits)) - 1;
  const far_type far = tom_number<InSigned>(x) - far_type(First);
  const ap_uint<PlaceBits> place = ap_uint<PlaceBits>(far < 0 ? far_type(0) : far > most ? most : far);
  const ap_uint<IndexBits> line = ap_uint<IndexBits>(place >> int(RestBits));
  const ap_int<RestBits + 1> low = ap_int<RestBits + 1>(place - (ap_uint<PlaceBits>(line) << int(RestBits)));
  const ap_int<OffsetBits> offset = ap_int<OffsetBits>(tom_field<OffsetBits>(mem_file[line], 0));
  const ap_int<SlopeBits> slope = ap_int<SlopeBits>(tom_field<SlopeBits>(mem_file[line], OffsetBits));
  const ap_int<SumBits> shifted = ap_int<SumBits>(offset + slope * low) >> int(Shift);
  const ap_int<OutBits + 1> y = shifted < Lo ? ap_int<OutBits + 1>(Lo)
                              : shifted > Hi ? ap_int<OutBits + 1>(Hi)
                                             : ap_int<OutBits + 1>(shifted);
  return ap_uint<OutBits>(y);
}

#endif
