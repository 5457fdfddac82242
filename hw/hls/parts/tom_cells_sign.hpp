// SPDX-License-Identifier: Apache-2.0
// Products of weights that are signs: x or -x (binary), or 0 (ternary).

#ifndef TOM_CELLS_SIGN_HPP
#define TOM_CELLS_SIGN_HPP

#include "tom_codes.hpp"

template <
    unsigned Inputs,   // products per filter
    unsigned Outputs,  // filters
    bool Shared,       // all filters see the same inputs, see tom_dot
    unsigned InBits,   // width of an input code
    bool InSigned,     // inputs are two's complement
    bool Ternary,      // two bits per weight: not zero, minus; else one: plus
    unsigned ProdBits  // width of a product, two's complement
    >
struct tom_cells_sign {
  static const unsigned Codes = Shared ? Inputs : Inputs * Outputs;
  static const unsigned FieldBits = Ternary ? 2 : 1;
  static const unsigned Sums = Outputs, Terms = Inputs;
  typedef ap_int<ProdBits> term;

  template <unsigned Pieces>
  static void products(const tom_piece (&word)[Pieces], const ap_uint<InBits> (&codes)[Codes],
                       term (&terms)[Sums][Terms]) {
#pragma HLS INLINE
    for (unsigned o = 0; o < Outputs; ++o) {
#pragma HLS UNROLL
      for (unsigned i = 0; i < Inputs; ++i) {
#pragma HLS UNROLL
        const ap_uint<FieldBits> weight = tom_field<FieldBits>(word, (o * Inputs + i) * FieldBits);
        const ap_int<InBits + 1> x = tom_number<InSigned>(codes[Shared ? i : i * Outputs + o]);
        const bool minus = Ternary ? bool(weight[FieldBits - 1]) : !weight[0];
        const bool zero = Ternary && !weight[0];
        terms[o][i] = zero ? term(0) : minus ? term(-x) : term(x);
      }
    }
  }

  template <unsigned AccBits>
  static ap_int<AccBits> result(const ap_int<AccBits> (&sums)[Sums], unsigned o) {
#pragma HLS INLINE
    return sums[o];
  }
};

#endif
