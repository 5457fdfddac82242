// SPDX-License-Identifier: Apache-2.0
// Takes the beats of a frame from a stream and gives them as bytes, as often as asked.
//
// clear_i empties it for the next frame, rewind_i starts the bytes at the first. After its own last byte it passes
// on the bytes of the next store.

`include "tom_assert.svh"
`default_nettype none

module tom_store_out #(
  parameter int unsigned Width = 8,  // bits per beat, whole bytes
  parameter int unsigned Beats = 2,
  parameter int unsigned Ram   = 1   // memory kind of tom_ram
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             clear_i,
  input  wire logic             rewind_i,
  output wire logic             full_o,
  output wire logic             torn_o,  // the end of a frame came where none was due, since the reset

  input  wire logic             in_valid_i,
  output wire logic             in_ready_o,
  input  wire logic [Width-1:0] in_data_i,
  input  wire logic             in_last_i,

  input  wire logic             next_valid_i,
  output wire logic             next_ready_o,
  input  wire logic [7:0]       next_data_i,

  output wire logic             byte_valid_o,
  input  wire logic             byte_ready_i,
  output wire logic [7:0]       byte_data_o
);

  `TOM_REQUIRE(width, Width % 8 == 0, "Width must be whole bytes")

  localparam int unsigned Bytes = Width / 8;
  localparam int unsigned CountBits = tom_pkg::count_width(Beats);
  localparam int unsigned AddrBits = tom_pkg::idx_width(Beats);
  localparam int unsigned ByteBits = tom_pkg::idx_width(Bytes);

  logic [CountBits-1:0] filled_q, read_q;
  logic [ByteBits-1:0]  byte_q;
  logic [Width-1:0]     word_q;
  logic                 full_q, fetched_q, valid_q, torn_q;
  logic [Width-1:0]     word;

  wire logic last = filled_q == CountBits'(Beats - 1);
  wire logic put = in_valid_i && !full_q;
  wire logic done = read_q == CountBits'(Beats) && !fetched_q && !valid_q;
  wire logic fetch = full_q && !done && !fetched_q && !valid_q;
  wire logic give = valid_q && byte_ready_i;

  assign full_o = full_q;
  assign torn_o = torn_q;
  assign in_ready_o = !full_q;
  assign byte_valid_o = done ? next_valid_i : valid_q;
  assign byte_data_o = done ? next_data_i : word_q[7:0];
  assign next_ready_o = done && byte_ready_i;

  always_ff @(posedge clk_i) begin
    if (fetched_q) word_q <= word;
    else if (give) word_q <= Width'({8'd0, word_q} >> 8);
    if (rst_i) begin
      filled_q  <= '0;
      full_q    <= 1'b0;
      read_q    <= '0;
      byte_q    <= '0;
      fetched_q <= 1'b0;
      valid_q   <= 1'b0;
      torn_q    <= 1'b0;
    end else begin
      if (clear_i) filled_q <= '0;
      else if (put) filled_q <= filled_q + 1'b1;
      full_q <= !clear_i && (full_q || (put && last));
      torn_q <= torn_q || (put && in_last_i != last);
      if (rewind_i) begin
        read_q    <= '0;
        byte_q    <= '0;
        fetched_q <= 1'b0;
        valid_q   <= 1'b0;
      end else begin
        fetched_q <= fetch;
        if (fetch) read_q <= read_q + 1'b1;
        if (fetched_q) valid_q <= 1'b1;
        else if (give) valid_q <= byte_q != ByteBits'(Bytes - 1);
        if (give) byte_q <= byte_q == ByteBits'(Bytes - 1) ? '0 : byte_q + 1'b1;
      end
    end
  end

  tom_ram #(
    .Width(Width),
    .Depth(Beats),
    .Ram  (Ram)
  ) u_ram (
    .clk_i,
    .write_i     (put),
    .write_addr_i(AddrBits'(filled_q)),
    .write_data_i(in_data_i),
    .read_i      (fetch),
    .read_addr_i (AddrBits'(read_q)),
    .read_data_o (word)
  );

endmodule

`default_nettype wire
