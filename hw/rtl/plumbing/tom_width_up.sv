// SPDX-License-Identifier: Apache-2.0
// Gathers Ratio beats into one; a pixel of Beats beats starts a new one. Part of tom_width.
//
// Latency 1 from the last beat of a group, one input beat per cycle.

`include "tom_assert.svh"
`default_nettype none

module tom_width_up #(
  parameter int unsigned Width = 8,  // bits per input beat
  parameter int unsigned Ratio = 2,  // input beats per output beat, at least 2
  parameter int unsigned Beats = 2,  // input beats per pixel

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

  `TOM_REQUIRE(ratio, Ratio >= 2, "Ratio must be at least 2")

  `TOM_LATENCY(1)

  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats);

  logic [BeatBits-1:0]  beat_q;
  logic [Ratio-1:0]     slot_q;  // one-hot: the place of the next beat
  logic [Width-1:0]     held_q[Ratio-1];
  logic [OutW-1:0]      word;

  wire logic fire = in_valid_i && in_ready_o;
  wire logic pixel_end = beat_q == BeatBits'(Beats - 1);
  wire logic full = slot_q[Ratio-1] || pixel_end;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      beat_q <= '0;
      slot_q <= Ratio'(1);
    end else if (fire) begin
      beat_q <= pixel_end ? '0 : beat_q + 1'b1;
      slot_q <= full ? Ratio'(1) : slot_q << 1;
    end
  end

  for (genvar r = 0; r < Ratio; r++) begin : gen_slot
    if (r < Ratio - 1) begin : gen_held
      always_ff @(posedge clk_i) if (slot_q[r]) held_q[r] <= in_data_i;
      assign word[r*Width+:Width] = slot_q[r] ? in_data_i : held_q[r];
    end else begin : gen_last
      assign word[r*Width+:Width] = in_data_i;
    end
  end

  tom_register #(
    .Width(OutW)
  ) u_register (
    .clk_i,
    .rst_i,
    .in_valid_i (in_valid_i && full),
    .in_ready_o,
    .in_data_i  (word),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
