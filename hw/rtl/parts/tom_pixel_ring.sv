// SPDX-License-Identifier: Apache-2.0
// Line buffer of pixels: turns a stream of pixels into reads of windows, tap by tap, with as little memory as they allow.
//
// Keeps `Places` pixels, one behind the other in one memory. For every output pixel (row-major) and every beat of it the
// window is read once: kernel rows, kernel columns, the last fastest. These reads are a `pass`: it starts when
// available_i grants a place for its result and then never stops.
//
// A pixel is read once the last input pixel that it needs is in the ring, one cycle later at the earliest. Behind its
// last read all input pixels in front of the first one that is still needed leave the ring, row-major: of the row of a
// window's top one by one, of rows that lie beside strides with the end of the output row. The border costs no cycles,
// and frames follow each other back to back. win_* comes Latency cycles after the read and is not stoppable.
//
// tom_window has all taps of a row or a kernel at once, and holds whole rows.

`include "tom_assert.svh"
`default_nettype none

module tom_pixel_ring #(
  parameter int unsigned Lanes  = 1,   // codes per beat
  parameter int unsigned Bits   = 8,   // bits per code
  parameter int unsigned Beats  = 1,   // beats per pixel
  parameter tom_window_pkg::window_t Window = '{  // what the window is; its taps are read one after the other
    height: 4, width: 4, out_height: 4, out_width: 4, kernel_h: 3, kernel_w: 3, pad_top: 1, pad_left: 1, pad_value: 0,
    parallel_h: 0, parallel_w: 0, default: 1
  },
  parameter int unsigned Places = 12,  // pixels in the ring
  parameter int unsigned Ram    = 0,   // memory kind of the ring: 0 LUTRAM, 1 block RAM, 2 UltraRAM

  localparam int unsigned BeatW = Lanes * Bits
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             in_valid_i,
  output wire logic             in_ready_o,
  input  wire logic [BeatW-1:0] in_data_i,

  input  wire logic             available_i,  // a place for one more result is free
  output wire logic             start_o,      // a pass starts: takes a place

  output wire logic             win_valid_o,
  output wire logic             win_first_o,  // first read of a pass
  output wire logic             win_last_o,   // last read of a pass
  output wire logic [BeatW-1:0] win_data_o
);

  localparam int unsigned Latency = tom_window_pkg::latency();

  localparam int Height = int'(Window.height);
  localparam int Width = int'(Window.width);
  localparam int OutHeight = int'(Window.out_height);
  localparam int OutWidth = int'(Window.out_width);
  localparam int StrideH = int'(Window.stride_h);
  localparam int StrideW = int'(Window.stride_w);
  localparam int SpanH = tom_window_pkg::span(Window.kernel_h, Window.dilation_h);
  localparam int SpanW = tom_window_pkg::span(Window.kernel_w, Window.dilation_w);

  // ---------------------------------------------------------------- pixels that each output pixel needs

  // First input row that output row r or a later one needs, and the last that r waits for.
  function automatic int top_of(int r);
    int top = r * StrideH - int'(Window.pad_top);
    return r == OutHeight ? Height : top < 0 ? 0 : top;
  endfunction

  function automatic int bottom_of(int r);
    int last = r * StrideH - int'(Window.pad_top) + SpanH - 1;
    if (last > Height - 1) last = Height - 1;
    return last < top_of(r + 1) - 1 ? top_of(r + 1) - 1 : last;
  endfunction

  // Whether pixels of the window's top row leave with the windows of output row r.
  function automatic bit leaves(int r);
    return top_of(r + 1) > top_of(r);
  endfunction

  // The same of columns.
  function automatic int left_of(int c);
    int left = c * StrideW - int'(Window.pad_left);
    return left < 0 ? 0 : left;
  endfunction

  function automatic int right_of(int c);
    int last = c * StrideW - int'(Window.pad_left) + (SpanW > StrideW ? SpanW : StrideW) - 1;
    return c == OutWidth - 1 || last > Width - 1 ? Width - 1 : last;
  endfunction

  // The most pixels from the first that a window or a later one needs to the last that it waits for.
  function automatic int most();
    int part = 0, whole = 0, pixels = 0;
    most = 0;
    for (int c = 0; c < OutWidth; c++) begin
      if (right_of(c) > whole) whole = right_of(c);
      if (right_of(c) - left_of(c) > part) part = right_of(c) - left_of(c);
    end
    for (int r = 0; r < OutHeight; r++) begin
      pixels = (bottom_of(r) - top_of(r)) * Width + (leaves(r) ? part : whole) + 1;
      if (pixels > most) most = pixels;
    end
  endfunction

  `TOM_REQUIRE(taps, Window.kernel_h * Window.kernel_w > 1, "a window must have several taps")
  `TOM_REQUIRE(serial, !Window.parallel_h && !Window.parallel_w, "taps are read one after the other")
  `TOM_REQUIRE(top, int'(Window.pad_top) < SpanH, "PadTop must be less than the kernel's extent")
  `TOM_REQUIRE(left, int'(Window.pad_left) < SpanW, "PadLeft must be less than the kernel's extent")
  `TOM_REQUIRE(places, int'(Places) >= most(), "Places must hold the pixels from a window's first to its last")

  localparam int unsigned CountBits = tom_pkg::count_width(Places);
  localparam int unsigned RowBits = tom_pkg::idx_width(Window.out_height);
  localparam int unsigned ColBits = tom_pkg::idx_width(Window.out_width);

  // What the step from an output pixel to the next one frees, and by how many pixels that one waits for more: tables by
  // output column, and by output row for the last column.
  typedef logic [Window.out_width-1:0][CountBits-1:0] columns_t;
  typedef logic [Window.out_height-1:0][CountBits-1:0] rows_t;
  typedef logic [Window.out_height-1:0][CountBits:0] signed_rows_t;

  function automatic columns_t column_frees();
    for (int c = 0; c < OutWidth; c++)
      column_frees[c] = c == OutWidth - 1 ? '0 : CountBits'(left_of(c + 1) - left_of(c));
  endfunction

  function automatic columns_t column_waits();
    for (int c = 0; c < OutWidth; c++)
      column_waits[c] = c == OutWidth - 1 ? '0 : CountBits'(right_of(c + 1) - right_of(c));
  endfunction

  function automatic rows_t row_frees();
    for (int r = 0; r < OutHeight; r++)
      row_frees[r] = CountBits'((top_of(r + 1) - top_of(r)) * Width - (leaves(r) ? left_of(OutWidth - 1) : 0));
  endfunction

  function automatic int row_wait(int r);
    int next = r == OutHeight - 1 ? bottom_of(0) + Height : bottom_of(r + 1);
    return (next - bottom_of(r)) * Width + right_of(0) - right_of(OutWidth - 1);
  endfunction

  function automatic signed_rows_t row_waits();
    for (int r = 0; r < OutHeight; r++) row_waits[r] = (CountBits + 1)'(row_wait(r));
  endfunction

  function automatic logic [Window.out_height-1:0] row_leaves();
    for (int r = 0; r < OutHeight; r++) row_leaves[r] = leaves(r);
  endfunction

  localparam columns_t ColumnFrees = column_frees();
  localparam columns_t ColumnWaits = column_waits();
  localparam rows_t RowFrees = row_frees();
  localparam signed_rows_t RowWaits = row_waits();
  localparam logic [Window.out_height-1:0] RowLeaves = row_leaves();

  // Of the first two output pixels.
  localparam int FirstWait = bottom_of(0) * Width + right_of(0) + 1;
  localparam int SecondWait = FirstWait + (OutWidth > 1 ? right_of(1) - right_of(0) : row_wait(0));
  localparam logic [CountBits-1:0] FirstFree =
      OutWidth == 1 ? RowFrees[0] : RowLeaves[0] ? ColumnFrees[0] : '0;

  // ---------------------------------------------------------------- pixels into the ring

  localparam int unsigned Words = Places * Beats;
  localparam int unsigned AddrBits = tom_pkg::idx_width(Words);
  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats);

  logic [CountBits-1:0] left_q;           // free places; a pixel that comes has taken none until it is complete
  logic [CountBits-1:0] free_q, freed_q;  // pixels that leave with the output pixel, that left
  logic room_q;                           // there is a free place
  logic [AddrBits-1:0] write_q;           // where the next beat goes
  logic [BeatBits-1:0] beat_q;

  wire logic write = in_valid_i && room_q;
  wire logic pixel_done = write && beat_q == BeatBits'(Beats - 1);
  assign in_ready_o = room_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      left_q  <= CountBits'(Places);
      room_q  <= 1'b1;
      write_q <= '0;
      beat_q  <= '0;
    end else begin
      left_q <= left_q - CountBits'(pixel_done) + freed_q;
      room_q <= freed_q != '0 || (room_q && !(pixel_done && left_q == CountBits'(1'b1)));
      if (write) begin
        write_q <= write_q == AddrBits'(Words - 1) ? '0 : write_q + 1'b1;
        beat_q  <= beat_q == BeatBits'(Beats - 1) ? '0 : beat_q + 1'b1;
      end
    end
  end

  // ---------------------------------------------------------------- loops over windows

  wire tom_window_pkg::loops_t loops;  // of the next read
  logic pass_start, pixel_start;       // it is the first of a pass, of an output pixel
  logic last_col, last_row;            // of the output pixel
  logic go_q;                          // what it reads has come

  // Pixels that have come beyond those that the output pixel waits for, and beyond those that the next one does.
  logic signed [CountBits+1:0] surplus_q, next_surplus_q;

  logic [ColBits-1:0] next_col_q;  // the next output pixel
  logic [RowBits-1:0] next_row_q;
  logic [CountBits-1:0] next_free_q;     // what leaves with it: known a cycle later, and a pixel has several reads
  logic signed [CountBits:0] next_wait_q;  // and what the one behind it waits for more
  wire logic next_last_col = next_col_q == ColBits'(Window.out_width - 1);
  wire logic next_last_row = next_row_q == RowBits'(Window.out_height - 1);

  wire logic issue = go_q && (!pass_start || available_i);
  wire logic col_step = issue && loops.ends_pixel;
  wire logic row_step = col_step && last_col;
  wire logic go_now = surplus_q >= 0 || (surplus_q == -1 && pixel_done);
  wire logic go_next = next_surplus_q >= 0 || (next_surplus_q == -1 && pixel_done);
  assign start_o = issue && pass_start;

  tom_window_loops #(
    .Beats (Beats),
    .Groups(Beats),
    .Folds (1),
    .Window(Window)
  ) u_loops (
    .clk_i,
    .rst_i,
    .read_i (issue),
    .loops_o(loops)
  );

  // Counters that only their ends matter of.
  wire logic unused_loops = &{1'b0, loops};

  always_ff @(posedge clk_i) begin
    next_free_q <= next_last_col ? RowFrees[next_row_q] : RowLeaves[next_row_q] ? ColumnFrees[next_col_q] : '0;
    next_wait_q <= next_last_col ? RowWaits[next_row_q] : {1'b0, ColumnWaits[next_col_q]};
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      pass_start     <= 1'b1;
      pixel_start    <= 1'b1;
      last_col       <= OutWidth == 1;
      last_row       <= OutHeight == 1;
      next_col_q     <= ColBits'(1 % OutWidth);
      next_row_q     <= RowBits'(OutWidth == 1 ? 1 % OutHeight : 0);
      go_q           <= 1'b0;
      surplus_q      <= -(CountBits + 2)'(FirstWait);
      next_surplus_q <= -(CountBits + 2)'(SecondWait);
      free_q         <= FirstFree;
      freed_q        <= '0;
    end else begin
      if (issue) begin
        pass_start  <= loops.ends_pass;
        pixel_start <= loops.ends_pixel;
      end
      if (col_step) begin
        last_col   <= next_last_col;
        last_row   <= next_last_row;
        free_q     <= next_free_q;
        next_col_q <= next_last_col ? '0 : next_col_q + 1'b1;
        if (next_last_col) next_row_q <= next_last_row ? '0 : next_row_q + 1'b1;
      end
      go_q           <= issue ? !loops.ends_pixel || go_next : !pixel_start || go_now;
      surplus_q      <= (col_step ? next_surplus_q : surplus_q) + (CountBits + 2)'(pixel_done);
      next_surplus_q <= next_surplus_q - (col_step ? (CountBits + 2)'(next_wait_q) : '0)
                        + (CountBits + 2)'(pixel_done);
      // The writer hears of freed pixels one cycle later, when their last read has left the ring.
      freed_q        <= col_step ? free_q : '0;
    end
  end

  // ---------------------------------------------------------------- where a tap lies

  localparam int RowWords = Width * int'(Beats);
  localparam int TapStep = int'(Window.dilation_w) * int'(Beats);          // to the next kernel column
  localparam int RowExtent = int'(Window.kernel_w - 1) * TapStep;          // of a kernel row
  localparam int RowStep = int'(Window.dilation_h) * RowWords - RowExtent; // from its end to the next
  localparam int Extent = RowExtent + int'(Window.kernel_h - 1) * int'(Window.dilation_h) * RowWords;
  localparam int PixelStep = StrideW * int'(Beats) - int'(Beats - 1) - Extent;
  localparam int LineExtent = (OutWidth - 1) * StrideW * int'(Beats) + int'(Beats - 1) + Extent;
  localparam int LineStep = StrideH * RowWords - LineExtent;
  localparam int FrameStep = (Height - (OutHeight - 1) * StrideH) * RowWords - LineExtent;
  localparam int FirstTap = -(int'(Window.pad_top) * RowWords + int'(Window.pad_left) * int'(Beats));

  // So many words further in the ring.
  function automatic logic [AddrBits-1:0] around(int words);
    return AddrBits'(tom_pkg::modulo(words, Words));
  endfunction

  logic [AddrBits-1:0] tap_q;   // where the next read lies
  wire logic [AddrBits-1:0] ahead = !loops.ends_row ? around(TapStep)
      : !loops.ends_pass ? around(RowStep)
      : !loops.ends_pixel ? around(1 - Extent)
      : !last_col ? around(PixelStep)
      : !last_row ? around(LineStep) : around(FrameStep);
  wire logic [AddrBits:0] sum = (AddrBits + 1)'(tap_q) + (AddrBits + 1)'(ahead);

  localparam int unsigned RowPosBits = $clog2(Height + SpanH + StrideH) + 1;
  localparam int unsigned ColPosBits = $clog2(Width + 2 * SpanW + StrideW) + 1;
  logic signed [RowPosBits-1:0] top_q, row_q;   // input row of the window's top, of the next read
  logic signed [ColPosBits-1:0] side_q, col_q;  // input column of its left side, of the next read

  wire logic signed [ColPosBits-1:0] next_side =
      last_col ? -ColPosBits'(Window.pad_left) : side_q + ColPosBits'(StrideW);
  wire logic signed [RowPosBits-1:0] next_top = last_row ? -RowPosBits'(Window.pad_top) : top_q + RowPosBits'(StrideH);

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      tap_q  <= around(FirstTap);
      top_q  <= -RowPosBits'(Window.pad_top);
      row_q  <= -RowPosBits'(Window.pad_top);
      side_q <= -ColPosBits'(Window.pad_left);
      col_q  <= -ColPosBits'(Window.pad_left);
    end else begin
      if (issue) begin
        tap_q <= AddrBits'(sum >= (AddrBits + 1)'(Words) ? sum - (AddrBits + 1)'(Words) : sum);
        if (!loops.ends_row) col_q <= col_q + ColPosBits'(Window.dilation_w);
        else col_q <= loops.ends_pixel ? next_side : side_q;
        if (loops.ends_pass) row_q <= loops.ends_pixel && last_col ? next_top : top_q;
        else if (loops.ends_row) row_q <= row_q + RowPosBits'(Window.dilation_h);
      end
      if (col_step) side_q <= next_side;
      if (row_step) top_q <= next_top;
    end
  end

  // ---------------------------------------------------------------- reads

  // Stage A: address. Stage B: output of the ring. Stage C: border inserted.
  logic [Latency-1:0] valid_q, first_q, last_q;
  logic [AddrBits-1:0] a_addr_q;
  logic a_inside_q, b_inside_q;
  logic [BeatW-1:0] data_q;
  wire logic [BeatW-1:0] b_data;

  always_ff @(posedge clk_i) begin
    if (rst_i) valid_q <= '0;
    else valid_q <= {valid_q[Latency-2:0], issue};
  end

  always_ff @(posedge clk_i) begin
    first_q    <= {first_q[Latency-2:0], pass_start};
    last_q     <= {last_q[Latency-2:0], loops.ends_pass};
    a_addr_q   <= tap_q;
    a_inside_q <= row_q >= 0 && row_q < RowPosBits'(Height) && col_q >= 0 && col_q < ColPosBits'(Width);
    b_inside_q <= a_inside_q;
    data_q     <= b_inside_q ? b_data : {Lanes{Bits'(Window.pad_value)}};
  end

  tom_ram #(
    .Width(BeatW),
    .Depth(Words),
    .Ram  (Ram)
  ) u_ring (
    .clk_i,
    .write_i     (write),
    .write_addr_i(write_q),
    .write_data_i(in_data_i),
    .read_i      (1'b1),
    .read_addr_i (a_addr_q),
    .read_data_o (b_data)
  );

  assign win_valid_o = valid_q[Latency-1];
  assign win_first_o = first_q[Latency-1];
  assign win_last_o  = last_q[Latency-1];
  assign win_data_o  = data_q;

endmodule

`default_nettype wire
