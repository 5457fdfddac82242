// SPDX-License-Identifier: Apache-2.0
// Inputs of the layers that share an engine: takes their codes in turn, and says where in a ring of its own each lies.
//
// A beat is one code, or a word. Layers are asked in an order that repeats whether they have one, which is taken if there
// is room; so none holds up another. A word of a ring has Lanes codes of a pixel. What is where follows from Layers: the rings
// lie one behind the other. Rows are counted modulo a power of two, which is more than any ring has.

`include "tom_assert.svh"
`default_nettype none

module tom_shared_arrive #(
  parameter int unsigned Members = 2,  // layers
  parameter bit [Members*tom_shared_pkg::LayerBits-1:0] Layers = tom_shared_pkg::Both,  // their sizes, the first in the low bits
  parameter int unsigned Lanes   = 1,  // codes per word
  parameter int unsigned Codes   = 1,  // codes per beat: 1 or Lanes
  parameter int unsigned Bits    = 8,  // width of a code as it is kept
  parameter int unsigned InW     = 16, // bits of all streams together
  parameter int unsigned Words   = 40, // of all rings
  parameter int unsigned RowBits = 4,  // of a count of rows
  parameter int unsigned ChannelBits = 1,  // of a channel's number
  parameter int unsigned Rounds  = 2,  // cycles in which each layer is asked at least once
  parameter bit [Rounds-1:0][7:0] Order = {8'd1, 8'd0},  // which layer in each of them; 255: none

  localparam int unsigned MemberBits = tom_pkg::idx_width(Members),
  localparam int unsigned WordBits = tom_pkg::idx_width(Words)
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_i,

  input  wire logic                  init_i,    // the state of layer member_i is set
  input  wire logic [MemberBits-1:0] member_i,  // whose rows are asked for
  output wire logic [RowBits-1:0]    rows_o,    // complete ones that have come since the reset

  input  wire logic                  free_i,    // rows of a layer are no longer needed
  input  wire logic [MemberBits-1:0] free_member_i,
  input  wire logic [RowBits-1:0]    free_rows_i,   // all that are not since the reset

  input  wire logic [Members-1:0]    in_valid_i,
  output wire logic [Members-1:0]    in_ready_o,
  input  wire logic [InW-1:0]        in_data_i,

  output wire logic [Lanes-1:0]      write_o,  // which code of the word
  output wire logic [WordBits-1:0]   addr_o,
  output wire logic [Codes*Bits-1:0] data_o
);

  import tom_shared_pkg::*;

  localparam int unsigned LaneBits = tom_pkg::idx_width(Lanes);
  localparam int unsigned RoundBits = tom_pkg::idx_width(Rounds);
  localparam bit Whole = Codes == Lanes;  // a beat is a word

  `TOM_REQUIRE(codes, Codes == 1 || Whole, "a beat is one code or a word")

  wire logic [Members-1:0][WordBits-1:0]    first, last, row_ends;  // first and last word of a ring, last of a row
  wire logic [Members-1:0][ChannelBits-1:0] last_channel;
  wire logic [Members-1:0][RowBits-1:0]     row_count, above;       // rows of a ring, and above the frame
  wire logic [Members-1:0][Codes*Bits-1:0]  codes;
  logic [RoundBits-1:0]  round_q;
  logic [MemberBits-1:0] turn_q;
  logic                  asks_q;  // one is asked: turn_q

  // Where the next code of a layer goes.
  typedef struct packed {
    logic [WordBits-1:0]    word;
    logic [WordBits-1:0]    column;  // which word of its row
    logic [LaneBits-1:0]    lane;
    logic [ChannelBits-1:0] channel;
  } place_t;

  (* ram_style = "distributed" *) logic [RowBits-1:0] arrived[Members];
  (* ram_style = "distributed" *) logic [RowBits-1:0] freed[Members];
  (* ram_style = "distributed" *) place_t places[Members];

  wire place_t here = places[turn_q];
  wire logic [RowBits-1:0] rows = arrived[turn_q];
  wire logic [RowBits-1:0] held = rows - freed[turn_q];
  wire logic room = asks_q && !init_i && !rst_i && held < row_count[turn_q];
  wire logic take = room && in_valid_i[turn_q];
  wire logic pixel_end = here.channel == last_channel[turn_q];
  wire logic word_end = Whole || pixel_end || here.lane == LaneBits'(Lanes - 1);
  wire logic row_end = word_end && here.column == row_ends[turn_q];

  place_t later;
  always_comb begin
    later = here;
    later.channel = Whole || pixel_end ? '0 : here.channel + 1'b1;
    later.lane = word_end ? '0 : here.lane + 1'b1;
    if (word_end) begin
      later.word = here.word == last[turn_q] ? first[turn_q] : here.word + 1'b1;
      later.column = row_end ? '0 : here.column + 1'b1;
    end
  end

  for (genvar m = 0; m < Members; m++) begin : gen_member
    localparam layer_t Layer = layer_t'(Layers[m*LayerBits+:LayerBits]);
    localparam bit [MemberBits-1:0] Me = MemberBits'(m);
    localparam int unsigned Row = Layer.width * Layer.beats;  // words
    for (genvar c = 0; c < Codes; c++) begin : gen_code
      wire logic [Layer.in_bits-1:0] given = in_data_i[Layer.in_bit+c*Layer.in_bits+:Layer.in_bits];
      assign codes[m][c*Bits+:Bits] = Layer.in_signed[0] ? Bits'(signed'(given)) : Bits'(given);
    end
    assign first[m] = WordBits'(Layer.ring);
    assign last[m] = WordBits'(Layer.ring + Layer.rows * Row - 1);
    assign row_ends[m] = WordBits'(Row - 1);
    assign last_channel[m] = ChannelBits'(Layer.channels - 1);
    assign row_count[m] = RowBits'(Layer.rows);
    assign above[m] = RowBits'(Layer.pad_top);
    assign in_ready_o[m] = turn_q == Me && room;
  end

  assign rows_o = arrived[member_i];

  wire logic [MemberBits-1:0] at = init_i ? member_i : turn_q;
  wire logic [MemberBits-1:0] free_at = init_i ? member_i : free_member_i;

  always_ff @(posedge clk_i) begin
    if (rst_i) round_q <= '0;
    else round_q <= round_q == RoundBits'(Rounds - 1) ? '0 : round_q + 1'b1;
    turn_q <= MemberBits'(Order[round_q]);
    asks_q <= 32'(Order[round_q]) < Members;
  end

  always_ff @(posedge clk_i) begin
    if (init_i || take) begin
      arrived[at] <= init_i ? '0 : rows + RowBits'(row_end);
      places[at]  <= init_i ? '{word: first[member_i], default: '0} : later;
    end
    if (init_i || free_i) freed[free_at] <= init_i ? -above[member_i] : free_rows_i;  // those above count as held
  end

  logic [Lanes-1:0]    write_q;
  logic [WordBits-1:0] addr_q;
  logic [Codes*Bits-1:0] data_q;

  always_ff @(posedge clk_i) begin
    write_q <= Whole ? {Lanes{take && !rst_i}} : Lanes'(take && !rst_i) << here.lane;
    addr_q  <= here.word;
    data_q  <= codes[turn_q];
  end

  assign write_o = write_q;
  assign addr_o  = addr_q;
  assign data_o  = data_q;

endmodule

`default_nettype wire
