// SPDX-License-Identifier: Apache-2.0
// Products by multipliers, in DSP blocks or LUTs, of weights in two's complement or from a codebook.
//
// Pack filters share a multiplier: the packed weight is the sum of w_k << k * ProdBits, and so is the product
// of w_k * x << k * ProdBits. Its fields are the products, each less 1 where what lies below it is negative,
// which the top bit of the field below says. The memory holds the fields of the packed weights (w_k less 1
// where the fields below are negative), so that packing costs no logic.

#ifndef TOM_CELLS_MULTIPLY_HPP
#define TOM_CELLS_MULTIPLY_HPP

#include "tom_codes.hpp"
#include "tom_memory.hpp"

// The value of a stored weight.
template <bool Codebook, unsigned FieldBits, unsigned WeightBits, typename Constants>
struct tom_stored_weight {
  static ap_int<WeightBits> value(const ap_uint<FieldBits> &field) {
#pragma HLS INLINE
    return ap_int<WeightBits>(field);
  }
};

template <unsigned FieldBits, unsigned WeightBits, typename Constants>
struct tom_stored_weight<true, FieldBits, WeightBits, Constants> {
  static ap_int<WeightBits> value(const ap_uint<FieldBits> &field) {
#pragma HLS INLINE
    ap_int<WeightBits> chosen = 0;
    for (unsigned k = 0; k < 1u << FieldBits; ++k) {
#pragma HLS UNROLL
      if (field == k) chosen = Constants::signed_field(k, 32);
    }
    return chosen;
  }
};

template <
    unsigned Inputs,      // products per filter
    unsigned Outputs,     // filters
    bool Shared,          // all filters see the same inputs, see tom_dot
    unsigned InBits,      // width of an input code
    bool InSigned,        // inputs are two's complement
    unsigned FieldBits,   // stored width of a weight
    unsigned WeightBits,  // width of a weight, two's complement
    unsigned ProdBits,    // width of a product, two's complement
    bool Codebook,        // weights are indices into Constants
    typename Constants,   // tom_bits: 16 values of 32 bits
    unsigned Pack         // filters that share a DSP block; 0: multiply in LUTs
    >
struct tom_cells_multiply {
  static const unsigned Codes = Shared ? Inputs : Inputs * Outputs;
  static const unsigned Share = Pack > 1 ? Pack : 1;  // filters per multiplier
  static const unsigned PackedBits = WeightBits + (Share - 1) * ProdBits;
  static const unsigned Sums = Outputs, Terms = Inputs;
  typedef ap_int<ProdBits> term;

  static_assert(Shared || Pack <= 1, "only filters that see the same inputs share a multiplier");
  static_assert(!Codebook || Pack <= 1, "the borrows of packed weights are not in a codebook");
  static_assert(ProdBits >= WeightBits, "ProdBits must hold a weight");

  template <unsigned Pieces>
  static void products(const tom_piece (&word)[Pieces], const ap_uint<InBits> (&codes)[Codes],
                       term (&terms)[Sums][Terms]) {
#pragma HLS INLINE
    for (unsigned g = 0; g < Outputs; g += Share) {
#pragma HLS UNROLL
      for (unsigned i = 0; i < Inputs; ++i) {
#pragma HLS UNROLL
        ap_int<PackedBits> packed = 0;
        for (unsigned k = 0; k < Share && g + k < Outputs; ++k) {
#pragma HLS UNROLL
          const ap_uint<FieldBits> field = tom_field<FieldBits>(word, ((g + k) * Inputs + i) * FieldBits);
          const ap_int<WeightBits> weight = tom_stored_weight<Codebook, FieldBits, WeightBits, Constants>::value(field);
          packed.range(static_cast<int>(PackedBits - 1), static_cast<int>(k * ProdBits)) =
              ap_int<PackedBits>(weight).range(static_cast<int>(PackedBits - 1 - k * ProdBits), 0);
        }
        const typename tom_value<InSigned, InBits>::type x = tom_number<InSigned>(codes[Shared ? i : i * Outputs + g]);
        const auto product = tom_multiply<(Pack > 0)>::product(packed, x);
        terms[g][i] = term(product);
        for (unsigned k = 1; k < Share && g + k < Outputs; ++k) {
#pragma HLS UNROLL
          const int low = static_cast<int>(k * ProdBits);
          terms[g + k][i] = term(product >> low) + ap_uint<1>(product[low - 1]);
        }
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
