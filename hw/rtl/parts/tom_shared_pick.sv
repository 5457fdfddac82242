// SPDX-License-Identifier: Apache-2.0
// Whose turn is next, of the layers that share an engine.
//
// That of the first one found whose input rows are there and whose results have room, so nobody's turn ever waits. Layers
// are looked at one after the other, one a cycle. A turn is `tile` output pixels of a row. A layer has room for Places words
// of results, or for those of one turn where that is 0.

`default_nettype none

module tom_shared_pick #(
  parameter int unsigned Members    = 2,   // layers
  parameter bit [Members*tom_shared_pkg::LayerBits-1:0] Layers = tom_shared_pkg::Both,  // their sizes, the first in the low bits
  parameter int unsigned RowBits    = 4,   // of a count of rows
  parameter int unsigned HeightBits = 6,   // of any number of rows, two's complement
  parameter int unsigned WidthBits  = 6,   // of any number of columns, two's complement
  parameter int unsigned OffsetBits = 7,   // of a word in a ring or left of it, two's complement, and of a sum of two
  parameter int unsigned Codes      = 1,   // results of a word
  parameter int unsigned Places     = 4,   // words of results of a layer that are kept; 0: those of a turn
  parameter int unsigned PlaceBits  = 3,   // of a count of them

  localparam int unsigned MemberBits = tom_pkg::idx_width(Members)
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_i,

  input  wire logic                  init_i,    // the state of layer look_o is set
  output wire logic [MemberBits-1:0] look_o,    // who is looked at
  input  wire logic [RowBits-1:0]    rows_i,    // its input rows that have come since the reset
  input  wire logic [PlaceBits-1:0]  left_i,    // its words of results that have left since then

  output wire logic                  valid_o,
  input  wire logic                  ready_i,
  output wire logic [MemberBits-1:0] member_o,  // whose turn it is
  output wire logic signed [HeightBits-1:0] top_o,   // input row of the first window's first
  output wire logic signed [WidthBits-1:0]  left_o,  // its column
  output wire logic [OffsetBits-1:0] at_o,      // where that row lies in the ring
  output wire logic [OffsetBits-1:0] from_o,    // the window's first word in a row
  output wire logic                  frees_o,   // its windows are the last of a row
  output wire logic [RowBits-1:0]    base_o     // row of the window below since the reset: those above are free then
);

  import tom_shared_pkg::*;

  // What a layer's turns go by: constants.
  typedef struct packed {
    logic signed [HeightBits-1:0] last_row;     // of the output
    logic signed [HeightBits-1:0] stride_h;
    logic signed [HeightBits-1:0] pad_top;
    logic signed [HeightBits-1:0] whole;        // rows of a frame and those above it
    logic signed [HeightBits-1:0] next_frame;
    logic signed [HeightBits-1:0] needed;
    logic signed [WidthBits-1:0]  last_turn;    // of an output row
    logic signed [WidthBits-1:0]  stride_w;     // from a turn's first window to that of the next
    logic signed [WidthBits-1:0]  pad_left;
    logic [OffsetBits-1:0]        size;         // of the ring
    logic [OffsetBits-1:0]        down;         // words of the rows from a window to the one below
    logic [OffsetBits-1:0]        over;         // from the last window to the first of the next frame, in the ring
    logic [OffsetBits-1:0]        start;        // of the first window, in the ring
    logic [OffsetBits-1:0]        right;        // words from a turn's first window to that of the next
    logic [OffsetBits-1:0]        ahead;        // words left of the frame, negative
    logic [PlaceBits-1:0]         results;      // words of a turn
    logic [PlaceBits-1:0]         places;       // for them
  } sizes_t;

  wire sizes_t [Members-1:0] sizes;
  for (genvar m = 0; m < Members; m++) begin : gen_member
    localparam layer_t Layer = layer_t'(Layers[m*LayerBits+:LayerBits]);
    localparam int unsigned Row = Layer.width * Layer.beats;  // words
    localparam int unsigned Next = Layer.height - (Layer.out_height - 1) * Layer.stride_h;
    localparam int unsigned Results = Layer.tile * tom_pkg::ceil_div(Layer.out_channels, Codes);
    assign sizes[m] = '{
      last_row:    HeightBits'(Layer.out_height - 1),
      stride_h:    HeightBits'(Layer.stride_h),
      pad_top:     HeightBits'(Layer.pad_top),
      whole:       HeightBits'(Layer.height + Layer.pad_top),
      next_frame:  HeightBits'(Next),
      needed:      HeightBits'(Layer.kernel_h > Layer.stride_h ? Layer.kernel_h : Layer.stride_h),
      last_turn:   WidthBits'(Layer.out_width / Layer.tile - 1),
      stride_w:    WidthBits'(Layer.tile * Layer.stride_w),
      pad_left:    WidthBits'(Layer.pad_left),
      size:        OffsetBits'(Layer.rows * Row),
      down:        OffsetBits'(Layer.stride_h * Row),
      over:        OffsetBits'(Next % Layer.rows * Row),
      start:       OffsetBits'(tom_pkg::modulo(-int'(Layer.pad_top), Layer.rows) * Row),
      right:       OffsetBits'(Layer.tile * Layer.stride_w * Layer.beats),
      ahead:       -OffsetBits'(Layer.pad_left * Layer.beats),
      results:     PlaceBits'(Results),
      places:      PlaceBits'(Places == 0 ? Results : Places)
    };
  end

  // The next turn of a layer.
  typedef struct packed {
    logic signed [HeightBits-1:0] row;     // of the output
    logic signed [HeightBits-1:0] top;     // input row of the first window's first
    logic signed [HeightBits-1:0] rest;    // input rows from there to the end of the frame
    logic signed [HeightBits-1:0] need;    // those that it waits for
    logic [OffsetBits-1:0]        at;      // where that row lies in the ring
    logic [RowBits-1:0]           base;    // which one it is since the reset
    logic signed [WidthBits-1:0]  number;  // of the turn in its row
    logic signed [WidthBits-1:0]  left;    // input column of the first window's first
    logic [OffsetBits-1:0]        from;    // its first word in a row
    logic [PlaceBits-1:0]         results; // since the reset
  } place_t;

  (* ram_style = "distributed" *) place_t places[Members];

  logic [MemberBits-1:0] look_q, member_q;
  logic                  seen_q;     // place_q, rows_q and left_q are those of member_q
  place_t                place_q;
  logic [RowBits-1:0]    rows_q;
  logic [PlaceBits-1:0]  left_q;

  logic                  next_valid;  // who is next is known
  wire logic             look = !next_valid || ready_i;
  /* verilator lint_off UNUSEDSIGNAL */ // some of the sizes and of the state
  wire sizes_t           it = sizes[member_q];
  /* verilator lint_on UNUSEDSIGNAL */

  wire logic [RowBits-1:0] held = rows_q - place_q.base;
  wire logic arrived = $signed(HeightBits'(held)) >= place_q.need;
  wire logic [PlaceBits-1:0] used = place_q.results - left_q;
  wire logic room = it.places - used >= it.results;
  wire logic found = look && seen_q && arrived && room;

  wire logic last_turn = place_q.number == it.last_turn;
  wire logic last_row = place_q.row == it.last_row;

  place_t later;  // the turn behind it
  always_comb begin
    later = place_q;
    later.results = place_q.results + it.results;
    later.number = last_turn ? '0 : place_q.number + 1'b1;
    later.left   = last_turn ? -it.pad_left : place_q.left + it.stride_w;
    later.from   = last_turn ? it.ahead : place_q.from + it.right;
    if (last_turn) begin
      later.row  = last_row ? '0 : place_q.row + 1'b1;
      later.top  = last_row ? -it.pad_top : place_q.top + it.stride_h;
      later.rest = last_row ? it.whole : place_q.rest - it.stride_h;
      later.at   = OffsetBits'(further(32'(place_q.at), 32'(last_row ? it.over : it.down), 32'(it.size)));
      later.base = place_q.base + RowBits'(last_row ? it.next_frame : it.stride_h);
      later.need = later.row == it.last_row || later.rest < it.needed ? later.rest : it.needed;
    end
  end

  /* verilator lint_off UNUSEDSIGNAL */ // some of the sizes and of the state
  wire sizes_t zero = sizes[look_q];
  /* verilator lint_on UNUSEDSIGNAL */
  wire place_t start = '{
    row:     '0,
    top:     -zero.pad_top,
    rest:    zero.whole,
    need:    zero.last_row == '0 || zero.whole < zero.needed ? zero.whole : zero.needed,
    at:      zero.start,
    base:    -RowBits'(zero.pad_top),
    number:  '0,
    left:    -zero.pad_left,
    from:    zero.ahead,
    results: '0
  };

  assign look_o = look_q;
  wire logic [MemberBits-1:0] at = init_i ? look_q : member_q;

  always_ff @(posedge clk_i) begin
    if (init_i || found) places[at] <= init_i ? start : later;
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
      place_q  <= places[look_q];
      rows_q   <= rows_i;
      left_q   <= left_i;
    end
  end

  logic [MemberBits-1:0] next_member;
  /* verilator lint_off UNUSEDSIGNAL */ // some of the state
  place_t                next_place;
  /* verilator lint_on UNUSEDSIGNAL */
  logic                  next_frees;
  logic [RowBits-1:0]    next_base;

  always_ff @(posedge clk_i) begin
    if (rst_i) next_valid <= 1'b0;
    else if (look) next_valid <= found;
  end

  always_ff @(posedge clk_i) begin
    if (look) begin
      next_member <= member_q;
      next_place  <= place_q;
      next_frees  <= last_turn;
      next_base   <= later.base;
    end
  end

  assign valid_o  = next_valid;
  assign member_o = next_member;
  assign top_o    = next_place.top;
  assign left_o   = next_place.left;
  assign at_o     = next_place.at;
  assign from_o   = next_place.from;
  assign frees_o  = next_frees;
  assign base_o   = next_base;

endmodule

`default_nettype wire
