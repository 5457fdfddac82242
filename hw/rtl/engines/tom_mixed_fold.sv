// SPDX-License-Identifier: Apache-2.0
// Multipliers of two kinds: those of some filters are in DSP blocks, those of the others in LUTs.
//
// A line buffer (tom_window) in front of two arrays of multipliers (tom_dot), one of each kind, that see the same
// inputs. Bit-exact with tomato/ops/dense.py and tomato/ops/conv2d.py: matrix products on every pixel (each is an image
// of its own), convolutions of any kernel, stride, dilation, padding and groups of whole beats.
// Cycles per output pixel: Groups * Folds * reads, as in tom_dense_fold and tom_conv2d_window; at least one cycle per
// input beat. Each fold yields Outputs channels, the last InLuts of them from LUTs; results of the faster array wait.

`include "tom_assert.svh"
`default_nettype none

module tom_mixed_fold #(
  parameter int unsigned Lanes         = 1,   // input codes per beat
  parameter int unsigned Outputs       = 2,   // output codes per beat: filters computed at once
  parameter int unsigned InLuts        = 1,   // of them, filters that multiply in LUTs
  parameter int unsigned Beats         = 1,   // input beats per pixel
  parameter int unsigned Groups        = 1,   // groups of channels
  parameter int unsigned Folds         = 1,   // output beats per pixel and group
  parameter int unsigned Depth         = 16,  // results on their way or waiting
  `include "tom_window_parameters.svh"
  parameter int unsigned InBits        = 8,   // width of an input code
  parameter bit          InSigned      = 0,   // inputs are two's complement
  parameter int unsigned WeightBits    = 8,   // width of a weight that goes to a DSP block, two's complement
  parameter int unsigned ProdBits      = 16,  // width of its products, or of the sum of a chain
  parameter int unsigned Pack          = 1,   // filters that share a DSP block
  parameter int unsigned Chain         = 0,   // products that are summed in a row of DSP blocks; 0: all are in LUTs
  parameter int unsigned LutWeightBits = 8,   // width of a weight that goes to LUTs, two's complement
  parameter int unsigned LutProdBits   = 16,  // width of its products
  parameter int unsigned AccBits       = 24,  // width of an output code
  parameter int unsigned WeightRam     = 0,   // memory kind of the weights: 0 LUT, 1 block RAM
  parameter              MemFile       = "",  // hexadecimal weight words of the filters in DSP blocks, see tom_dot
  parameter              MemFile0      = "",  // hexadecimal weight words of the filters in LUTs

  localparam int unsigned InW  = Pixels * Lanes * InBits,
  localparam int unsigned OutW = Outputs * AccBits
) (
  input  wire logic            clk_i,
  input  wire logic            rst_i,

  input  wire logic            in_valid_i,
  output wire logic            in_ready_o,
  input  wire logic [InW-1:0]  in_data_i,

  output wire logic            out_valid_o,
  input  wire logic            out_ready_i,
  output wire logic [OutW-1:0] out_data_o
);

  `TOM_REQUIRE(kinds, InLuts > 0 && InLuts < Outputs && Pack > 0, "there are multipliers of both kinds")
  `TOM_REQUIRE(ram, WeightRam <= 1, "nothing loads the weights")

  `include "tom_window_value.svh"

  localparam int unsigned Taps =
      tom_window_pkg::taps(ParallelH, KernelH) * tom_window_pkg::taps(ParallelW, KernelW);
  localparam int unsigned Inputs = Taps * Lanes;
  localparam int unsigned Words = Groups * Folds * (KernelH * KernelW / Taps * (Beats / Groups));
  localparam int unsigned InBlocks = Outputs - InLuts;
  // From a read to its result, in either array.
  localparam int unsigned BlockLatency = tom_pkg::dot_latency(Inputs, Chain)
      + tom_booth_pkg::waits(0, Pack, Chain, InBits, InSigned, WeightBits);
  localparam int unsigned LutLatency = tom_pkg::dot_latency(Inputs)
      + tom_booth_pkg::waits(0, 0, 0, InBits, InSigned, LutWeightBits);
  localparam int unsigned BlockWaits = LutLatency > BlockLatency ? LutLatency - BlockLatency : 0;
  localparam int unsigned LutWaits = BlockLatency > LutLatency ? BlockLatency - LutLatency : 0;

  wire logic available, start;
  wire logic win_valid, win_first, win_last;
  wire logic [Inputs*InBits-1:0] win_data;
  wire logic block_valid, lut_valid;
  wire logic [InBlocks*AccBits-1:0] block_sum, block_data;
  wire logic [InLuts*AccBits-1:0] lut_sum, lut_data;

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

  wire logic [1:0] unused_block_load, unused_lut_load;

  tom_dot #(
    .Inputs    (Inputs),
    .Outputs   (InBlocks),
    .InBits    (InBits),
    .InSigned  (InSigned),
    .FieldBits (WeightBits),
    .WeightBits(WeightBits),
    .ProdBits  (ProdBits),
    .AccBits   (AccBits),
    .Pack      (Pack),
    .Chain     (Chain),
    .Words     (Words),
    .Ram       (WeightRam),
    .MemFile   (MemFile)
  ) u_blocks (
    .clk_i,
    .rst_i,
    .load_o (unused_block_load),
    .valid_i(win_valid),
    .first_i(win_first),
    .last_i (win_last),
    .data_i (win_data),
    .valid_o(block_valid),
    .data_o (block_sum)
  );

  tom_dot #(
    .Inputs    (Inputs),
    .Outputs   (InLuts),
    .InBits    (InBits),
    .InSigned  (InSigned),
    .FieldBits (LutWeightBits),
    .WeightBits(LutWeightBits),
    .ProdBits  (LutProdBits),
    .AccBits   (AccBits),
    .Pack      (0),
    .Words     (Words),
    .Ram       (WeightRam),
    .MemFile   (MemFile0)
  ) u_luts (
    .clk_i,
    .rst_i,
    .load_o (unused_lut_load),
    .valid_i(win_valid),
    .first_i(win_first),
    .last_i (win_last),
    .data_i (win_data),
    .valid_o(lut_valid),
    .data_o (lut_sum)
  );

  tom_delay #(
    .Width (InBlocks * AccBits),
    .Cycles(BlockWaits)
  ) u_block_waits (
    .clk_i,
    .data_i(block_sum),
    .data_o(block_data)
  );

  tom_delay #(
    .Width (InLuts * AccBits),
    .Cycles(LutWaits)
  ) u_lut_waits (
    .clk_i,
    .data_i(lut_sum),
    .data_o(lut_data)
  );

  tom_queue #(
    .Width(OutW),
    .Depth(Depth)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (start),
    .in_valid_i (LutWaits > 0 ? block_valid : lut_valid),
    .in_data_i  ({lut_data, block_data}),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  wire logic unused_valid = &{1'b0, block_valid, lut_valid};  // one of them says when both are there

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
