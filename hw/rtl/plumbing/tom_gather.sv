// SPDX-License-Identifier: Apache-2.0
// Gathers Ratio beats into a word, for words so wide that a multiplexer for each bit would be dear.
//
// A word is there while the next one is gathered; one beat per cycle. Latency 2 from the last beat of a word. There is a
// path from out_ready_i to in_ready_o.

`include "tom_assert.svh"
`default_nettype none

module tom_gather #(
  parameter int unsigned Width = 8,  // bits per beat
  parameter int unsigned Ratio = 2,  // beats of a word

  localparam int unsigned OutW = Ratio * Width
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             in_valid_i,
  output wire logic             in_ready_o,
  input  wire logic [Width-1:0] in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [OutW-1:0]  out_data_o
);

  `TOM_REQUIRE(ratio, Ratio >= 1, "Ratio must be at least 1")

  localparam int unsigned SlotBits = tom_pkg::idx_width(Ratio);

  logic [Ratio-1:0][Width-1:0] held_q;
  logic [SlotBits-1:0]         slot_q;   // of the next beat
  logic                        full_q;   // held_q is a word
  logic                        valid_q;
  logic [OutW-1:0]             word_q;

  wire logic move = full_q && (!valid_q || out_ready_i);
  wire logic fire = in_valid_i && in_ready_o;
  wire logic last = slot_q == SlotBits'(Ratio - 1);

  assign in_ready_o = !full_q || move;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      slot_q  <= '0;
      full_q  <= 1'b0;
      valid_q <= 1'b0;
    end else begin
      if (fire) slot_q <= last ? '0 : slot_q + 1'b1;
      full_q  <= (fire && last) || (full_q && !move);
      valid_q <= move || (valid_q && !out_ready_i);
    end
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned s = 0; s < Ratio; s++)
      if (fire && slot_q == SlotBits'(s)) held_q[s] <= in_data_i;
    if (move) word_q <= OutW'(held_q);
  end

  assign out_valid_o = valid_q;
  assign out_data_o  = word_q;

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
