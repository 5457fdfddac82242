// SPDX-License-Identifier: Apache-2.0
// Two frames of a stream: one is read, once for every pixel of another stream, while the next one comes.
//
// A frame is Groups x Columns x Rows words of Banks beats each. Beat (group, inner) of pixel p lies in bank p % Banks:
// with Across, pixels are columns and inner counts rows; else pixels are rows and inner counts columns. Words are read
// in order, rows fastest; a frame is read Reads times and then freed. start_i announces one of its passes, each of
// Rows reads; available_o says that a frame is there for it. word_o comes one cycle after read_i.

`include "tom_assert.svh"
`default_nettype none

module tom_frame_store #(
  parameter int unsigned Lanes   = 1,  // codes per beat
  parameter int unsigned Bits    = 8,  // bits per code
  parameter int unsigned Banks   = 1,  // beats per word
  parameter bit          Across  = 0,  // pixels are columns, else rows
  parameter int unsigned Groups  = 1,  // parts of a frame that are read one after the other
  parameter int unsigned Columns = 1,  // passes of a group
  parameter int unsigned Rows    = 1,  // words of a pass
  parameter int unsigned Pixels  = 1,  // pixels of a frame
  parameter int unsigned Reads   = 1,  // how often a frame is read
  parameter int unsigned Ram     = 0,  // memory kind: 0 LUTRAM, 1 block RAM, 2 UltraRAM

  localparam int unsigned InW = Lanes * Bits
) (
  input  wire logic                        clk_i,
  input  wire logic                        rst_i,

  input  wire logic                        in_valid_i,
  output wire logic                        in_ready_o,
  input  wire logic [InW-1:0]              in_data_i,

  output wire logic                        available_o,
  input  wire logic                        start_i,

  input  wire logic                        read_i,
  output wire logic [Banks-1:0][InW-1:0]   word_o
);

  localparam int unsigned Words = Groups * Columns * Rows;
  localparam int unsigned Inner = Across ? Rows : Columns;  // beats of a group of a pixel
  localparam int unsigned BankStep = Across ? Rows : 1;     // words from a row of banks to the next
  localparam int unsigned BeatStep = Across ? 1 : Rows;     // words from a beat of a pixel to the next
  localparam int unsigned GroupStep = Across ? (Columns - 1) * Rows + 1 : Rows;  // the same, to the next group
  localparam int unsigned Passes = Reads * Groups * Columns;
  localparam int unsigned AddrBits = tom_pkg::idx_width(2 * Words);
  localparam int unsigned BankBits = tom_pkg::idx_width(Banks);
  localparam int unsigned InnerBits = tom_pkg::idx_width(Inner);
  localparam int unsigned GroupBits = tom_pkg::idx_width(Groups);
  localparam int unsigned PixelBits = tom_pkg::idx_width(Pixels);
  localparam int unsigned WordBits = tom_pkg::idx_width(Words);
  localparam int unsigned ReadBits = tom_pkg::idx_width(Reads);
  localparam int unsigned PassBits = tom_pkg::idx_width(Passes);
  localparam logic [AddrBits-1:0] Half = AddrBits'(Words);

  // ---------------------------------------------------------------- a frame comes

  logic [1:0]           held_q;     // whole frames that are not freed
  logic [1:0]           waiting_q;  // whole frames of which a pass has yet to start
  logic                 half_q;     // the upper half is written
  logic [InnerBits-1:0] inner_q;
  logic [GroupBits-1:0] group_q;
  logic [BankBits-1:0]  bank_q;
  logic [PixelBits-1:0] pixel_q;
  logic [AddrBits-1:0]  base_q, addr_q;

  assign in_ready_o = held_q != 2'd2;
  wire logic write = in_valid_i && in_ready_o;
  wire logic last_inner = Inner == 1 || inner_q == InnerBits'(Inner - 1);
  wire logic last_group = Groups == 1 || group_q == GroupBits'(Groups - 1);
  wire logic last_bank = Banks == 1 || bank_q == BankBits'(Banks - 1);
  wire logic last_pixel = Pixels == 1 || pixel_q == PixelBits'(Pixels - 1);
  wire logic pixel_end = last_inner && last_group;
  wire logic came = write && pixel_end && last_pixel;
  wire logic [AddrBits-1:0] next_base = last_pixel ? (half_q ? '0 : Half) : base_q + (last_bank ? AddrBits'(BankStep) : '0);

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      half_q  <= 1'b0;
      inner_q <= '0;
      group_q <= '0;
      bank_q  <= '0;
      pixel_q <= '0;
      base_q  <= '0;
      addr_q  <= '0;
    end else if (write) begin
      inner_q <= last_inner ? '0 : inner_q + 1'b1;
      if (last_inner) group_q <= last_group ? '0 : group_q + 1'b1;
      addr_q <= pixel_end ? next_base : addr_q + (last_inner ? AddrBits'(GroupStep) : AddrBits'(BeatStep));
      if (pixel_end) begin
        base_q  <= next_base;
        bank_q  <= last_bank || last_pixel ? '0 : bank_q + 1'b1;
        pixel_q <= last_pixel ? '0 : pixel_q + 1'b1;
        half_q  <= half_q ^ last_pixel;
      end
    end
  end

  // ---------------------------------------------------------------- it is read

  logic [PassBits-1:0] pass_q;
  logic [WordBits-1:0] word_q;
  logic [ReadBits-1:0] read_q;
  logic                read_half_q;
  logic [AddrBits-1:0] read_addr_q;

  wire logic last_pass = Passes == 1 || pass_q == PassBits'(Passes - 1);
  wire logic last_word = Words == 1 || word_q == WordBits'(Words - 1);
  wire logic last_read = Reads == 1 || read_q == ReadBits'(Reads - 1);
  wire logic started = start_i && last_pass;
  wire logic freed = read_i && last_word && last_read;
  wire logic next_half = read_half_q ^ last_read;

  assign available_o = waiting_q != '0;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      held_q      <= '0;
      waiting_q   <= '0;
      pass_q      <= '0;
      word_q      <= '0;
      read_q      <= '0;
      read_half_q <= 1'b0;
      read_addr_q <= '0;
    end else begin
      held_q    <= held_q + 2'(came) - 2'(freed);
      waiting_q <= waiting_q + 2'(came) - 2'(started);
      if (start_i) pass_q <= last_pass ? '0 : pass_q + 1'b1;
      if (read_i) begin
        word_q      <= last_word ? '0 : word_q + 1'b1;
        read_addr_q <= last_word ? (next_half ? Half : '0) : read_addr_q + 1'b1;
        if (last_word) begin
          read_q      <= last_read ? '0 : read_q + 1'b1;
          read_half_q <= next_half;
        end
      end
    end
  end

  for (genvar b = 0; b < Banks; b++) begin : gen_bank
    tom_ram #(
      .Width(InW),
      .Depth(2 * Words),
      .Ram  (Ram)
    ) u_ram (
      .clk_i,
      .write_i     (write && bank_q == BankBits'(unsigned'(b))),
      .write_addr_i(addr_q),
      .write_data_i(in_data_i),
      .read_i,
      .read_addr_i (read_addr_q),
      .read_data_o (word_o[b])
    );
  end

  `TOM_ALWAYS(start, !start_i || available_o, "%m starts to read a frame that is not there")

endmodule

`default_nettype wire
