// SPDX-License-Identifier: Apache-2.0
// Matrix product on every pixel: a ring of a few pixels in front of an array of multipliers (tom_dot).
//
// Bit-exact with tomato/ops/dense.py: fully connected layers and pointwise convolutions. Cycles per
// pixel: Beats * Folds; at least one cycle per input beat. Each fold yields Outputs channels.

`include "tom_assert.svh"
`default_nettype none

module tom_dense_fold #(
  parameter int unsigned Lanes      = 1,   // input codes per beat
  parameter int unsigned Outputs    = 1,   // output codes per beat: filters computed at once
  parameter int unsigned Beats      = 1,   // input beats per pixel
  parameter int unsigned Folds      = 1,   // output beats per pixel
  parameter int unsigned Pixels     = 2,   // pixels in the ring
  parameter int unsigned RingRam    = 0,   // memory kind of the ring: 0 LUTRAM, 1 block, 2 UltraRAM
  parameter int unsigned InBits     = 8,   // width of an input code
  parameter bit          InSigned   = 0,   // inputs are two's complement
  parameter int unsigned Cell       = 0,   // what a weight is, see tom_dot
  parameter int unsigned FieldBits  = 8,   // stored width of a weight
  parameter int unsigned WeightBits = 8,   // width of its value, two's complement
  parameter bit [511:0]  Constants  = '0,  // what all weights share
  parameter int unsigned ProdBits   = 16,  // width of a product, or of the sum of a chain
  parameter int unsigned AccBits    = 24,  // width of an output code
  parameter int unsigned Pack       = 1,   // filters that share a DSP block; 0: multiply in LUTs
  parameter int unsigned Chain      = 0,   // products that are summed in a row of DSP blocks; 0: all are in LUTs
  parameter int unsigned WeightRam  = 0,   // memory kind of the weights
  parameter int unsigned LoadBits   = 1,   // bits per beat of the loader that fills UltraRAM
  parameter              MemFile    = "",  // hexadecimal weight words, see tom_dot

  localparam int unsigned InW  = Lanes * InBits,
  localparam int unsigned OutW = Outputs * AccBits
) (
  input  wire logic            clk_i,
  input  wire logic            rst_i,

  input  wire logic [LoadBits:0] load_i = '0,  // weights for UltraRAM, see tom_rom
  output wire logic [LoadBits:0] load_o,

  input  wire logic            in_valid_i,
  output wire logic            in_ready_o,
  input  wire logic [InW-1:0]  in_data_i,

  output wire logic            out_valid_o,
  input  wire logic            out_ready_i,
  output wire logic [OutW-1:0] out_data_o
);

  // From a read to its result; where tom_dot counts bits it is another, and the queue deep enough for both.
  localparam int unsigned Latency = tom_window_pkg::latency() + tom_pkg::dot_latency(Lanes, Chain)
      + tom_booth_pkg::waits(Cell, Pack, Chain, InBits, InSigned, WeightBits);
  localparam int unsigned Depth = tom_pkg::ceil_div(Latency + 1, Beats) + 4;  // results on their way or waiting

  wire logic available, start;
  wire logic win_valid, win_first, win_last;
  wire logic [InW-1:0] win_data;
  wire logic acc_valid;
  wire logic [OutW-1:0] acc_data;

  tom_window #(
    .Lanes    (Lanes),
    .Bits     (InBits),
    .Beats    (Beats),
    .Groups   (1),
    .Folds    (Folds),
    .Window   (tom_window_pkg::pixel()),
    .Rows     (Pixels),
    .Columns  (1),
    .Pixels   (1),
    .Ram      (RingRam)
  ) u_window (
    .clk_i,
    .rst_i,
    .in_valid_i,
    .in_ready_o,
    .in_data_i,
    .available_i(available),
    .start_o    (start),
    .win_valid_o(win_valid),
    .win_first_o(win_first),
    .win_last_o (win_last),
    .win_data_o (win_data)
  );

  tom_dot #(
    .Inputs    (Lanes),
    .Outputs   (Outputs),
    .InBits    (InBits),
    .InSigned  (InSigned),
    .Cell      (Cell),
    .FieldBits (FieldBits),
    .WeightBits(WeightBits),
    .Constants (Constants),
    .ProdBits  (ProdBits),
    .AccBits   (AccBits),
    .Pack      (Pack),
    .Chain     (Chain),
    .Words     (Folds * Beats),
    .Ram       (WeightRam),
    .LoadBits  (LoadBits),
    .MemFile   (MemFile)
  ) u_dot (
    .clk_i,
    .rst_i,
    .load_i,
    .load_o,
    .valid_i(win_valid),
    .first_i(win_first),
    .last_i (win_last),
    .data_i (win_data),
    .valid_o(acc_valid),
    .data_o (acc_data)
  );

  tom_queue #(
    .Width(OutW),
    .Depth(Depth)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (start),
    .in_valid_i (acc_valid),
    .in_data_i  (acc_data),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
