// SPDX-License-Identifier: Apache-2.0
// Passes the frames that are not sure, and drops the others.
//
// Leave of tomato/ops/exits.py, without the frames that nobody asks for. Input 0 has a bit for every frame, 1 where it
// is sure and ends here; input 1 is the frame. One beat per cycle, whether it passes or not; latency 2.

`include "tom_assert.svh"
`default_nettype none

module tom_leave_frame #(
  parameter int unsigned Width = 8,  // bits of a beat
  parameter int unsigned Beats = 16  // beats of a frame
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic [1:0]       in_valid_i,
  output wire logic [1:0]       in_ready_o,
  input  wire logic [Width:0]   in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [Width-1:0] out_data_o
);

  `TOM_LATENCY(2)

  localparam int unsigned CountBits = tom_pkg::idx_width(Beats);

  wire logic [1:0]       valid;
  wire logic             sure, room;
  wire logic [Width-1:0] beat;
  logic [CountBits-1:0]  beat_q;

  wire logic ends = beat_q == CountBits'(Beats - 1);
  wire logic fire = valid == '1 && (sure || room);

  tom_register #(
    .Width(1)
  ) u_sure (
    .clk_i,
    .rst_i,
    .in_valid_i (in_valid_i[0]),
    .in_ready_o (in_ready_o[0]),
    .in_data_i  (in_data_i[0]),
    .out_valid_o(valid[0]),
    .out_ready_i(fire && ends),
    .out_data_o (sure)
  );

  tom_register #(
    .Width(Width)
  ) u_beat (
    .clk_i,
    .rst_i,
    .in_valid_i (in_valid_i[1]),
    .in_ready_o (in_ready_o[1]),
    .in_data_i  (in_data_i[Width:1]),
    .out_valid_o(valid[1]),
    .out_ready_i(fire),
    .out_data_o (beat)
  );

  always_ff @(posedge clk_i) begin
    if (rst_i) beat_q <= '0;
    else if (fire) beat_q <= ends ? '0 : beat_q + 1'b1;
  end

  tom_register #(
    .Width(Width)
  ) u_out (
    .clk_i,
    .rst_i,
    .in_valid_i (valid == '1 && !sure),
    .in_ready_o (room),
    .in_data_i  (beat),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
