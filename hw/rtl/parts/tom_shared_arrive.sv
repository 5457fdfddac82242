// SPDX-License-Identifier: Apache-2.0
// Inputs of the layers that share an engine: takes their beats in turn, and keeps rows of each in a ring of its own.
//
// Each layer is asked once in Members cycles whether it has a beat, which is taken if there is room; so none holds up
// another. What is where follows from Layers: the rings lie one behind the other. Rows are counted modulo a power of
// two, which is more than any ring has.

`default_nettype none

module tom_shared_arrive #(
  parameter int unsigned Members = 2,  // layers
  parameter bit [Members*tom_shared_pkg::LayerBits-1:0] Layers = tom_shared_pkg::Both,  // their sizes, the first in the low bits
  parameter int unsigned Lanes   = 1,  // codes per beat
  parameter int unsigned Bits    = 8,  // width of a code as it is kept
  parameter int unsigned InW     = 16, // bits of all streams together
  parameter int unsigned Words   = 40, // of all rings
  parameter int unsigned RowBits = 4,  // of a count of rows

  localparam int unsigned MemberBits = tom_pkg::idx_width(Members),
  localparam int unsigned WordBits = tom_pkg::idx_width(Words),
  localparam int unsigned WordW = Lanes * Bits
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

  output wire logic                  write_o,
  output wire logic [WordBits-1:0]   addr_o,
  output wire logic [WordW-1:0]      data_o
);

  import tom_shared_pkg::*;

  wire logic [Members-1:0][WordBits-1:0] first, last, row_ends;  // first and last word of a ring, last of a row
  wire logic [Members-1:0][RowBits-1:0]  row_count, above;       // rows of a ring, and above the frame
  wire logic [Members-1:0][WordW-1:0]    beat;
  logic [MemberBits-1:0] turn_q;

  (* ram_style = "distributed" *) logic [RowBits-1:0] arrived[Members];
  (* ram_style = "distributed" *) logic [RowBits-1:0] freed[Members];
  (* ram_style = "distributed" *) logic [WordBits-1:0] place[Members];   // of the next word
  (* ram_style = "distributed" *) logic [WordBits-1:0] column[Members];  // words of its row that are there

  wire logic [RowBits-1:0] rows = arrived[turn_q];
  wire logic [WordBits-1:0] word = place[turn_q], in_row = column[turn_q];
  wire logic [RowBits-1:0] held = rows - freed[turn_q];
  wire logic room = !init_i && !rst_i && held < row_count[turn_q];
  wire logic take = room && in_valid_i[turn_q];
  wire logic row_end = in_row == row_ends[turn_q];

  for (genvar m = 0; m < Members; m++) begin : gen_member
    localparam layer_t Layer = layer_t'(Layers[m*LayerBits+:LayerBits]);
    localparam int unsigned Row = Layer.width * Layer.beats;  // words
    assign first[m] = WordBits'(Layer.ring);
    assign last[m] = WordBits'(Layer.ring + Layer.rows * Row - 1);
    assign row_ends[m] = WordBits'(Row - 1);
    assign row_count[m] = RowBits'(Layer.rows);
    assign above[m] = RowBits'(Layer.pad_top);
    for (genvar l = 0; l < Lanes; l++) begin : gen_lane
      wire logic [Layer.in_bits-1:0] code = in_data_i[Layer.in_bit+l*Layer.in_bits+:Layer.in_bits];
      assign beat[m][l*Bits+:Bits] = Layer.in_signed[0] ? Bits'(signed'(code)) : Bits'(code);
    end
    assign in_ready_o[m] = turn_q == MemberBits'(m) && room;
  end

  assign rows_o = arrived[member_i];

  wire logic [MemberBits-1:0] at = init_i ? member_i : turn_q;
  wire logic [MemberBits-1:0] free_at = init_i ? member_i : free_member_i;

  always_ff @(posedge clk_i) begin
    if (rst_i) turn_q <= '0;
    else turn_q <= turn_q == MemberBits'(Members - 1) ? '0 : turn_q + 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (init_i || take) begin
      arrived[at] <= init_i ? '0 : rows + RowBits'(row_end);
      place[at]   <= init_i ? first[member_i] : word == last[turn_q] ? first[turn_q] : word + 1'b1;
      column[at]  <= init_i || row_end ? '0 : in_row + 1'b1;
    end
    if (init_i || free_i) freed[free_at] <= init_i ? -above[member_i] : free_rows_i;  // those above count as held
  end

  logic                write_q;
  logic [WordBits-1:0] addr_q;
  logic [WordW-1:0]    data_q;

  always_ff @(posedge clk_i) begin
    write_q <= take && !rst_i;
    addr_q  <= word;
    data_q  <= beat[turn_q];
  end

  assign write_o = write_q;
  assign addr_o  = addr_q;
  assign data_o  = data_q;

endmodule

`default_nettype wire
