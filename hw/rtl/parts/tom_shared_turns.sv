// SPDX-License-Identifier: Apache-2.0
// Turns of the layers that share an engine: whose output pixel is computed next, and every read of it.
//
// Layers are looked at one after the other, one a cycle, while a pixel is computed. The next turn is that of the first one
// found whose input rows are there and whose results have room: so nobody's turn ever waits. A turn is an
// output pixel: every fold, kernel row, kernel column and beat, the last fastest, a read each cycle. Turns follow each
// other without a gap where they take Members + 3 cycles or more.

`default_nettype none

module tom_shared_turns #(
  parameter int unsigned Members    = 2,   // layers
  parameter bit [Members*tom_shared_pkg::LayerBits-1:0] Layers = tom_shared_pkg::Both,  // their sizes, the first in the low bits
  parameter int unsigned Words      = 40,  // of all rings
  parameter int unsigned Reads      = 18,  // words of weights of all layers
  parameter int unsigned Outputs    = 1,   // results of a pass, at most
  parameter int unsigned Channels   = 2,   // output channels of all layers
  parameter int unsigned RowBits    = 4,   // of a count of rows
  parameter int unsigned HeightBits = 6,   // of any number of rows, two's complement
  parameter int unsigned WidthBits  = 6,   // of any number of columns, two's complement
  parameter int unsigned OffsetBits = 7,   // of a word in a ring or left of it, two's complement, and of a sum of two
  parameter int unsigned StepBits   = 2,   // of beats, folds, kernel rows and columns
  parameter int unsigned Places     = 4,   // results of a layer that are kept, a power of two

  localparam int unsigned MemberBits = tom_pkg::idx_width(Members),
  localparam int unsigned WordBits = tom_pkg::idx_width(Words),
  localparam int unsigned ReadBits = tom_pkg::idx_width(Reads),
  localparam int unsigned ChannelBits = tom_pkg::idx_width(Channels),
  localparam int unsigned CountBits = tom_pkg::count_width(Outputs),
  localparam int unsigned PlaceBits = tom_pkg::count_width(Places)
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_i,

  input  wire logic                  init_i,    // the state of layer member_o is set
  output wire logic [MemberBits-1:0] member_o,  // who is looked at
  input  wire logic [RowBits-1:0]    rows_i,    // its input rows that have come since the reset
  input  wire logic [PlaceBits-1:0]  left_i,    // its results that have left since then

  output wire logic                  free_o,    // input rows of a layer are no longer needed
  output wire logic [MemberBits-1:0] free_member_o,
  output wire logic [RowBits-1:0]    free_rows_o,  // all that are not since the reset

  output wire logic                  read_o,
  output wire logic                  first_o,   // read of a pass
  output wire logic                  last_o,
  output wire logic                  inside_o,  // the frame, else the border is read
  output wire logic [MemberBits-1:0] turn_o,    // whose read it is
  output wire logic [WordBits-1:0]   addr_o,    // in the rings
  output wire logic [ReadBits-1:0]   weight_o,  // word of weights
  output wire logic [ChannelBits-1:0] channel_o, // of the first result of the pass, among those of all layers
  output wire logic [CountBits-1:0]  count_o    // results of the pass
);

  import tom_shared_pkg::*;

  // ---------------------------------------------------------------- sizes

  // What a layer's turns go by: constants.
  typedef struct packed {
    logic signed [HeightBits-1:0] height;
    logic signed [HeightBits-1:0] last_row;     // of the output
    logic signed [HeightBits-1:0] stride_h;
    logic signed [HeightBits-1:0] pad_top;
    logic signed [HeightBits-1:0] whole;        // rows of a frame and those above it
    logic signed [HeightBits-1:0] next_frame;
    logic signed [HeightBits-1:0] needed;
    logic signed [WidthBits-1:0]  width;
    logic signed [WidthBits-1:0]  last_column;  // of the output
    logic signed [WidthBits-1:0]  stride_w;
    logic signed [WidthBits-1:0]  pad_left;
    logic [OffsetBits-1:0]        row;          // words of a row
    logic [OffsetBits-1:0]        size;         // of the ring
    logic [OffsetBits-1:0]        down;         // words of the rows from a window to the one below
    logic [OffsetBits-1:0]        over;         // from the last window to the first of the next frame, in the ring
    logic [OffsetBits-1:0]        start;        // of the first window, in the ring
    logic [OffsetBits-1:0]        right;        // words from a window to the one on its right
    logic [OffsetBits-1:0]        ahead;        // words left of the frame, negative
    logic [WordBits-1:0]          ring;
    logic [ReadBits-1:0]          weights;
    logic [ChannelBits-1:0]       channels;
    logic [StepBits-1:0]          last_beat;
    logic [StepBits-1:0]          last_kw;
    logic [StepBits-1:0]          last_kh;
    logic [StepBits-1:0]          last_fold;
    logic [CountBits-1:0]         rest;         // results of the last fold
    logic [PlaceBits-1:0]         results;      // of a pixel
  } sizes_t;

  wire sizes_t [Members-1:0] sizes;
  for (genvar m = 0; m < Members; m++) begin : gen_member
    localparam layer_t Layer = layer_t'(Layers[m*LayerBits+:LayerBits]);
    localparam int unsigned Row = Layer.width * Layer.beats;  // words
    localparam int unsigned Next = Layer.height - (Layer.out_height - 1) * Layer.stride_h;
    assign sizes[m] = '{
      height:      HeightBits'(Layer.height),
      last_row:    HeightBits'(Layer.out_height - 1),
      stride_h:    HeightBits'(Layer.stride_h),
      pad_top:     HeightBits'(Layer.pad_top),
      whole:       HeightBits'(Layer.height + Layer.pad_top),
      next_frame:  HeightBits'(Next),
      needed:      HeightBits'(Layer.kernel_h > Layer.stride_h ? Layer.kernel_h : Layer.stride_h),
      width:       WidthBits'(Layer.width),
      last_column: WidthBits'(Layer.out_width - 1),
      stride_w:    WidthBits'(Layer.stride_w),
      pad_left:    WidthBits'(Layer.pad_left),
      row:         OffsetBits'(Row),
      size:        OffsetBits'(Layer.rows * Row),
      down:        OffsetBits'(Layer.stride_h * Row),
      over:        OffsetBits'(Next % Layer.rows * Row),
      start:       OffsetBits'(tom_pkg::modulo(-int'(Layer.pad_top), Layer.rows) * Row),
      right:       OffsetBits'(Layer.stride_w * Layer.beats),
      ahead:       -OffsetBits'(Layer.pad_left * Layer.beats),
      ring:        WordBits'(Layer.ring),
      weights:     ReadBits'(Layer.word),
      channels:    ChannelBits'(Layer.constant),
      last_beat:   StepBits'(Layer.beats - 1),
      last_kw:     StepBits'(Layer.kernel_w - 1),
      last_kh:     StepBits'(Layer.kernel_h - 1),
      last_fold:   StepBits'(Layer.folds - 1),
      rest:        CountBits'(Layer.out_channels - (Layer.folds - 1) * Outputs),
      results:     PlaceBits'(Layer.out_channels)
    };
  end

  // A word further down in a ring of `size` words.
  function automatic logic [OffsetBits-1:0] further(
      logic [OffsetBits-1:0] from, logic [OffsetBits-1:0] by, logic [OffsetBits-1:0] size);
    return from + by >= size ? from + by - size : from + by;
  endfunction

  // ---------------------------------------------------------------- who is next

  // The next output pixel of a layer.
  typedef struct packed {
    logic signed [HeightBits-1:0] row;     // of the output
    logic signed [HeightBits-1:0] top;     // input row of the window's first
    logic signed [HeightBits-1:0] rest;    // input rows from there to the end of the frame
    logic signed [HeightBits-1:0] need;    // those that it waits for
    logic [OffsetBits-1:0]        at;      // where that row lies in the ring
    logic [RowBits-1:0]           base;    // which one it is since the reset
    logic signed [WidthBits-1:0]  column;  // of the output
    logic signed [WidthBits-1:0]  left;    // input column of the window's first
    logic [OffsetBits-1:0]        from;    // its first word in a row
    logic [PlaceBits-1:0]         results; // since the reset
  } pixel_t;

  (* ram_style = "distributed" *) pixel_t pixels[Members];

  logic [MemberBits-1:0] look_q, member_q;
  logic                  seen_q;     // pixel_q, rows_q and left_q are those of member_q
  pixel_t                pixel_q;
  logic [RowBits-1:0]    rows_q;
  logic [PlaceBits-1:0]  left_q;

  logic                  next_valid;  // who is next is known
  wire logic             taken;       // it becomes the turn
  wire logic             look = !next_valid || taken;
  /* verilator lint_off UNUSEDSIGNAL */ // some of the sizes and of the state
  wire sizes_t           it = sizes[member_q];
  /* verilator lint_on UNUSEDSIGNAL */

  wire logic [RowBits-1:0] held = rows_q - pixel_q.base;
  wire logic arrived = $signed(HeightBits'(held)) >= pixel_q.need;
  wire logic [PlaceBits-1:0] used = pixel_q.results - left_q;
  wire logic room = PlaceBits'(Places) - used >= it.results;
  wire logic found = look && seen_q && arrived && room;

  wire logic last_column = pixel_q.column == it.last_column;
  wire logic last_row = pixel_q.row == it.last_row;

  pixel_t later;  // the pixel behind it
  always_comb begin
    later = pixel_q;
    later.results = pixel_q.results + it.results;
    later.column = last_column ? '0 : pixel_q.column + 1'b1;
    later.left   = last_column ? -it.pad_left : pixel_q.left + it.stride_w;
    later.from   = last_column ? it.ahead : pixel_q.from + it.right;
    if (last_column) begin
      later.row  = last_row ? '0 : pixel_q.row + 1'b1;
      later.top  = last_row ? -it.pad_top : pixel_q.top + it.stride_h;
      later.rest = last_row ? it.whole : pixel_q.rest - it.stride_h;
      later.at   = further(pixel_q.at, last_row ? it.over : it.down, it.size);
      later.base = pixel_q.base + RowBits'(last_row ? it.next_frame : it.stride_h);
      later.need = later.row == it.last_row || later.rest < it.needed ? later.rest : it.needed;
    end
  end

  /* verilator lint_off UNUSEDSIGNAL */ // some of the sizes and of the state
  wire sizes_t zero = sizes[look_q];
  /* verilator lint_on UNUSEDSIGNAL */
  wire pixel_t start = '{
    row:     '0,
    top:     -zero.pad_top,
    rest:    zero.whole,
    need:    zero.last_row == '0 || zero.whole < zero.needed ? zero.whole : zero.needed,
    at:      zero.start,
    base:    -RowBits'(zero.pad_top),
    column:  '0,
    left:    -zero.pad_left,
    from:    zero.ahead,
    results: '0
  };

  assign member_o = look_q;
  wire logic [MemberBits-1:0] at = init_i ? look_q : member_q;

  always_ff @(posedge clk_i) begin
    if (init_i || found) pixels[at] <= init_i ? start : later;
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      look_q <= '0;
      seen_q <= 1'b0;
    end else if (init_i || look) begin
      look_q <= look_q == MemberBits'(Members - 1) ? '0 : look_q + 1'b1;
      seen_q <= !init_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (look) begin
      member_q <= look_q;
      pixel_q  <= pixels[look_q];
      rows_q   <= rows_i;
      left_q   <= left_i;
    end
  end

  // ---------------------------------------------------------------- reads

  logic                  turn_valid;
  logic [MemberBits-1:0] next_member, turn_member;
  /* verilator lint_off UNUSEDSIGNAL */ // some of the sizes and of the state
  pixel_t                next_pixel, turn_pixel;
  wire sizes_t           here = sizes[turn_member];
  wire sizes_t           soon = sizes[next_member];
  /* verilator lint_on UNUSEDSIGNAL */
  logic                  next_frees, turn_frees;  // its window is the last of a row
  logic [RowBits-1:0]    next_base, turn_base;    // of the window below

  logic [StepBits-1:0]   beat_q, kw_q, kh_q, fold_q;
  logic [OffsetBits-1:0] row_q, word_q;  // where the row of the kernel lies, and the word in it
  logic signed [HeightBits-1:0] line_q;  // input row and column
  logic signed [WidthBits-1:0]  column_q;
  logic [ReadBits-1:0]   weight_q;
  logic [ChannelBits-1:0] channel_q;

  wire logic last_beat = beat_q == here.last_beat;
  wire logic last_kw = kw_q == here.last_kw;
  wire logic last_kh = kh_q == here.last_kh;
  wire logic last_fold = fold_q == here.last_fold;
  wire logic ends_line = last_beat && last_kw;
  wire logic ends_pass = ends_line && last_kh;
  wire logic ends_turn = ends_pass && last_fold;

  assign taken = next_valid && (!turn_valid || ends_turn);

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      next_valid <= 1'b0;
      turn_valid <= 1'b0;
    end else begin
      if (look) next_valid <= found;
      if (!turn_valid || ends_turn) turn_valid <= next_valid;
    end
  end

  always_ff @(posedge clk_i) begin
    if (look) begin
      next_member <= member_q;
      next_pixel  <= pixel_q;
      next_frees  <= last_column;
      next_base   <= later.base;
    end
    if (taken) begin
      turn_member <= next_member;
      turn_pixel  <= next_pixel;
      turn_frees  <= next_frees;
      turn_base   <= next_base;
      beat_q   <= '0;
      kw_q     <= '0;
      kh_q     <= '0;
      fold_q   <= '0;
      row_q    <= next_pixel.at;
      word_q   <= next_pixel.from;
      line_q   <= next_pixel.top;
      column_q <= next_pixel.left;
      weight_q <= soon.weights;
      channel_q <= soon.channels;
    end else if (turn_valid) begin
      weight_q <= weight_q + 1'b1;
      beat_q   <= last_beat ? '0 : beat_q + 1'b1;
      word_q   <= ends_line ? turn_pixel.from : word_q + 1'b1;
      if (last_beat) begin
        kw_q     <= last_kw ? '0 : kw_q + 1'b1;
        column_q <= last_kw ? turn_pixel.left : column_q + 1'b1;
      end
      if (ends_line) begin
        kh_q   <= last_kh ? '0 : kh_q + 1'b1;
        row_q  <= last_kh ? turn_pixel.at : further(row_q, here.row, here.size);
        line_q <= last_kh ? turn_pixel.top : line_q + 1'b1;
      end
      if (ends_pass) begin
        fold_q <= fold_q + 1'b1;
        channel_q <= channel_q + ChannelBits'(Outputs);
      end
    end
  end

  logic                  read_q, first_q, last_q, inside_q, free_q;
  logic [MemberBits-1:0] member_read_q;
  logic [WordBits-1:0]   addr_q;
  logic [ReadBits-1:0]   weight_read_q;
  logic [ChannelBits-1:0] channel_read_q;
  logic [CountBits-1:0]  count_q;
  logic [RowBits-1:0]    base_q;

  always_ff @(posedge clk_i) begin
    read_q        <= turn_valid && !rst_i;
    free_q        <= turn_valid && ends_turn && turn_frees && !rst_i;
    first_q       <= beat_q == '0 && kw_q == '0 && kh_q == '0;
    last_q        <= ends_pass;
    inside_q      <= line_q >= 0 && line_q < here.height && column_q >= 0 && column_q < here.width;
    member_read_q <= turn_member;
    addr_q        <= here.ring + WordBits'(row_q + word_q);
    weight_read_q <= weight_q;
    channel_read_q <= channel_q;
    count_q       <= last_fold ? here.rest : CountBits'(Outputs);
    base_q        <= turn_base;
  end

  assign read_o        = read_q;
  assign first_o       = first_q;
  assign last_o        = last_q;
  assign inside_o      = inside_q;
  assign turn_o        = member_read_q;
  assign addr_o        = addr_q;
  assign weight_o      = weight_read_q;
  assign channel_o     = channel_read_q;
  assign count_o       = count_q;
  assign free_o        = free_q;
  assign free_member_o = member_read_q;
  assign free_rows_o   = base_q;

endmodule

`default_nettype wire
