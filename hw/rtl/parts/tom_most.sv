// SPDX-License-Identifier: Apache-2.0
// The greatest of the numbers of a run of beats.
//
// Two lanes to one in every level of a tree, then beat by beat. Nothing ever stalls. most_o is there, and valid_o high
// for a cycle, Levels + 2 cycles after the last beat of a run, Levels = clog2(Lanes).

`include "tom_assert.svh"
`default_nettype none

module tom_most #(
  parameter int unsigned Lanes = 1,  // numbers per beat
  parameter int unsigned Rest  = 1,  // of the last beat of a run
  parameter int unsigned Bits  = 9,  // width of a number, two's complement

  localparam int unsigned InW = Lanes * Bits
) (
  input  wire logic            clk_i,
  input  wire logic            rst_i,

  input  wire logic            valid_i,
  input  wire logic            first_i,
  input  wire logic            last_i,
  input  wire logic [InW-1:0]  data_i,

  output wire logic            valid_o,
  output wire logic [Bits-1:0] most_o
);

  localparam int unsigned Levels = $clog2(Lanes);

  logic [Levels:0]       valid_q, first_q, last_q;  // of the beat in data_q and in the levels behind it
  logic                  done_q;
  logic [InW-1:0]        data_q;
  logic signed [Bits-1:0] leaf[Lanes], root[1], most_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      valid_q <= '0;
      done_q  <= 1'b0;
    end else begin
      valid_q <= (Levels + 1)'({valid_q, valid_i});
      done_q  <= valid_q[Levels] && last_q[Levels];
    end
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_leaf
    assign leaf[l] = last_q[0] && l >= Rest ? {1'b1, (Bits - 1)'(0)} : data_q[l*Bits+:Bits];
  end

  for (genvar s = 1; s <= Levels; s++) begin : gen_level
    localparam int unsigned Last = tom_pkg::ceil_div(Lanes, 1 << (s - 1));
    localparam int unsigned Next = tom_pkg::ceil_div(Last, 2);
    logic signed [Bits-1:0] given[Last], most_of_q[Next];

    if (s == 1) begin : gen_leaves
      assign given = leaf;
    end else begin : gen_inner
      assign given = gen_level[s-1].most_of_q;
    end

    for (genvar n = 0; n < Next; n++) begin : gen_pair
      localparam int unsigned Other = 2 * n + 1 < Last ? 2 * n + 1 : 2 * n;
      always_ff @(posedge clk_i) most_of_q[n] <= given[2*n] > given[Other] ? given[2*n] : given[Other];
    end
  end

  if (Levels == 0) begin : gen_alone
    assign root = leaf;
  end else begin : gen_root
    assign root = gen_level[Levels].most_of_q;
  end

  always_ff @(posedge clk_i) begin
    data_q  <= data_i;
    first_q <= (Levels + 1)'({first_q, first_i});
    last_q  <= (Levels + 1)'({last_q, last_i});
    if (valid_q[Levels] && (first_q[Levels] || root[0] > most_q)) most_q <= root[0];
  end

  assign valid_o = done_q;
  assign most_o  = most_q;

endmodule

`default_nettype wire
