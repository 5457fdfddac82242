// SPDX-License-Identifier: Apache-2.0
// What tom_window reads of an output pixel: everything, in order. Part of tom_window.
//
// Every group and fold, and of them every kernel row, kernel column and beat, the last fastest.

`default_nettype none

module tom_window_loops #(
  parameter int unsigned Beats  = 1,  // beats per pixel
  parameter int unsigned Groups = 1,  // groups of beats that are read separately
  parameter int unsigned Folds  = 1,  // how often each window of a group is read
  parameter tom_window_pkg::window_t Window = tom_window_pkg::pixel()  // what the window is
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_i,

  input  wire logic                   read_i,  // the read that loops_o tells of is made
  output wire tom_window_pkg::loops_t loops_o
);

  localparam int unsigned GroupBeats = Beats / Groups;
  localparam int unsigned StepsH = Window.parallel_h ? 1 : Window.kernel_h;
  localparam int unsigned StepsW = Window.parallel_w ? 1 : Window.kernel_w;
  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats);
  localparam int unsigned KhBits = tom_pkg::idx_width(StepsH);
  localparam int unsigned KwBits = tom_pkg::idx_width(StepsW);
  localparam int unsigned FoldBits = tom_pkg::idx_width(Folds);
  localparam int unsigned GroupBits = tom_pkg::idx_width(Groups);

  logic [BeatBits-1:0]  beat_q;
  logic [KwBits-1:0]    kw_q;
  logic [KhBits-1:0]    kh_q;
  logic [FoldBits-1:0]  fold_q;
  logic [GroupBits-1:0] group_q;

  // Whether each counter is at its end, and what the next read ends with it: all in registers, so that the
  // loops step one level of logic behind `read_i`.
  logic last_beat, last_kw, last_kh, last_fold, last_group;
  logic ends_row, ends_pass, ends_group, ends_pixel;  // ends_row: of the kernel

  // The same flags of the read after the next.
  wire logic beat_d = GroupBeats == 1 || (!last_beat && beat_q == BeatBits'(GroupBeats - 2));
  wire logic kw_d = StepsW == 1 || (last_beat ? !last_kw && kw_q == KwBits'(StepsW - 2) : last_kw);
  wire logic kh_d = StepsH == 1 || (ends_row ? !last_kh && kh_q == KhBits'(StepsH - 2) : last_kh);
  wire logic fold_d = Folds == 1 || (ends_pass ? !last_fold && fold_q == FoldBits'(Folds - 2) : last_fold);
  wire logic group_d = Groups == 1 || (ends_group ? !last_group && group_q == GroupBits'(Groups - 2) : last_group);
  wire logic pass_d = beat_d && kw_d && kh_d;
  wire logic pixel_d = pass_d && fold_d && group_d;

  wire logic kw_step = read_i && last_beat;
  wire logic kh_step = read_i && ends_row;
  wire logic fold_step = read_i && ends_pass;
  wire logic group_step = read_i && ends_group;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      last_beat  <= GroupBeats == 1;
      last_kw    <= StepsW == 1;
      last_kh    <= StepsH == 1;
      last_fold  <= Folds == 1;
      last_group <= Groups == 1;
      ends_row   <= GroupBeats * StepsW == 1;
      ends_pass  <= GroupBeats * StepsW * StepsH == 1;
      ends_group <= GroupBeats * StepsW * StepsH * Folds == 1;
      ends_pixel <= GroupBeats * StepsW * StepsH * Folds * Groups == 1;
    end else if (read_i) begin
      last_beat  <= beat_d;
      last_kw    <= kw_d;
      last_kh    <= kh_d;
      last_fold  <= fold_d;
      last_group <= group_d;
      ends_row   <= beat_d && kw_d;
      ends_pass  <= pass_d;
      ends_group <= pass_d && fold_d;
      ends_pixel <= pixel_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      beat_q  <= '0;
      kw_q    <= '0;
      kh_q    <= '0;
      fold_q  <= '0;
      group_q <= '0;
    end else begin
      if (read_i) beat_q <= last_beat ? '0 : beat_q + 1'b1;
      if (kw_step) kw_q <= last_kw ? '0 : kw_q + 1'b1;
      if (kh_step) kh_q <= last_kh ? '0 : kh_q + 1'b1;
      if (fold_step) fold_q <= last_fold ? '0 : fold_q + 1'b1;
      if (group_step) group_q <= last_group ? '0 : group_q + 1'b1;
    end
  end

  assign loops_o = '{
    known:           1'b1,
    last_beat:       last_beat,
    last_kw:         last_kw,
    last_kh:         last_kh,
    last_group:      last_group,
    ends_row:        ends_row,
    ends_pass:       ends_pass,
    ends_group:      ends_group,
    ends_pixel:      ends_pixel,
    next_ends_pixel: pixel_d
  };

endmodule

`default_nettype wire
