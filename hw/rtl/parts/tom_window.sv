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
// win_* comes Latency cycles after the read was issued and is not stoppable. When a pixel may be read is said here;
// tom_window_loops says what is read of it, tom_window_list where a list names the reads (Kept of them, see there), or
// whoever is outside where they are Told;
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
  parameter int unsigned Kept    = 0,  // reads of an output pixel that a list names; 0: all, in order
  parameter int unsigned Lists   = 1,  // groups of lanes that read what the list names for each
  parameter int unsigned Parts   = 1,  // a read takes one of so many parts of a beat, which the list names
  parameter int unsigned ListRam = 0,  // memory kind of the list: 0 LUT, 1 block RAM
  parameter bit          Told    = 0,  // loops_i, beat_i, kw_i and kh_i tell of the next read
  parameter              ListFile = "",  // hexadecimal words, see tom_window_list

  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats),
  localparam int unsigned KwBits = tom_pkg::idx_width(Window.parallel_w ? 1 : Window.kernel_w),
  localparam int unsigned KhBits = tom_pkg::idx_width(Window.parallel_h ? 1 : Window.kernel_h),
  localparam int unsigned TapsH = tom_window_pkg::taps(Window.parallel_h, Window.kernel_h),
  localparam int unsigned TapsW = tom_window_pkg::taps(Window.parallel_w, Window.kernel_w),
  localparam int unsigned InW   = Pixels * Lanes * Bits,
  localparam int unsigned WinW  = TapsH * TapsW * (Lanes / Parts) * Bits
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             in_valid_i,
  output wire logic             in_ready_o,
  input  wire logic [InW-1:0]   in_data_i,

  input  wire tom_window_pkg::loops_t loops_i = '0,  // as tom_window_list has them: known from behind the reset on
  input  wire logic [BeatBits-1:0] beat_i = '0,  // beat of the pixel
  input  wire logic [KwBits-1:0] kw_i = '0,      // kernel column
  input  wire logic [KhBits-1:0] kh_i = '0,      // kernel row

  input  wire logic             available_i,  // a place for one more result is free
  output wire logic             start_o,      // a pass starts: takes a place; if Told: any read is made

  output wire logic             win_valid_o,
  output wire logic             win_first_o,  // first read of a pass
  output wire logic             win_last_o,   // last read of a pass
  output wire logic [WinW-1:0]  win_data_o    // kernel row, kernel column, lane; the last lowest
);

  `TOM_LATENCY(tom_window_pkg::latency())

  localparam int SpanH = tom_window_pkg::span(Window.kernel_h, Window.dilation_h);
  localparam int SpanW = tom_window_pkg::span(Window.kernel_w, Window.dilation_w);

  `TOM_REQUIRE(parts, Lanes % (Parts * Lists) == 0 && (Parts * Lists == 1 || Kept != 0),
               "Parts and Lists are of a list, and must divide Lanes")
  `TOM_REQUIRE(groups, Beats % Groups == 0, "Groups must divide Beats")
  `TOM_REQUIRE(rows, Rows >= SpanH + Window.stride_h, "Rows must hold a window and the rows of the next one")
  `TOM_REQUIRE(top, int'(Window.pad_top) < SpanH, "PadTop must be less than the kernel's extent")
  `TOM_REQUIRE(left, int'(Window.pad_left) < SpanW, "PadLeft must be less than the kernel's extent")
  `TOM_REQUIRE(columns, Window.parallel_w || Columns == 1, "column banks are for ParallelW")
  `TOM_REQUIRE(pixels, Columns % Pixels == 0, "the pixels of a beat must go to different column banks")
  `TOM_REQUIRE(alone, Pixels == 1 || Lists == 1, "groups of lanes read one column per beat")
  `TOM_REQUIRE(whole, Pixels == 1 || (Beats == 1 && Window.width % Pixels == 0),
               "several pixels per beat need all channels in a beat, and must divide Width")

  localparam int unsigned BankRows = Window.parallel_h ? 1 : Rows;
  localparam int unsigned AddrBits = tom_pkg::idx_width(tom_window_pkg::words(BankRows, Window.width, Columns, Beats));
  localparam int unsigned SlotBits = tom_pkg::idx_width(Rows);
  localparam int unsigned BankBits = tom_pkg::idx_width(Columns);
  localparam int unsigned CountBits = tom_pkg::count_width(Rows);
  localparam int unsigned ColBits = tom_pkg::idx_width(Window.width);

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

  // What the end of output row r adds to the rows that are there beyond those that it waits for.
  function automatic int step_of(int r);
    return reach_of(r) - reach_of((r + 1) % int'(Window.out_height)) - (base_of(r + 1) - base_of(r));
  endfunction

  typedef logic [Window.out_height-1:0][CountBits-1:0] table_t;

  typedef logic [Window.out_height-1:0][CountBits:0] steps_t;

  // Of every output row the step of the row behind it.
  function automatic steps_t step_table();
    for (int r = 0; r < int'(Window.out_height); r++)
      step_table[r] = (CountBits + 1)'(step_of((r + 1) % int'(Window.out_height)));
  endfunction

  function automatic table_t free_table();
    for (int r = 0; r < int'(Window.out_height); r++) free_table[r] = CountBits'(base_of(r + 1) - base_of(r));
  endfunction

  localparam steps_t Step = step_table();
  localparam int FirstReach = reach_of(0);
  localparam table_t Free = free_table();

  // ---------------------------------------------------------------- columns that each output column needs

  // How many columns of its last row must have come before output column c is read: more than the writer gets to where
  // it waits for the whole row.
  function automatic int right_of(int c);
    return c == int'(Window.out_width) - 1 ? int'(Window.width)
        : c * int'(Window.stride_w) - int'(Window.pad_left) + SpanW;
  endfunction

  localparam int LastRight = right_of(int'(Window.out_width) - 2);
  localparam int unsigned RightBits = tom_pkg::count_width(
      LastRight > int'(Window.width) ? LastRight : int'(Window.width));
  localparam int unsigned OutColBits = tom_pkg::idx_width(Window.out_width);
  localparam logic [OutColBits-1:0] TwoBefore =  // the last column
      OutColBits'((3 * Window.out_width - 3) % Window.out_width);

  // ---------------------------------------------------------------- rows in the ring

  logic [CountBits-1:0] used_q;           // rows that must not be overwritten
  logic [CountBits-1:0] free_q, freed_q;  // rows that the end of the output row frees, that it freed
  logic room_q;                           // there are others than used_q
  wire logic [ColBits-1:0] write_col, next_write_col;
  wire logic pixel_done, row_done;

  wire logic write = in_valid_i && room_q;
  assign in_ready_o = room_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      used_q <= '0;
      room_q <= 1'b1;
    end else begin
      used_q <= used_q + CountBits'(row_done) - freed_q;
      room_q <= freed_q != '0 || (room_q && !(row_done && used_q == CountBits'(Rows - 1)));
    end
  end

  // ---------------------------------------------------------------- loops over windows

  localparam bit Listed = Kept != 0 || Told;
  localparam bit Single = !Listed && Beats * Folds == 1
      && TapsH * TapsW == Window.kernel_h * Window.kernel_w;  // a pixel takes one read
  localparam int unsigned PartBits = tom_pkg::idx_width(Parts);
  localparam int unsigned OutRowBits = tom_pkg::idx_width(Window.out_height);

  logic [OutColBits-1:0] col_q;
  logic [OutRowBits-1:0] row_q;

  wire tom_window_pkg::loops_t loops;  // of the next read
  logic pass_start, pixel_start;       // it is the first of a pass, of an output pixel
  logic last_col, last_row, ends_line;
  logic go_q;                          // what it reads has come

  // What an output pixel waits for, and in next_* what the one behind it does: it is known a pixel early, so that
  // registers are compared with registers and what is late, `issue` and in_valid_i, only selects.
  logic [RightBits-1:0] right_q, next_right_q;  // columns of the window's last row
  logic next_last_q;                            // last_col of the pixel behind it
  logic reached_q;                              // the columns before right_q have come
  logic signed [CountBits:0] surplus_q;         // complete rows beyond those that it waits for
  logic signed [CountBits:0] next_surplus_q;    // the same as the next output row counts
  logic [CountBits:0] step_q;                   // from there to the row behind it

  wire logic issue = loops.known && go_q && (!pass_start || available_i);

  wire logic col_d = Window.out_width == 1 || (loops.ends_pixel ? next_last_q : last_col);
  wire logic pass_end = issue && loops.ends_pass;
  wire logic col_step = issue && loops.ends_pixel;
  wire logic row_step = issue && ends_line;

  wire logic [OutRowBits-1:0] next_row = last_row ? '0 : row_q + 1'b1;
  wire logic after_next_last = Window.out_width == 1 || col_q == TwoBefore;

  // Behind the last column of a row the writer is at column 0, which is left of every window's right.
  wire logic reached_now = pixel_done ? RightBits'(next_write_col) >= right_q : reached_q;
  wire logic reached_next =
      pixel_done ? RightBits'(next_write_col) >= next_right_q : RightBits'(write_col) >= next_right_q;

  wire logic signed [CountBits:0] surplus_next = ends_line ? next_surplus_q : surplus_q;
  wire logic go_now = surplus_q > 0 || (surplus_q == 0 && (row_done || reached_now));
  wire logic go_next = surplus_next > 0 || (surplus_next == 0 && (row_done || reached_next));

  assign start_o = issue && (pass_start || Told);

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      pass_start  <= 1'b1;
      pixel_start <= 1'b1;
      last_col    <= Window.out_width == 1;
      last_row    <= Window.out_height == 1;
      ends_line   <= Single && Window.out_width == 1;
    end else if (issue || !loops.known) begin
      pass_start  <= loops.ends_pass || !loops.known;
      pixel_start <= loops.ends_pixel || !loops.known;
      last_col    <= col_d;
      if (ends_line) last_row <= Window.out_height == 1 || (!last_row && row_q == OutRowBits'(Window.out_height - 2));
      ends_line   <= loops.next_ends_pixel && col_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      col_q          <= '0;
      row_q          <= '0;
      next_last_q    <= Window.out_width <= 2;
      right_q        <= RightBits'(right_of(0));
      next_right_q   <= RightBits'(right_of(1 % int'(Window.out_width)));
      reached_q      <= 1'b0;
      go_q           <= 1'b0;
      surplus_q      <= -(CountBits + 1)'(FirstReach);
      next_surplus_q <= (CountBits + 1)'(step_of(0) - FirstReach);
      step_q         <= Step[0];
      free_q         <= Free[0];
      freed_q        <= '0;
    end else begin
      if (col_step) begin
        col_q       <= last_col ? '0 : col_q + 1'b1;
        next_last_q <= after_next_last;
        right_q     <= next_right_q;
        if (next_last_q) next_right_q <= RightBits'(right_of(0));
        else if (after_next_last) next_right_q <= RightBits'(Window.width);
        else next_right_q <= next_right_q + RightBits'(Window.stride_w);
      end
      if (row_step) begin
        row_q  <= next_row;
        step_q <= Step[next_row];
        free_q <= Free[next_row];
      end
      reached_q      <= col_step ? reached_next : reached_now;
      go_q           <= issue ? !loops.ends_pixel || go_next : !pixel_start || go_now;
      surplus_q      <= (row_step ? next_surplus_q : surplus_q) + (CountBits + 1)'(row_done);
      next_surplus_q <= next_surplus_q + (row_step ? step_q : '0) + (CountBits + 1)'(row_done);
      // The writer hears of freed rows one cycle later, when their last read has left the ring.
      freed_q <= row_step ? free_q : '0;
    end
  end

  wire logic unused_told = &{1'b0, loops_i, beat_i, kw_i, kh_i};

  // What a list says of the next read.
  wire logic [PartBits-1:0] part[Lists];
  wire logic [BeatBits-1:0] beat[Lists];
  wire logic [KwBits-1:0]   kw[Lists];
  wire logic [KhBits-1:0]   kh[Lists];

  if (Told) begin : gen_told
    assign loops = loops_i;
    assign part[0] = '0;
    assign beat[0] = beat_i;
    assign kw[0] = kw_i;
    assign kh[0] = kh_i;
  end else if (Kept == 0) begin : gen_loops
    tom_window_loops #(
      .Beats (Beats),
      .Groups(Groups),
      .Folds (Folds),
      .Window(Window)
    ) u_loops (
      .clk_i,
      .rst_i,
      .read_i (issue),
      .loops_o(loops)
    );
    assign part[0] = '0;
    assign beat[0] = '0;
    assign kw[0] = '0;
    assign kh[0] = '0;
  end else begin : gen_list
    tom_window_list #(
      .Kept    (Kept),
      .Lists   (Lists),
      .PartBits(PartBits),
      .BeatBits(BeatBits),
      .KwBits  (KwBits),
      .KhBits  (KhBits),
      .Ram     (ListRam),
      .ListFile(ListFile)
    ) u_list (
      .clk_i,
      .rst_i,
      .read_i (issue),
      .loops_o(loops),
      .part_o (part),
      .beat_o (beat),
      .kw_o   (kw),
      .kh_o   (kh)
    );
  end

  // ---------------------------------------------------------------- where it lies

  wire tom_window_pkg::step_t step = '{
    loops:     loops,
    read:      issue,
    last_col:  last_col,
    last_row:  last_row,
    ends_line: ends_line
  };

  wire logic [AddrBits-1:0] addr[Lists*Columns];
  wire logic [TapsH-1:0]    row_inside[Lists];
  wire logic [TapsW-1:0]    col_inside[Lists];
  wire logic [SlotBits-1:0] row_bank[TapsH];
  wire logic [BankBits-1:0] col_bank[TapsW];

  tom_window_address #(
    .Beats  (Beats),
    .Groups (Groups),
    .Window (Window),
    .Rows   (Rows),
    .Columns(Columns),
    .Listed (Listed),
    .Lists  (Lists)
  ) u_address (
    .clk_i,
    .rst_i,
    .step_i      (step),
    .beat_i      (beat),
    .kw_i        (kw),
    .kh_i        (kh),
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
    .Ram    (Ram),
    .Lists  (Lists),
    .Parts  (Parts)
  ) u_ring (
    .clk_i,
    .rst_i,
    .write_i         (write),
    .write_data_i    (in_data_i),
    .pixel_done_o    (pixel_done),
    .row_done_o      (row_done),
    .write_col_o     (write_col),
    .next_col_o      (next_write_col),
    .read_i          (issue),
    .first_i         (pass_start),
    .last_i          (pass_end),
    .part_i          (part),
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
