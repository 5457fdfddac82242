// SPDX-License-Identifier: Apache-2.0
// Cuts a stream of words of InBytes into words of OutBytes, low bytes first, over the borders of both.
//
// A sequence ends with a word marked last; what is left of it comes as one more word, filled up with anything, which is
// marked last in turn and of which only out_bytes_o bytes count. Latency 1, InBytes or OutBytes a cycle, whichever is
// fewer.

`include "tom_assert.svh"
`default_nettype none

module tom_gear #(
  parameter int unsigned InBytes  = 1,  // bytes of a word that comes in
  parameter int unsigned OutBytes = 4,  // bytes of a word that goes out

  localparam int unsigned BytesBits = tom_pkg::count_width(OutBytes)
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_i,

  input  wire logic                  in_valid_i,
  output wire logic                  in_ready_o,
  input  wire logic [InBytes*8-1:0]  in_data_i,
  input  wire logic                  in_last_i,

  output wire logic                  out_valid_o,
  input  wire logic                  out_ready_i,
  output wire logic [OutBytes*8-1:0] out_data_o,
  output wire logic                  out_last_o,
  output wire logic [BytesBits-1:0]  out_bytes_o
);

  localparam int unsigned Unit = tom_pkg::gcd(InBytes, OutBytes);
  localparam int unsigned In = InBytes / Unit;    // units of a word
  localparam int unsigned Out = OutBytes / Unit;
  localparam int unsigned Places = In + Out - 1;  // a word comes while fewer than Out units wait
  localparam int unsigned LevelBits = tom_pkg::count_width(Places);
  localparam int unsigned Bits = Unit * 8;

  logic [Places*Bits-1:0] data_q, kept, data_d;
  logic [LevelBits-1:0]   level_q;
  logic                   last_q;  // no more words of this sequence

  wire logic full = level_q >= LevelBits'(Out);
  wire logic pull = out_valid_o && out_ready_i;
  wire logic [LevelBits-1:0] rest = pull ? (full ? level_q - LevelBits'(Out) : '0) : level_q;
  wire logic push = in_valid_i && in_ready_o;

  assign in_ready_o  = rest < LevelBits'(Out) && (!last_q || rest == '0);
  assign out_valid_o = full || (last_q && level_q != '0);
  assign out_data_o  = data_q[OutBytes*8-1:0];
  assign out_last_o  = last_q && (!full || level_q == LevelBits'(Out));
  assign out_bytes_o = full ? BytesBits'(OutBytes) : BytesBits'(level_q) * BytesBits'(Unit);

  // What is left when a word goes.
  logic [Places*Bits-1:0] left;
  if (Places > Out) begin : gen_left
    assign left = {{OutBytes * 8{1'b0}}, data_q[Places*Bits-1:OutBytes*8]};
  end else begin : gen_none
    assign left = '0;
  end

  // The new word lands behind what stays, at one of Out places.
  always_comb begin
    kept = pull ? left : data_q;
    data_d = kept;
    for (int unsigned place = 0; place < Out; place++) begin
      if (push && rest == LevelBits'(place)) data_d[place*Bits+:InBytes*8] = in_data_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      level_q <= '0;
      last_q  <= 1'b0;
    end else begin
      level_q <= push ? rest + LevelBits'(In) : rest;
      if (push) last_q <= in_last_i;
      else if (rest == '0) last_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) data_q <= data_d;

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
