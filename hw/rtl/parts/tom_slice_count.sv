// SPDX-License-Identifier: Apache-2.0
// Counts 0 to Size - 1 over and over and tells which counts are in Begin, Begin + Step, ... below End.
// Part of tom_slice_stream.

`include "tom_assert.svh"
`default_nettype none

module tom_slice_count #(
  parameter int unsigned Size  = 4,  // counts
  parameter int unsigned Begin = 0,  // first that passes
  parameter int unsigned End   = 4,  // behind the last that may pass
  parameter int unsigned Step  = 1   // from one that passes to the next
) (
  input  wire logic clk_i,
  input  wire logic rst_i,
  input  wire logic step_i,  // count on
  output wire logic pass_o,  // this count passes
  output wire logic last_o   // this count is Size - 1
);

  `TOM_REQUIRE(range, Begin < End && End <= Size && Step >= 1, "the slice must lie in the counts")

  localparam int unsigned CountBits = tom_pkg::count_width(Size);
  localparam int unsigned PhaseBits = tom_pkg::idx_width(Step);

  logic [CountBits-1:0] count_q;
  logic [PhaseBits-1:0] phase_q;  // counts since the last that passed, modulo Step
  logic                 inside_q, last_q;

  wire logic [CountBits-1:0] count_d = last_q ? '0 : count_q + 1'b1;
  wire logic begins = count_d == CountBits'(Begin);

  assign pass_o = inside_q && phase_q == '0;
  assign last_o = last_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      count_q  <= '0;
      phase_q  <= '0;
      inside_q <= Begin == 0;
      last_q   <= Size == 1;
    end else if (step_i) begin
      count_q  <= count_d;
      last_q   <= count_d == CountBits'(Size - 1);
      inside_q <= begins || (inside_q && count_d != CountBits'(End) && !last_q);
      phase_q  <= begins || phase_q == PhaseBits'(Step - 1) ? '0 : phase_q + 1'b1;
    end
  end

endmodule

`default_nettype wire
