// SPDX-License-Identifier: Apache-2.0
// Counts the rows or the columns of a frame with a border of its own pixels, over and over.
// Part of tom_edge_pad_ring.
//
// Size places have Before places in front of them and Behind behind them, which repeat the nearest place or
// mirror the others at it.

`include "tom_assert.svh"
`default_nettype none

module tom_edge_count #(
  parameter int unsigned Size     = 4,  // places without the border
  parameter int unsigned Before   = 1,  // places of border in front
  parameter int unsigned Behind   = 1,  // places of border behind
  parameter bit          Mirrored = 1   // the border mirrors
) (
  input  wire logic clk_i,
  input  wire logic rst_i,
  input  wire logic step_i,     // count on
  output wire logic first_o,    // this is the first place
  output wire logic last_o,     // this is the last place
  output wire logic fresh_o,    // what this shows was not shown yet, nor all that lies in front of it
  output wire logic leaves_o,   // what this shows is shown for the last time, and all that lies in front of it
  output wire logic forward_o,  // the next one shows what lies behind
  output wire logic back_o      // the next one shows what lies in front
);

  `TOM_REQUIRE(mirror, !Mirrored || (Before < Size && Behind < Size), "there must be as many places to mirror")

  localparam int unsigned Total = Before + Size + Behind;
  localparam int unsigned CountBits = tom_pkg::count_width(Total);
  localparam int Ahead = Mirrored ? int'(Before) : 0;   // places that the first one shows at once
  localparam int After = Mirrored ? int'(Behind) : 0;   // places that wait for the last one

  function automatic logic between(int at, int begin_at, int end_at);
    return at >= begin_at && at < end_at;
  endfunction

  logic [CountBits-1:0] next_q;  // the place behind this
  logic                 first_q, last_q, fresh_q, leaves_q, forward_q;
  wire logic signed [31:0] at = rst_i ? 0 : int'(next_q);
  wire logic last_d = at == int'(Total) - 1;

  assign first_o = first_q;
  assign last_o = last_q;
  assign fresh_o = fresh_q;
  assign leaves_o = leaves_q;
  assign forward_o = forward_q;
  assign back_o = Mirrored && !forward_q;

  always_ff @(posedge clk_i) begin
    if (rst_i || step_i) begin
      next_q    <= last_d ? '0 : CountBits'(unsigned'(at)) + 1'b1;
      first_q   <= at == 0;
      last_q    <= last_d;
      fresh_q   <= at == 0 || between(at, int'(Before) + Ahead + 1, int'(Before + Size));
      leaves_q  <= last_d || between(at, int'(Before), int'(Before + Size) - 1 - After);
      forward_q <= between(at, int'(Before), int'(Before + Size) - 1);
    end
  end

endmodule

`default_nettype wire
