// SPDX-License-Identifier: Apache-2.0
// Products by multipliers, in DSP blocks or LUTs, of weights in two's complement or from a codebook.
//
// Pack filters share a multiplier: the packed weight is the sum of w_k << k * ProdBits, and so is the product
// of w_k * x << k * ProdBits, and the sum of Chain such products. It begins with half of the range of every field but
// the topmost one, so that no field is negative and borrows from the next: its top bit is turned, and it is the sum. The
// memory holds the fields of the packed weights (w_k less 1 where the fields below are negative), so that packing costs
// no logic.

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
    unsigned ProdBits,    // width of a product, or of the sum of a chain, two's complement
    bool Codebook,        // weights are indices into Constants
    typename Constants,   // tom_bits: 16 values of 32 bits
    unsigned Pack,        // filters that share a DSP block; 0: multiply in LUTs
    unsigned Chain = 0    // products that are summed before they are taken apart; 0: none
    >
struct tom_cells_multiply {
  static const unsigned Codes = Shared ? Inputs : Inputs * Outputs;
  static const unsigned Share = Pack > 1 ? Pack : 1;  // filters per multiplier
  static const unsigned PackedBits = WeightBits + (Share - 1) * ProdBits;
  static const unsigned Length = Chain > 0 ? Chain : 1;
  static const unsigned SumBits = Share * ProdBits > PackedBits ? Share * ProdBits : PackedBits;
  static const unsigned Sums = Outputs, Terms = (Inputs + Length - 1) / Length;
  typedef ap_int<ProdBits> term;

  static_assert(Shared || Pack <= 1, "only filters that see the same inputs share a multiplier");
  static_assert(!Codebook || Pack <= 1, "the borrows of packed weights are not in a codebook");
  static_assert(ProdBits >= WeightBits, "ProdBits must hold a weight");

  // The packed weight of input i of the filters from g on.
  template <unsigned Pieces>
  static ap_int<PackedBits> packed(const tom_piece (&word)[Pieces], unsigned g, unsigned i) {
#pragma HLS INLINE
    ap_int<PackedBits> fields = 0;
    for (unsigned k = 0; k < Share && g + k < Outputs; ++k) {
#pragma HLS UNROLL
      const ap_uint<FieldBits> field = tom_field<FieldBits>(word, ((g + k) * Inputs + i) * FieldBits);
      const ap_int<WeightBits> weight = tom_stored_weight<Codebook, FieldBits, WeightBits, Constants>::value(field);
      fields.range(static_cast<int>(PackedBits - 1), static_cast<int>(k * ProdBits)) =
          ap_int<PackedBits>(weight).range(static_cast<int>(PackedBits - 1 - k * ProdBits), 0);
    }
    return fields;
  }

  template <unsigned Pieces>
  static void products(const tom_piece (&word)[Pieces], const ap_uint<InBits> (&codes)[Codes],
                       term (&terms)[Sums][Terms]) {
#pragma HLS INLINE
    for (unsigned g = 0; g < Outputs; g += Share) {
#pragma HLS UNROLL
      for (unsigned c = 0; c < Terms; ++c) {
#pragma HLS UNROLL
        ap_int<SumBits> sum = 0;
        for (unsigned k = 1; k < Share; ++k) {
#pragma HLS UNROLL
          sum |= ap_int<SumBits>(1) << static_cast<int>(k * ProdBits - 1);
        }
        for (unsigned i = c * Length; i < (c + 1) * Length && i < Inputs; ++i) {
#pragma HLS UNROLL
          const typename tom_value<InSigned, InBits>::type x =
              tom_number<InSigned>(codes[Shared ? i : i * Outputs + g]);
          sum += tom_multiply<(Pack > 0)>::product(packed(word, g, i), x);
        }
        for (unsigned k = 0; k < Share && g + k < Outputs; ++k) {
#pragma HLS UNROLL
          const ap_uint<ProdBits> half = k + 1 < Share ? ap_uint<ProdBits>(1) << static_cast<int>(ProdBits - 1)
                                                       : ap_uint<ProdBits>(0);
          terms[g + k][c] = term(ap_uint<ProdBits>(sum >> static_cast<int>(k * ProdBits)) ^ half);
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
