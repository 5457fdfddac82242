// SPDX-License-Identifier: Apache-2.0
// What units of a recurrent layer make of their sums, and what they keep from step to step.
//
// Bit-exact with tomato/ops/recurrent.py, tom_lstm_unit.sv, tom_gru_unit.sv and tom_rnn_unit.sv. Kind: 0 plain, 1 GRU
// that resets behind the product, 2 GRU that resets in front of it, 3 LSTM.

#ifndef TOM_RECURRENT_UNIT_HPP
#define TOM_RECURRENT_UNIT_HPP

#include "tom_codes.hpp"
#include "tom_piecewise.hpp"

// x / 2^Bits to the nearest, halves upwards.
template <int Bits, int Width>
ap_int<Width> tom_rounded(const ap_int<Width> &x) {
#pragma HLS INLINE
  return Bits == 0 ? x : ap_int<Width>((x + (ap_int<Width>(1) << (Bits > 0 ? Bits - 1 : 0))) >> Bits);
}

template <int To, int Width>
ap_int<To> tom_saturated(const ap_int<Width> &x) {
#pragma HLS INLINE
  const ap_int<Width> most = (ap_int<Width>(1) << (To - 1)) - 1;
  return x > most ? ap_int<To>(most) : x < -most - 1 ? ap_int<To>(-most - 1) : ap_int<To>(x);
}

// Function Index of a layer: seven fields of 32 bits, see lines_t of tom_recurrent_pkg.
template <typename Functions, unsigned Index, unsigned GateFraction, unsigned Lines, unsigned Pieces, int InBits>
ap_int<GateFraction + 2> tom_recurrent_function(const tom_piece (&mem_file)[Lines][Pieces], const ap_int<InBits> &x) {
#pragma HLS INLINE
  typedef Functions f;
  const unsigned At = 7 * Index, GateBits = GateFraction + 2;
  const ap_uint<InBits> code = ap_uint<InBits>(x);
  return ap_int<GateBits>(
      tom_piecewise<InBits, true, f::signed_field(At, 32), unsigned(f::field(At + 1, 32)),
                    unsigned(f::field(At + 2, 32)), unsigned(f::field(At + 3, 32)), unsigned(f::field(At + 4, 32)),
                    unsigned(f::field(At + 5, 32)), GateBits, f::signed_field(At + 6, 32), (1 << GateFraction)>(
          mem_file, code));
}

template <
    unsigned Kind,            // what a unit is
    unsigned Units,           // units per cycle
    unsigned Words,           // of the memory: a step's units, Units each
    unsigned XBits,           // width of what comes from the inputs
    bool XSigned,             // that is two's complement
    unsigned SumBits,         // width of what comes from the last result
    unsigned GateFraction,    // bits behind the point of gates
    unsigned CellFraction,    // bits behind the point of cells
    unsigned HiddenFraction,  // bits behind the point of a result
    unsigned OutBits,         // width of a result and of a cell
    typename Functions        // tom_bits: see tom_recurrent_function
    >
class tom_recurrent_unit {
 public:
  static const unsigned Gates = Kind == 0 ? 1 : Kind == 3 ? 4 : 3;

  tom_recurrent_unit() {
#pragma HLS INLINE
#pragma HLS ARRAY_PARTITION variable = kept cyclic factor = Units
#pragma HLS ARRAY_PARTITION variable = left_update cyclic factor = Units
#pragma HLS ARRAY_PARTITION variable = left_x cyclic factor = Units
// A unit comes again when the one before has left the loop.
#pragma HLS DEPENDENCE variable = kept inter RAW distance = 18 true
#pragma HLS DEPENDENCE variable = left_update inter RAW distance = 18 true
#pragma HLS DEPENDENCE variable = left_x inter RAW distance = 18 true
  }

