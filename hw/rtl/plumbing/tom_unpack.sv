// SPDX-License-Identifier: Apache-2.0
// Words become the beats of a stream that tom_pack made them of.

`include "tom_assert.svh"
`default_nettype none

module tom_unpack #(
  parameter int unsigned Width    = 8,   // as of tom_pack
  parameter int unsigned WordBits = 64,  // as of tom_pack
  parameter int unsigned Gather   = 1    // as of tom_pack
) (
  input  wire logic                clk_i,
  input  wire logic                rst_i,

  input  wire logic                in_valid_i,
  output wire logic                in_ready_o,
  input  wire logic [WordBits-1:0] in_data_i,

  output wire logic                out_valid_o,
  input  wire logic                out_ready_i,
  output wire logic [Width-1:0]    out_data_o
);

  localparam int unsigned Words = tom_pkg::ceil_div(Width, WordBits);  // of a beat
  localparam int unsigned Unused = Words > 1 ? Words * WordBits - Width : WordBits - Gather * Width;

  `TOM_REQUIRE(gather, Gather >= 1 && (Gather == 1 || Gather * Width <= WordBits), "Gather beats must fit a word")

  if (Words > 1) begin : gen_words
    wire logic [Words*WordBits-1:0] data;
    assign out_data_o = data[Width-1:0];
    if (Unused > 0) begin : gen_unused
      wire logic unused = &{1'b0, data[Width+:Unused]};
    end

    tom_width #(
      .Bits       (WordBits),
      .InChannels (Words),
      .InLanes    (1),
      .OutChannels(Words),
      .OutLanes   (Words)
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
  end else begin : gen_beats
    if (Unused > 0) begin : gen_unused
      wire logic unused = &{1'b0, in_data_i[Gather*Width+:Unused]};
    end

    tom_width #(
      .Bits       (Width),
      .InChannels (Gather),
      .InLanes    (Gather),
      .OutChannels(Gather),
      .OutLanes   (1)
    ) u_width (
      .clk_i,
      .rst_i,
      .in_valid_i,
      .in_ready_o,
      .in_data_i  (in_data_i[Gather*Width-1:0]),
      .out_valid_o,
      .out_ready_i,
      .out_data_o
    );
  end

endmodule

`default_nettype wire
