// SPDX-License-Identifier: Apache-2.0
// Results of the layers that share an engine: keeps some of each, and sends them to streams of their own.
//
// A beat is one code. Each layer is asked once in a round of at least four cycles whether a result waits and its output register is free, so
// that none holds up another.

`include "tom_assert.svh"
`default_nettype none

module tom_shared_leave #(
  parameter int unsigned Members = 2,  // layers
  parameter bit [Members*tom_shared_pkg::LayerBits-1:0] Layers = tom_shared_pkg::Both,  // their sizes, the first in the low bits
  parameter int unsigned Bits    = 8,  // width of a code as it is kept
  parameter int unsigned OutW    = 16, // bits of all streams together
  parameter int unsigned Places  = 4,  // results of a layer that are kept, a power of two
  parameter int unsigned Ram     = 0,  // their memory kind: 0 LUTRAM, 1 block RAM

  localparam int unsigned MemberBits = tom_pkg::idx_width(Members),
  localparam int unsigned PlaceBits = tom_pkg::count_width(Places)
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_i,

  input  wire logic                  init_i,    // the state of layer member_i is set
  input  wire logic [MemberBits-1:0] member_i,  // whose results are asked for
  output wire logic [PlaceBits-1:0]  left_o,    // those that have left since the reset

  input  wire logic                  valid_i,
  input  wire logic [MemberBits-1:0] result_member_i,
  input  wire logic [Bits-1:0]      data_i,

  output wire logic [Members-1:0]    out_valid_o,
  input  wire logic [Members-1:0]    out_ready_i,
  output wire logic [OutW-1:0]       out_data_o
);

  import tom_shared_pkg::*;

  localparam int unsigned Round = Members < 4 ? 4 : Members;  // cycles
  localparam int unsigned RoundBits = tom_pkg::idx_width(Round);
  localparam int unsigned LowBits = $clog2(Places);
  localparam int unsigned AddrBits = tom_pkg::idx_width(Members * Places);

  (* ram_style = "distributed" *) logic [PlaceBits-1:0] came[Members];
  (* ram_style = "distributed" *) logic [PlaceBits-1:0] came_again[Members];  // the same, for another reader
  (* ram_style = "distributed" *) logic [PlaceBits-1:0] left[Members];

  logic [RoundBits-1:0] round_q;
  logic [Members-1:0]   full_q;  // output registers
  wire logic            asked = 32'(round_q) < Members;
  wire logic [MemberBits-1:0] turn = MemberBits'(round_q);

  wire logic [PlaceBits-1:0] next_in = came[result_member_i];
  wire logic [PlaceBits-1:0] there = came_again[turn], next_out = left[turn];
  wire logic [Members-1:0] busy = full_q & ~out_ready_i;
  wire logic send = !init_i && !rst_i && asked && there != next_out && !busy[turn];

  wire logic [MemberBits-1:0] came_at = init_i ? member_i : result_member_i;
  wire logic [MemberBits-1:0] left_at = init_i ? member_i : turn;

  assign left_o = left[member_i];

  always_ff @(posedge clk_i) begin
    if (init_i || valid_i) begin
      came[came_at]       <= init_i ? '0 : next_in + 1'b1;
      came_again[came_at] <= init_i ? '0 : next_in + 1'b1;
    end
    if (init_i || send) left[left_at] <= init_i ? '0 : next_out + 1'b1;
  end

  wire logic [Bits-1:0] word;

  tom_ram #(
    .Width(Bits),
    .Depth(Members * Places),
    .Ram  (Ram)
  ) u_results (
    .clk_i,
    .write_i     (valid_i),
    .write_addr_i(AddrBits'({result_member_i, next_in[LowBits-1:0]})),
    .write_data_i(data_i),
    .read_i      (send),
    .read_addr_i (AddrBits'({turn, next_out[LowBits-1:0]})),
    .read_data_o (word)
  );

  logic                  sent_q;  // word is a result of sent_member_q
  logic [MemberBits-1:0] sent_member_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      round_q <= '0;
      sent_q  <= 1'b0;
    end else begin
      round_q <= round_q == RoundBits'(Round - 1) ? '0 : round_q + 1'b1;
      sent_q  <= send;
    end
    sent_member_q <= turn;
  end

  for (genvar m = 0; m < Members; m++) begin : gen_member
    localparam layer_t Layer = layer_t'(Layers[m*LayerBits+:LayerBits]);
    localparam bit [MemberBits-1:0] Me = MemberBits'(m);
    localparam int unsigned Width = Layer.out_bits;
    wire logic load = sent_q && sent_member_q == Me;
    logic [Width-1:0] data_q;

    always_ff @(posedge clk_i) begin
      if (rst_i) full_q[m] <= 1'b0;
      else full_q[m] <= load || busy[m];
    end
    always_ff @(posedge clk_i) if (load) data_q <= word[Width-1:0];
    assign out_data_o[Layer.out_bit+:Width] = data_q;
    assign out_valid_o[m] = full_q[m];

    `TOM_STREAM_STABLE(out, out_valid_o[m], out_ready_i[m], out_data_o[Layer.out_bit+:Width])
  end

endmodule

`default_nettype wire
