// SPDX-License-Identifier: Apache-2.0
// A memory with one write port and one registered read port.
//
// A read of the word that is written in the same cycle is not defined: users never do it.
// Ram asks the synthesiser for a kind of memory; behaviour is the same for all.

`include "tom_assert.svh"
`default_nettype none

module tom_ram #(
  parameter int unsigned Width = 8,  // bits per word
  parameter int unsigned Depth = 16, // words
  parameter int unsigned Ram   = 0,  // memory kind: 0 LUTRAM, 1 block RAM, 2 UltraRAM

  localparam int unsigned AddrBits = tom_pkg::idx_width(Depth)
) (
  input  wire logic                clk_i,

  input  wire logic                write_i,
  input  wire logic [AddrBits-1:0] write_addr_i,
  input  wire logic [Width-1:0]    write_data_i,

  input  wire logic                read_i,       // read_data_o changes only after a read
  input  wire logic [AddrBits-1:0] read_addr_i,
  output wire logic [Width-1:0]    read_data_o
);

  `TOM_REQUIRE(kind, Ram <= 2, "Ram must be 0, 1 or 2")

  logic [Width-1:0] read_q;

  if (Ram == 0) begin : gen_distributed
    (* ram_style = "distributed" *) logic [Width-1:0] mem[Depth];
    always_ff @(posedge clk_i) begin
      if (write_i) mem[write_addr_i] <= write_data_i;
      if (read_i) read_q <= mem[read_addr_i];
    end
  end else if (Ram == 1) begin : gen_block
    (* ram_style = "block", no_rw_check *) logic [Width-1:0] mem[Depth];
    always_ff @(posedge clk_i) begin
      if (write_i) mem[write_addr_i] <= write_data_i;
      if (read_i) read_q <= mem[read_addr_i];
    end
  end else begin : gen_ultra
    (* ram_style = "ultra" *) logic [Width-1:0] mem[Depth];
    always_ff @(posedge clk_i) begin
      if (write_i) mem[write_addr_i] <= write_data_i;
      if (read_i) read_q <= mem[read_addr_i];
    end
  end

  assign read_data_o = read_q;

endmodule

`default_nettype wire
