// SPDX-License-Identifier: Apache-2.0
// Moves a run of words down by some bytes: its first byte, offset_i bytes up in the first word, comes out lowest.
//
// The last word that comes out may hold no byte of the run any more. No latency of its own but the wait for the next word.

`include "tom_assert.svh"
`default_nettype none

module tom_axi_align #(
  parameter int unsigned DataBytes = 8,  // bytes of a word, a power of two

  localparam int unsigned OffsetBits = tom_pkg::idx_width(DataBytes)
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_i,

  input  wire logic [OffsetBits-1:0]  offset_i,  // the same for a whole run

  input  wire logic                   in_valid_i,
  output wire logic                   in_ready_o,
  input  wire logic [DataBytes*8-1:0] in_data_i,
  input  wire logic                   in_last_i,

  output wire logic                   out_valid_o,
  input  wire logic                   out_ready_i,
  output wire logic [DataBytes*8-1:0] out_data_o,
  output wire logic                   out_last_o
);

  logic                   held_q, last_q;
  logic [DataBytes*8-1:0] word_q;

  wire logic straight = offset_i == '0;
  wire logic alone = held_q && last_q;  // the last word, behind which none comes

  // The words of a run in which nothing moves pass; of others one is held, and completed by the next.
  assign in_ready_o  = straight ? out_ready_i : !held_q || (!last_q && out_ready_i);
  assign out_valid_o = straight ? in_valid_i : alone || (held_q && in_valid_i);
  assign out_last_o  = straight ? in_last_i : alone;
  assign out_data_o  = straight ? in_data_i : (DataBytes*8)'({in_data_i, word_q} >> {offset_i, 3'b0});

  always_ff @(posedge clk_i) begin
    if (rst_i) held_q <= 1'b0;
    else if (!straight) held_q <= (in_valid_i && in_ready_o) || (held_q && !(alone && out_ready_i));
  end

  always_ff @(posedge clk_i) begin
    if (in_valid_i && in_ready_o) begin
      word_q <= in_data_i;
      last_q <= in_last_i;
    end
  end

endmodule

`default_nettype wire
