// SPDX-License-Identifier: Apache-2.0
// A read-only memory that is read in order, again and again: the weights of an engine. Or, Addressed, in any order.
//
// data_o holds the current word one cycle after next_i asked for it: the next one, or that at addr_i. LUT and block RAM are initialised
// from MemFile. UltraRAM cannot be: it is filled through load_i, valid in the top bit, each word in
// beats of LoadBits, low bits first. Memories form a chain: one that is full passes beats on to load_o. Words that lie
// elsewhere are given: then load_i, of as many bits as a word, is the one that next_i asks for.

`include "tom_assert.svh"
`default_nettype none

module tom_rom #(
  parameter int unsigned Width   = 8,  // bits per word
  parameter int unsigned Words   = 1,
  parameter int unsigned Ram     = 0,  // memory kind: 0 LUT, 1 block RAM, 2 UltraRAM, 3 none: words are given
  parameter int unsigned LoadBits = 1, // bits per beat of the loader, for UltraRAM
  parameter bit          Addressed = 0, // addr_i says which word is read
  parameter              MemFile = "",  // hexadecimal words

  localparam int unsigned AddrBits = tom_pkg::idx_width(Words)
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,
  input  wire logic [LoadBits:0] load_i = '0,
  output wire logic [LoadBits:0] load_o,
  input  wire logic             next_i,
  input  wire logic [AddrBits-1:0] addr_i = '0,
  output wire logic [Width-1:0] data_o
);

  `TOM_REQUIRE(kind, Ram <= 3, "Ram must be 0 to 3")
  `TOM_REQUIRE(given, Ram != 3 || LoadBits == Width, "a word that is given has the bits of a word")

  wire logic [AddrBits-1:0] addr;
  logic [Width-1:0]         data_q;

  if (Addressed) begin : gen_addressed
    assign addr = addr_i;
    wire logic unused_rst = &{1'b0, rst_i};
  end else begin : gen_in_order
    logic [AddrBits-1:0] addr_q;
    always_ff @(posedge clk_i) begin
      if (rst_i) addr_q <= '0;
      else if (next_i) addr_q <= addr_q == AddrBits'(Words - 1) ? '0 : addr_q + 1'b1;
    end
    assign addr = addr_q;
    wire logic unused_addr = &{1'b0, addr_i};
  end

  if (Ram == 0) begin : gen_distributed
    (* ram_style = "registers", rom_style = "distributed" *) logic [Width-1:0] mem[Words];
    initial if (MemFile != "") $readmemh(MemFile, mem);
    always_ff @(posedge clk_i) if (next_i) data_q <= mem[addr];
    assign load_o = load_i;
  end else if (Ram == 1) begin : gen_block
    (* rom_style = "block" *) logic [Width-1:0] mem[Words];
    initial if (MemFile != "") $readmemh(MemFile, mem);
    always_ff @(posedge clk_i) if (next_i) data_q <= mem[addr];
    assign load_o = load_i;
  end else if (Ram == 3) begin : gen_given
    always_ff @(posedge clk_i) if (next_i) data_q <= load_i[Width-1:0];
    assign load_o = load_i;
    wire logic unused_addr = &{1'b0, addr};
  end else begin : gen_ultra
    localparam int unsigned Parts = tom_pkg::ceil_div(Width, LoadBits);  // beats per word
    localparam int unsigned PartBits = tom_pkg::idx_width(Parts);

    (* ram_style = "ultra" *) logic [Width-1:0] mem[Words];
    logic [Parts*LoadBits-1:0] word_q;
    logic [PartBits-1:0]       part_q;
    logic [AddrBits-1:0]       fill_q, write_addr_q;
    logic                      full_q, write_q;
    logic [LoadBits:0]         load_q;

    wire logic take = load_i[LoadBits] && !full_q;
    wire logic last_part = part_q == PartBits'(Parts - 1);

    always_ff @(posedge clk_i) begin
      if (rst_i) begin
        part_q  <= '0;
        fill_q  <= '0;
        full_q  <= 1'b0;
        write_q <= 1'b0;
        load_q[LoadBits] <= 1'b0;
      end else begin
        if (take) part_q <= last_part ? '0 : part_q + 1'b1;
        if (take && last_part) begin
          fill_q <= fill_q + 1'b1;
          full_q <= fill_q == AddrBits'(Words - 1);
        end
        write_q <= take && last_part;
        load_q[LoadBits] <= load_i[LoadBits] && full_q;
      end
    end

    always_ff @(posedge clk_i) begin
      load_q[LoadBits-1:0] <= load_i[LoadBits-1:0];
      write_addr_q <= fill_q;
      if (take) word_q <= (Parts*LoadBits)'({load_i[LoadBits-1:0], word_q} >> LoadBits);
      if (write_q) mem[write_addr_q] <= word_q[Width-1:0];
      if (next_i) data_q <= mem[addr];
    end

    if (Parts * LoadBits > Width) begin : gen_padded
      wire logic unused_padding = &{1'b0, word_q[Parts*LoadBits-1:Width]};
    end
    assign load_o = load_q;
  end

  assign data_o = data_q;

endmodule

`default_nettype wire
