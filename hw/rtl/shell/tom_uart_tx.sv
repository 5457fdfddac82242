// SPDX-License-Identifier: Apache-2.0
// Sends bytes over a serial line: a start bit, eight data bits, low first, a stop bit.

`include "tom_assert.svh"
`default_nettype none

module tom_uart_tx #(
  parameter int unsigned BitClocks = 25  // clock cycles of a bit
) (
  input  wire logic       clk_i,
  input  wire logic       rst_i,

  input  wire logic       in_valid_i,
  output wire logic       in_ready_o,
  input  wire logic [7:0] in_data_i,

  output wire logic       txd_o
);

  `TOM_REQUIRE(bit_clocks, BitClocks >= 4, "BitClocks must be at least 4")

  localparam int unsigned CountBits = tom_pkg::idx_width(BitClocks);

  logic [9:0]           bits_q;  // what is left to send, the line in the lowest
  logic [3:0]           left_q;
  logic [CountBits-1:0] count_q;

  assign in_ready_o = left_q == '0;
  assign txd_o = bits_q[0];

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      bits_q  <= '1;
      left_q  <= '0;
      count_q <= '0;
    end else if (in_valid_i && in_ready_o) begin
      bits_q  <= {1'b1, in_data_i, 1'b0};
      left_q  <= 4'd10;
      count_q <= CountBits'(BitClocks - 1);
    end else if (count_q != '0) begin
      count_q <= count_q - 1'b1;
    end else if (left_q != '0) begin
      bits_q  <= {1'b1, bits_q[9:1]};
      left_q  <= left_q - 1'b1;
      count_q <= CountBits'(BitClocks - 1);
    end
  end

endmodule

`default_nettype wire
