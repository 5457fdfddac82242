// SPDX-License-Identifier: Apache-2.0
// A queue between two streams.
//
// Holds Depth words and one more in its output register. Latency 2, one word per cycle for Depth >= 2.
// Both directions are registered: no path from out_ready_i to in_ready_o. With Second there is another register behind
// that one, which a block RAM has itself: latency 3, and room for one more word.

`include "tom_assert.svh"
`default_nettype none

module tom_fifo #(
  parameter int unsigned Width = 8,   // bits per word
  parameter int unsigned Depth = 16,  // words in the memory, at least 2
  parameter int unsigned Ram   = 0,   // memory kind: 0 LUTRAM, 1 block RAM, 2 UltraRAM
  parameter bit          Second = 0   // a second output register
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             in_valid_i,
  output wire logic             in_ready_o,
  input  wire logic [Width-1:0] in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [Width-1:0] out_data_o
);

  `TOM_REQUIRE(depth, Depth >= 2, "Depth must be at least 2")

  `TOM_LATENCY(Second ? 3 : 2)

  localparam int unsigned AddrBits = tom_pkg::idx_width(Depth);
  localparam int unsigned CountBits = tom_pkg::count_width(Depth);

  logic [AddrBits-1:0]  write_q, read_q;
  logic [CountBits-1:0] count_q;
  logic                 valid_q;
  wire logic [Width-1:0] data;
  wire logic             taken;  // what valid_q is of

  wire logic push = in_valid_i && in_ready_o;
  wire logic pull = count_q != '0 && (!valid_q || taken);

  assign in_ready_o = count_q != CountBits'(Depth);

  if (Second) begin : gen_second
    logic             second_valid_q;
    logic [Width-1:0] second_q;

    assign taken = !second_valid_q || out_ready_i;
    always_ff @(posedge clk_i) begin
      if (rst_i) second_valid_q <= 1'b0;
      else if (taken) second_valid_q <= valid_q;
    end
    always_ff @(posedge clk_i) if (taken) second_q <= data;
    assign out_valid_o = second_valid_q;
    assign out_data_o  = second_q;
  end else begin : gen_first
    assign taken       = out_ready_i;
    assign out_valid_o = valid_q;
    assign out_data_o  = data;
  end

  tom_ram #(
    .Width(Width),
    .Depth(Depth),
    .Ram  (Ram)
  ) u_ram (
    .clk_i,
    .write_i     (push),
    .write_addr_i(write_q),
    .write_data_i(in_data_i),
    .read_i      (pull),
    .read_addr_i (read_q),
    .read_data_o (data)
  );

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      write_q <= '0;
      read_q  <= '0;
      count_q <= '0;
      valid_q <= 1'b0;
    end else begin
      if (push) write_q <= write_q == AddrBits'(Depth - 1) ? '0 : write_q + 1'b1;
      if (pull) read_q <= read_q == AddrBits'(Depth - 1) ? '0 : read_q + 1'b1;
      count_q <= count_q + CountBits'(push) - CountBits'(pull);
      valid_q <= pull || (valid_q && !taken);
    end
  end

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
