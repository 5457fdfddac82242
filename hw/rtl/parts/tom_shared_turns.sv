// SPDX-License-Identifier: Apache-2.0
// Turns of the layers that share an engine, an output pixel each: whose is next (tom_shared_pick), and every read of it.
//
// Every fold, kernel row, kernel column and beat, the last fastest, a read each cycle. The next turn is looked for meanwhile;
// turns follow each other without a gap where they take Members + 3 cycles or more.

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

  wire logic                  next_valid;
  wire logic                  taken;       // the next one becomes the turn
  wire logic                  next_ready;
  wire logic [MemberBits-1:0] next_member;
  wire logic signed [HeightBits-1:0] next_top;
  wire logic signed [WidthBits-1:0]  next_left;
  wire logic [OffsetBits-1:0] next_at, next_from;
  wire logic                  next_frees;
  wire logic [RowBits-1:0]    next_base;

  tom_shared_pick #(
    .Members   (Members),
    .Layers    (Layers),
    .RowBits   (RowBits),
    .HeightBits(HeightBits),
    .WidthBits (WidthBits),
    .OffsetBits(OffsetBits),
    .Places    (Places),
    .PlaceBits (PlaceBits)
  ) u_pick (
    .clk_i,
    .rst_i,
    .init_i,
    .look_o  (member_o),
    .rows_i,
    .left_i,
    .valid_o (next_valid),
    .ready_i (next_ready),
    .member_o(next_member),
    .top_o   (next_top),
    .left_o  (next_left),
    .at_o    (next_at),
    .from_o  (next_from),
    .frees_o (next_frees),
    .base_o  (next_base)
  );

  // What a layer's reads go by: constants.
  typedef struct packed {
    logic signed [HeightBits-1:0] height;
    logic signed [WidthBits-1:0]  width;
    logic [OffsetBits-1:0]        row;          // words of a row
    logic [OffsetBits-1:0]        size;         // of the ring
    logic [WordBits-1:0]          ring;
    logic [ReadBits-1:0]          weights;
    logic [ChannelBits-1:0]       channels;
    logic [StepBits-1:0]          last_beat;
    logic [StepBits-1:0]          last_kw;
    logic [StepBits-1:0]          last_kh;
    logic [StepBits-1:0]          last_fold;
    logic [CountBits-1:0]         rest;         // results of the last fold
  } sizes_t;

  wire sizes_t [Members-1:0] sizes;
  for (genvar m = 0; m < Members; m++) begin : gen_member
    localparam layer_t Layer = layer_t'(Layers[m*LayerBits+:LayerBits]);
    localparam int unsigned Row = Layer.width * Layer.beats;  // words
    assign sizes[m] = '{
      height:      HeightBits'(Layer.height),
      width:       WidthBits'(Layer.width),
      row:         OffsetBits'(Row),
      size:        OffsetBits'(Layer.rows * Row),
      ring:        WordBits'(Layer.ring),
      weights:     ReadBits'(Layer.word),
      channels:    ChannelBits'(Layer.constant),
      last_beat:   StepBits'(Layer.beats - 1),
      last_kw:     StepBits'(Layer.kernel_w - 1),
      last_kh:     StepBits'(Layer.kernel_h - 1),
      last_fold:   StepBits'(Layer.folds - 1),
      rest:        CountBits'(Layer.out_channels - (Layer.folds - 1) * Outputs)
    };
  end

  logic                  turn_valid;
  logic [MemberBits-1:0] turn_member;
  /* verilator lint_off UNUSEDSIGNAL */ // some of the sizes and of the state
  wire sizes_t           here = sizes[turn_member];
  wire sizes_t           soon = sizes[next_member];
  /* verilator lint_on UNUSEDSIGNAL */
  logic                  turn_frees;  // its window is the last of a row
  logic [RowBits-1:0]    turn_base;   // of the window below
  logic [OffsetBits-1:0] turn_at, turn_from;
  logic signed [HeightBits-1:0] turn_top;
  logic signed [WidthBits-1:0]  turn_left;

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

  assign next_ready = !turn_valid || ends_turn;
  assign taken = next_valid && next_ready;

  always_ff @(posedge clk_i) begin
    if (rst_i) turn_valid <= 1'b0;
    else if (next_ready) turn_valid <= next_valid;
  end

  always_ff @(posedge clk_i) begin
    if (taken) begin
      turn_member <= next_member;
      turn_top    <= next_top;
      turn_left   <= next_left;
      turn_at     <= next_at;
      turn_from   <= next_from;
      turn_frees  <= next_frees;
      turn_base   <= next_base;
      beat_q   <= '0;
      kw_q     <= '0;
      kh_q     <= '0;
      fold_q   <= '0;
      row_q    <= next_at;
      word_q   <= next_from;
      line_q   <= next_top;
      column_q <= next_left;
      weight_q <= soon.weights;
      channel_q <= soon.channels;
    end else if (turn_valid) begin
      weight_q <= weight_q + 1'b1;
      beat_q   <= last_beat ? '0 : beat_q + 1'b1;
      word_q   <= ends_line ? turn_from : word_q + 1'b1;
      if (last_beat) begin
        kw_q     <= last_kw ? '0 : kw_q + 1'b1;
        column_q <= last_kw ? turn_left : column_q + 1'b1;
      end
      if (ends_line) begin
        kh_q   <= last_kh ? '0 : kh_q + 1'b1;
        row_q  <= last_kh ? turn_at : OffsetBits'(further(32'(row_q), 32'(here.row), 32'(here.size)));
        line_q <= last_kh ? turn_top : line_q + 1'b1;
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