  // Results h of the units of a word, and of kind 3 their cells: x and r are [unit][gate], begin is what they keep before
  // the first step. Of kind 2 there are two passes, and h of the first is what the reset gates leave of the last results.
  template <unsigned KeptPieces, unsigned Lines0, unsigned Lines1, unsigned Lines2, unsigned Pieces0, unsigned Pieces1,
            unsigned Pieces2>
  void step(const tom_piece (&begin)[KeptPieces], const tom_piece (&lines0)[Lines0][Pieces0],
            const tom_piece (&lines1)[Lines1][Pieces1], const tom_piece (&lines2)[Lines2][Pieces2], unsigned word,
            bool fresh, bool second, const ap_uint<XBits> (&x)[Units * Gates],
            const ap_int<SumBits> (&r)[Units * Gates], ap_int<OutBits> (&h)[Units],
            ap_int<OutBits> (&cells)[Units]) {
#pragma HLS INLINE
    for (unsigned u = 0; u < Units; ++u) {
#pragma HLS UNROLL
      const unsigned at = word * Units + u, c = u * Gates;
      cells[u] = 0;
      const ap_int<OutBits> first = ap_int<OutBits>(tom_field<OutBits>(begin, u * OutBits));
      const ap_int<OutBits> last = fresh ? first : kept[at];
      if (Kind == 0) {
        const wide bent = tom_recurrent_function<Functions, 0, GateFraction>(lines0, sum(x[c], r[c]));
        h[u] = tom_saturated<int(OutBits)>(wide(bent << Align));
      } else if (Kind == 3) {
        const wide i = tom_recurrent_function<Functions, 0, GateFraction>(lines0, sum(x[c], r[c]));
        const wide o = tom_recurrent_function<Functions, 0, GateFraction>(lines0, sum(x[c + 1], r[c + 1]));
        const wide f = tom_recurrent_function<Functions, 0, GateFraction>(lines0, sum(x[c + 2], r[c + 2]));
        const wide g = tom_recurrent_function<Functions, 1, GateFraction>(lines1, sum(x[c + 3], r[c + 3]));
        const wide next = wide(f * last << int(GateFraction - CellFraction)) + wide(i * g);
        const ap_int<OutBits> cell =
            tom_saturated<int(OutBits)>(tom_rounded<int(2 * GateFraction - CellFraction)>(next));
        kept[at] = cell;
        cells[u] = cell;
        const wide bent = tom_recurrent_function<Functions, 2, GateFraction>(lines2, cell);
        h[u] = tom_saturated<int(OutBits)>(tom_rounded<int(2 * GateFraction - HiddenFraction)>(wide(o * bent)));
      } else {
        wide update = tom_recurrent_function<Functions, 0, GateFraction>(lines0, sum(x[c], r[c]));
        const wide reset = tom_recurrent_function<Functions, 0, GateFraction>(lines0, sum(x[c + 1], r[c + 1]));
        const wide factor = Kind == 1 ? wide(r[c + 2]) : wide(last);
        const wide less = tom_rounded<int(GateFraction)>(wide(reset * factor));
        ap_uint<XBits> own = x[c + 2];
        if (Kind == 2 && second) {
          update = left_update[at];
          own = left_x[at];
        }
        const number candidate_sum = number(tom_number<XSigned>(own) + (Kind == 1 ? less : wide(r[c + 2])));
        const wide candidate =
            wide(tom_recurrent_function<Functions, 1, GateFraction>(lines1, candidate_sum)) << Align;
        const wide next = candidate + tom_rounded<int(GateFraction)>(wide(update * (last - candidate)));
        const bool leaves = Kind == 2 && !second;
        if (leaves) {
          left_update[at] = ap_int<GateFraction + 2>(update);
          left_x[at] = own;
        } else {
          kept[at] = tom_saturated<int(OutBits)>(next);
        }
        h[u] = tom_saturated<int(OutBits)>(leaves ? less : next);
      }
    }
  }

 private:
  static const int Align = int(HiddenFraction - GateFraction);
  typedef ap_int<64> wide;  // holds every product and sum of a unit
  typedef ap_int<tom_max(XBits + (XSigned ? 0 : 1), SumBits) + 1> number;

  static number sum(const ap_uint<XBits> &x, const ap_int<SumBits> &r) {
#pragma HLS INLINE
    return number(tom_number<XSigned>(x) + r);
  }

  ap_int<OutBits> kept[Words * Units];
  ap_int<GateFraction + 2> left_update[Kind == 2 ? Words * Units : 1];
  ap_uint<XBits> left_x[Kind == 2 ? Words * Units : 1];
};

#endif
