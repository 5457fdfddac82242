// SPDX-License-Identifier: Apache-2.0
// Holds what came as bytes until it is known to be right, then plays it as the beats of a stream.
//
// The first bytes after clear_i are its own, Beats beats with low bytes first; those that follow pass on to the next
// store. play_i, given when it is full, starts the stream.

`include "tom_assert.svh"
`default_nettype none

module tom_store_in #(
  parameter int unsigned Width = 8,  // bits per beat, whole bytes
  parameter int unsigned Beats = 2,
  parameter int unsigned Ram   = 1   // memory kind of tom_ram
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             clear_i,
  input  wire logic             play_i,

  input  wire logic             byte_valid_i,
  input  wire logic [7:0]       byte_data_i,
  output wire logic             byte_valid_o,  // a byte for the next store
  output wire logic             drained_o,     // the last beat was taken

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [Width-1:0] out_data_o,
  output wire logic             out_last_o
);

  `TOM_REQUIRE(width, Width % 8 == 0, "Width must be whole bytes")

  localparam int unsigned Bytes = Width / 8;
  localparam int unsigned CountBits = tom_pkg::count_width(Beats);
  localparam int unsigned AddrBits = tom_pkg::idx_width(Beats);
  localparam int unsigned ByteBits = tom_pkg::idx_width(Bytes);

  logic [Width-1:0]     word_q;
  logic [ByteBits-1:0]  byte_q;
  logic                 write_q;
  logic [CountBits-1:0] filled_q, read_q;  // beats filled, the beat to write first; beats read
  logic                 playing_q, valid_q, last_q;

  wire logic full = filled_q == CountBits'(Beats);
  wire logic take = byte_valid_i && !full;
  wire logic last_byte = byte_q == ByteBits'(Bytes - 1);
  wire logic pull = playing_q && read_q != CountBits'(Beats) && (!valid_q || out_ready_i);
  logic [AddrBits-1:0] write_addr_q;

  assign byte_valid_o = byte_valid_i && full;
  assign drained_o = playing_q && read_q == CountBits'(Beats) && !valid_q;
  assign out_valid_o = valid_q;
  assign out_last_o = last_q;

  always_ff @(posedge clk_i) begin
    if (take) word_q <= Width'({byte_data_i, word_q} >> 8);
    write_addr_q <= AddrBits'(filled_q);
    if (pull) last_q <= read_q == CountBits'(Beats - 1);
    if (rst_i) begin
      byte_q    <= '0;
      write_q   <= 1'b0;
      filled_q  <= '0;
      read_q    <= '0;
      playing_q <= 1'b0;
      valid_q   <= 1'b0;
    end else begin
      write_q <= take && last_byte;
      if (clear_i) begin
        byte_q   <= '0;
        filled_q <= '0;
      end else if (take) begin
        byte_q   <= last_byte ? '0 : byte_q + 1'b1;
        filled_q <= filled_q + CountBits'(last_byte);
      end
      if (play_i) begin
        playing_q <= 1'b1;
        read_q    <= '0;
      end else if (pull) begin
        read_q <= read_q + 1'b1;
      end
      valid_q <= pull || (valid_q && !out_ready_i);
    end
  end

  tom_ram #(
    .Width(Width),
    .Depth(Beats),
    .Ram  (Ram)
  ) u_ram (
    .clk_i,
    .write_i     (write_q),
    .write_addr_i(write_addr_q),
    .write_data_i(word_q),
    .read_i      (pull),
    .read_addr_i (AddrBits'(read_q)),
    .read_data_o (out_data_o)
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
