// SPDX-License-Identifier: Apache-2.0
// One step of a chain of multiply-adds: sum_o is weight_i * value_i plus Begin, or plus the sum of the step before.
//
// Registers in front of the multiplier (one or two), behind it and behind the adder: what a DSP block has. Steps in a
// row, each with its factors a cycle later than the one before, are a column of blocks that hand their sums on.
// Of the AMD families hw/rtl/vendor/amd has the same as a block, for synthesis that does not find it here.

`default_nettype none

module tom_mac #(
  parameter int unsigned WeightBits = 8,   // width of a weight, two's complement
  parameter int unsigned ValueBits  = 8,   // width of a value, two's complement
  parameter int unsigned SumBits    = 20,  // width of a sum, at most 48
  parameter int unsigned Registers  = 1,   // in front of the multiplier: 1 or 2
  parameter bit          First      = 1,   // no step is before it
  parameter bit [47:0]   Begin      = '0   // what the first step adds to
) (
  input  wire logic                         clk_i,
  input  wire logic signed [WeightBits-1:0] weight_i,
  input  wire logic signed [ValueBits-1:0]  value_i,
  input  wire logic [47:0]                  cascade_i,  // from the step before
  output wire logic [47:0]                  cascade_o,  // to the next step
  output wire logic [SumBits-1:0]           sum_o
);

  localparam int unsigned ProductBits = WeightBits + ValueBits < SumBits ? WeightBits + ValueBits : SumBits;

  logic signed [WeightBits-1:0] weight_q[Registers];
  logic signed [ValueBits-1:0]  value_q[Registers];
  (* use_dsp = "yes" *) logic signed [ProductBits-1:0] product_q;
  (* use_dsp = "yes" *) logic [SumBits-1:0] sum_q;

  always_ff @(posedge clk_i) begin
    weight_q[0] <= weight_i;
    value_q[0]  <= value_i;
    for (int unsigned r = 1; r < Registers; r++) begin
      weight_q[r] <= weight_q[r-1];
      value_q[r]  <= value_q[r-1];
    end
    product_q <= ProductBits'(weight_q[Registers-1] * value_q[Registers-1]);
    sum_q     <= (First ? SumBits'(Begin) : SumBits'(cascade_i)) + SumBits'(product_q);
  end

  assign sum_o = sum_q;
  assign cascade_o = 48'(sum_q);

  wire logic unused_high = &{1'b0, cascade_i};

endmodule

`default_nettype wire
