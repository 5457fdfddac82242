// SPDX-License-Identifier: Apache-2.0
// Frames as they come: the early ones that are sure, and the late ones.
//
// Exit of tomato/ops/exits.py, in the order of arrival. Input 0 has a bit for every frame, 1 where it is sure; input 1
// has the early frame of each, input 2 the late frame of those that are not sure. A late frame leaves as soon as all of
// it is here, in front of early ones that wait: it is the older one. An early frame that is not sure ends, whatever
// leaves meanwhile. OutBits hold every code of both. One beat per cycle. The first beat of a late frame leaves 2 cycles
// after its last has come, but 3 or more after itself, or 4 where it waits in block RAM or UltraRAM.

`include "tom_assert.svh"
`default_nettype none

module tom_arrive_frame #(
  parameter int unsigned Lanes       = 1,  // codes per beat
  parameter int unsigned EarlyBits   = 8,  // width of an early code
  parameter bit          EarlySigned = 1,  // early codes are two's complement
  parameter int unsigned LateBits    = 8,  // width of a late code
  parameter bit          LateSigned  = 1,  // late codes are two's complement
  parameter int unsigned OutBits     = 8,  // width of the one that leaves
  parameter int unsigned Beats       = 12, // beats of a frame
  parameter int unsigned Ram         = 0,  // memory kind of late frames: 0 LUTRAM, 1 block RAM, 2 UltraRAM

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

  localparam int unsigned CountBits = tom_pkg::idx_width(Beats);
  localparam int unsigned WideBits  = (EarlyBits > LateBits ? EarlyBits : LateBits) + 1;
  localparam int unsigned Depth     = 2 * Beats;
  localparam bit          Slow      = Ram != 0;      // the queue of late frames has a second register
  localparam int unsigned HeldBits  = Slow ? 3 : 2;  // of the late frames in it, which are 3 at most, or 4

  wire logic [2:0]        valid;
  wire logic              sure, room;
  wire logic [EarlyW-1:0] early;
  wire logic [LateW-1:0]  late;
  wire logic [OutW-1:0]   chosen;
  logic [CountBits-1:0]   beat_q, early_beat_q, late_beat_q;
  logic [HeldBits-1:0]    whole_q;
  logic                   late_q;

  // What leaves is chosen between frames.
  wire logic starts     = beat_q == '0;
  wire logic is_late    = starts ? whole_q != '0 : late_q;
  wire logic here       = valid[0] && valid[1];
  wire logic come       = is_late ? valid[2] : here && sure;
  wire logic fire       = come && room;
  wire logic ends       = beat_q == CountBits'(Beats - 1);
  wire logic pass_early = here && (!sure || (fire && !is_late));
  wire logic early_ends = early_beat_q == CountBits'(Beats - 1);
  wire logic gather     = in_valid_i[2] && in_ready_o[2];
  wire logic late_ends  = late_beat_q == CountBits'(Beats - 1);

  tom_register #(
    .Width(1)
  ) u_sure (
    .clk_i,
    .rst_i,
    .in_valid_i (in_valid_i[0]),
    .in_ready_o (in_ready_o[0]),
    .in_data_i  (in_data_i[0]),
    .out_valid_o(valid[0]),
    .out_ready_i(pass_early && early_ends),
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
    .out_ready_i(pass_early),
    .out_data_o (early)
  );

  tom_fifo #(
    .Width (LateW),
    .Depth (Depth),
    .Ram   (Ram),
    .Second(Slow)
  ) u_late (
    .clk_i,
    .rst_i,
    .in_valid_i (in_valid_i[2]),
    .in_ready_o (in_ready_o[2]),
    .in_data_i  (in_data_i[1+EarlyW+:LateW]),
    .out_valid_o(valid[2]),
    .out_ready_i(fire && is_late),
    .out_data_o (late)
  );

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      beat_q       <= '0;
      early_beat_q <= '0;
      late_beat_q  <= '0;
      whole_q      <= '0;
    end else begin
      if (fire) beat_q <= ends ? '0 : beat_q + 1'b1;
      if (pass_early) early_beat_q <= early_ends ? '0 : early_beat_q + 1'b1;
      if (gather) late_beat_q <= late_ends ? '0 : late_beat_q + 1'b1;
      whole_q <= whole_q + HeldBits'(gather && late_ends) - HeldBits'(fire && is_late && ends);
    end
  end

  always_ff @(posedge clk_i) begin
    if (fire) late_q <= is_late;
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    wire logic [EarlyBits-1:0] code_early = early[l*EarlyBits+:EarlyBits];
    wire logic [LateBits-1:0]  code_late  = late[l*LateBits+:LateBits];
    wire logic signed [WideBits-1:0] wide_early =
        EarlySigned ? WideBits'(signed'(code_early)) : WideBits'(code_early);
    wire logic signed [WideBits-1:0] wide_late =
        LateSigned ? WideBits'(signed'(code_late)) : WideBits'(code_late);

    assign chosen[l*OutBits+:OutBits] = OutBits'(is_late ? wide_late : wide_early);
  end

  tom_register #(
    .Width(OutW)
  ) u_out (
    .clk_i,
    .rst_i,
    .in_valid_i (fire),
    .in_ready_o (room),
    .in_data_i  (chosen),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
