// SPDX-License-Identifier: Apache-2.0
// Products and their sums at twice the clock: half as many multipliers do the work of a read.
//
// A line buffer (tom_window) in front of an array of multipliers for half of what it reads (tom_double). Bit-exact with
// tomato/ops/dense.py and tomato/ops/conv2d.py: matrix products on every pixel (each is an image of its own),
// convolutions of any kernel, stride, dilation, padding and groups of whole beats.
// Cycles of clk_i per output pixel: Groups * Folds * reads, as in tom_dense_fold and tom_conv2d_window; at least one
// cycle per input beat. Each fold yields Outputs channels. See tom_double for clk2x_i: streams know clk_i alone.

`include "tom_assert.svh"
`default_nettype none

module tom_double_fold #(
  parameter int unsigned Lanes      = 2,   // input codes per beat
  parameter int unsigned Outputs    = 1,   // output codes per beat: filters computed at once
  parameter int unsigned Beats      = 1,   // input beats per pixel
  parameter int unsigned Groups     = 1,   // groups of channels
  parameter int unsigned Folds      = 1,   // output beats per pixel and group
  parameter int unsigned Depth      = 16,  // results on their way or waiting
  `include "tom_window_parameters.svh"
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
  parameter int unsigned WeightRam  = 0,   // memory kind of the weights: 0 LUT, 1 block RAM
  parameter              MemFile    = "",  // hexadecimal weight words, two of a read, see tom_double

  localparam int unsigned InW  = Pixels * Lanes * InBits,
  localparam int unsigned OutW = Outputs * AccBits
) (
  input  wire logic            clk_i,
  input  wire logic            clk2x_i,
  input  wire logic            rst_i,

  input  wire logic            in_valid_i,
  output wire logic            in_ready_o,
  input  wire logic [InW-1:0]  in_data_i,

  output wire logic            out_valid_o,
  input  wire logic            out_ready_i,
  output wire logic [OutW-1:0] out_data_o
);

  `include "tom_window_value.svh"

  localparam int unsigned Taps =
      tom_window_pkg::taps(ParallelH, KernelH) * tom_window_pkg::taps(ParallelW, KernelW);
  localparam int unsigned Inputs = Taps * Lanes;
  localparam int unsigned Reads = KernelH * KernelW / Taps * (Beats / Groups);  // per pass

  wire logic available, start;
  wire logic win_valid, win_first, win_last;
  wire logic [Inputs*InBits-1:0] win_data;
  wire logic acc_valid;
  wire logic [OutW-1:0] acc_data;

  tom_window #(
    .Lanes    (Lanes),
    .Bits     (InBits),
    .Beats    (Beats),
    .Groups   (Groups),
    .Folds    (Folds),
    .Window   (Window),
    .Rows     (Rows),
    .Columns  (Columns),
    .Pixels   (Pixels),
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

  tom_double #(
    .Inputs    (Inputs),
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
    .Reads     (Groups * Folds * Reads),
    .Ram       (WeightRam),
    .MemFile   (MemFile)
  ) u_double (
    .clk_i,
    .clk2x_i,
    .rst_i,
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
