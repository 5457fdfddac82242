// SPDX-License-Identifier: Apache-2.0
// Splits a beat into Ratio beats; the last beat of a pixel into as many as are left. Part of tom_width.
//
// Latency 2 to the first of them, one output beat per cycle.

`include "tom_assert.svh"
`default_nettype none

module tom_width_down #(
  parameter int unsigned Width = 8,  // bits per output beat
  parameter int unsigned Ratio = 2,  // output beats per input beat, at least 2
  parameter int unsigned Beats = 2,  // output beats per pixel

  localparam int unsigned InW = Ratio * Width
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             in_valid_i,
  output wire logic             in_ready_o,
  input  wire logic [InW-1:0]   in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [Width-1:0] out_data_o
);

  `TOM_REQUIRE(ratio, Ratio >= 2, "Ratio must be at least 2")

  `TOM_LATENCY(2)

  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats);
  localparam int unsigned SlotBits = tom_pkg::idx_width(Ratio);

  logic [BeatBits-1:0] beat_q;
  logic [SlotBits-1:0] slot_q;
  logic                valid, ready;
  logic [InW-1:0]      word;

  wire logic pixel_end = beat_q == BeatBits'(Beats - 1);
  wire logic last = slot_q == SlotBits'(Ratio - 1) || pixel_end;
  wire logic fire = valid && ready;

  tom_register #(
    .Width(InW)
  ) u_in (
    .clk_i,
    .rst_i,
    .in_valid_i,
    .in_ready_o,
    .in_data_i,
    .out_valid_o(valid),
    .out_ready_i(ready && last),
    .out_data_o (word)
  );

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      beat_q <= '0;
      slot_q <= '0;
    end else if (fire) begin
      beat_q <= pixel_end ? '0 : beat_q + 1'b1;
      slot_q <= last ? '0 : slot_q + 1'b1;
    end
  end

  tom_register #(
    .Width(Width)
  ) u_out (
    .clk_i,
    .rst_i,
    .in_valid_i (valid),
    .in_ready_o (ready),
    .in_data_i  (word[slot_q*Width+:Width]),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
