// SPDX-License-Identifier: Apache-2.0
// Whether the largest code of a frame is Margin or more ahead of the second largest: y = first - second >= Margin.
//
// Bit-exact with Sure of tomato/ops/exits.py. One code per cycle, Channels cycles a frame; latency 6 from the last
// code of a frame.

`include "tom_assert.svh"
`default_nettype none

module tom_margin_pixel #(
  parameter int unsigned Channels = 10,  // codes of a frame
  parameter int unsigned InBits   = 8,   // width of a code
  parameter bit          InSigned = 1,   // codes are two's complement
  parameter int unsigned Margin   = 16   // the least difference that is sure; 2^InBits: none is
) (
  input  wire logic              clk_i,
  input  wire logic              rst_i,

  input  wire logic              in_valid_i,
  output wire logic              in_ready_o,
  input  wire logic [InBits-1:0] in_data_i,

  output wire logic              out_valid_o,
  input  wire logic              out_ready_i,
  output wire logic              out_data_o
);

  `TOM_REQUIRE(channels, Channels >= 2, "Channels must be at least 2")
  `TOM_REQUIRE(margin, Margin <= 1 << InBits, "Margin must not exceed 2^InBits")

  localparam int unsigned Latency   = 3;
  localparam int unsigned CountBits = tom_pkg::idx_width(Channels);

  wire logic              valid;
  wire logic [InBits-1:0] code;
  wire logic              available;
  wire logic              fire = valid && available;

  tom_register #(
    .Width(InBits)
  ) u_in (
    .clk_i,
    .rst_i,
    .in_valid_i,
    .in_ready_o,
    .in_data_i,
    .out_valid_o(valid),
    .out_ready_i(available),
    .out_data_o (code)
  );

  logic [CountBits-1:0] channel_q;
  wire logic            ends = channel_q == CountBits'(Channels - 1);

  // Codes one by one, as numbers from 0 up; the largest two so far; their difference.
  logic              come_q, first_q, last_q, made_q, told_q;
  logic [InBits-1:0] key_q, most_q, second_q;
  logic              sure_q;

  wire logic [InBits-1:0] key = code ^ (InBits'(InSigned) << (InBits - 1));
  wire logic [InBits-1:0] ahead = most_q - second_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      channel_q <= '0;
      come_q    <= 1'b0;
      made_q    <= 1'b0;
      told_q    <= 1'b0;
    end else begin
      if (fire) channel_q <= ends ? '0 : channel_q + 1'b1;
      come_q <= fire;
      made_q <= come_q && last_q;
      told_q <= made_q;
    end
  end

  always_ff @(posedge clk_i) begin
    key_q   <= key;
    first_q <= channel_q == '0;
    last_q  <= ends;
    if (come_q) begin
      if (first_q || key_q > most_q) most_q <= key_q;
      if (first_q) second_q <= '0;
      else if (key_q > most_q) second_q <= most_q;
      else if (key_q > second_q) second_q <= key_q;
    end
    sure_q <= (InBits + 1)'(ahead) >= (InBits + 1)'(Margin);
  end

  tom_queue #(
    .Width(1),
    .Depth(Latency + 4)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (fire && ends),
    .in_valid_i (told_q),
    .in_data_i  (sure_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
