// SPDX-License-Identifier: Apache-2.0
// Beats of a stream become words of a link or a memory: Gather of them in each, or one in several.
//
// A frame has a multiple of Gather beats, so no word waits for the next frame. tom_unpack is its inverse.

`include "tom_assert.svh"
`default_nettype none

module tom_pack #(
  parameter int unsigned Width    = 8,   // bits of a beat
  parameter int unsigned WordBits = 64,  // bits of a word
  parameter int unsigned Gather   = 1    // beats in a word; 1 where a beat has more bits than a word
) (
  input  wire logic                clk_i,
  input  wire logic                rst_i,

  input  wire logic                in_valid_i,
  output wire logic                in_ready_o,
  input  wire logic [Width-1:0]    in_data_i,

  output wire logic                out_valid_o,
  input  wire logic                out_ready_i,
  output wire logic [WordBits-1:0] out_data_o
);

  localparam int unsigned Words = tom_pkg::ceil_div(Width, WordBits);  // of a beat

  `TOM_REQUIRE(gather, Gather >= 1 && (Gather == 1 || Gather * Width <= WordBits), "Gather beats must fit a word")

  if (Words > 1) begin : gen_words
    tom_width #(
      .Bits       (WordBits),
      .InChannels (Words),
      .InLanes    (Words),
      .OutChannels(Words),
      .OutLanes   (1)
    ) u_width (
      .clk_i,
      .rst_i,
      .in_valid_i,
      .in_ready_o,
      .in_data_i  ((Words * WordBits)'(in_data_i)),
      .out_valid_o,
      .out_ready_i,
      .out_data_o
    );
  end else begin : gen_beats
    wire logic [Gather*Width-1:0] data;
    assign out_data_o = WordBits'(data);

    tom_width #(
      .Bits       (Width),
      .InChannels (Gather),
      .InLanes    (1),
      .OutChannels(Gather),
      .OutLanes   (Gather)
    ) u_width (
      .clk_i,
      .rst_i,
      .in_valid_i,
      .in_ready_o,
      .in_data_i,
      .out_valid_o,
      .out_ready_i,
      .out_data_o (data)
    );
  end

endmodule

`default_nettype wire
