// SPDX-License-Identifier: Apache-2.0
// Passes a part of every frame: rows and columns from a begin to an end by a step, beats from a begin to an end.
//
// Bit-exact with Slice of tomato/ops/move.py. One input beat per cycle, latency 3.

`include "tom_assert.svh"
`default_nettype none

module tom_slice_stream #(
  parameter int unsigned Lanes     = 1,  // codes per beat
  parameter int unsigned Bits      = 8,  // width of a code
  parameter int unsigned Height    = 4,  // rows of the input
  parameter int unsigned Width     = 4,  // columns of the input
  parameter int unsigned Beats     = 1,  // beats per input pixel
  parameter int unsigned RowBegin  = 1,  // first row that passes
  parameter int unsigned RowEnd    = 4,  // the row behind the last that may pass
  parameter int unsigned RowStep   = 2,  // rows from one that passes to the next
  parameter int unsigned ColBegin  = 0,  // the same for columns
  parameter int unsigned ColEnd    = 3,
  parameter int unsigned ColStep   = 1,
  parameter int unsigned BeatBegin = 0,  // first beat of a pixel that passes
  parameter int unsigned BeatEnd   = 1,  // the beat behind the last that passes
  parameter int unsigned Places    = 5,  // beats that may wait: those that pass come at once, and leave evenly

  localparam int unsigned DataW = Lanes * Bits
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             in_valid_i,
  output wire logic             in_ready_o,
  input  wire logic [DataW-1:0] in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [DataW-1:0] out_data_o
);

  `TOM_REQUIRE(rows, RowBegin < RowEnd && RowEnd <= Height && RowStep >= 1, "rows must lie in the frame")
  `TOM_REQUIRE(cols, ColBegin < ColEnd && ColEnd <= Width && ColStep >= 1, "columns must lie in the frame")
  `TOM_REQUIRE(beats, BeatBegin < BeatEnd && BeatEnd <= Beats, "beats must lie in the pixel")

  localparam int unsigned Latency = 1;
  `TOM_REQUIRE(places, Places >= Latency + 4, "Places must hold what is on its way")

  wire logic available;
  wire logic fire = in_valid_i && available;
  assign in_ready_o = available;

  wire logic row_pass, col_pass, beat_pass;
  wire logic pixel_end, row_end, unused_frame_end;
  wire logic pass = row_pass && col_pass && beat_pass;

  logic             valid_q;
  logic [DataW-1:0] data_q;

  tom_slice_count #(
    .Size (Beats),
    .Begin(BeatBegin),
    .End  (BeatEnd),
    .Step (1)
  ) u_beat (
    .clk_i,
    .rst_i,
    .step_i(fire),
    .pass_o(beat_pass),
    .last_o(pixel_end)
  );

  tom_slice_count #(
    .Size (Width),
    .Begin(ColBegin),
    .End  (ColEnd),
    .Step (ColStep)
  ) u_col (
    .clk_i,
    .rst_i,
    .step_i(fire && pixel_end),
    .pass_o(col_pass),
    .last_o(row_end)
  );

  tom_slice_count #(
    .Size (Height),
    .Begin(RowBegin),
    .End  (RowEnd),
    .Step (RowStep)
  ) u_row (
    .clk_i,
    .rst_i,
    .step_i(fire && pixel_end && row_end),
    .pass_o(row_pass),
    .last_o(unused_frame_end)
  );

  always_ff @(posedge clk_i) begin
    if (rst_i) valid_q <= 1'b0;
    else valid_q <= fire && pass;
  end

  always_ff @(posedge clk_i) data_q <= in_data_i;

  tom_queue #(
    .Width(DataW),
    .Depth(Places)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (fire && pass),
    .in_valid_i (valid_q),
    .in_data_i  (data_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
