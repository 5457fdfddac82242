// SPDX-License-Identifier: Apache-2.0
// A layer that reads its own last result: an array of multipliers (tom_dot) in a loop with the units' functions.
//
// Bit-exact with tomato/ops/recurrent.py and tom_recurrent_loop.sv. Kind: 0 plain, 1 GRU that resets behind the product,
// 2 GRU that resets in front of it, 3 LSTM. The columns of a fold are all gates of Units * Turns units, which leave
// Units per cycle. A pass takes Folds * Beats cycles, and Gap more before one that needs what it gives; a step has one
// pass, of kind 2 two. A beat of input is taken with a read, so that the loop never waits while it has a beat to write.
// Frames come one after the other here, where in the RTL some take turns.

#ifndef TOM_RECURRENT_LOOP_HPP
#define TOM_RECURRENT_LOOP_HPP

#include <cassert>

#include "tom_countdown.hpp"
#include "tom_dot.hpp"
#include "tom_recurrent_unit.hpp"

#include "hls_stream.h"

template <typename Functions, unsigned Index>
constexpr unsigned tom_lines() {
  return 1u << Functions::field(7 * Index + 1, 32);
}

template <typename Functions, unsigned Index>
constexpr unsigned tom_line_pieces() {
  return tom_pieces(static_cast<unsigned>(Functions::field(7 * Index + 3, 32) + Functions::field(7 * Index + 4, 32)));
}

template <
    unsigned Kind,            // what a unit is
    unsigned Hidden,          // units
    unsigned Lanes,           // last results per step
    unsigned Units,           // units per beat
    unsigned Turns,           // beats of a fold
    unsigned Steps,           // of a frame; 0: the state lasts from frame to frame
    unsigned Gap,             // cycles that a pass of the RTL waits for the one before
    unsigned Frames,          // frames that take turns in the RTL
    unsigned Pause,           // cycles between passes of those
    unsigned Slots,           // frames of inputs, and of results, that have room in the RTL
    unsigned Delay,           // cycles from when the RTL takes in a frame to its results
    unsigned InRam,           // memory kind of those inputs in the RTL
    unsigned OutRam,          // memory kind of those results in the RTL
    unsigned XBits,           // width of an input code
    bool XSigned,             // inputs are two's complement
    unsigned XPlaces,         // input beats that may wait in the RTL
    unsigned Waiting,         // folds of results that may wait in the RTL
    unsigned FedBits,         // width of a result as it is multiplied, two's complement
    unsigned Cell,            // what a weight is, see tom_dot.hpp
    unsigned FieldBits,       // stored width of a weight
    unsigned WeightBits,      // width of its value, two's complement
    typename Constants,       // tom_bits: what all weights share
    unsigned ProdBits,        // width of a product, two's complement
    unsigned AccBits,         // width of a sum of them
    unsigned Pack,            // filters that share a DSP block; 0: multiply in LUTs
    unsigned WeightRam,       // memory kind of the weights: 0 LUT, 1 block RAM, 2 UltraRAM, bound by the caller
    unsigned LoadBits,        // bits per beat of the loader that fills UltraRAM
    unsigned MultBits,        // width of what sums are multiplied by, two's complement
    unsigned AccSlice,        // bits of a sum that a multiplier takes in hardware; here synthesis cuts
    unsigned MultSlice,       // bits of the other factor that it takes
    unsigned BiasBits,        // width of what is added to that, two's complement
    unsigned Shift,           // right shift, rounding down
    unsigned SumBits,         // width of what comes of it, saturated
    unsigned GateFraction,    // bits behind the point of gates
    unsigned CellFraction,    // bits behind the point of cells
    unsigned HiddenFraction,  // bits behind the point of a result
    unsigned OutBits,         // width of a result and of a cell, two's complement
    bool Cells,               // of kind 3: cells leave, not the results
    typename Functions,       // tom_bits: see tom_recurrent_function
    unsigned FrameBeats       // output beats per frame
    >
