// SPDX-License-Identifier: Apache-2.0
// A checksum of what a stream carries: with every beat it turns by one bit and takes the beat's words of 32 bits in.

`include "tom_assert.svh"
`default_nettype none

module tom_checksum #(
  parameter int unsigned Width = 8  // bits per beat
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             clear_i,
  input  wire logic             valid_i,  // a beat is taken
  input  wire logic [Width-1:0] data_i,
  output wire logic [31:0]      sum_o
);

  localparam int unsigned Words = tom_pkg::ceil_div(Width, 32);

  logic [31:0] sum_q, folded;
  wire logic [Words*32-1:0] data = (Words * 32)'(data_i);
  assign sum_o = sum_q;

  always_comb begin
    folded = '0;
    for (int unsigned i = 0; i < Words; i++) folded ^= data[i*32+:32];
  end

  always_ff @(posedge clk_i) begin
    if (rst_i || clear_i) sum_q <= '0;
    else if (valid_i) sum_q <= {sum_q[30:0], sum_q[31]} ^ folded;
  end

endmodule

`default_nettype wire
