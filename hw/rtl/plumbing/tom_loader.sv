// SPDX-License-Identifier: Apache-2.0
// Feeds the chain of memories that the bitstream cannot fill: Beats beats once after reset, then done_o.
//
// done_o rises Drain cycles after the last beat, when it has passed the whole chain.

`include "tom_assert.svh"
`default_nettype none

module tom_loader #(
  parameter int unsigned LoadBits = 256,  // bits per beat
  parameter int unsigned Beats    = 1,    // beats of all memories
  parameter int unsigned Drain    = 4     // cycles through the chain
) (
  input  wire logic                clk_i,
  input  wire logic                rst_i,

  input  wire logic                in_valid_i,
  output wire logic                in_ready_o,
  input  wire logic [LoadBits-1:0] in_data_i,

  output wire logic [LoadBits:0]   load_o,  // valid in the top bit
  output wire logic                done_o
);

  localparam int unsigned CountBits = tom_pkg::count_width(Beats);
  localparam int unsigned DrainBits = tom_pkg::count_width(Drain);

  logic [CountBits-1:0] left_q;
  logic [DrainBits-1:0] drain_q;
  logic [LoadBits:0]    load_q;
  logic                 done_q;

  assign in_ready_o = left_q != '0;
  assign load_o = load_q;
  assign done_o = done_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      left_q  <= CountBits'(Beats);
      drain_q <= DrainBits'(Drain);
      done_q  <= 1'b0;
      load_q[LoadBits] <= 1'b0;
    end else begin
      if (in_valid_i && in_ready_o) left_q <= left_q - 1'b1;
      if (left_q == '0 && !done_q) drain_q <= drain_q - 1'b1;
      done_q <= done_q || (left_q == '0 && drain_q == DrainBits'(1'b1));
      load_q[LoadBits] <= in_valid_i && in_ready_o;
    end
  end

  always_ff @(posedge clk_i) load_q[LoadBits-1:0] <= in_data_i;

endmodule

`default_nettype wire
