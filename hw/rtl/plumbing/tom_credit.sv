// SPDX-License-Identifier: Apache-2.0
// Counts the free places of an output queue, so that a pipeline in front of it never has to stall.
//
// take_i claims a place when work starts, give_i returns it when a result leaves the queue.

`include "tom_assert.svh"
`default_nettype none

module tom_credit #(
  parameter int unsigned Places = 4  // places of the queue
) (
  input  wire logic clk_i,
  input  wire logic rst_i,
  input  wire logic take_i,   // only while available_o
  input  wire logic give_i,
  output wire logic available_o
);

  localparam int unsigned CountBits = tom_pkg::count_width(Places);

  logic [CountBits-1:0] count_q;

  assign available_o = count_q != '0;

  always_ff @(posedge clk_i) begin
    if (rst_i) count_q <= CountBits'(Places);
    else count_q <= count_q - CountBits'(take_i) + CountBits'(give_i);
  end

  `TOM_ALWAYS(take, !take_i || available_o, "%m took a place that is not free")
  `TOM_ALWAYS(give, !give_i || take_i || count_q != CountBits'(Places), "%m got back more than it gave")

endmodule

`default_nettype wire
