// SPDX-License-Identifier: Apache-2.0
// Where a read of tom_window lies in the ring, and which of its taps are border. Part of tom_window.
//
// Follows the loops step by step, or looks up the taps of a list: everything is of the read that step_i is about, in
// the same cycle.

`include "tom_assert.svh"
`default_nettype none

module tom_window_address #(
  parameter int unsigned Beats   = 1,  // beats per pixel
  parameter int unsigned Groups  = 1,  // groups of beats that are read separately
  parameter tom_window_pkg::window_t Window = tom_window_pkg::pixel(),  // what the window is
  parameter int unsigned Rows    = 4,  // rows in the ring
  parameter int unsigned Columns = 1,  // column banks
  parameter bit          Listed  = 0,  // a list says which beat, kernel column and kernel row a read is of
  parameter int unsigned Lists   = 1,  // groups of lanes that it says it for

  localparam int unsigned TapsH = tom_window_pkg::taps(Window.parallel_h, Window.kernel_h),
  localparam int unsigned TapsW = tom_window_pkg::taps(Window.parallel_w, Window.kernel_w),
  localparam int unsigned BankRows = Window.parallel_h ? 1 : Rows,
  localparam int unsigned AddrBits = tom_pkg::idx_width(tom_window_pkg::words(BankRows, Window.width, Columns, Beats)),
  localparam int unsigned SlotBits = tom_pkg::idx_width(Rows),
  localparam int unsigned BankBits = tom_pkg::idx_width(Columns),
  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats),
  localparam int unsigned StepsH = Window.kernel_h / TapsH,
  localparam int unsigned StepsW = Window.kernel_w / TapsW
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_i,

  input  wire tom_window_pkg::step_t step_i,
  input  wire logic [BeatBits-1:0]   beat_i[Lists],           // only if Listed, as the next two
  input  wire logic [tom_pkg::idx_width(StepsW)-1:0] kw_i[Lists],
  input  wire logic [tom_pkg::idx_width(StepsH)-1:0] kh_i[Lists],

  output wire logic [AddrBits-1:0]   addr_o[Lists*Columns],   // in each column bank of each group
  output wire logic [TapsH-1:0]      row_inside_o[Lists],     // the tap's row is not border
  output wire logic [TapsW-1:0]      col_inside_o[Lists],     // nor its column
  output wire logic [SlotBits-1:0]   row_bank_o[TapsH],       // the bank that holds it
  output wire logic [BankBits-1:0]   col_bank_o[TapsW]
);

  localparam int unsigned GroupBeats = Beats / Groups;
  localparam int unsigned RowWords = tom_window_pkg::words(1, Window.width, Columns, Beats);
  localparam int SpanH = tom_window_pkg::span(Window.kernel_h, Window.dilation_h);
  localparam int SpanW = tom_window_pkg::span(Window.kernel_w, Window.dilation_w);
  localparam int unsigned RowPosBits = $clog2(int'(Window.height) + SpanH + int'(Window.stride_h)) + 1;
  localparam int unsigned ColPosBits = $clog2(int'(Window.width) + 2 * SpanW + int'(Window.stride_w)) + 1;
  localparam int NextTop = int'(Window.height) - (int'(Window.out_height) - 1) * int'(Window.stride_h);
  localparam int unsigned StepRow = tom_pkg::modulo(int'(Window.stride_h), Rows);
  localparam int unsigned StepFrame = tom_pkg::modulo(NextTop, Rows);
  localparam int unsigned FirstSlot = tom_pkg::modulo(-int'(Window.pad_top), Rows);

  // What reads of all kernel rows or columns at once do not step through.
  wire logic unused_step = &{1'b0, step_i};
  for (genvar l = 0; l < Lists; l++) begin : gen_unused
    wire logic unused_place = &{1'b0, beat_i[l], kw_i[l], kh_i[l]};
  end

  wire logic col_step = step_i.read && step_i.loops.ends_pixel;
  wire logic row_step = step_i.read && step_i.ends_line;

  wire logic [BeatBits-1:0] chan[Lists];  // beat of the pixel
  logic signed [ColPosBits-1:0] left_q;  // input column of the window's left edge
  logic signed [RowPosBits-1:0] top_q;   // input row of the window's top edge

  wire logic signed [ColPosBits-1:0] next_left =
      step_i.last_col ? -ColPosBits'(Window.pad_left) : left_q + ColPosBits'(Window.stride_w);
  wire logic signed [RowPosBits-1:0] next_top =
      step_i.last_row ? -RowPosBits'(Window.pad_top) : top_q + RowPosBits'(Window.stride_h);

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      left_q <= -ColPosBits'(Window.pad_left);
      top_q  <= -RowPosBits'(Window.pad_top);
    end else begin
      if (col_step) left_q <= next_left;
      if (row_step) top_q <= next_top;
    end
  end

  if (Listed) begin : gen_beat_listed
    assign chan = beat_i;
  end else begin : gen_beat_counted
    logic [BeatBits-1:0] chan_q;
    always_ff @(posedge clk_i) begin
      if (rst_i) chan_q <= '0;
      else if (step_i.read) begin
        if (!step_i.loops.last_beat || (step_i.loops.ends_group && !step_i.loops.last_group)) chan_q <= chan_q + 1'b1;
        else if (step_i.loops.ends_group) chan_q <= '0;
        else chan_q <= chan_q - BeatBits'(GroupBeats - 1);
      end
    end
    assign chan[0] = chan_q;
  end

  // Ring address `a` moved by `words`, where rows lie in one memory.
  localparam int unsigned Bits1 = AddrBits + 1;
  localparam int unsigned Ring = Rows * RowWords;
  function automatic logic [AddrBits-1:0] moved(logic [AddrBits-1:0] a, logic [AddrBits-1:0] words);
    logic [Bits1-1:0] sum = Bits1'(a) + Bits1'(words);
    return AddrBits'(sum >= Bits1'(Ring) ? sum - Bits1'(Ring) : sum);
  endfunction

  // Rows: where the tap row (or of all kernel rows at once the window's first row) lies in the ring.
  wire logic [AddrBits-1:0] row_addr[Lists];  // of the row, in every bank

  if (Window.parallel_h) begin : gen_rows_parallel
    logic [SlotBits-1:0] slot_q;
    always_ff @(posedge clk_i) begin
      if (rst_i) slot_q <= SlotBits'(FirstSlot);
      else if (row_step) begin
        slot_q <= step_i.last_row ? SlotBits'((32'(slot_q) + StepFrame) % Rows)
                                  : SlotBits'((32'(slot_q) + StepRow) % Rows);
      end
    end
    wire logic [TapsH-1:0] in_frame;
    for (genvar l = 0; l < Lists; l++) begin : gen_group
      assign row_addr[l] = '0;
      assign row_inside_o[l] = in_frame;
    end
    for (genvar t = 0; t < TapsH; t++) begin : gen_tap
      wire logic signed [RowPosBits-1:0] position = top_q + RowPosBits'(t * Window.dilation_h);
      assign in_frame[t] = position >= 0 && position < RowPosBits'(Window.height);
      assign row_bank_o[t] = SlotBits'((32'(slot_q) + t * Window.dilation_h) % Rows);
    end
  end else if (Listed) begin : gen_rows_listed
    logic [AddrBits-1:0] tap_q[StepsH];  // ring address of each kernel row
    logic [StepsH-1:0]   inside_q;
    localparam logic [AddrBits-1:0] Step = AddrBits'(StepRow * RowWords), Frame = AddrBits'(StepFrame * RowWords);

    for (genvar t = 0; t < StepsH; t++) begin : gen_tap
      localparam int First = t * int'(Window.dilation_h) - int'(Window.pad_top);
      localparam int Ahead = int'(Window.stride_h) + t * int'(Window.dilation_h);  // of top_q, at the next output row
      localparam bit NeverAbove = Ahead >= int'(Window.pad_top);  // the frame
      localparam bit NeverBelow = (int'(Window.out_height) - 1) * int'(Window.stride_h) + First < int'(Window.height);
      wire logic next_inside = (NeverAbove || top_q >= -RowPosBits'(Ahead))
          && (NeverBelow || top_q < RowPosBits'(int'(Window.height) - Ahead));
      always_ff @(posedge clk_i) begin
        if (rst_i) begin
          tap_q[t]    <= AddrBits'(tom_pkg::modulo(First, Rows) * RowWords);
          inside_q[t] <= First >= 0 && First < int'(Window.height);
        end else if (row_step) begin
          tap_q[t]    <= moved(tap_q[t], step_i.last_row ? Frame : Step);
          inside_q[t] <= step_i.last_row ? First >= 0 && First < int'(Window.height) : next_inside;
        end
      end
    end
    for (genvar l = 0; l < Lists; l++) begin : gen_group
      assign row_addr[l] = tap_q[StepsH==1?0:kh_i[l]];
      assign row_inside_o[l] = inside_q[StepsH==1?0:kh_i[l]];
    end
    assign row_bank_o[0] = '0;
  end else begin : gen_rows_serial
    logic [AddrBits-1:0] window_q, tap_q;  // ring address of the window's first row, of the tap row
    logic signed [RowPosBits-1:0] position_q;
    wire logic kh_step = step_i.read && step_i.loops.ends_row;

    wire logic [AddrBits-1:0] next_window = step_i.last_row
        ? moved(window_q, AddrBits'(StepFrame * RowWords)) : moved(window_q, AddrBits'(StepRow * RowWords));

    always_ff @(posedge clk_i) begin
      if (rst_i) begin
        window_q   <= AddrBits'(FirstSlot * RowWords);
        tap_q      <= AddrBits'(FirstSlot * RowWords);
        position_q <= -RowPosBits'(Window.pad_top);
      end else begin
        if (row_step) window_q <= next_window;
        if (kh_step) begin
          if (!step_i.loops.last_kh) begin
            tap_q      <= moved(tap_q, AddrBits'(Window.dilation_h * RowWords));
            position_q <= position_q + RowPosBits'(Window.dilation_h);
          end else if (step_i.ends_line) begin
            tap_q      <= next_window;
            position_q <= next_top;
          end else begin
            tap_q      <= window_q;
            position_q <= top_q;
          end
        end
      end
    end
    assign row_addr[0] = tap_q;
    assign row_inside_o[0] = position_q >= 0 && position_q < RowPosBits'(Window.height);
    assign row_bank_o[0] = '0;
  end

  // Columns: which bank holds each tap column, and where in its bank.
  wire logic [AddrBits-1:0] col_addr[Lists*Columns];  // address of the pixel in each column bank of each group

  if (Window.parallel_w) begin : gen_columns_parallel
    localparam int unsigned FirstBank = tom_pkg::modulo(-int'(Window.pad_left), Columns);
    localparam int FirstWord = (-int'(Window.pad_left) - int'(FirstBank)) / int'(Columns) * int'(Beats);
    localparam int unsigned BankStep = Window.stride_w % Columns;
    localparam int unsigned WordStep = (Window.stride_w / Columns) * Beats;

    logic [BankBits-1:0] bank_q;  // bank of the window's left column
    logic [AddrBits-1:0] word_q;  // its address there; wraps below zero in the left border
    wire logic carry = 32'(bank_q) + BankStep >= Columns;

    always_ff @(posedge clk_i) begin
      if (rst_i || (col_step && step_i.last_col)) begin
        bank_q <= BankBits'(FirstBank);
        word_q <= AddrBits'(FirstWord);
      end else if (col_step) begin
        bank_q <= carry ? BankBits'(32'(bank_q) + BankStep - Columns) : BankBits'(32'(bank_q) + BankStep);
        word_q <= word_q + AddrBits'(WordStep) + (carry ? AddrBits'(Beats) : '0);
      end
    end

    wire logic [TapsW-1:0] in_frame;
    for (genvar t = 0; t < TapsW; t++) begin : gen_tap
      wire logic signed [ColPosBits-1:0] position = left_q + ColPosBits'(t * Window.dilation_w);
      assign in_frame[t] = position >= 0 && position < ColPosBits'(Window.width);
      assign col_bank_o[t] = BankBits'((32'(bank_q) + t * Window.dilation_w) % Columns);
    end

    // Words between the left column's and the tap's that falls into bank b.
    function automatic int unsigned words_ahead(int unsigned b, int unsigned left_bank);
      for (int unsigned t = 0; t < TapsW; t++)
        if ((left_bank + t * Window.dilation_w) % Columns == b)
          return (left_bank + t * Window.dilation_w) / Columns * Beats;
      return 0;
    endfunction

    for (genvar b = 0; b < Columns; b++) begin : gen_bank
      logic [AddrBits-1:0] here;
      always_comb begin
        here = word_q;
        for (int unsigned m = 0; m < Columns; m++)
          if (32'(bank_q) == m) here = word_q + AddrBits'(words_ahead(b, m));
      end
      for (genvar l = 0; l < Lists; l++) begin : gen_group
        assign col_addr[l*Columns+b] = here;
      end
    end
    for (genvar l = 0; l < Lists; l++) begin : gen_group
      assign col_inside_o[l] = in_frame;
    end
  end else if (Listed) begin : gen_columns_listed
    logic [AddrBits-1:0] tap_q[StepsW];  // address of each kernel column; wraps below zero in the left border
    logic [StepsW-1:0]   inside_q;

    for (genvar t = 0; t < StepsW; t++) begin : gen_tap
      localparam int First = t * int'(Window.dilation_w) - int'(Window.pad_left);
      localparam int Ahead = int'(Window.stride_w) + t * int'(Window.dilation_w);  // of left_q, at the next column
      localparam bit NeverLeft = Ahead >= int'(Window.pad_left);  // of the frame
      localparam bit NeverRight = (int'(Window.out_width) - 1) * int'(Window.stride_w) + First < int'(Window.width);
      wire logic next_inside = (NeverLeft || left_q >= -ColPosBits'(Ahead))
          && (NeverRight || left_q < ColPosBits'(int'(Window.width) - Ahead));
      always_ff @(posedge clk_i) begin
        if (rst_i || (col_step && step_i.last_col)) begin
          tap_q[t]    <= AddrBits'(First * int'(Beats));
          inside_q[t] <= First >= 0 && First < int'(Window.width);
        end else if (col_step) begin
          tap_q[t]    <= tap_q[t] + AddrBits'(Window.stride_w * Beats);
          inside_q[t] <= next_inside;
        end
      end
    end
    for (genvar l = 0; l < Lists; l++) begin : gen_group
      assign col_addr[l] = tap_q[StepsW==1?0:kw_i[l]];
      assign col_inside_o[l] = inside_q[StepsW==1?0:kw_i[l]];
    end
    assign col_bank_o[0] = '0;
  end else begin : gen_columns_serial
    logic signed [ColPosBits-1:0] position_q;
    wire logic kw_step = step_i.read && step_i.loops.last_beat;
    logic [AddrBits-1:0] window_q, tap_q;  // wraps below zero in the left border
    localparam logic [AddrBits-1:0] First = -AddrBits'(Window.pad_left * Beats);

    wire logic [AddrBits-1:0] next_window = step_i.last_col ? First : window_q + AddrBits'(Window.stride_w * Beats);

    always_ff @(posedge clk_i) begin
      if (rst_i) begin
        window_q   <= First;
        tap_q      <= First;
        position_q <= -ColPosBits'(Window.pad_left);
      end else begin
        if (col_step) window_q <= next_window;
        if (kw_step) begin
          if (!step_i.loops.last_kw) begin
            tap_q      <= tap_q + AddrBits'(Window.dilation_w * Beats);
            position_q <= position_q + ColPosBits'(Window.dilation_w);
          end else if (step_i.loops.ends_pixel) begin
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
    assign col_inside_o[0] = position_q >= 0 && position_q < ColPosBits'(Window.width);
    assign col_bank_o[0] = '0;
  end

  for (genvar a = 0; a < Lists * Columns; a++) begin : gen_addr
    assign addr_o[a] = row_addr[a/Columns] + col_addr[a] + AddrBits'(chan[a/Columns]);
  end

endmodule

`default_nettype wire
