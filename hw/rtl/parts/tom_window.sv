// SPDX-License-Identifier: Apache-2.0
// Line buffer: turns a stream of pixels into a sequence of sliding-window reads.
//
// Keeps `Rows` rows in a ring. For every output pixel (row-major), every group of channels and every
// fold it reads the window once: kernel rows, kernel columns, beats of the group, the last fastest;
// parallel_h / parallel_w read all kernel rows / columns in one cycle. A read of one fold of one group is
// a `pass`: it starts when available_i grants a place for its result and then never stops.
//
// No bubbles: rows of the next frame are taken while windows of this one are read, the border costs no
// cycles, and frames follow each other back to back. A pixel's passes start one cycle after the last
// column that it needs is in the ring; a row is freed when its last window has been read.
// win_* comes Latency cycles after the read was issued and is not stoppable. What is read when is said here;
// tom_window_address says where it lies, tom_window_ring holds it.

`include "tom_assert.svh"
`default_nettype none

module tom_window #(
  parameter int unsigned Lanes   = 1,  // codes per beat
  parameter int unsigned Bits    = 8,  // bits per code
  parameter int unsigned Beats   = 1,  // beats per pixel
  parameter int unsigned Groups  = 1,  // groups of beats that are read separately
  parameter int unsigned Folds   = 1,  // how often each window of a group is read
  parameter tom_window_pkg::window_t Window = tom_window_pkg::pixel(),  // what the window is
  parameter int unsigned Rows    = 4,  // rows in the ring
  parameter int unsigned Columns = 1,  // column banks if all kernel columns are read at once, else 1
  parameter int unsigned Pixels  = 1,  // neighbouring columns per input beat, the first in the low bits
  parameter int unsigned Ram     = 0,  // memory kind of the ring: 0 LUTRAM, 1 block RAM, 2 UltraRAM

  localparam int unsigned TapsH = tom_window_pkg::taps(Window.parallel_h, Window.kernel_h),
  localparam int unsigned TapsW = tom_window_pkg::taps(Window.parallel_w, Window.kernel_w),
  localparam int unsigned InW   = Pixels * Lanes * Bits,
  localparam int unsigned WinW  = TapsH * TapsW * Lanes * Bits
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             in_valid_i,
  output wire logic             in_ready_o,
  input  wire logic [InW-1:0]   in_data_i,

  input  wire logic             available_i,  // a place for one more result is free
  output wire logic             start_o,      // a pass starts: takes a place

  output wire logic             win_valid_o,
  output wire logic             win_first_o,  // first read of a pass
  output wire logic             win_last_o,   // last read of a pass
  output wire logic [WinW-1:0]  win_data_o    // kernel row, kernel column, lane; the last lowest
);

  `TOM_LATENCY(tom_window_pkg::latency())

  localparam int SpanH = tom_window_pkg::span(Window.kernel_h, Window.dilation_h);
  localparam int SpanW = tom_window_pkg::span(Window.kernel_w, Window.dilation_w);

  `TOM_REQUIRE(groups, Beats % Groups == 0, "Groups must divide Beats")
  `TOM_REQUIRE(rows, Rows >= SpanH + Window.stride_h, "Rows must hold a window and the rows of the next one")
  `TOM_REQUIRE(top, int'(Window.pad_top) < SpanH, "PadTop must be less than the kernel's extent")
  `TOM_REQUIRE(left, int'(Window.pad_left) < SpanW, "PadLeft must be less than the kernel's extent")
  `TOM_REQUIRE(columns, Window.parallel_w || Columns == 1, "column banks are for ParallelW")
  `TOM_REQUIRE(pixels, Columns % Pixels == 0, "the pixels of a beat must go to different column banks")
  `TOM_REQUIRE(whole, Pixels == 1 || (Beats == 1 && Window.width % Pixels == 0),
               "several pixels per beat need all channels in a beat, and must divide Width")

  localparam int unsigned GroupBeats = Beats / Groups;
  localparam int unsigned StepsH = Window.parallel_h ? 1 : Window.kernel_h;
  localparam int unsigned StepsW = Window.parallel_w ? 1 : Window.kernel_w;
  localparam int unsigned BankRows = Window.parallel_h ? 1 : Rows;
  localparam int unsigned AddrBits = tom_pkg::idx_width(tom_window_pkg::words(BankRows, Window.width, Columns, Beats));
  localparam int unsigned SlotBits = tom_pkg::idx_width(Rows);
  localparam int unsigned BankBits = tom_pkg::idx_width(Columns);
  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats);
  localparam int unsigned CountBits = tom_pkg::count_width(Rows);
  localparam int unsigned ColBits = tom_pkg::idx_width(Window.width);
  localparam int unsigned ColPosBits = $clog2(int'(Window.width) + 2 * SpanW + int'(Window.stride_w)) + 1;

  // ---------------------------------------------------------------- rows that each output row needs

  // First input row that output row r still needs.
  function automatic int base_of(int r);
    int top = r * int'(Window.stride_h) - int'(Window.pad_top);
    return r == int'(Window.out_height) ? int'(Window.height) : top < 0 ? 0 : top;
  endfunction

  // Last input row that must have come before output row r is finished, counted from its first.
  function automatic int reach_of(int r);
    int last = r * int'(Window.stride_h) - int'(Window.pad_top) + SpanH - 1;
    if (last > int'(Window.height) - 1) last = int'(Window.height) - 1;
    if (last < base_of(r + 1) - 1) last = base_of(r + 1) - 1;
    return last - base_of(r);
  endfunction

  typedef logic [Window.out_height-1:0][CountBits-1:0] table_t;

  typedef logic [Window.out_height-1:0][CountBits:0] steps_t;

  // What the end of an output row adds to the rows that are there beyond those that it waits for.
  function automatic steps_t step_table();
    for (int r = 0; r < int'(Window.out_height); r++) begin
      automatic int freed = base_of(r + 1) - base_of(r);
      step_table[r] = (CountBits + 1)'(reach_of(r) - reach_of((r + 1) % int'(Window.out_height)) - freed);
    end
  endfunction

  function automatic table_t free_table();
    for (int r = 0; r < int'(Window.out_height); r++) free_table[r] = CountBits'(base_of(r + 1) - base_of(r));
  endfunction

  localparam steps_t Step = step_table();
  localparam int FirstReach = reach_of(0);
  localparam table_t Free = free_table();

  // ---------------------------------------------------------------- rows in the ring

  logic [CountBits-1:0] used_q;  // rows that must not be overwritten
  wire logic [ColBits-1:0] write_col;
  wire logic pixel_done, row_done, write_last_col;

  wire logic write = in_valid_i && in_ready_o;
  assign in_ready_o = used_q != CountBits'(Rows);

  // ---------------------------------------------------------------- loops over windows

  localparam int unsigned KhBits = tom_pkg::idx_width(StepsH);
  localparam int unsigned KwBits = tom_pkg::idx_width(StepsW);
  localparam int unsigned FoldBits = tom_pkg::idx_width(Folds);
  localparam int unsigned GroupBits = tom_pkg::idx_width(Groups);
  localparam int unsigned OutRowBits = tom_pkg::idx_width(Window.out_height);
  localparam int unsigned OutColBits = tom_pkg::idx_width(Window.out_width);

  logic [BeatBits-1:0]   beat_q;
  logic [KwBits-1:0]     kw_q;
  logic [KhBits-1:0]     kh_q;
  logic [FoldBits-1:0]   fold_q;
  logic [GroupBits-1:0]  group_q;
  logic [OutColBits-1:0] col_q;
  logic [OutRowBits-1:0] row_q;
  logic signed [CountBits:0] surplus_q;  // complete rows beyond those that the window waits for
  logic [CountBits:0]    step_q;
  logic [CountBits-1:0]  free_q, freed_q;

  // Whether each counter is at its end, and what the next read ends with it: all in registers, so that the
  // loops step one level of logic behind `issue`.
  logic last_beat, last_kw, last_kh, last_fold, last_group, last_col, last_row;
  logic ends_row, ends_pass, ends_group, ends_pixel, ends_line;  // ends_row: of the kernel

  logic pass_start, pixel_start;  // the next read is the first of a pass, of an output pixel
  logic signed [ColPosBits-1:0] right_q;    // first column behind the window
  logic                         reached_q;  // of its last row, the columns before right_q have come
  logic                         whole_row;  // the window waits for all of its last row
  wire logic signed [ColPosBits-1:0] next_right =
      last_col ? ColPosBits'(SpanW - int'(Window.pad_left)) : right_q + ColPosBits'(Window.stride_w);
  wire logic next_last_col = Window.out_width == 1 || (!last_col && col_q == OutColBits'(Window.out_width - 2));
  wire logic next_whole = Window.out_width == 1 || next_last_col || next_right >= ColPosBits'(Window.width);
  wire logic arrived = surplus_q > 0 || (surplus_q == 0 && !whole_row && reached_q);

  wire logic issue = (!pass_start || available_i) && (!pixel_start || arrived);

  // The same flags of the read after the next.
  wire logic beat_d = GroupBeats == 1 || (!last_beat && beat_q == BeatBits'(GroupBeats - 2));
  wire logic kw_d = StepsW == 1 || (last_beat ? !last_kw && kw_q == KwBits'(StepsW - 2) : last_kw);
  wire logic kh_d = StepsH == 1 || (ends_row ? !last_kh && kh_q == KhBits'(StepsH - 2) : last_kh);
  wire logic fold_d = Folds == 1 || (ends_pass ? !last_fold && fold_q == FoldBits'(Folds - 2) : last_fold);
  wire logic group_d = Groups == 1 || (ends_group ? !last_group && group_q == GroupBits'(Groups - 2) : last_group);
  wire logic col_d = Window.out_width == 1 || (ends_pixel ? next_last_col : last_col);
  wire logic pass_d = beat_d && kw_d && kh_d;
  wire logic pixel_d = pass_d && fold_d && group_d;

  wire logic kw_step = issue && last_beat;
  wire logic kh_step = issue && ends_row;
  wire logic pass_end = issue && ends_pass;
  wire logic group_step = issue && ends_group;
  wire logic col_step = issue && ends_pixel;
  wire logic row_step = issue && ends_line;

  wire logic [OutRowBits-1:0] next_row = last_row ? '0 : row_q + 1'b1;

  wire logic [CountBits:0] surplus_more = surplus_q + (CountBits + 1)'(row_done);

  // Whether column `right` will have been reached; the writer never wraps to it, as it is at least 1.
  wire logic signed [ColPosBits-1:0] w_here = ColPosBits'(write_col);
  wire logic signed [ColPosBits-1:0] w_next = w_here + ColPosBits'(Pixels);
  wire logic reached_now = pixel_done ? !write_last_col && w_next >= right_q : w_here >= right_q;
  wire logic reached_next = pixel_done ? !write_last_col && w_next >= next_right : w_here >= next_right;

  assign start_o = issue && pass_start;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      pass_start  <= 1'b1;
      pixel_start <= 1'b1;
      last_beat   <= GroupBeats == 1;
      last_kw     <= StepsW == 1;
      last_kh     <= StepsH == 1;
      last_fold   <= Folds == 1;
      last_group  <= Groups == 1;
      last_col    <= Window.out_width == 1;
      last_row    <= Window.out_height == 1;
      ends_row    <= GroupBeats * StepsW == 1;
      ends_pass   <= GroupBeats * StepsW * StepsH == 1;
      ends_group  <= GroupBeats * StepsW * StepsH * Folds == 1;
      ends_pixel  <= GroupBeats * StepsW * StepsH * Folds * Groups == 1;
      ends_line   <= GroupBeats * StepsW * StepsH * Folds * Groups * Window.out_width == 1;
    end else if (issue) begin
      pass_start  <= ends_pass;
      pixel_start <= ends_pixel;
      last_beat   <= beat_d;
      last_kw     <= kw_d;
      last_kh     <= kh_d;
      last_fold   <= fold_d;
      last_group  <= group_d;
      last_col    <= col_d;
      if (ends_line) last_row <= Window.out_height == 1 || (!last_row && row_q == OutRowBits'(Window.out_height - 2));
      ends_row    <= beat_d && kw_d;
      ends_pass   <= pass_d;
      ends_group  <= pass_d && fold_d;
      ends_pixel  <= pixel_d;
      ends_line   <= pixel_d && col_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      beat_q    <= '0;
      kw_q      <= '0;
      kh_q      <= '0;
      fold_q    <= '0;
      group_q   <= '0;
      col_q     <= '0;
      row_q     <= '0;
      right_q   <= ColPosBits'(SpanW - int'(Window.pad_left));
      reached_q <= 1'b0;
      whole_row <= Window.out_width == 1 || SpanW - int'(Window.pad_left) >= int'(Window.width);
      surplus_q <= -(CountBits + 1)'(FirstReach);
      step_q    <= Step[0];
      free_q    <= Free[0];
      freed_q   <= '0;
      used_q    <= '0;
    end else begin
      if (issue) beat_q <= last_beat ? '0 : beat_q + 1'b1;
      if (kw_step) kw_q <= last_kw ? '0 : kw_q + 1'b1;
      if (kh_step) kh_q <= last_kh ? '0 : kh_q + 1'b1;
      if (pass_end) fold_q <= last_fold ? '0 : fold_q + 1'b1;
      if (group_step) group_q <= last_group ? '0 : group_q + 1'b1;
      if (col_step) begin
        col_q     <= last_col ? '0 : col_q + 1'b1;
        right_q   <= next_right;
        whole_row <= next_whole;
      end
      if (row_step) begin
        row_q  <= next_row;
        step_q <= Step[next_row];
        free_q <= Free[next_row];
      end
      reached_q <= col_step ? reached_next : reached_now;
      surplus_q <= row_step ? surplus_more + step_q : surplus_more;
      // The writer hears of freed rows one cycle later, when their last read has left the ring.
      freed_q <= row_step ? free_q : '0;
      used_q  <= used_q + CountBits'(row_done) - freed_q;
    end
  end

  // ---------------------------------------------------------------- where it lies

  wire tom_window_pkg::step_t step = '{
    read:       issue,
    last_beat:  last_beat,
    last_kw:    last_kw,
    last_kh:    last_kh,
    last_group: last_group,
    last_col:   last_col,
    last_row:   last_row,
    ends_row:   ends_row,
    ends_group: ends_group,
    ends_pixel: ends_pixel,
    ends_line:  ends_line
  };

  wire logic [AddrBits-1:0] addr[Columns];
  wire logic [TapsH-1:0]    row_inside;
  wire logic [TapsW-1:0]    col_inside;
  wire logic [SlotBits-1:0] row_bank[TapsH];
  wire logic [BankBits-1:0] col_bank[TapsW];

  tom_window_address #(
    .Beats  (Beats),
    .Groups (Groups),
    .Window (Window),
    .Rows   (Rows),
    .Columns(Columns)
  ) u_address (
    .clk_i,
    .rst_i,
    .step_i      (step),
    .addr_o      (addr),
    .row_inside_o(row_inside),
    .col_inside_o(col_inside),
    .row_bank_o  (row_bank),
    .col_bank_o  (col_bank)
  );

  tom_window_ring #(
    .Lanes  (Lanes),
    .Bits   (Bits),
    .Beats  (Beats),
    .Window (Window),
    .Rows   (Rows),
    .Columns(Columns),
    .Pixels (Pixels),
    .Ram    (Ram)
  ) u_ring (
    .clk_i,
    .rst_i,
    .write_i         (write),
    .write_data_i    (in_data_i),
    .pixel_done_o    (pixel_done),
    .row_done_o      (row_done),
    .write_col_o     (write_col),
    .write_last_col_o(write_last_col),
    .read_i          (issue),
    .first_i         (pass_start),
    .last_i          (pass_end),
    .addr_i          (addr),
    .row_inside_i    (row_inside),
    .col_inside_i    (col_inside),
    .row_bank_i      (row_bank),
    .col_bank_i      (col_bank),
    .win_valid_o,
    .win_first_o,
    .win_last_o,
    .win_data_o
  );

endmodule

`default_nettype wire
