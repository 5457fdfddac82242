// SPDX-License-Identifier: Apache-2.0
// A read-only memory that is read in order, again and again: the weights of an engine.
//
// data_o holds the current word one cycle after next_i asked for it.

`include "tom_assert.svh"
`default_nettype none

module tom_rom #(
  parameter int unsigned Width   = 8,  // bits per word
  parameter int unsigned Words   = 1,
  parameter int unsigned Ram     = 0,  // memory kind: 0 LUT, 1 block RAM, 2 UltraRAM
  parameter              MemFile = ""  // hexadecimal words
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,
  input  wire logic             next_i,
  output wire logic [Width-1:0] data_o
);

  `TOM_REQUIRE(kind, Ram <= 2, "Ram must be 0, 1 or 2")

  localparam int unsigned AddrBits = Words > 1 ? $clog2(Words) : 1;

  logic [AddrBits-1:0] addr_q;
  logic [Width-1:0]    data_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) addr_q <= '0;
    else if (next_i) addr_q <= addr_q == AddrBits'(Words - 1) ? '0 : addr_q + 1'b1;
  end

  if (Ram == 0) begin : gen_distributed
    (* ram_style = "registers", rom_style = "distributed" *) logic [Width-1:0] mem[Words];
    initial if (MemFile != "") $readmemh(MemFile, mem);
    always_ff @(posedge clk_i) if (next_i) data_q <= mem[addr_q];
  end else if (Ram == 1) begin : gen_block
    (* rom_style = "block" *) logic [Width-1:0] mem[Words];
    initial if (MemFile != "") $readmemh(MemFile, mem);
    always_ff @(posedge clk_i) if (next_i) data_q <= mem[addr_q];
  end else begin : gen_ultra
    (* ram_style = "ultra" *) logic [Width-1:0] mem[Words];
    initial if (MemFile != "") $readmemh(MemFile, mem);
    always_ff @(posedge clk_i) if (next_i) data_q <= mem[addr_q];
  end

  assign data_o = data_q;

endmodule

`default_nettype wire
