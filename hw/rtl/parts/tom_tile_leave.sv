// SPDX-License-Identifier: Apache-2.0
// Results of turns of layers that share an engine: keeps those of a turn of each layer, and sturn_i them in order.
//
// They come in any order; a turn's leave once all are there (turn_i). Layers are asks_q in an order that repeats whether a word
// waits and their output register is free, so that none holds up another. One is not asks_q again within four cycles.

`include "tom_assert.svh"
`default_nettype none

module tom_tile_leave #(
  parameter int unsigned Members = 2,  // layers
  parameter bit [Members*tom_shared_pkg::LayerBits-1:0] Layers = tom_shared_pkg::Both,  // their sizes, the first in the low bits
  parameter int unsigned Codes   = 1,  // results of a word, and of a beat
  parameter int unsigned Bits    = 8,  // width of a result as it is kept
  parameter int unsigned OutW    = 16, // bits of all streams together
  parameter int unsigned Words   = 2,  // results of a turn of all layers
  parameter int unsigned PlaceBits = 3, // of a count of a layer's
  parameter int unsigned Ram     = 0,  // their memory kind: 0 LUTRAM, 1 block RAM, 2 UltraRAM
  parameter int unsigned Rounds  = 4,  // cycles in which each layer is asks_q at least once
  parameter bit [Rounds-1:0][7:0] Order = {8'd255, 8'd255, 8'd1, 8'd0},  // which layer in each of them; 255: none

  localparam int unsigned MemberBits = tom_pkg::idx_width(Members),
  localparam int unsigned WordBits = tom_pkg::idx_width(Words)
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_i,

  input  wire logic                  init_i,    // the state of layer member_i is set
  input  wire logic [MemberBits-1:0] member_i,  // whose results are asks_q for
  output wire logic [PlaceBits-1:0]  left_o,    // words that have left since the reset

  input  wire logic                  valid_i,
  input  wire logic [WordBits-1:0]   addr_i,    // where the word lies
  input  wire logic [Codes*Bits-1:0] data_i,
  input  wire logic                  turn_i,    // with it, or without one, the results of a turn are there
  input  wire logic [MemberBits-1:0] turn_member_i,

  output wire logic [Members-1:0]    out_valid_o,
  input  wire logic [Members-1:0]    out_ready_i,
  output wire logic [OutW-1:0]       out_data_o
);

  import tom_shared_pkg::*;

  localparam int unsigned RoundBits = tom_pkg::idx_width(Rounds);

  (* ram_style = "distributed" *) logic [PlaceBits-1:0] came[Members];
  (* ram_style = "distributed" *) logic [PlaceBits-1:0] came_again[Members];  // the same, for another reader
  (* ram_style = "distributed" *) logic [PlaceBits-1:0] left[Members];
  (* ram_style = "distributed" *) logic [PlaceBits-1:0] place[Members];       // of the next word of a turn

  wire logic [Members-1:0][PlaceBits-1:0] results;  // words of a turn
  wire logic [Members-1:0][WordBits-1:0]  from;
  logic [RoundBits-1:0] round_q;
  logic [Members-1:0]   full_q;  // output registers
  logic                  asks_q;  // one is asked: turn_q
  logic [MemberBits-1:0] turn_q;

  wire logic [PlaceBits-1:0] next_in = came[turn_member_i];
  wire logic [PlaceBits-1:0] there = came_again[turn_q], next_out = left[turn_q], next_place = place[turn_q];
  wire logic [Members-1:0] busy = full_q & ~out_ready_i;
  wire logic send = !init_i && !rst_i && asks_q && there != next_out && !busy[turn_q];

  wire logic [MemberBits-1:0] came_at = init_i ? member_i : turn_member_i;
  wire logic [MemberBits-1:0] left_at = init_i ? member_i : turn_q;

  assign left_o = left[member_i];

  always_ff @(posedge clk_i) begin
    if (init_i || turn_i) begin
      came[came_at]       <= init_i ? '0 : next_in + results[turn_member_i];
      came_again[came_at] <= init_i ? '0 : next_in + results[turn_member_i];
    end
    if (init_i || send) begin
      left[left_at]  <= init_i ? '0 : next_out + 1'b1;
      place[left_at] <= init_i || next_place + 1'b1 == results[turn_q] ? '0 : next_place + 1'b1;
    end
  end

  wire logic [Codes-1:0][Bits-1:0] word;

  tom_ram #(
    .Width(Codes * Bits),
    .Depth(Words),
    .Ram  (Ram)
  ) u_results (
    .clk_i,
    .write_i     (valid_i),
    .write_addr_i(addr_i),
    .write_data_i(data_i),
    .read_i      (send),
    .read_addr_i (from[turn_q] + WordBits'(next_place)),
    .read_data_o (word)
  );

  logic                  sent_q;  // word is of sent_member_q
  logic [MemberBits-1:0] sent_member_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      round_q <= '0;
      sent_q  <= 1'b0;
    end else begin
      round_q <= round_q == RoundBits'(Rounds - 1) ? '0 : round_q + 1'b1;
      sent_q  <= send;
    end
    turn_q        <= MemberBits'(Order[round_q]);
    asks_q         <= 32'(Order[round_q]) < Members;
    sent_member_q <= turn_q;
  end

  for (genvar m = 0; m < Members; m++) begin : gen_member
    localparam layer_t Layer = layer_t'(Layers[m*LayerBits+:LayerBits]);
    localparam bit [MemberBits-1:0] Me = MemberBits'(m);
    localparam int unsigned Width = Layer.out_bits;
    wire logic load = sent_q && sent_member_q == Me;
    logic [Codes-1:0][Width-1:0] data_q;

    assign results[m] = PlaceBits'(Layer.tile * tom_pkg::ceil_div(Layer.out_channels, Codes));
    assign from[m] = WordBits'(Layer.place);

    always_ff @(posedge clk_i) begin
      if (rst_i) full_q[m] <= 1'b0;
      else full_q[m] <= load || busy[m];
    end
    for (genvar c = 0; c < Codes; c++) begin : gen_code
      always_ff @(posedge clk_i) if (load) data_q[c] <= word[c][Width-1:0];
    end
    assign out_data_o[Layer.out_bit+:Codes*Width] = data_q;
    assign out_valid_o[m] = full_q[m];

    `TOM_STREAM_STABLE(out, out_valid_o[m], out_ready_i[m], out_data_o[Layer.out_bit+:Codes*Width])
  end

endmodule

`default_nettype wire
