// SPDX-License-Identifier: Apache-2.0
// What tom_window reads where gates choose: chosen groups of the result and of the input. Part of tom_gated_fold.
//
// Of every output pixel the chosen groups, of these every fold, and of it every kernel row, kernel column, chosen group of
// the input and beat of it, the last fastest. Starts of groups come from lists, see tom_gate_list; a side without a gate
// is one group, with a list that is always there. loops_o and what stands behind it tell of the next read, which read_i
// makes; the first one of a pass only if there_o. word_o is its word in a memory of all of them: group, fold, kernel row,
// kernel column, beat.

`default_nettype none

module tom_gate_loops #(
  parameter int unsigned Beats     = 1,  // beats per pixel of the input
  parameter int unsigned InGroups  = 1,  // chosen groups of the input
  parameter int unsigned InBeats   = 1,  // beats of each
  parameter int unsigned OutGroups = 1,  // chosen groups of the result
  parameter int unsigned Folds     = 1,  // passes of each
  parameter int unsigned Words     = 1,  // weight words
  parameter tom_window_pkg::window_t Window = tom_window_pkg::pixel(),  // what the window is

  localparam int unsigned StepsH = Window.parallel_h ? 1 : Window.kernel_h,
  localparam int unsigned StepsW = Window.parallel_w ? 1 : Window.kernel_w,
  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats),
  localparam int unsigned KwBits = tom_pkg::idx_width(StepsW),
  localparam int unsigned KhBits = tom_pkg::idx_width(StepsH),
  localparam int unsigned WordBits = tom_pkg::idx_width(Words)
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_i,

  input  wire logic                   read_i,      // the read that is told of is made
  output wire logic                   there_o,     // a pass may start
  output wire logic                   start_o,     // one does
  output wire tom_window_pkg::loops_t loops_o,
  output wire logic [BeatBits-1:0]    beat_o,
  output wire logic [KwBits-1:0]      kw_o,
  output wire logic [KhBits-1:0]      kh_o,
  output wire logic [WordBits-1:0]    word_o,

  input  wire logic                   in_there_i,  // of the list of the input, as the next ones
  input  wire logic [BeatBits-1:0]    in_start_i,
  output wire logic                   in_next_o,
  output wire logic                   in_last_o,
  input  wire logic                   out_there_i,  // of that of the result
  input  wire logic [WordBits-1:0]    out_start_i,
  output wire logic                   out_next_o,
  output wire logic                   out_last_o,
  output wire logic                   done_o,       // the last read of a frame
  output wire logic                   waits_o       // for the lists of a frame
);

  localparam int unsigned Pixels = Window.out_height * Window.out_width;
  localparam int unsigned PartBits = tom_pkg::idx_width(InBeats);
  localparam int unsigned InBits = tom_pkg::idx_width(InGroups);
  localparam int unsigned FoldBits = tom_pkg::idx_width(Folds);
  localparam int unsigned OutBits = tom_pkg::idx_width(OutGroups);
  localparam int unsigned PixelBits = tom_pkg::idx_width(Pixels);
  localparam bit OneStep = StepsH * StepsW == 1;

  logic [PartBits-1:0]  part_q;  // beat of the group
  logic [InBits-1:0]    in_q;
  logic [KwBits-1:0]    kw_q;
  logic [KhBits-1:0]    kh_q;
  logic [FoldBits-1:0]  fold_q;
  logic [OutBits-1:0]   out_q;
  logic [PixelBits-1:0] pixel_q;
  logic                 known_q, begins_q, stale_q;  // stale_q: what is told is not of the frame's lists
  logic [BeatBits-1:0]  beat_q;
  logic [WordBits-1:0]  base_q;  // word of beat 0

  // Whether each counter is at its end, and what the next read ends with it: as in tom_window_loops.
  logic last_part, last_in, last_kw, last_kh, last_fold, last_out, last_pixel;
  logic ends_tap, ends_row, ends_pass, ends_group, ends_pixel, ends_frame;
  logic final_tap;  // the tap is the frame's last

  wire logic part_d = InBeats == 1 || (!last_part && part_q == PartBits'(InBeats - 2));
  wire logic in_d = InGroups == 1 || (last_part ? !last_in && in_q == InBits'(InGroups - 2) : last_in);
  wire logic kw_d = StepsW == 1 || (ends_tap ? !last_kw && kw_q == KwBits'(StepsW - 2) : last_kw);
  wire logic kh_d = StepsH == 1 || (ends_row ? !last_kh && kh_q == KhBits'(StepsH - 2) : last_kh);
  wire logic fold_d = Folds == 1 || (ends_pass ? !last_fold && fold_q == FoldBits'(Folds - 2) : last_fold);
  wire logic out_d = OutGroups == 1 || (ends_group ? !last_out && out_q == OutBits'(OutGroups - 2) : last_out);
  wire logic frame_d =
      Pixels == 1 || (ends_pixel ? !last_pixel && pixel_q == PixelBits'(Pixels - 2) : last_pixel);
  wire logic tap_d = part_d && in_d;
  wire logic pass_d = tap_d && kw_d && kh_d;
  wire logic pixel_d = pass_d && fold_d && out_d;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      last_part  <= InBeats == 1;
      last_in    <= InGroups == 1;
      last_kw    <= StepsW == 1;
      last_kh    <= StepsH == 1;
      last_fold  <= Folds == 1;
      last_out   <= OutGroups == 1;
      last_pixel <= Pixels == 1;
      ends_tap   <= InBeats * InGroups == 1;
      ends_row   <= InBeats * InGroups * StepsW == 1;
      ends_pass  <= InBeats * InGroups == 1 && OneStep;
      ends_group <= InBeats * InGroups * Folds == 1 && OneStep;
      ends_pixel <= InBeats * InGroups * Folds * OutGroups == 1 && OneStep;
      ends_frame <= InBeats * InGroups * Folds * OutGroups * Pixels == 1 && OneStep;
      final_tap  <= Folds * OutGroups * Pixels == 1 && OneStep;
    end else if (read_i) begin
      last_part  <= part_d;
      last_in    <= in_d;
      last_kw    <= kw_d;
      last_kh    <= kh_d;
      last_fold  <= fold_d;
      last_out   <= out_d;
      last_pixel <= frame_d;
      ends_tap   <= tap_d;
      ends_row   <= tap_d && kw_d;
      ends_pass  <= pass_d;
      ends_group <= pass_d && fold_d;
      ends_pixel <= pixel_d;
      ends_frame <= pixel_d && frame_d;
      final_tap  <= kw_d && kh_d && fold_d && out_d && frame_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      part_q  <= '0;
      in_q    <= '0;
      kw_q    <= '0;
      kh_q    <= '0;
      fold_q  <= '0;
      out_q   <= '0;
      pixel_q <= '0;
    end else if (read_i) begin
      part_q <= last_part ? '0 : part_q + 1'b1;
      if (last_part) in_q <= last_in ? '0 : in_q + 1'b1;
      if (ends_tap) kw_q <= last_kw ? '0 : kw_q + 1'b1;
      if (ends_row) kh_q <= last_kh ? '0 : kh_q + 1'b1;
      if (ends_pass) fold_q <= last_fold ? '0 : fold_q + 1'b1;
      if (ends_group) out_q <= last_out ? '0 : out_q + 1'b1;
      if (ends_pixel) pixel_q <= last_pixel ? '0 : pixel_q + 1'b1;
    end
  end

  // The first read of a frame is told of when its lists are there, at the end of the frame before at the earliest.
  wire logic there = in_there_i && out_there_i;
  wire logic done = read_i && ends_frame;
  wire logic begins = (stale_q || done) && there;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      known_q  <= 1'b0;
      begins_q <= 1'b1;
      stale_q  <= 1'b1;
    end else begin
      known_q <= 1'b1;
      if (read_i) begins_q <= ends_pass;
      stale_q <= (stale_q || done) && !there;
    end
  end

  always_ff @(posedge clk_i) begin
    if (read_i || stale_q) begin
      beat_q <= last_part || stale_q ? in_start_i : beat_q + 1'b1;
      if (ends_group || stale_q) base_q <= out_start_i;
      else if (ends_tap) base_q <= base_q + WordBits'(Beats);
    end
  end

  assign in_next_o = (read_i && last_part && !ends_frame) || begins;
  assign in_last_o = final_tap && !stale_q;
  assign out_next_o = (read_i && ends_group && !ends_frame) || begins;
  assign out_last_o = last_pixel && !stale_q;
  assign done_o = done;
  assign waits_o = stale_q;
  assign there_o = !stale_q;
  assign start_o = read_i && begins_q;

  assign beat_o = beat_q;
  assign kw_o = kw_q;
  assign kh_o = kh_q;
  assign word_o = base_q + WordBits'(beat_q);
  assign loops_o = '{
    known:           known_q,
    ends_pass:       known_q && ends_pass,
    ends_pixel:      known_q && ends_pixel,
    next_ends_pixel: known_q ? pixel_d : ends_pixel,
    default:         1'b0
  };

endmodule

`default_nettype wire
