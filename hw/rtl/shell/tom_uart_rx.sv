// SPDX-License-Identifier: Apache-2.0
// Receives bytes from a serial line: a start bit, eight data bits, low first, a stop bit.
//
// A bit is sampled in its middle. The line is ready for the next start bit in the middle of the stop bit, so that
// clocks may differ by 4 %.

`include "tom_assert.svh"
`default_nettype none

module tom_uart_rx #(
  parameter int unsigned BitClocks = 25  // clock cycles of a bit
) (
  input  wire logic       clk_i,
  input  wire logic       rst_i,

  input  wire logic       rxd_i,

  output wire logic       valid_o,  // for one cycle, with data_o
  output wire logic       error_o,  // for one cycle: no stop bit where one was due
  output wire logic [7:0] data_o
);

  `TOM_REQUIRE(bit_clocks, BitClocks >= 4, "BitClocks must be at least 4")

  localparam int unsigned CountBits = tom_pkg::idx_width(BitClocks);

  logic [2:0]           line_q;   // synchronised, the oldest on top
  logic                 busy_q;
  logic [3:0]           bit_q;    // bits left, the start bit first
  logic [CountBits-1:0] count_q;  // cycles to the middle of the next bit
  logic [7:0]           data_q;
  logic                 valid_q, error_q;

  wire logic line = line_q[1];
  wire logic sample = busy_q && count_q == '0;

  assign valid_o = valid_q;
  assign error_o = error_q;
  assign data_o = data_q;

  always_ff @(posedge clk_i) begin
    line_q <= {line_q[1:0], rxd_i};
    if (sample && bit_q != 4'd9 && bit_q != 4'd0) data_q <= {line, data_q[7:1]};
    if (rst_i) begin
      line_q  <= '1;
      busy_q  <= 1'b0;
      valid_q <= 1'b0;
      error_q <= 1'b0;
    end else begin
      valid_q <= sample && bit_q == 4'd0 && line;
      error_q <= sample && bit_q == 4'd0 && !line;
      if (!busy_q) busy_q <= line_q[2] && !line;
      else if (sample) busy_q <= bit_q == 4'd9 ? !line : bit_q != 4'd0;
    end
    if (!busy_q) begin
      bit_q   <= 4'd9;
      count_q <= CountBits'(BitClocks / 2 - 1);
    end else if (sample) begin
      bit_q   <= bit_q - 1'b1;
      count_q <= CountBits'(BitClocks - 1);
    end else begin
      count_q <= count_q - 1'b1;
    end
  end

endmodule

`default_nettype wire
