// SPDX-License-Identifier: Apache-2.0
// Counts frames: for every beat that comes, the number of those before it, modulo 2^Bits.
//
// Bit-exact with Number of tomato/ops/exits.py. The number leaves in Beats beats of Width bits, the lowest digits
// first, with zeros above it. One beat per cycle; latency 2. What the beats that come carry is not read.

`include "tom_assert.svh"
`default_nettype none

module tom_number_frame #(
  parameter int unsigned Bits  = 16,  // width of the number
  parameter int unsigned Width = 8,   // bits of a beat
  parameter int unsigned Beats = 2    // beats of a number
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             in_valid_i,
  output wire logic             in_ready_o,
  input  wire logic             in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [Width-1:0] out_data_o
);

  `TOM_LATENCY(2)

  `TOM_REQUIRE(bits, Bits <= Width * Beats, "Beats must hold the number")

  localparam int unsigned CountBits = tom_pkg::idx_width(Beats);

  wire logic             come, room;
  wire logic             unused_told;
  logic [Bits-1:0]       number_q;
  logic [CountBits-1:0]  beat_q;

  wire logic fire = come && room;
  wire logic ends = beat_q == CountBits'(Beats - 1);
  wire logic [Width*Beats-1:0] digits = (Width * Beats)'(number_q);

  tom_register #(
    .Width(1)
  ) u_told (
    .clk_i,
    .rst_i,
    .in_valid_i,
    .in_ready_o,
    .in_data_i,
    .out_valid_o(come),
    .out_ready_i(fire && ends),
    .out_data_o (unused_told)
  );

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      number_q <= '0;
      beat_q   <= '0;
    end else if (fire) begin
      if (ends) number_q <= number_q + 1'b1;
      beat_q <= ends ? '0 : beat_q + 1'b1;
    end
  end

  tom_register #(
    .Width(Width)
  ) u_out (
    .clk_i,
    .rst_i,
    .in_valid_i (come),
    .in_ready_o (room),
    .in_data_i  (digits[beat_q*Width+:Width]),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
