// SPDX-License-Identifier: Apache-2.0
// When a recurrent loop reads, and its memories: Frames frames take turns, so that none waits for its own result.
//
// Time is cut into windows of Folds * Beats + Pause cycles, as long as a pass or longer. Window n belongs to place
// n % Frames, whose frame has a pass in it: Frames windows lie between two of its passes, enough for a result to be back.
// A place without a frame lets its window go by: nothing ever waits. Each place has its own part of what the loop keeps.
//
// A frame is taken in (tom_frame_slots) as many windows after the one before as a frame has passes, or later. It begins
// in the first window of a free place, less than Frames windows later: of the frames before, fewer than Frames can have
// passes left then. How much later depends on their places, so results wait until the latest that any frame's may come.

`include "tom_assert.svh"
`default_nettype none

module tom_loop_interleave #(
  parameter int unsigned Passes = 1,  // of a step
  parameter int unsigned Steps  = 1,  // of a frame
  parameter int unsigned Folds  = 1,  // of a pass
  parameter int unsigned Beats  = 1,  // reads of a fold
  parameter int unsigned Words  = 1,  // beats of a step
  parameter int unsigned Frames = 2,  // that take turns, at least 2
  parameter int unsigned Pause  = 0,  // cycles of a window behind its pass
  parameter int unsigned Slots  = 4,  // frames of inputs that have room, and of results
  parameter int unsigned Delay  = 2,  // cycles from when a frame is taken in to its results
  parameter int unsigned OnWay  = 2,  // passes from their first read to their last result, at most
  parameter int unsigned ToUnit = 4,  // cycles from a word of sums to when its inputs are wanted, at least 2
  parameter int unsigned InW    = 8,  // bits of an input beat
  parameter int unsigned OutW   = 8,  // bits of an output beat
  parameter int unsigned InRam  = 0,  // memory kind of the inputs: 0 LUTRAM, 1 block RAM, 2 UltraRAM
  parameter int unsigned OutRam = 0,  // memory kind of the results

  localparam int unsigned BeatBits  = tom_pkg::idx_width(Beats),
  localparam int unsigned RowBits   = tom_pkg::idx_width(2 * Frames * Beats),
  localparam int unsigned WordBits  = tom_pkg::idx_width(Words),
  localparam int unsigned PlaceBits = tom_pkg::idx_width(Frames * Words)
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_i,

  input  wire logic                 in_valid_i,
  output wire logic                 in_ready_o,
  input  wire logic [InW-1:0]       in_data_i,

  output wire logic                 fire_o,        // a read
  output wire logic [BeatBits-1:0]  beat_o,
  output wire logic                 last_beat_o,
  output wire logic                 last_fold_o,
  output wire logic                 fresh_o,       // of the first step
  output wire logic                 second_o,      // of the second pass of a step
  output wire logic [RowBits-1:0]   read_base_o,   // row of the first read of the pass
  output wire logic [RowBits-1:0]   write_base_o,  // row of the first write of the pass of the last result_i

  input  wire logic                 turn_i,        // a word of sums
  input  wire logic [WordBits-1:0]  word_i,
  output wire logic [PlaceBits-1:0] place_o,       // where its units keep what they keep, in the same cycle
  output wire logic [InW-1:0]       x_o,           // its inputs, ToUnit cycles later

  input  wire logic                 result_i,      // a word of results
  input  wire logic                 leaves_i,      // that leaves
  input  wire logic [OutW-1:0]      result_data_i,

  output wire logic                 out_valid_o,
  input  wire logic                 out_ready_i,
  output wire logic [OutW-1:0]      out_data_o
);

  localparam int unsigned FrameBeats = Steps * Words;
  localparam int unsigned Size       = Slots * FrameBeats;
  localparam int unsigned FoldBits   = tom_pkg::idx_width(Folds);
  localparam int unsigned PauseBits  = tom_pkg::count_width(Pause);
  localparam int unsigned StepBits   = tom_pkg::idx_width(Steps);
  localparam int unsigned FrameBits  = tom_pkg::idx_width(Frames);
  localparam int unsigned AddrBits   = tom_pkg::idx_width(Size);
  localparam int unsigned WayBits    = tom_pkg::idx_width(OnWay);
  localparam int unsigned TakenBits  = tom_pkg::count_width(Slots);
  localparam int unsigned EntryBits  = 1 + StepBits + AddrBits;
  localparam int unsigned OthersBits = (Frames - 1) * EntryBits;

  `TOM_REQUIRE(frames, Frames >= 2, "Frames must be at least 2")
  `TOM_REQUIRE(unit, ToUnit >= 2, "ToUnit must be at least 2")

  // ---------------------------------------------------------------- windows, and whose they are

  logic [BeatBits-1:0]  beat_q;
  logic [FoldBits-1:0]  fold_q;
  logic [FrameBits-1:0] frame_q;
  logic [RowBits-1:0]   row_q;    // where the place's rows begin
  logic [PlaceBits-1:0] place_q;  // where its units' words begin
  wire logic            rests;
  wire logic            window_end;

  wire logic last_beat = beat_q == BeatBits'(Beats - 1);
  wire logic last_fold = fold_q == FoldBits'(Folds - 1);
  wire logic last_frame = frame_q == FrameBits'(Frames - 1);
  wire logic pass_end = !rests && last_beat && last_fold;

  if (Pause == 0) begin : gen_dense
    assign rests      = 1'b0;
    assign window_end = pass_end;
  end else begin : gen_pause
    logic [PauseBits-1:0] pause_q;
    assign rests      = pause_q != '0;
    assign window_end = pause_q == PauseBits'(1);
    always_ff @(posedge clk_i) begin
      if (rst_i) pause_q <= '0;
      else if (pass_end) pause_q <= PauseBits'(Pause);
      else if (rests) pause_q <= pause_q - 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      beat_q  <= '0;
      fold_q  <= '0;
      frame_q <= '0;
      row_q   <= '0;
      place_q <= '0;
    end else begin
      if (!rests) beat_q <= last_beat ? '0 : beat_q + 1'b1;
      if (!rests && last_beat) fold_q <= last_fold ? '0 : fold_q + 1'b1;
      if (window_end) begin
        frame_q <= last_frame ? '0 : frame_q + 1'b1;
        row_q   <= last_frame ? '0 : row_q + RowBits'(Beats);
        place_q <= last_frame ? '0 : place_q + PlaceBits'(Words);
      end
    end
  end

  // Frames that wait for a place, the frame of the window, and those of the other places in the order of theirs.
  logic [TakenBits-1:0] waiting_q;
  logic                 active_q, second_q;
  logic [StepBits-1:0]  step_q;
  logic [AddrBits-1:0]  addr_q, next_addr_q;
  logic [Frames-2:0]    others_active_q;
  logic [Frames-2:0][EntryBits-1:0] others_q;

  wire logic last_pass = Passes == 1 || second_q;
  wire logic last_step = step_q == StepBits'(Steps - 1);
  wire logic frame_end = last_pass && last_step;
  wire logic [EntryBits-1:0] onwards = last_pass
      ? {1'b0, step_q + 1'b1, addr_q + AddrBits'(Words)} : {1'b1, step_q, addr_q};

  wire logic taken;
  wire logic begins = window_end && !others_active_q[0] && waiting_q != '0;

  always_ff @(posedge clk_i) begin
    if (window_end) begin
      others_q <= OthersBits'({onwards, others_q} >> EntryBits);
      {second_q, step_q, addr_q} <= others_active_q[0] ? others_q[0] : {1'b0, StepBits'(0), next_addr_q};
    end
    if (rst_i) begin
      active_q        <= 1'b0;
      others_active_q <= '0;
      next_addr_q     <= '0;
      waiting_q       <= '0;
    end else begin
      waiting_q <= waiting_q + TakenBits'(taken) - TakenBits'(begins);
      if (window_end) active_q <= others_active_q[0] || begins;
      if (window_end) others_active_q <= (Frames - 1)'({active_q && !frame_end, others_active_q} >> 1);
      if (begins) next_addr_q <= next_addr_q == AddrBits'(Size - FrameBeats) ? '0 : next_addr_q + AddrBits'(FrameBeats);
    end
  end

  wire logic upper = Passes == 2 ? second_q : step_q[0];  // the half that is read
  wire logic [RowBits-1:0] upper_row = row_q + RowBits'(Frames * Beats);

  assign fire_o      = active_q && !rests;
  assign beat_o      = beat_q;
  assign last_beat_o = last_beat;
  assign last_fold_o = last_fold;
  assign fresh_o     = step_q == '0;
  assign second_o    = second_q;
  assign read_base_o = upper ? upper_row : row_q;

  // ---------------------------------------------------------------- what is known of passes on their way

  (* ram_style = "distributed" *) logic [1+AddrBits+PlaceBits-1:0] to_unit[OnWay];
  (* ram_style = "distributed" *) logic [AddrBits+RowBits-1:0]     to_back[OnWay];
  logic [WayBits-1:0]  begun_q, turned_q, done_q;
  logic [WordBits-1:0] result_q;
  logic [RowBits-1:0]  write_base_q;
  wire logic           turn_ends;
  wire logic [AddrBits-1:0]  turn_addr, result_addr;
  wire logic [PlaceBits-1:0] turn_place;
  wire logic [RowBits-1:0]   write_base;

  wire logic pass_begins = fire_o && beat_q == '0 && fold_q == '0;
  wire logic turn_end = turn_i && word_i == WordBits'(Words - 1);
  wire logic result_end = result_i && result_q == WordBits'(Words - 1);

  assign {turn_ends, turn_addr, turn_place} = to_unit[turned_q];
  assign {result_addr, write_base} = to_back[done_q];
  assign place_o = turn_place + PlaceBits'(word_i);
  assign write_base_o = write_base_q;

  always_ff @(posedge clk_i) begin
    if (pass_begins) begin
      to_unit[begun_q] <= {frame_end, addr_q, place_q};
      to_back[begun_q] <= {addr_q, upper ? row_q : upper_row};
    end
    if (result_i) write_base_q <= write_base;
    if (rst_i) begin
      begun_q  <= '0;
      turned_q <= '0;
      done_q   <= '0;
      result_q <= '0;
    end else begin
      if (pass_begins) begun_q <= begun_q == WayBits'(OnWay - 1) ? '0 : begun_q + 1'b1;
      if (turn_end) turned_q <= turned_q == WayBits'(OnWay - 1) ? '0 : turned_q + 1'b1;
      if (result_end) done_q <= done_q == WayBits'(OnWay - 1) ? '0 : done_q + 1'b1;
      if (result_i) result_q <= result_end ? '0 : result_q + 1'b1;
    end
  end

  localparam int unsigned DelayedBits = (ToUnit - 1) * AddrBits;
  logic [DelayedBits-1:0] x_addr_q;

  always_ff @(posedge clk_i) x_addr_q <= DelayedBits'({x_addr_q, turn_addr + AddrBits'(word_i)});

  // ---------------------------------------------------------------- frames come and leave

  tom_frame_slots #(
    .Beats   (FrameBeats),
    .Slots   (Slots),
    .Interval(Steps * Passes * (Folds * Beats + Pause)),
    .Delay   (Delay),
    .InW     (InW),
    .OutW    (OutW),
    .InRam   (InRam),
    .OutRam  (OutRam)
  ) u_slots (
    .clk_i,
    .rst_i,
    .in_valid_i,
    .in_ready_o,
    .in_data_i,
    .taken_o     (taken),
    .freed_i     (turn_end && turn_ends),
    .read_addr_i (x_addr_q[DelayedBits-1-:AddrBits]),
    .read_data_o (x_o),
    .write_i     (result_i && leaves_i),
    .write_addr_i(result_addr + AddrBits'(result_q)),
    .write_data_i(result_data_i),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
