// SPDX-License-Identifier: Apache-2.0
// Weights of -1 and +1 on inputs that all filters share: the inputs that meet a weight of +1.
//
// With b the stored bit of a weight, (2 b - 1) x = 2 (b & x) - x: every filter adds up b & x, and one more sum,
// that of x, serves all filters; it stands behind theirs. Where inputs are bits, their ones are counted.

#ifndef TOM_CELLS_BINARY_HPP
#define TOM_CELLS_BINARY_HPP

#include "tom_codes.hpp"

template <
    unsigned Inputs,   // products per filter
    unsigned Outputs,  // filters
    unsigned InBits,   // width of an input code
    bool InSigned      // inputs are two's complement
    >
struct tom_cells_binary {
  static const unsigned Codes = Inputs;
  static const bool Count = InBits == 1;
  static const unsigned Sums = Outputs + 1, Terms = Inputs;
  typedef ap_int<InBits + 1> term;

  template <unsigned Pieces>
  static void products(const tom_piece (&word)[Pieces], const ap_uint<InBits> (&codes)[Codes],
                       term (&terms)[Sums][Terms]) {
#pragma HLS INLINE
    for (unsigned i = 0; i < Inputs; ++i) {
#pragma HLS UNROLL
      const term x = Count ? term(codes[i]) : term(tom_number<InSigned>(codes[i]));
      for (unsigned o = 0; o < Outputs; ++o) {
#pragma HLS UNROLL
        terms[o][i] = tom_field<1>(word, o * Inputs + i) != 0 ? x : term(0);
      }
      terms[Outputs][i] = x;
    }
  }

  // Signed bits count as 0 and -1.
  template <unsigned AccBits>
  static ap_int<AccBits> result(const ap_int<AccBits> (&sums)[Sums], unsigned o) {
#pragma HLS INLINE
    const ap_int<AccBits> twice = sums[o] << 1;
    return InSigned && Count ? ap_int<AccBits>(sums[Outputs] - twice) : ap_int<AccBits>(twice - sums[Outputs]);
  }
};

#endif
