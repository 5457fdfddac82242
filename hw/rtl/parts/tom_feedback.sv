// SPDX-License-Identifier: Apache-2.0
// The last result of a recurrent layer, for its next step: parts of a memory, one read while another is written.
//
// A part has Beats rows, and begins where read_base_i and write_base_i say. Writes bring Units codes in the order of
// units, reads take Lanes of them, a multiple. A part is whole after Words writes. The first step reads what MemFile
// holds instead. Latency 2 from a read.

`include "tom_assert.svh"
`default_nettype none

module tom_feedback #(
  parameter int unsigned Lanes   = 1,   // codes per read
  parameter int unsigned Units   = 1,   // codes per write
  parameter int unsigned Words   = 1,   // writes of a part
  parameter int unsigned Beats   = 1,   // reads of a part
  parameter int unsigned Parts   = 2,   // of the memory
  parameter int unsigned Bits    = 8,   // width of a code
  parameter              MemFile = "",  // hexadecimal words, Lanes codes each: the codes of the first step

  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats),
  localparam int unsigned AddrBits = tom_pkg::idx_width(Parts * Beats)
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_i,

  input  wire logic                  write_i,
  input  wire logic [Units*Bits-1:0] write_data_i,
  input  wire logic [AddrBits-1:0]   write_base_i,
  output wire logic                  written_o,  // the last write of a part

  input  wire logic                  fresh_i,    // the first step
  input  wire logic [AddrBits-1:0]   read_base_i,
  input  wire logic [BeatBits-1:0]   beat_i,
  output wire logic [Lanes*Bits-1:0] data_o
);

  `TOM_LATENCY(2)

  `TOM_REQUIRE(banks, Lanes % Units == 0, "Lanes must be a multiple of Units")

  localparam int unsigned Banks = Lanes / Units;
  localparam int unsigned BankBits = tom_pkg::idx_width(Banks);
  localparam int unsigned WordBits = tom_pkg::idx_width(Words);

  logic                fresh_q;
  logic [BeatBits-1:0] row_q;
  logic [BankBits-1:0] bank_q;
  logic [WordBits-1:0] word_q;
  logic [Lanes*Bits-1:0] begin_q, data_q;
  wire logic [Lanes*Bits-1:0] read;

  wire logic last_bank = bank_q == BankBits'(Banks - 1);
  wire logic last_word = word_q == WordBits'(Words - 1);
  wire logic [AddrBits-1:0] read_addr = AddrBits'(beat_i) + read_base_i;
  wire logic [AddrBits-1:0] write_addr = AddrBits'(row_q) + write_base_i;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      row_q  <= '0;
      bank_q <= '0;
      word_q <= '0;
    end else begin
      if (write_i) begin
        bank_q <= last_bank || last_word ? '0 : bank_q + 1'b1;
        row_q  <= last_word ? '0 : last_bank ? row_q + 1'b1 : row_q;
        word_q <= last_word ? '0 : word_q + 1'b1;
      end
    end
  end

  (* ram_style = "registers", rom_style = "distributed" *) logic [Lanes*Bits-1:0] first[Beats];
  initial if (MemFile != "") $readmemh(MemFile, first);

  always_ff @(posedge clk_i) begin
    begin_q <= first[beat_i];
    fresh_q <= fresh_i;
    data_q  <= fresh_q ? begin_q : read;
  end

  for (genvar b = 0; b < Banks; b++) begin : gen_bank
    tom_ram #(
      .Width(Units * Bits),
      .Depth(Parts * Beats),
      .Ram  (0)
    ) u_ram (
      .clk_i,
      .write_i     (write_i && bank_q == BankBits'(b)),
      .write_addr_i(write_addr),
      .write_data_i(write_data_i),
      .read_i      (1'b1),
      .read_addr_i (read_addr),
      .read_data_o (read[b*Units*Bits+:Units*Bits])
    );
  end

  assign data_o    = data_q;
  assign written_o = write_i && last_word;

endmodule

`default_nettype wire
