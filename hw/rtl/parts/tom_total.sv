// SPDX-License-Identifier: Apache-2.0
// The sum of the numbers of a run of beats.
//
// Four lanes to one in every stage of a tree, then beat by beat. Nothing ever stalls. total_o is there, and valid_o high
// for a cycle, Stages + 1 cycles after the last beat of a run, Stages = quad_stages(Lanes).

`include "tom_assert.svh"
`default_nettype none

module tom_total #(
  parameter int unsigned Lanes     = 1,   // numbers per beat
  parameter int unsigned Bits      = 25,  // width of a number, unsigned
  parameter int unsigned TotalBits = 26,  // width of the sum

  localparam int unsigned InW = Lanes * Bits
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_i,

  input  wire logic                 valid_i,
  input  wire logic                 first_i,
  input  wire logic                 last_i,
  input  wire logic [InW-1:0]       data_i,

  output wire logic                 valid_o,
  output wire logic [TotalBits-1:0] total_o
);

  localparam int unsigned Stages = tom_pkg::quad_stages(Lanes);

  logic [Stages:0]      valid, first, last;  // of the beat in front of each stage and behind the last one
  wire logic [Bits-1:0] leaf[Lanes];
  logic [TotalBits-1:0] root, total_q;
  logic                 done_q;

  assign {valid[0], first[0], last[0]} = {valid_i, first_i, last_i};
  if (Stages > 0) begin : gen_late
    always_ff @(posedge clk_i) begin
      if (rst_i) valid[Stages:1] <= '0;
      else valid[Stages:1] <= valid[Stages-1:0];
      first[Stages:1] <= first[Stages-1:0];
      last[Stages:1]  <= last[Stages-1:0];
    end
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_leaf
    assign leaf[l] = data_i[l*Bits+:Bits];
  end

  for (genvar s = 1; s <= Stages; s++) begin : gen_stage
    localparam int unsigned Last = tom_pkg::ceil_div(Lanes, 1 << (2 * s - 2));
    localparam int unsigned Next = tom_pkg::ceil_div(Last, 4);
    localparam int unsigned LastBits = Bits + 2 * (s - 1);
    logic [LastBits-1:0] given[Last];
    logic [LastBits+1:0] sum_d[Next], sum_q[Next];

    if (s == 1) begin : gen_leaves
      assign given = leaf;
    end else begin : gen_inner
      assign given = gen_stage[s-1].sum_q;
    end

    always_comb begin
      for (int unsigned n = 0; n < Next; n++) begin
        sum_d[n] = '0;
        for (int unsigned k = 0; k < 4; k++) if (4 * n + k < Last) sum_d[n] += (LastBits + 2)'(given[4*n+k]);
      end
    end

    always_ff @(posedge clk_i) sum_q <= sum_d;
  end

  if (Stages == 0) begin : gen_alone
    assign root = TotalBits'(leaf[0]);
  end else begin : gen_root
    assign root = TotalBits'(gen_stage[Stages].sum_q[0]);
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) done_q <= 1'b0;
    else done_q <= valid[Stages] && last[Stages];
    if (valid[Stages]) total_q <= (first[Stages] ? '0 : total_q) + root;
  end

  assign valid_o = done_q;
  assign total_o = total_q;

endmodule

`default_nettype wire
