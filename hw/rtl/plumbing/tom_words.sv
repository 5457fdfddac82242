// SPDX-License-Identifier: Apache-2.0
// Cuts beats of memory into words of any width, which lie there one behind the other, each in whole bytes.
//
// Low bytes come first, and words lie over the borders of beats. A beat or a word a cycle, whichever is narrower;
// latency 2. Both directions are registered: no path from out_ready_i to in_ready_o.

`include "tom_assert.svh"
`default_nettype none

module tom_words #(
  parameter int unsigned InBits   = 64,  // bits of a beat, whole bytes
  parameter int unsigned WordBits = 64   // bits of a word
) (
  input  wire logic                clk_i,
  input  wire logic                rst_i,

  input  wire logic                in_valid_i,
  output wire logic                in_ready_o,
  input  wire logic [InBits-1:0]   in_data_i,

  output wire logic                out_valid_o,
  input  wire logic                out_ready_i,
  output wire logic [WordBits-1:0] out_data_o
);

  `TOM_REQUIRE(bytes, InBits % 8 == 0, "InBits must be whole bytes")

  `TOM_LATENCY(2)

  localparam int unsigned WordBytes = tom_pkg::ceil_div(WordBits, 8);

  wire logic beat_valid, beat_ready, word_valid, word_ready, unused_last;
  wire logic [InBits-1:0] beat;
  wire logic [WordBytes*8-1:0] word;
  wire logic [tom_pkg::count_width(WordBytes)-1:0] unused_bytes;

  tom_gear #(
    .InBytes (InBits / 8),
    .OutBytes(WordBytes)
  ) u_gear (
    .clk_i,
    .rst_i,
    .in_valid_i (beat_valid),
    .in_ready_o (beat_ready),
    .in_data_i  (beat),
    .in_last_i  (1'b0),
    .out_valid_o(word_valid),
    .out_ready_i(word_ready),
    .out_data_o (word),
    .out_last_o (unused_last),
    .out_bytes_o(unused_bytes)
  );

  if (WordBytes * 8 > WordBits) begin : gen_padded
    wire logic unused_padding = &{1'b0, word[WordBytes*8-1:WordBits]};
  end

  // In the gear in_ready_o depends on out_ready_i: this path is cut where the stream is narrower.
  if (InBits < WordBits) begin : gen_before
    tom_register #(
      .Width(InBits)
    ) u_register (
      .clk_i,
      .rst_i,
      .in_valid_i,
      .in_ready_o,
      .in_data_i,
      .out_valid_o(beat_valid),
      .out_ready_i(beat_ready),
      .out_data_o (beat)
    );
    assign out_valid_o = word_valid;
    assign out_data_o  = word[WordBits-1:0];
    assign word_ready  = out_ready_i;
  end else begin : gen_behind
    tom_register #(
      .Width(WordBits)
    ) u_register (
      .clk_i,
      .rst_i,
      .in_valid_i (word_valid),
      .in_ready_o (word_ready),
      .in_data_i  (word[WordBits-1:0]),
      .out_valid_o,
      .out_ready_i,
      .out_data_o
    );
    assign beat_valid = in_valid_i;
    assign beat       = in_data_i;
    assign in_ready_o = beat_ready;
  end

endmodule

`default_nettype wire
