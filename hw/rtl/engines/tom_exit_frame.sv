// SPDX-License-Identifier: Apache-2.0
// The early frame where it is sure, else the late one, which comes only then.
//
// Exit of tomato/ops/exits.py. Input 0 has a bit for every frame, 1 where it is sure; input 1 has the early frame of
// each, input 2 the late frame of those that are not sure. OutBits hold every code of both. One beat per cycle;
// latency 2.

`include "tom_assert.svh"
`default_nettype none

module tom_exit_frame #(
  parameter int unsigned Lanes       = 1,  // codes per beat
  parameter int unsigned EarlyBits   = 8,  // width of an early code
  parameter bit          EarlySigned = 1,  // early codes are two's complement
  parameter int unsigned LateBits    = 8,  // width of a late code
  parameter bit          LateSigned  = 1,  // late codes are two's complement
  parameter int unsigned OutBits     = 8,  // width of the one chosen
  parameter int unsigned Beats       = 10, // beats of a frame

  localparam int unsigned EarlyW = Lanes * EarlyBits,
  localparam int unsigned LateW  = Lanes * LateBits,
  localparam int unsigned OutW   = Lanes * OutBits
) (
  input  wire logic                    clk_i,
  input  wire logic                    rst_i,

  input  wire logic [2:0]              in_valid_i,
  output wire logic [2:0]              in_ready_o,
  input  wire logic [EarlyW+LateW:0]   in_data_i,

  output wire logic                    out_valid_o,
  input  wire logic                    out_ready_i,
  output wire logic [OutW-1:0]         out_data_o
);

  `TOM_LATENCY(2)

  localparam int unsigned CountBits = tom_pkg::idx_width(Beats);
  localparam int unsigned WideBits  = (EarlyBits > LateBits ? EarlyBits : LateBits) + 1;

  wire logic [2:0]        valid;
  wire logic              sure, room;
  wire logic [EarlyW-1:0] early;
  wire logic [LateW-1:0]  late;
  wire logic [OutW-1:0]   chosen;
  logic [CountBits-1:0]   beat_q;

  wire logic ends = beat_q == CountBits'(Beats - 1);
  wire logic come = valid[0] && valid[1] && (sure || valid[2]);
  wire logic fire = come && room;

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
    .Width(EarlyW)
  ) u_early (
    .clk_i,
    .rst_i,
    .in_valid_i (in_valid_i[1]),
    .in_ready_o (in_ready_o[1]),
    .in_data_i  (in_data_i[1+:EarlyW]),
    .out_valid_o(valid[1]),
    .out_ready_i(fire),
    .out_data_o (early)
  );

  tom_register #(
    .Width(LateW)
  ) u_late (
    .clk_i,
    .rst_i,
    .in_valid_i (in_valid_i[2]),
    .in_ready_o (in_ready_o[2]),
    .in_data_i  (in_data_i[1+EarlyW+:LateW]),
    .out_valid_o(valid[2]),
    .out_ready_i(fire && !sure),
    .out_data_o (late)
  );

  always_ff @(posedge clk_i) begin
    if (rst_i) beat_q <= '0;
    else if (fire) beat_q <= ends ? '0 : beat_q + 1'b1;
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    wire logic [EarlyBits-1:0] code_early = early[l*EarlyBits+:EarlyBits];
    wire logic [LateBits-1:0]  code_late  = late[l*LateBits+:LateBits];
    wire logic signed [WideBits-1:0] wide_early =
        EarlySigned ? WideBits'(signed'(code_early)) : WideBits'(code_early);
    wire logic signed [WideBits-1:0] wide_late =
        LateSigned ? WideBits'(signed'(code_late)) : WideBits'(code_late);

    assign chosen[l*OutBits+:OutBits] = OutBits'(sure ? wide_early : wide_late);
  end

  tom_register #(
    .Width(OutW)
  ) u_out (
    .clk_i,
    .rst_i,
    .in_valid_i (come),
    .in_ready_o (room),
    .in_data_i  (chosen),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
