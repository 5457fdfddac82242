// SPDX-License-Identifier: Apache-2.0
// Line buffer: turns a stream of pixels into a sequence of sliding-window reads.
//
// Keeps `Rows` rows in a ring. For every output pixel (row-major), every group of channels and every
// fold it reads the window once: kernel rows, kernel columns, beats of the group, the last fastest;
// ParallelH / ParallelW read all kernel rows / columns in one cycle. A read of one fold of one group is
// a `pass`: it starts when available_i grants a place for its result and then never stops.
//
// No bubbles: rows of the next frame are taken while windows of this one are read, the border costs no
// cycles, and frames follow each other back to back. A pixel's passes start one cycle after the last
// column that it needs is in the ring; a row is freed when its last window has been read.
// win_* comes 3 cycles after the read was issued and is not stoppable.

`include "tom_assert.svh"
`default_nettype none

module tom_window #(
  parameter int unsigned Lanes     = 1,  // codes per beat
  parameter int unsigned Bits      = 8,  // bits per code
  parameter int unsigned Beats     = 1,  // beats per pixel
  parameter int unsigned Groups    = 1,  // groups of beats that are read separately
  parameter int unsigned Folds     = 1,  // how often each window of a group is read
  parameter int unsigned Height    = 4,  // input rows
  parameter int unsigned Width     = 4,  // input columns
  parameter int unsigned OutHeight = 4,  // output rows
  parameter int unsigned OutWidth  = 4,  // output columns
  parameter int unsigned KernelH   = 3,
  parameter int unsigned KernelW   = 3,
  parameter int unsigned StrideH   = 1,
  parameter int unsigned StrideW   = 1,
  parameter int unsigned DilationH = 1,
  parameter int unsigned DilationW = 1,
  parameter int unsigned PadTop    = 1,
  parameter int unsigned PadLeft   = 1,
  parameter int signed   PadValue  = 0,  // code of the border
  parameter bit          ParallelH = 0,  // read all kernel rows at once
  parameter bit          ParallelW = 0,  // read all kernel columns at once
  parameter int unsigned Rows      = 4,  // rows in the ring
  parameter int unsigned Columns   = 1,  // column banks if ParallelW, else 1
  parameter int unsigned Pixels    = 1,  // neighbouring columns per input beat, the first in the low bits
  parameter int unsigned Ram       = 0,  // memory kind of the ring: 0 LUTRAM, 1 block RAM, 2 UltraRAM

  localparam int unsigned TapsH = ParallelH ? KernelH : 1,
  localparam int unsigned TapsW = ParallelW ? KernelW : 1,
  localparam int unsigned BeatW = Lanes * Bits,
  localparam int unsigned InW   = Pixels * BeatW,
  localparam int unsigned WinW  = TapsH * TapsW * BeatW
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

  localparam int SpanH = (int'(KernelH) - 1) * int'(DilationH) + 1;
  localparam int SpanW = (int'(KernelW) - 1) * int'(DilationW) + 1;

  `TOM_REQUIRE(groups, Beats % Groups == 0, "Groups must divide Beats")
  `TOM_REQUIRE(rows, Rows >= SpanH + StrideH, "Rows must hold a window and the rows of the next one")
  `TOM_REQUIRE(top, int'(PadTop) < SpanH, "PadTop must be less than the kernel's extent")
  `TOM_REQUIRE(left, int'(PadLeft) < SpanW, "PadLeft must be less than the kernel's extent")
  `TOM_REQUIRE(columns, ParallelW || Columns == 1, "column banks are for ParallelW")
  `TOM_REQUIRE(pixels, Columns % Pixels == 0, "the pixels of a beat must go to different column banks")
  `TOM_REQUIRE(whole, Pixels == 1 || (Beats == 1 && Width % Pixels == 0),
               "several pixels per beat need all channels in a beat, and must divide Width")

  localparam int unsigned GroupBeats = Beats / Groups;
  localparam int unsigned StepsH = ParallelH ? 1 : KernelH;
  localparam int unsigned StepsW = ParallelW ? 1 : KernelW;
  localparam int unsigned RowBanks = ParallelH ? Rows : 1;
  localparam int unsigned RowWords = ((Width + Columns - 1) / Columns) * Beats;  // of a row, in a bank
  localparam int unsigned RingWords = ParallelH ? RowWords : Rows * RowWords;

  // Bits that count to n - 1, at least 1.
  function automatic int unsigned bits_for(int unsigned n);
    return n > 1 ? $clog2(n) : 1;
  endfunction

  localparam int unsigned AddrBits = bits_for(RingWords);
  localparam int unsigned SlotBits = bits_for(Rows);
  localparam int unsigned CountBits = $clog2(Rows + 1);
  localparam int unsigned BankBits = bits_for(Columns);
  localparam int unsigned BeatBits = bits_for(Beats);
  localparam int unsigned ColBits = bits_for(Width);
  localparam int unsigned RowPosBits = $clog2(int'(Height) + SpanH + int'(StrideH)) + 1;
  localparam int unsigned ColPosBits = $clog2(int'(Width) + 2 * SpanW + int'(StrideW)) + 1;

  function automatic int unsigned modulo(int value, int unsigned m);
    return unsigned'(((value % int'(m)) + int'(m)) % int'(m));
  endfunction

  // ---------------------------------------------------------------- rows that each output row needs

  // First input row that output row r still needs.
  function automatic int base_of(int r);
    int top = r * int'(StrideH) - int'(PadTop);
    return r == int'(OutHeight) ? int'(Height) : top < 0 ? 0 : top;
  endfunction

  // Last input row that must have come before output row r is finished, counted from its first.
  function automatic int reach_of(int r);
    int last = r * int'(StrideH) - int'(PadTop) + SpanH - 1;
    if (last > int'(Height) - 1) last = int'(Height) - 1;
    if (last < base_of(r + 1) - 1) last = base_of(r + 1) - 1;
    return last - base_of(r);
  endfunction

  typedef logic [OutHeight-1:0][CountBits-1:0] table_t;

  typedef logic [OutHeight-1:0][CountBits:0] steps_t;

  // What the end of an output row adds to the rows that are there beyond those that it waits for.
  function automatic steps_t step_table();
    for (int r = 0; r < int'(OutHeight); r++) begin
      automatic int freed = base_of(r + 1) - base_of(r);
      step_table[r] = (CountBits + 1)'(reach_of(r) - reach_of((r + 1) % int'(OutHeight)) - freed);
    end
  endfunction

  function automatic table_t free_table();
    for (int r = 0; r < int'(OutHeight); r++) free_table[r] = CountBits'(base_of(r + 1) - base_of(r));
  endfunction

  localparam steps_t Step = step_table();
  localparam int FirstReach = reach_of(0);
  localparam table_t Free = free_table();

  // ---------------------------------------------------------------- writer: pixels into the ring

  localparam int unsigned LastRowAddr = ParallelH ? 0 : (Rows - 1) * RowWords;

  logic [BeatBits-1:0]  w_beat_q;
  logic [ColBits-1:0]   w_col_q;
  logic [SlotBits-1:0]  w_slot_q;
  logic [BankBits-1:0]  w_bank_q;
  logic [AddrBits-1:0]  w_row_q, w_word_q;  // address of the row, and of the beat within it
  logic [CountBits-1:0] used_q;             // rows that must not be overwritten

  wire logic write = in_valid_i && in_ready_o;
  wire logic w_last_beat = w_beat_q == BeatBits'(Beats - 1);
  wire logic w_last_col = w_col_q == ColBits'(Width - Pixels);
  wire logic w_last_bank = w_bank_q == BankBits'(Columns - Pixels);
  wire logic row_done = write && w_last_beat && w_last_col;

  assign in_ready_o = used_q != CountBits'(Rows);

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      w_beat_q <= '0;
      w_col_q  <= '0;
      w_slot_q <= '0;
      w_bank_q <= '0;
      w_row_q  <= '0;
      w_word_q <= '0;
    end else if (write) begin
      w_beat_q <= w_last_beat ? '0 : w_beat_q + 1'b1;
      if (!w_last_beat) begin
        w_word_q <= w_word_q + 1'b1;
      end else if (!w_last_col) begin
        w_col_q  <= w_col_q + ColBits'(Pixels);
        w_bank_q <= w_last_bank ? '0 : w_bank_q + BankBits'(Pixels);
        w_word_q <= w_last_bank ? w_word_q + 1'b1 : w_word_q - AddrBits'(Beats - 1);
      end else begin
        w_col_q  <= '0;
        w_bank_q <= '0;
        w_word_q <= '0;
        w_slot_q <= w_slot_q == SlotBits'(Rows - 1) ? '0 : w_slot_q + 1'b1;
        w_row_q  <= w_row_q == AddrBits'(LastRowAddr) ? '0 : w_row_q + AddrBits'(RowWords);
      end
    end
  end

  // ---------------------------------------------------------------- reader: loops over windows

  localparam int unsigned KhBits = bits_for(StepsH);
  localparam int unsigned KwBits = bits_for(StepsW);
  localparam int unsigned FoldBits = bits_for(Folds);
  localparam int unsigned GroupBits = bits_for(Groups);
  localparam int unsigned OutRowBits = bits_for(OutHeight);
  localparam int unsigned OutColBits = bits_for(OutWidth);

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

  logic signed [ColPosBits-1:0] left_q;  // input column of the window's left edge
  logic signed [RowPosBits-1:0] top_q;   // input row of the window's top edge

  logic pass_start, pixel_start;  // the next read is the first of a pass, of an output pixel
  logic signed [ColPosBits-1:0] right_q;    // first column behind the window
  logic                         reached_q;  // of its last row, the columns before right_q have come
  logic                         whole_row;  // the window waits for all of its last row
  wire logic signed [ColPosBits-1:0] next_left =
      last_col ? -ColPosBits'(PadLeft) : left_q + ColPosBits'(StrideW);
  wire logic signed [ColPosBits-1:0] next_right =
      last_col ? ColPosBits'(SpanW - int'(PadLeft)) : right_q + ColPosBits'(StrideW);
  wire logic next_last_col = OutWidth == 1 || (!last_col && col_q == OutColBits'(OutWidth - 2));
  wire logic next_whole = OutWidth == 1 || next_last_col || next_right >= ColPosBits'(Width);
  wire logic arrived = surplus_q > 0 || (surplus_q == 0 && !whole_row && reached_q);

  wire logic issue = (!pass_start || available_i) && (!pixel_start || arrived);

  // The same flags of the read after the next.
  wire logic beat_d = GroupBeats == 1 || (!last_beat && beat_q == BeatBits'(GroupBeats - 2));
  wire logic kw_d = StepsW == 1 || (last_beat ? !last_kw && kw_q == KwBits'(StepsW - 2) : last_kw);
  wire logic kh_d = StepsH == 1 || (ends_row ? !last_kh && kh_q == KhBits'(StepsH - 2) : last_kh);
  wire logic fold_d = Folds == 1 || (ends_pass ? !last_fold && fold_q == FoldBits'(Folds - 2) : last_fold);
  wire logic group_d = Groups == 1 || (ends_group ? !last_group && group_q == GroupBits'(Groups - 2) : last_group);
  wire logic col_d = OutWidth == 1 || (ends_pixel ? next_last_col : last_col);
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
  wire logic w_step = write && w_last_beat;
  wire logic signed [ColPosBits-1:0] w_here = ColPosBits'(w_col_q);
  wire logic signed [ColPosBits-1:0] w_next = w_here + ColPosBits'(Pixels);
  wire logic reached_now = w_step ? !w_last_col && w_next >= right_q : w_here >= right_q;
  wire logic reached_next = w_step ? !w_last_col && w_next >= next_right : w_here >= next_right;

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
      last_col    <= OutWidth == 1;
      last_row    <= OutHeight == 1;
      ends_row    <= GroupBeats * StepsW == 1;
      ends_pass   <= GroupBeats * StepsW * StepsH == 1;
      ends_group  <= GroupBeats * StepsW * StepsH * Folds == 1;
      ends_pixel  <= GroupBeats * StepsW * StepsH * Folds * Groups == 1;
      ends_line   <= GroupBeats * StepsW * StepsH * Folds * Groups * OutWidth == 1;
    end else if (issue) begin
      pass_start  <= ends_pass;
      pixel_start <= ends_pixel;
      last_beat   <= beat_d;
      last_kw     <= kw_d;
      last_kh     <= kh_d;
      last_fold   <= fold_d;
      last_group  <= group_d;
      last_col    <= col_d;
      if (ends_line) last_row <= OutHeight == 1 || (!last_row && row_q == OutRowBits'(OutHeight - 2));
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
      left_q    <= -ColPosBits'(PadLeft);
      right_q   <= ColPosBits'(SpanW - int'(PadLeft));
      reached_q <= 1'b0;
      whole_row <= OutWidth == 1 || SpanW - int'(PadLeft) >= int'(Width);
      top_q     <= -RowPosBits'(PadTop);
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
        left_q    <= next_left;
        right_q   <= next_right;
        whole_row <= next_whole;
      end
      if (row_step) begin
        row_q  <= next_row;
        top_q  <= last_row ? -RowPosBits'(PadTop) : top_q + RowPosBits'(StrideH);
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

  // ---------------------------------------------------------------- read addresses

  localparam int NextTop = int'(Height) - (int'(OutHeight) - 1) * int'(StrideH);
  localparam int unsigned StepRow = modulo(int'(StrideH), Rows);
  localparam int unsigned StepFrame = modulo(NextTop, Rows);
  localparam int unsigned FirstSlot = modulo(-int'(PadTop), Rows);

  logic [BeatBits-1:0] chan_q;  // beat of the pixel
  always_ff @(posedge clk_i) begin
    if (rst_i) chan_q <= '0;
    else if (issue) begin
      if (!last_beat || (ends_group && !last_group)) chan_q <= chan_q + 1'b1;
      else if (ends_group) chan_q <= '0;
      else chan_q <= chan_q - BeatBits'(GroupBeats - 1);
    end
  end

  // Rows: where the tap row (or with ParallelH the window's first row) lies in the ring.
  logic [AddrBits-1:0] row_addr;      // of the row, in every bank
  logic [TapsH-1:0]    row_inside;    // the tap row is not border
  logic [SlotBits-1:0] row_bank[TapsH];

  if (ParallelH) begin : gen_rows_parallel
    logic [SlotBits-1:0] slot_q;
    always_ff @(posedge clk_i) begin
      if (rst_i) slot_q <= SlotBits'(FirstSlot);
      else if (row_step) begin
        slot_q <= last_row ? SlotBits'((32'(slot_q) + StepFrame) % Rows)
                           : SlotBits'((32'(slot_q) + StepRow) % Rows);
      end
    end
    assign row_addr = '0;
    for (genvar t = 0; t < TapsH; t++) begin : gen_tap
      wire logic signed [RowPosBits-1:0] position = top_q + RowPosBits'(t * DilationH);
      assign row_inside[t] = position >= 0 && position < RowPosBits'(Height);
      assign row_bank[t] = SlotBits'((32'(slot_q) + t * DilationH) % Rows);
    end
  end else begin : gen_rows_serial
    localparam int unsigned Ring = Rows * RowWords;
    localparam int unsigned Bits1 = AddrBits + 1;
    logic [AddrBits-1:0] window_q, tap_q;  // ring address of the window's first row, of the tap row
    logic signed [RowPosBits-1:0] position_q;

    // Address `a` moved by `words` in the ring.
    function automatic logic [AddrBits-1:0] moved(logic [AddrBits-1:0] a, logic [AddrBits-1:0] words);
      logic [Bits1-1:0] sum = Bits1'(a) + Bits1'(words);
      return AddrBits'(sum >= Bits1'(Ring) ? sum - Bits1'(Ring) : sum);
    endfunction

    wire logic [AddrBits-1:0] next_window =
        last_row ? moved(window_q, AddrBits'(StepFrame * RowWords)) : moved(window_q, AddrBits'(StepRow * RowWords));

    always_ff @(posedge clk_i) begin
      if (rst_i) begin
        window_q   <= AddrBits'(FirstSlot * RowWords);
        tap_q      <= AddrBits'(FirstSlot * RowWords);
        position_q <= -RowPosBits'(PadTop);
      end else begin
        if (row_step) window_q <= next_window;
        if (kh_step) begin
          if (!last_kh) begin
            tap_q      <= moved(tap_q, AddrBits'(DilationH * RowWords));
            position_q <= position_q + RowPosBits'(DilationH);
          end else if (ends_line) begin
            tap_q      <= next_window;
            position_q <= last_row ? -RowPosBits'(PadTop) : top_q + RowPosBits'(StrideH);
          end else begin
            tap_q      <= window_q;
            position_q <= top_q;
          end
        end
      end
    end
    assign row_addr = tap_q;
    assign row_inside[0] = position_q >= 0 && position_q < RowPosBits'(Height);
    assign row_bank[0] = '0;
  end

  // Columns: which bank holds each tap column, and where in its bank.
  logic [AddrBits-1:0] col_addr[Columns];  // address of the pixel in each column bank
  logic [TapsW-1:0]    col_inside;
  logic [BankBits-1:0] col_bank[TapsW];

  if (ParallelW) begin : gen_columns_parallel
    localparam int unsigned FirstBank = modulo(-int'(PadLeft), Columns);
    localparam int FirstWord = (-int'(PadLeft) - int'(FirstBank)) / int'(Columns) * int'(Beats);
    localparam int unsigned BankStep = StrideW % Columns;
    localparam int unsigned WordStep = (StrideW / Columns) * Beats;

    logic [BankBits-1:0] bank_q;  // bank of the window's left column
    logic [AddrBits-1:0] word_q;  // its address there; wraps below zero in the left border
    wire logic carry = 32'(bank_q) + BankStep >= Columns;

    always_ff @(posedge clk_i) begin
      if (rst_i || (col_step && last_col)) begin
        bank_q <= BankBits'(FirstBank);
        word_q <= AddrBits'(FirstWord);
      end else if (col_step) begin
        bank_q <= carry ? BankBits'(32'(bank_q) + BankStep - Columns) : BankBits'(32'(bank_q) + BankStep);
        word_q <= word_q + AddrBits'(WordStep) + (carry ? AddrBits'(Beats) : '0);
      end
    end

    for (genvar t = 0; t < TapsW; t++) begin : gen_tap
      wire logic signed [ColPosBits-1:0] position = left_q + ColPosBits'(t * DilationW);
      assign col_inside[t] = position >= 0 && position < ColPosBits'(Width);
      assign col_bank[t] = BankBits'((32'(bank_q) + t * DilationW) % Columns);
    end

    // Words between the left column's and the tap's that falls into bank b.
    function automatic int unsigned words_ahead(int unsigned b, int unsigned left_bank);
      for (int unsigned t = 0; t < TapsW; t++)
        if ((left_bank + t * DilationW) % Columns == b) return (left_bank + t * DilationW) / Columns * Beats;
      return 0;
    endfunction

    for (genvar b = 0; b < Columns; b++) begin : gen_bank
      always_comb begin
        col_addr[b] = word_q;
        for (int unsigned m = 0; m < Columns; m++)
          if (32'(bank_q) == m) col_addr[b] = word_q + AddrBits'(words_ahead(b, m));
      end
    end
  end else begin : gen_columns_serial
    logic signed [ColPosBits-1:0] position_q;
    logic [AddrBits-1:0] window_q, tap_q;  // wraps below zero in the left border
    localparam logic [AddrBits-1:0] First = -AddrBits'(PadLeft * Beats);

    wire logic [AddrBits-1:0] next_window = last_col ? First : window_q + AddrBits'(StrideW * Beats);

    always_ff @(posedge clk_i) begin
      if (rst_i) begin
        window_q   <= First;
        tap_q      <= First;
        position_q <= -ColPosBits'(PadLeft);
      end else begin
        if (col_step) window_q <= next_window;
        if (kw_step) begin
          if (!last_kw) begin
            tap_q      <= tap_q + AddrBits'(DilationW * Beats);
            position_q <= position_q + ColPosBits'(DilationW);
          end else if (ends_pixel) begin
            tap_q      <= next_window;
            position_q <= next_left;
          end else begin
            tap_q      <= window_q;
            position_q <= left_q;
          end
        end
      end
    end
    assign col_addr[0] = tap_q;
    assign col_inside[0] = position_q >= 0 && position_q < ColPosBits'(Width);
    assign col_bank[0] = '0;
  end

  // ---------------------------------------------------------------- ring and read pipeline

  // Stage A: addresses. Stage B: ring output. Stage C: taps selected, border inserted.
  logic [AddrBits-1:0] a_addr_q[Columns];
  logic [2:0]          valid_q, first_q, last_q;
  logic [TapsH-1:0]    a_row_inside_q, b_row_inside_q;
  logic [TapsW-1:0]    a_col_inside_q, b_col_inside_q;
  logic [SlotBits-1:0] a_row_bank_q[TapsH], b_row_bank_q[TapsH];
  logic [BankBits-1:0] a_col_bank_q[TapsW], b_col_bank_q[TapsW];

  logic [RowBanks-1:0][Columns-1:0][BeatW-1:0] b_ring;
  logic [WinW-1:0] win_d, win_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) valid_q <= '0;
    else valid_q <= {valid_q[1:0], issue};
  end

  always_ff @(posedge clk_i) begin
    first_q <= {first_q[1:0], pass_start};
    last_q  <= {last_q[1:0], pass_end};
    for (int unsigned b = 0; b < Columns; b++) a_addr_q[b] <= row_addr + col_addr[b] + AddrBits'(chan_q);
    a_row_inside_q <= row_inside;
    a_col_inside_q <= col_inside;
    a_row_bank_q   <= row_bank;
    a_col_bank_q   <= col_bank;
    b_row_inside_q <= a_row_inside_q;
    b_col_inside_q <= a_col_inside_q;
    b_row_bank_q   <= a_row_bank_q;
    b_col_bank_q   <= a_col_bank_q;
    win_q          <= win_d;
  end

  for (genvar r = 0; r < RowBanks; r++) begin : gen_row_bank
    for (genvar c = 0; c < Columns; c++) begin : gen_column_bank
      tom_ram #(
        .Width(BeatW),
        .Depth(RingWords),
        .Ram  (Ram)
      ) u_ring (
        .clk_i,
        .write_i     (write && (RowBanks == 1 || 32'(w_slot_q) == r) && 32'(w_bank_q) == c / Pixels * Pixels),
        .write_addr_i(w_row_q + w_word_q),
        .write_data_i(in_data_i[c%Pixels*BeatW+:BeatW]),
        .read_i      (1'b1),
        .read_addr_i (a_addr_q[c]),
        .read_data_o (b_ring[r][c])
      );
    end
  end

  always_comb begin
    for (int unsigned h = 0; h < TapsH; h++) begin
      for (int unsigned w = 0; w < TapsW; w++) begin
        win_d[(h*TapsW+w)*BeatW+:BeatW] =
            b_row_inside_q[h] && b_col_inside_q[w]
            ? b_ring[RowBanks == 1 ? 0 : 32'(b_row_bank_q[h])][Columns == 1 ? 0 : 32'(b_col_bank_q[w])]
            : {Lanes{Bits'(PadValue)}};
      end
    end
  end

  assign win_valid_o = valid_q[2];
  assign win_first_o = first_q[2];
  assign win_last_o  = last_q[2];
  assign win_data_o  = win_q;

endmodule

`default_nettype wire
