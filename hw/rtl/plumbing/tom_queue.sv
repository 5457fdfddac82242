// SPDX-License-Identifier: Apache-2.0
// The end of a free-running pipeline: an output queue and the credits for its places.
//
// The pipeline starts work only while available_o, says so with take_i, and delivers the result
// with in_valid_i any number of cycles later; there is always room for it.

`include "tom_assert.svh"
`default_nettype none

module tom_queue #(
  parameter int unsigned Width = 8,  // bits per result
  parameter int unsigned Depth = 8   // results that may be on their way or waiting
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  output wire logic             available_o,
  input  wire logic             take_i,

  input  wire logic             in_valid_i,
  input  wire logic [Width-1:0] in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [Width-1:0] out_data_o
);

  `TOM_LATENCY(2)  // tom_fifo's

  wire logic unused_ready;  // only the assertion reads it: credits keep it high

  tom_credit #(
    .Places(Depth)
  ) u_credit (
    .clk_i,
    .rst_i,
    .take_i,
    .give_i     (out_valid_o && out_ready_i),
    .available_o
  );

  tom_fifo #(
    .Width(Width),
    .Depth(Depth),
    .Ram  (0)
  ) u_fifo (
    .clk_i,
    .rst_i,
    .in_valid_i,
    .in_ready_o (unused_ready),
    .in_data_i,
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_ALWAYS(room, !in_valid_i || unused_ready, "%m has no room for a result")

endmodule

`default_nettype wire
