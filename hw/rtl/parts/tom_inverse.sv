// SPDX-License-Identifier: Apache-2.0
// The inverse of a number of at least 2^PointBits.
//
//   inverse = 2^(place + InverseBits + PointBits) / total, place that of the leading one of total, less PointBits,
// by a table of lines. Nothing ever stalls. Latency 5.

`include "tom_assert.svh"
`default_nettype none

module tom_inverse #(
  parameter int unsigned TotalBits   = 26,  // width of total, unsigned
  parameter int unsigned PointBits   = 24,  // bits behind its point
  parameter int unsigned InverseBits = 17,  // bits behind the point of the inverse
  parameter int unsigned IndexBits   = 8,   // bits behind the leading one that choose a line
  parameter int unsigned RestBits    = 9,   // bits behind these: the place on that line
  parameter int unsigned FallBits    = 9,   // width of what a line falls
  parameter              MemFile     = "",  // hexadecimal words: where a line begins (low) and what it falls

  localparam int unsigned PlaceBits = tom_pkg::idx_width(TotalBits - PointBits)
) (
  input  wire logic                 clk_i,

  input  wire logic [TotalBits-1:0] total_i,
  output wire logic [InverseBits:0] inverse_o,
  output wire logic [PlaceBits-1:0] place_o
);

  `TOM_LATENCY(5)

  `TOM_REQUIRE(bits, IndexBits + RestBits <= PointBits, "it must read bits that total has")

  localparam int unsigned BehindBits = IndexBits + RestBits;
  localparam int unsigned LineBits   = InverseBits + 1 + FallBits;

  (* ram_style = "registers", rom_style = "distributed" *) logic [LineBits-1:0] lines[1 << IndexBits];
  initial if (MemFile != "") $readmemh(MemFile, lines);

  logic [TotalBits-1:0]  placed_q;
  logic [PlaceBits-1:0]  place, place_q[5];
  logic [BehindBits-1:0] behind_q;
  logic [LineBits-1:0]   low_line_q, high_line_q;  // of both halves of the table
  logic                  high_q;
  logic [RestBits-1:0]   rest_q;
  logic [FallBits+RestBits-1:0] fall_q;
  logic [InverseBits:0]  begin_q, inverse_q;

  always_comb begin
    place = '0;
    for (int unsigned b = 0; b < TotalBits - PointBits; b++) if (total_i[PointBits+b]) place = PlaceBits'(b);
  end

  wire logic [LineBits-1:0] line = high_q ? high_line_q : low_line_q;

  always_ff @(posedge clk_i) begin
    place_q[0] <= place;
    for (int unsigned i = 1; i < 5; i++) place_q[i] <= place_q[i-1];
    placed_q    <= total_i;
    behind_q    <= BehindBits'((placed_q >> place_q[0]) >> (PointBits - BehindBits));
    low_line_q  <= lines[{1'b0, behind_q[RestBits+:IndexBits-1]}];
    high_line_q <= lines[{1'b1, behind_q[RestBits+:IndexBits-1]}];
    high_q      <= behind_q[BehindBits-1];
    rest_q      <= behind_q[RestBits-1:0];
    begin_q     <= line[InverseBits:0];
    fall_q      <= line[InverseBits+1+:FallBits] * rest_q;
    inverse_q   <= begin_q - (InverseBits + 1)'(fall_q >> RestBits);
  end

  assign inverse_o = inverse_q;
  assign place_o   = place_q[4];

endmodule

`default_nettype wire