void tom_recurrent_loop(
    const unsigned frames,
    const tom_piece (&mem_file)[tom_ceil_div(Hidden, Units * Turns) * tom_ceil_div(Hidden, Lanes)]
                                [tom_pieces(Lanes * Units * Turns * (Kind == 0 ? 1 : Kind == 3 ? 4 : 3) * FieldBits)],
    const tom_piece (&mem_file0)[tom_ceil_div(Hidden, Units)]
                                 [tom_pieces(Units * (Kind == 0 ? 1 : Kind == 3 ? 4 : 3) * (MultBits + BiasBits))],
    const tom_piece (&mem_file1)[tom_ceil_div(Hidden, Lanes)][tom_pieces(Lanes * FedBits)],
    const tom_piece (&mem_file2)[tom_ceil_div(Hidden, Units)][tom_pieces(Units * OutBits)],
    const tom_piece (&mem_file3)[tom_lines<Functions, 0>()][tom_line_pieces<Functions, 0>()],
    const tom_piece (&mem_file4)[tom_lines<Functions, 1>()][tom_line_pieces<Functions, 1>()],
    const tom_piece (&mem_file5)[tom_lines<Functions, 2>()][tom_line_pieces<Functions, 2>()],
    hls::stream<ap_uint<Units * (Kind == 0 ? 1 : Kind == 3 ? 4 : 3) * XBits> > &in,
    hls::stream<ap_uint<Units * OutBits> > &out) {
  const unsigned Gates = Kind == 0 ? 1 : Kind == 3 ? 4 : 3;
  const unsigned Outputs = Units * Turns * Gates, Beats = tom_ceil_div(Hidden, Lanes);
  const unsigned Folds = tom_ceil_div(Hidden, Units * Turns), Words = tom_ceil_div(Hidden, Units);
  const unsigned LastTurns = Words - (Folds - 1) * Turns;
  const unsigned Passes = Kind == 2 ? 2 : 1, Columns = FrameBeats / Words;
  const unsigned Cycles = Columns * Passes * (Folds * Beats + Gap);
  static_assert(Lanes % Units == 0, "Lanes must be a multiple of Units");
  static_assert(Turns <= Beats, "a fold must have as many reads as beats");
  static_assert(Steps == 0 || Steps == Columns, "a frame must be whole steps");

  ap_uint<FedBits> fed[2][Beats * Lanes];
#pragma HLS ARRAY_PARTITION variable = fed dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = fed dim = 2 cyclic factor = Lanes
// Gap keeps what is written that far from where it is read, see recurrent_loop.py.
#pragma HLS DEPENDENCE variable = fed inter RAW distance = 18 true
  ap_uint<Units * Gates * XBits> inputs[2][Turns];
#pragma HLS ARRAY_PARTITION variable = inputs dim = 1 complete
  tom_dot<Lanes, Outputs, true, FedBits, true, Cell, FieldBits, WeightBits, Constants, ProdBits, AccBits, Pack, 0,
          Folds * Beats> dot;
  tom_recurrent_unit<Kind, Units, Words, XBits, XSigned, SumBits, GateFraction, CellFraction, HiddenFraction, OutBits,
                     Functions> units;

  tom_countdown<Columns * Passes * Folds * Beats> to_read(frames);
  tom_countdown<FrameBeats> to_leave(frames);
  tom_count<Beats> beat = 0;
  tom_count<Folds> fold = 0;
  tom_count<Columns> column = 0;
  tom_count<Gap + 1> gap = 0;
  bool second = false, fresh = true, half = false, side = false;
  // The fold whose units are on their way.
  ap_uint<Outputs * AccBits> sums = 0;
  tom_count<Turns> turn = 0, turns = 0;
  tom_count<Words> word = 0;
  bool of_second = false, of_fresh = false, of_half = false, of_side = false;
#ifndef __SYNTHESIS__
  tom_piece steps_left = tom_piece(frames) * Cycles + Turns + 1;
#endif

  while (to_leave.any()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
#ifndef __SYNTHESIS__
    assert(steps_left-- != 0 && "slower than the closed form, or the input stream lacks beats");
#endif
    if (turn != turns) {
      ap_int<SumBits> r[Units * Gates];
      ap_uint<XBits> x[Units * Gates];
#pragma HLS ARRAY_PARTITION variable = r complete
#pragma HLS ARRAY_PARTITION variable = x complete
      tom_unpack<Units * Gates, XBits>(inputs[of_side][turn], x);
      for (unsigned c = 0; c < Units * Gates; ++c) {
#pragma HLS UNROLL
        const unsigned from = c * (MultBits + BiasBits);
        const ap_int<AccBits> sum = ap_int<AccBits>(ap_uint<AccBits>(sums >> int(c * AccBits)));
        const ap_int<MultBits> mult = ap_int<MultBits>(tom_field<MultBits>(mem_file0[word], from));
        const ap_int<BiasBits> bias = ap_int<BiasBits>(tom_field<BiasBits>(mem_file0[word], from + MultBits));
        typedef ap_int<tom_max(AccBits + MultBits, BiasBits) + 2> scaled;
        r[c] = tom_saturated<int(SumBits)>(scaled(scaled(sum * mult + bias) >> int(Shift)));
      }
      ap_int<OutBits> h[Units], cells[Units];
#pragma HLS ARRAY_PARTITION variable = h complete
#pragma HLS ARRAY_PARTITION variable = cells complete
      units.step(mem_file2[word], mem_file3, mem_file4, mem_file5, static_cast<unsigned>(word), of_fresh, of_second, x, r, h,
                 cells);
      ap_uint<Units * OutBits> result = 0;
      for (unsigned u = 0; u < Units; ++u) {
#pragma HLS UNROLL
        tom_put<OutBits>(result, u, ap_uint<OutBits>(Cells ? cells[u] : h[u]));
        fed[!of_half][word * Units + u] = ap_uint<FedBits>(
            tom_saturated<int(FedBits)>(tom_rounded<int(OutBits - FedBits)>(ap_int<OutBits + 1>(h[u]))));
      }
      if (Passes == 1 || of_second) {
        out.write(result);
        to_leave.step();
      }
      sums >>= int(Units * Gates * AccBits);
      ++turn;
      word = tom_next<Words>(word);
    }

    const tom_count<Turns> wanted = fold == Folds - 1 ? LastTurns : Turns;  // input beats of this fold
    const bool takes = !second && beat < wanted;
    const bool reads = to_read.any() && (gap == 0 || (fresh && !second)) && (!takes || !in.empty());
    if (reads) {
      ap_uint<FedBits> codes[Lanes];
#pragma HLS ARRAY_PARTITION variable = codes complete
      for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
        codes[l] = fresh && !second ? tom_field<FedBits>(mem_file1[beat], l * FedBits) : fed[half][beat * Lanes + l];
      }
      if (takes) inputs[side][beat] = in.read();
      dot.step(mem_file, codes, beat == 0);
      to_read.step();
      if (beat == Beats - 1) {
        sums = dot.results();
        turn = 0;
        turns = wanted;
        of_second = second;
        of_fresh = fresh;
        of_half = half;
        of_side = side;
        side = !side;
        if (fold == Folds - 1) {
          half = !half;
          gap = Gap;
          if (Passes == 1 || second) {
            fresh = Steps != 0 && column == Columns - 1;
            column = tom_next<Columns>(column);
          }
          second = Passes == 2 && !second;
        }
        fold = tom_next<Folds>(fold);
      }
      beat = tom_next<Beats>(beat);
    } else if (gap != 0 && beat == 0 && fold == 0) {
      --gap;
    }
  }
}

#endif
