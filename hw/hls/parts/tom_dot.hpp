// SPDX-License-Identifier: Apache-2.0
// Dot products: `Outputs` filters, `Inputs` products per cycle and filter.
//
// With Shared all filters see the same inputs (convolution, dense); without it filter o sees every Outputs-th
// input from input o on (depthwise: taps slow, channels fast). Reads of one pass add up to one result per
// filter. A weight word holds, for each filter, the weights of all inputs; filter 0, input 0 in the low bits.
//
// Cell says what a weight is, and with it what makes a product: see tom_cells_*.hpp.
//   0 fixed: WeightBits, two's complement; Pack filters share a DSP block, 0: multiply in LUTs
//   1 binary: a bit, +1 where it is set, else -1; if Shared, inputs are selected and added instead
//   2 ternary: 0, or +1 where only the low bit is set, or -1 where both are
//   3 shift: 0, or a power of two with a sign
//   4 focused: likewise, plus one of two means
//   5 codebook: an index into Constants; Pack 1 or 0

#ifndef TOM_DOT_HPP
#define TOM_DOT_HPP

#include "tom_cells_binary.hpp"
#include "tom_cells_multiply.hpp"
#include "tom_cells_shift.hpp"
#include "tom_cells_sign.hpp"
#include "tom_codes.hpp"

// The cells by number. Each has a static function products(word, codes, terms) and says how many sums of how
// many terms of what type they make.
template <unsigned Cell, unsigned Inputs, unsigned Outputs, bool Shared, unsigned InBits, bool InSigned,
          unsigned FieldBits, unsigned WeightBits, typename Constants, unsigned ProdBits, unsigned Pack, unsigned Chain>
struct tom_cells : tom_cells_multiply<Inputs, Outputs, Shared, InBits, InSigned, FieldBits, WeightBits, ProdBits,
                                      Cell == 5, Constants, Pack, Chain> {
  static_assert(Cell == 0 || Cell == 5, "Cell must be 0 to 5");
};

template <unsigned Inputs, unsigned Outputs, unsigned InBits, bool InSigned, unsigned FieldBits, unsigned WeightBits,
          typename Constants, unsigned ProdBits, unsigned Pack, unsigned Chain>
struct tom_cells<1, Inputs, Outputs, true, InBits, InSigned, FieldBits, WeightBits, Constants, ProdBits, Pack, Chain>
    : tom_cells_binary<Inputs, Outputs, InBits, InSigned> {};

template <unsigned Inputs, unsigned Outputs, unsigned InBits, bool InSigned, unsigned FieldBits, unsigned WeightBits,
          typename Constants, unsigned ProdBits, unsigned Pack, unsigned Chain>
struct tom_cells<1, Inputs, Outputs, false, InBits, InSigned, FieldBits, WeightBits, Constants, ProdBits, Pack, Chain>
    : tom_cells_sign<Inputs, Outputs, false, InBits, InSigned, false, ProdBits> {};

template <unsigned Inputs, unsigned Outputs, bool Shared, unsigned InBits, bool InSigned, unsigned FieldBits,
          unsigned WeightBits, typename Constants, unsigned ProdBits, unsigned Pack, unsigned Chain>
struct tom_cells<2, Inputs, Outputs, Shared, InBits, InSigned, FieldBits, WeightBits, Constants, ProdBits, Pack, Chain>
    : tom_cells_sign<Inputs, Outputs, Shared, InBits, InSigned, true, ProdBits> {};

template <unsigned Inputs, unsigned Outputs, bool Shared, unsigned InBits, bool InSigned, unsigned FieldBits,
          unsigned WeightBits, typename Constants, unsigned ProdBits, unsigned Pack, unsigned Chain>
struct tom_cells<3, Inputs, Outputs, Shared, InBits, InSigned, FieldBits, WeightBits, Constants, ProdBits, Pack, Chain>
    : tom_cells_shift<Inputs, Outputs, Shared, InBits, InSigned, FieldBits, ProdBits, false, Constants> {};

template <unsigned Inputs, unsigned Outputs, bool Shared, unsigned InBits, bool InSigned, unsigned FieldBits,
          unsigned WeightBits, typename Constants, unsigned ProdBits, unsigned Pack, unsigned Chain>
struct tom_cells<4, Inputs, Outputs, Shared, InBits, InSigned, FieldBits, WeightBits, Constants, ProdBits, Pack, Chain>
    : tom_cells_shift<Inputs, Outputs, Shared, InBits, InSigned, FieldBits, ProdBits, true, Constants> {};

template <
    unsigned Inputs,      // products per cycle and filter
    unsigned Outputs,     // filters
    bool Shared,          // all filters see the same inputs
    unsigned InBits,      // width of an input code
    bool InSigned,        // inputs are two's complement
    unsigned Cell,        // what a weight is
    unsigned FieldBits,   // stored width of a weight
    unsigned WeightBits,  // width of its value, two's complement
    typename Constants,   // tom_bits: what all weights share, see tom_cells_*.hpp
    unsigned ProdBits,    // width of a product, or of the sum of a chain, two's complement
    unsigned AccBits,     // width of a result, two's complement or unsigned
    unsigned Pack,        // filters that share a DSP block; 0: multiply in LUTs
    unsigned Chain,       // products that are summed in a row of DSP blocks; 0: none
    unsigned Words        // weight words
    >
class tom_dot {
 public:
  typedef tom_cells<Cell, Inputs, Outputs, Shared, InBits, InSigned, FieldBits, WeightBits, Constants, ProdBits, Pack,
                    Chain>
      cells;
  static const unsigned Codes = Shared ? Inputs : Inputs * Outputs;
  static const unsigned Pieces = tom_pieces(Inputs * Outputs * FieldBits);

  tom_dot() : word(0) {
#pragma HLS INLINE
#pragma HLS ARRAY_PARTITION variable = sums dim = 0 complete
  }

  // The next read, with the next weight word: a new pass starts at `first`.
  void step(const tom_piece (&weights)[Words][Pieces], const ap_uint<InBits> (&codes)[Codes], bool first) {
#pragma HLS INLINE
    step(weights, codes, first, word);
    word = tom_next<Words>(word);
  }

  // The next read, with the weight word `at`.
  void step(const tom_piece (&weights)[Words][Pieces], const ap_uint<InBits> (&codes)[Codes], bool first,
            const tom_count<Words> &at) {
#pragma HLS INLINE
    typename cells::term terms[cells::Sums][cells::Terms];
#pragma HLS ARRAY_PARTITION variable = terms dim = 0 complete
    cells::products(weights[at], codes, terms);
    for (unsigned s = 0; s < cells::Sums; ++s) {
#pragma HLS UNROLL
      ap_int<AccBits> sum = 0;
      for (unsigned i = 0; i < cells::Terms; ++i) {
#pragma HLS UNROLL
        sum += terms[s][i];
      }
      sums[s] = first ? sum : ap_int<AccBits>(sums[s] + sum);
    }
  }

  // The results behind the last read of a pass, filter 0 first.
  ap_uint<Outputs * AccBits> results() const {
#pragma HLS INLINE
    ap_uint<Outputs * AccBits> beat = 0;
    for (unsigned o = 0; o < Outputs; ++o) {
#pragma HLS UNROLL
      tom_put<AccBits>(beat, o, ap_uint<AccBits>(cells::template result<AccBits>(sums, o)));
    }
    return beat;
  }

 private:
  ap_int<AccBits> sums[cells::Sums];
  tom_count<Words> word;
};

#endif
