// SPDX-License-Identifier: Apache-2.0
// Products of weights that are powers of two with a sign: the input, or its negative, shifted.
//
// A weight is a minus bit above an exponent e, and means 2 ** (Base + e); an exponent of ones means 0. Focused
// weights have a further bit above: it selects one of two means, 0 or powers of two with a sign, to be added
// to the power.

#ifndef TOM_CELLS_SHIFT_HPP
#define TOM_CELLS_SHIFT_HPP

#include "tom_codes.hpp"

template <
    unsigned Inputs,     // products per filter
    unsigned Outputs,    // filters
    bool Shared,         // all filters see the same inputs, see tom_dot
    unsigned InBits,     // width of an input code
    bool InSigned,       // inputs are two's complement
    unsigned FieldBits,  // stored width of a weight
    unsigned ProdBits,   // width of a product, two's complement
    bool Focused,        // weights select a mean
    typename Constants   // tom_bits, 32 bits each: Base, the two means
    >
struct tom_cells_shift {
  static const unsigned Codes = Shared ? Inputs : Inputs * Outputs;
  static const unsigned ExpBits = FieldBits - (Focused ? 2 : 1);
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
        terms[o][i] = product(weight, tom_number<InSigned>(codes[Shared ? i : i * Outputs + o]));
      }
    }
  }

  template <unsigned AccBits>
  static ap_int<AccBits> result(const ap_int<AccBits> (&sums)[Sums], unsigned o) {
#pragma HLS INLINE
    return sums[o];
  }

 private:
  static term product(const ap_uint<FieldBits> &weight, const ap_int<InBits + 1> &x) {
#pragma HLS INLINE
    const int base = Constants::signed_field(0, 32);
    const ap_uint<ExpBits> exponent = weight.range(static_cast<int>(ExpBits - 1), 0);
    const term power = term(weight[ExpBits] ? term(-x) : term(x)) << exponent;
    const term scaled = exponent == (1u << ExpBits) - 1 ? term(0) : term(power << base);
    if (!Focused) return scaled;
    return weight[FieldBits - 1] ? scaled + centre(Constants::signed_field(2, 32), x)
                                 : scaled + centre(Constants::signed_field(1, 32), x);
  }

  // The input times a mean: wires.
  static term centre(int mean, const ap_int<InBits + 1> &x) {
#pragma HLS INLINE
    const unsigned size = static_cast<unsigned>(mean < 0 ? -mean : mean);
    const term signed_x = mean < 0 ? term(-x) : term(x);
    return mean == 0 ? term(0) : term(signed_x << static_cast<int>(tom_clog2(size)));
  }
};

#endif
