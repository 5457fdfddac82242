// SPDX-License-Identifier: Apache-2.0
// The rows of tom_window: memories that pixels are written to and taps are read from. Part of tom_window.
//
// A beat of taps leaves Latency cycles after its read; the border is inserted on the way. With Lists every group of
// lanes has memories of its own, and with Parts a read takes one of so many parts of a beat: lane n of a beat is in group
// n % (Lanes / Parts) / (Lanes / Parts / Lists) of part n / (Lanes / Parts).

`include "tom_assert.svh"
`default_nettype none

module tom_window_ring #(
  parameter int unsigned Lanes   = 1,  // codes per beat
  parameter int unsigned Bits    = 8,  // bits per code
  parameter int unsigned Beats   = 1,  // beats per pixel
  parameter tom_window_pkg::window_t Window = tom_window_pkg::pixel(),  // what the window is
  parameter int unsigned Rows    = 4,  // rows in the ring
  parameter int unsigned Columns = 1,  // column banks
  parameter int unsigned Pixels  = 1,  // neighbouring columns per beat written, the first in the low bits
  parameter int unsigned Ram     = 0,  // memory kind: 0 LUTRAM, 1 block RAM, 2 UltraRAM
  parameter int unsigned Lists   = 1,  // groups of lanes that are read apart
  parameter int unsigned Parts   = 1,  // parts of a beat, of which a read takes one

  localparam int unsigned TapsH = tom_window_pkg::taps(Window.parallel_h, Window.kernel_h),
  localparam int unsigned TapsW = tom_window_pkg::taps(Window.parallel_w, Window.kernel_w),
  localparam int unsigned BeatW = Lanes * Bits,
  localparam int unsigned PartW = BeatW / Parts / Lists,
  localparam int unsigned GroupW = Parts * PartW,
  localparam int unsigned WinW  = TapsH * TapsW * Lists * PartW,
  localparam int unsigned PartBits = tom_pkg::idx_width(Parts),
  localparam int unsigned BankRows = Window.parallel_h ? 1 : Rows,
  localparam int unsigned RingWords = tom_window_pkg::words(BankRows, Window.width, Columns, Beats),
  localparam int unsigned AddrBits = tom_pkg::idx_width(RingWords),
  localparam int unsigned SlotBits = tom_pkg::idx_width(Rows),
  localparam int unsigned BankBits = tom_pkg::idx_width(Columns),
  localparam int unsigned ColBits = tom_pkg::idx_width(Window.width)
) (
  input  wire logic                    clk_i,
  input  wire logic                    rst_i,

  input  wire logic                    write_i,
  input  wire logic [Pixels*BeatW-1:0] write_data_i,
  output wire logic                    pixel_done_o,        // with the beat that is written now
  output wire logic                    row_done_o,
  output wire logic [ColBits-1:0]      write_col_o,         // its first column
  output wire logic [ColBits-1:0]      next_col_o,          // that of the next pixel

  input  wire logic                    read_i,
  input  wire logic                    first_i,
  input  wire logic                    last_i,
  input  wire logic [PartBits-1:0]     part_i[Lists],
  input  wire logic [AddrBits-1:0]     addr_i[Lists*Columns],  // see tom_window_address
  input  wire logic [TapsH-1:0]        row_inside_i[Lists],
  input  wire logic [TapsW-1:0]        col_inside_i[Lists],
  input  wire logic [SlotBits-1:0]     row_bank_i[TapsH],
  input  wire logic [BankBits-1:0]     col_bank_i[TapsW],

  output wire logic                    win_valid_o,
  output wire logic                    win_first_o,
  output wire logic                    win_last_o,
  output wire logic [WinW-1:0]         win_data_o
);

  localparam int unsigned Latency = tom_window_pkg::latency();
  localparam int unsigned RowBanks = Window.parallel_h ? Rows : 1;
  localparam int unsigned RowWords = tom_window_pkg::words(1, Window.width, Columns, Beats);
  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats);

  // ---------------------------------------------------------------- pixels into the ring

  localparam int unsigned LastRowAddr = Window.parallel_h ? 0 : (Rows - 1) * RowWords;

  logic [BeatBits-1:0]  w_beat_q;
  logic [ColBits-1:0]   w_col_q, w_next_q;  // w_next_q: of the next pixel
  logic [SlotBits-1:0]  w_slot_q;
  logic [BankBits-1:0]  w_bank_q;
  logic [AddrBits-1:0]  w_row_q, w_word_q;  // address of the row, and of the beat within it

  logic w_last_beat, w_last_col;  // in registers, so that a write is one level of logic behind in_valid_i
  wire logic next_last_beat = Beats == 1 || (!w_last_beat && w_beat_q == BeatBits'(Beats - 2));
  wire logic next_last_col = w_next_q == ColBits'(Window.width - Pixels);
  wire logic w_last_bank = w_bank_q == BankBits'(Columns - Pixels);

  assign pixel_done_o = write_i && w_last_beat;
  assign row_done_o = pixel_done_o && w_last_col;
  assign write_col_o = w_col_q;
  assign next_col_o = w_next_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      w_beat_q    <= '0;
      w_last_beat <= Beats == 1;
      w_col_q     <= '0;
      w_next_q    <= ColBits'(Pixels % Window.width);
      w_last_col  <= Window.width == Pixels;
      w_slot_q <= '0;
      w_bank_q <= '0;
      w_row_q  <= '0;
      w_word_q <= '0;
    end else if (write_i) begin
      w_beat_q    <= w_last_beat ? '0 : w_beat_q + 1'b1;
      w_last_beat <= next_last_beat;
      if (w_last_beat) begin
        w_col_q    <= w_next_q;
        w_next_q   <= next_last_col ? '0 : w_next_q + ColBits'(Pixels);
        w_last_col <= next_last_col;
      end
      if (!w_last_beat) begin
        w_word_q <= w_word_q + 1'b1;
      end else if (!w_last_col) begin
        w_bank_q <= w_last_bank ? '0 : w_bank_q + BankBits'(Pixels);
        w_word_q <= w_last_bank ? w_word_q + 1'b1 : w_word_q - AddrBits'(Beats - 1);
      end else begin
        w_bank_q <= '0;
        w_word_q <= '0;
        w_slot_q <= w_slot_q == SlotBits'(Rows - 1) ? '0 : w_slot_q + 1'b1;
        w_row_q  <= w_row_q == AddrBits'(LastRowAddr) ? '0 : w_row_q + AddrBits'(RowWords);
      end
    end
  end

  // ---------------------------------------------------------------- reads

  // Stage A: addresses. Stage B: ring output. Stage C: taps selected, border inserted.
  logic [Latency-1:0]  valid_q, first_q, last_q;
  logic [SlotBits-1:0] a_row_bank_q[TapsH], b_row_bank_q[TapsH];
  logic [BankBits-1:0] a_col_bank_q[TapsW], b_col_bank_q[TapsW];

  always_ff @(posedge clk_i) begin
    if (rst_i) valid_q <= '0;
    else valid_q <= {valid_q[Latency-2:0], read_i};
  end

  always_ff @(posedge clk_i) begin
    first_q      <= {first_q[Latency-2:0], first_i};
    last_q       <= {last_q[Latency-2:0], last_i};
    a_row_bank_q <= row_bank_i;
    a_col_bank_q <= col_bank_i;
    b_row_bank_q <= a_row_bank_q;
    b_col_bank_q <= a_col_bank_q;
  end

  for (genvar l = 0; l < Lists; l++) begin : gen_group
    logic [AddrBits-1:0] a_addr_q[Columns];
    logic [TapsH-1:0]    a_row_inside_q, b_row_inside_q;
    logic [TapsW-1:0]    a_col_inside_q, b_col_inside_q;
    logic [RowBanks-1:0][Columns-1:0][GroupW-1:0] b_ring;
    logic [TapsH*TapsW*GroupW-1:0] taps_d, taps_q;

    always_ff @(posedge clk_i) begin
      for (int unsigned b = 0; b < Columns; b++) a_addr_q[b] <= addr_i[l*Columns+b];
      a_row_inside_q <= row_inside_i[l];
      a_col_inside_q <= col_inside_i[l];
      b_row_inside_q <= a_row_inside_q;
      b_col_inside_q <= a_col_inside_q;
      taps_q         <= taps_d;
    end

    for (genvar c = 0; c < Columns; c++) begin : gen_column_bank
      wire logic [GroupW-1:0] data;  // the lanes of the group, of every part
      for (genvar p = 0; p < Parts; p++) begin : gen_part
        assign data[p*PartW+:PartW] = write_data_i[c%Pixels*BeatW+(p*Lists+l)*PartW+:PartW];
      end
      for (genvar r = 0; r < RowBanks; r++) begin : gen_row_bank
        tom_ram #(
          .Width(GroupW),
          .Depth(RingWords),
          .Ram  (Ram)
        ) u_ring (
          .clk_i,
          .write_i     (write_i && (RowBanks == 1 || 32'(w_slot_q) == r) && 32'(w_bank_q) == c / Pixels * Pixels),
          .write_addr_i(w_row_q + w_word_q),
          .write_data_i(data),
          .read_i      (1'b1),
          .read_addr_i (a_addr_q[c]),
          .read_data_o (b_ring[r][c])
        );
      end
    end

    always_comb begin
      for (int unsigned h = 0; h < TapsH; h++) begin
        for (int unsigned w = 0; w < TapsW; w++) begin
          taps_d[(h*TapsW+w)*GroupW+:GroupW] =
              b_row_inside_q[h] && b_col_inside_q[w]
              ? b_ring[RowBanks == 1 ? 0 : 32'(b_row_bank_q[h])][Columns == 1 ? 0 : 32'(b_col_bank_q[w])]
              : {GroupW/Bits{Bits'(Window.pad_value)}};
        end
      end
    end

    // A part goes with its taps.
    logic [Latency-1:0][PartBits-1:0] part_q;
    always_ff @(posedge clk_i) part_q <= (Latency * PartBits)'({part_q, part_i[l]});

    for (genvar t = 0; t < TapsH * TapsW; t++) begin : gen_tap
      wire logic [Parts-1:0][PartW-1:0] parts = taps_q[t*GroupW+:GroupW];
      assign win_data_o[(t*Lists+l)*PartW+:PartW] = parts[Parts==1?0:part_q[Latency-1]];
    end

    wire logic unused_part = &{1'b0, part_q[Latency-1]};
  end

  assign win_valid_o = valid_q[Latency-1];
  assign win_first_o = first_q[Latency-1];
  assign win_last_o  = last_q[Latency-1];

endmodule

`default_nettype wire
