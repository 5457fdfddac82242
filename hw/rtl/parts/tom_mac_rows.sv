// SPDX-License-Identifier: Apache-2.0
// Rows of multiply-adds that hand on their sums: sum_o of a row is Begin and its products of weights and values.
//
// Of each of `Columns` filters Chain products are a row; the last row may have fewer. Registers are in front of the
// multiplier (one, of all but the first product of a whole row two), behind it and behind the adder: what a DSP block
// has, and what synthesis makes of it where blocks hand on sums. So product p of a whole row must come p cycles late,
// up to one cycle, which its second register is. Latency 2 + Chain cycles; rows end together.
// Of the AMD families hw/rtl/vendor/amd has the same as blocks, for synthesis that does not find them here.

`include "tom_assert.svh"
`default_nettype none

module tom_mac_rows #(
  parameter int unsigned Columns    = 1,   // filters, or groups of them in one block
  parameter int unsigned Inputs     = 1,   // products of a filter
  parameter int unsigned Chain      = 1,   // of a row
  parameter int unsigned WeightBits = 8,   // width of a weight, two's complement
  parameter int unsigned ValueBits  = 8,   // width of a value, two's complement
  parameter int unsigned SumBits    = 20,  // width of a sum, at most 48
  parameter bit [47:0]   Begin      = '0,  // what a row begins with

  localparam int unsigned Rows = tom_pkg::ceil_div(Inputs, Chain),
  localparam int unsigned Steps = Columns * Inputs
) (
  input  wire logic                         clk_i,
  input  wire logic signed [WeightBits-1:0] weight_i[Steps],  // column, input; the last fastest
  input  wire logic signed [ValueBits-1:0]  value_i[Steps],
  output wire logic [SumBits-1:0]           sum_o[Columns*Rows]
);

  `TOM_REQUIRE(sum, SumBits <= 48, "a block's sums have 48 bits")

  localparam int unsigned ProductBits = WeightBits + ValueBits < SumBits ? WeightBits + ValueBits : SumBits;

  logic signed [WeightBits-1:0] weight_q[Steps], late_weight_q[Steps];
  logic signed [ValueBits-1:0]  value_q[Steps], late_value_q[Steps];
  (* use_dsp = "yes" *) logic signed [ProductBits-1:0] product_q[Steps];
  (* use_dsp = "yes" *) logic [SumBits-1:0] sum_q[Steps];

  always_ff @(posedge clk_i) begin
    weight_q <= weight_i;
    value_q <= value_i;
    late_weight_q <= weight_q;
    late_value_q <= value_q;
    for (int unsigned s = 0; s < Steps; s++) begin
      product_q[s] <= tom_chain_pkg::place(s % Inputs, Inputs, Chain) > 0
          ? ProductBits'(late_weight_q[s] * late_value_q[s]) : ProductBits'(weight_q[s] * value_q[s]);
      sum_q[s] <= (s % Inputs % Chain == 0 ? SumBits'(Begin) : sum_q[s%Inputs%Chain==0?s:s-1])
          + SumBits'(product_q[s]);
    end
  end

  for (genvar g = 0; g < Columns; g++) begin : gen_column
    for (genvar r = 0; r < Rows; r++) begin : gen_row
      assign sum_o[g*Rows+r] = sum_q[g*Inputs+(r==Rows-1?Inputs:(r+1)*Chain)-1];
    end
  end

endmodule

`default_nettype wire
