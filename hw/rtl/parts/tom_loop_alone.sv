// SPDX-License-Identifier: Apache-2.0
// When a recurrent loop reads, and its queues: one frame after the other, every pass waits for the one before.
//
// A pass takes Folds * Beats cycles, and Gap more before one that needs what it gives: all passes but the first of a
// frame, or, where the state lasts (Steps is 0), of all. A fold starts when its input beats and room for its results are
// there.

`include "tom_assert.svh"
`default_nettype none

module tom_loop_alone #(
  parameter int unsigned Passes    = 1,  // of a step
  parameter int unsigned Steps     = 1,  // of a frame; 0: the state lasts from frame to frame
  parameter int unsigned Folds     = 1,  // of a pass
  parameter int unsigned Beats     = 1,  // reads of a fold
  parameter int unsigned Turns     = 1,  // beats of a fold
  parameter int unsigned LastTurns = 1,  // of the last fold of a pass
  parameter int unsigned Gap       = 0,  // cycles that a pass waits for the one before
  parameter int unsigned XPlaces   = 8,  // input beats that may wait
  parameter int unsigned Waiting   = 8,  // folds of results that may be on their way or wait
  parameter int unsigned InW       = 8,  // bits of an input beat
  parameter int unsigned OutW      = 8,  // bits of an output beat

  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats),
  localparam int unsigned RowBits  = tom_pkg::idx_width(2 * Beats)
) (
  input  wire logic                clk_i,
  input  wire logic                rst_i,

  input  wire logic                in_valid_i,
  output wire logic                in_ready_o,
  input  wire logic [InW-1:0]      in_data_i,

  output wire logic                fire_o,       // a read
  output wire logic [BeatBits-1:0] beat_o,
  output wire logic                last_beat_o,
  output wire logic                last_fold_o,
  output wire logic                fresh_o,      // of the first step
  output wire logic                second_o,     // of the second pass of a step
  output wire logic [RowBits-1:0]  read_base_o,  // row of the first read of the pass
  output wire logic [RowBits-1:0]  write_base_o,
  input  wire logic                written_i,    // the results of a pass are there

  input  wire logic                x_take_i,
  output wire logic [InW-1:0]      x_o,

  input  wire logic                result_i,     // a beat that leaves
  input  wire logic [OutW-1:0]     result_data_i,

  output wire logic                out_valid_o,
  input  wire logic                out_ready_i,
  output wire logic [OutW-1:0]     out_data_o
);

  localparam int unsigned FoldBits  = tom_pkg::idx_width(Folds);
  localparam int unsigned StepBits  = tom_pkg::idx_width(Steps);
  localparam int unsigned GapBits   = tom_pkg::idx_width(Gap + 1);
  localparam int unsigned TurnBits  = tom_pkg::count_width(Turns);
  localparam int unsigned CountBits = tom_pkg::count_width(XPlaces + 1);  // the queue has one more place

  `TOM_REQUIRE(places, XPlaces >= Turns, "the beats of a fold must have room")

  // ---------------------------------------------------------------- passes, folds and reads

  wire logic              x_in;
  wire logic              unused_x_valid;  // only the assertion reads it: a fold starts when its inputs are there
  wire logic              room;
  logic [BeatBits-1:0]    beat_q;
  logic [FoldBits-1:0]    fold_q;
  logic [StepBits-1:0]    step_q;
  logic                   second_q, fresh_q, read_half_q, write_half_q;
  logic [GapBits-1:0]     gap_q;
  logic [CountBits-1:0]   there_q;  // input beats that no fold has claimed

  wire logic last_beat = beat_q == BeatBits'(Beats - 1);
  wire logic last_fold = fold_q == FoldBits'(Folds - 1);
  wire logic last_pass = Passes == 1 || second_q;
  wire logic last_step = Steps != 0 && step_q == StepBits'(Steps - 1);
  wire logic [CountBits-1:0] claim = Passes == 2 && second_q ? '0
      : last_fold ? CountBits'(LastTurns) : CountBits'(Turns);
  wire logic ready = gap_q == '0 || (fresh_q && !second_q);
  wire logic start = beat_q == '0 && there_q >= claim && room && (fold_q != '0 || ready);
  wire logic fire = beat_q != '0 || start;
  wire logic pass_end = fire && last_beat && last_fold;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      beat_q       <= '0;
      fold_q       <= '0;
      step_q       <= '0;
      second_q     <= 1'b0;
      fresh_q      <= 1'b1;
      gap_q        <= '0;
      there_q      <= '0;
      read_half_q  <= 1'b0;
      write_half_q <= 1'b1;
    end else begin
      if (fire) beat_q <= last_beat ? '0 : beat_q + 1'b1;
      if (fire && last_beat) fold_q <= last_fold ? '0 : fold_q + 1'b1;
      if (pass_end) second_q <= Passes == 2 && !second_q;
      if (pass_end && last_pass) begin
        step_q  <= last_step || Steps == 0 ? '0 : step_q + 1'b1;
        fresh_q <= last_step;
      end
      if (pass_end) gap_q <= GapBits'(Gap);
      else if (gap_q != '0) gap_q <= gap_q - 1'b1;
      there_q <= there_q + CountBits'(x_in) - (start ? claim : '0);
      if (pass_end) read_half_q <= !read_half_q;
      if (written_i) write_half_q <= !write_half_q;
    end
  end

  assign fire_o       = fire;
  assign beat_o       = beat_q;
  assign last_beat_o  = last_beat;
  assign last_fold_o  = last_fold;
  assign fresh_o      = fresh_q;
  assign second_o     = second_q;
  assign read_base_o  = read_half_q ? RowBits'(Beats) : '0;
  assign write_base_o = write_half_q ? RowBits'(Beats) : '0;

  assign x_in = in_valid_i && in_ready_o;

  tom_fifo #(
    .Width(InW),
    .Depth(XPlaces),
    .Ram  (0)
  ) u_x (
    .clk_i,
    .rst_i,
    .in_valid_i,
    .in_ready_o,
    .in_data_i,
    .out_valid_o(unused_x_valid),
    .out_ready_i(x_take_i),
    .out_data_o (x_o)
  );

  `TOM_ALWAYS(inputs, !x_take_i || unused_x_valid, "%m has no input for its sums")

  // ---------------------------------------------------------------- results

  // Places are folds: a fold's beats leave one by one.
  wire logic out_fire = out_valid_o && out_ready_i;
  logic [TurnBits-1:0] out_turn_q;
  logic [FoldBits-1:0] out_fold_q;
  wire logic out_last_fold = out_fold_q == FoldBits'(Folds - 1);
  wire logic out_end = out_turn_q == (out_last_fold ? TurnBits'(LastTurns - 1) : TurnBits'(Turns - 1));
  wire logic unused_ready;  // only the assertion reads it: credits keep it high

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      out_turn_q <= '0;
      out_fold_q <= '0;
    end else if (out_fire) begin
      out_turn_q <= out_end ? '0 : out_turn_q + 1'b1;
      if (out_end) out_fold_q <= out_last_fold ? '0 : out_fold_q + 1'b1;
    end
  end

  tom_credit #(
    .Places(Waiting)
  ) u_credit (
    .clk_i,
    .rst_i,
    .take_i     (start && last_pass),
    .give_i     (out_fire && out_end),
    .available_o(room)
  );

  tom_fifo #(
    .Width(OutW),
    .Depth(Waiting * Turns < 2 ? 2 : Waiting * Turns),
    .Ram  (0)
  ) u_out (
    .clk_i,
    .rst_i,
    .in_valid_i (result_i),
    .in_ready_o (unused_ready),
    .in_data_i  (result_data_i),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_ALWAYS(room, !result_i || unused_ready, "%m has no room for a result")
  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
