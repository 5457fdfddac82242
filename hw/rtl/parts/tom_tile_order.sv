// SPDX-License-Identifier: Apache-2.0
// The end of tom_fetched_fold: puts the results of tiles back in order.
//
// They come fold by fold, of each all pixels of a tile, and leave pixel by pixel.
//
// Whoever sends results claims a place for each pixel, with take_i while available_o, before the first of them.

`include "tom_assert.svh"
`default_nettype none

module tom_tile_order #(
  parameter int unsigned Width  = 8,  // bits per result
  parameter int unsigned Folds  = 2,  // results of a pixel
  parameter int unsigned Tile   = 2,  // pixels of a tile
  parameter int unsigned Places = 4,  // pixels that are kept, at least Tile
  parameter int unsigned Ram    = 0   // memory kind: 0 LUTRAM, 1 block RAM, 2 UltraRAM
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  output wire logic             available_o,
  input  wire logic             take_i,

  input  wire logic             in_valid_i,
  input  wire logic [Width-1:0] in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [Width-1:0] out_data_o
);

  `TOM_REQUIRE(places, Places >= Tile, "a tile must find its place")

  localparam int unsigned Depth = Folds * Places;
  localparam int unsigned AddrBits = tom_pkg::idx_width(Depth);
  localparam int unsigned PlaceBits = tom_pkg::idx_width(Places);
  localparam int unsigned TileBits = tom_pkg::idx_width(Tile);
  localparam int unsigned FoldBits = tom_pkg::idx_width(Folds);
  localparam int unsigned CountBits = tom_pkg::count_width(Places);

  // Writing: a fold's results lie side by side, those of a pixel Places apart.
  logic [TileBits-1:0]  pixel_q;
  logic [FoldBits-1:0]  fold_q;
  logic [PlaceBits-1:0] place_q, tile_place_q;  // tile_place_q: of the tile's first pixel
  logic [AddrBits-1:0]  offset_q;               // of the fold
  logic                 write_q, whole_q;       // whole_q: a pixel's last result is written
  logic [AddrBits-1:0]  write_addr_q;
  logic [Width-1:0]     write_data_q;

  wire logic last_pixel = pixel_q == TileBits'(Tile - 1);
  wire logic last_fold = fold_q == FoldBits'(Folds - 1);
  wire logic [PlaceBits-1:0] next_place = place_q == PlaceBits'(Places - 1) ? '0 : place_q + 1'b1;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      pixel_q      <= '0;
      fold_q       <= '0;
      place_q      <= '0;
      tile_place_q <= '0;
      offset_q     <= '0;
      write_q      <= 1'b0;
      whole_q      <= 1'b0;
    end else begin
      write_q <= in_valid_i;
      whole_q <= in_valid_i && last_fold;
      if (in_valid_i) begin
        pixel_q <= last_pixel ? '0 : pixel_q + 1'b1;
        place_q <= last_pixel && !last_fold ? tile_place_q : next_place;
        if (last_pixel) begin
          fold_q   <= last_fold ? '0 : fold_q + 1'b1;
          offset_q <= last_fold ? '0 : offset_q + AddrBits'(Places);
          if (last_fold) tile_place_q <= next_place;
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    write_addr_q <= offset_q + AddrBits'(place_q);
    write_data_q <= in_data_i;
  end

  // Reading: as soon as a pixel is whole.
  logic [CountBits-1:0] whole_count_q;  // pixels, the one that leaves among them
  logic [FoldBits-1:0]  out_fold_q;
  logic [PlaceBits-1:0] out_place_q;
  logic [AddrBits-1:0]  read_addr_q;
  logic                 valid_q;

  wire logic pull = whole_count_q != '0 && (!valid_q || out_ready_i);
  wire logic ends = out_fold_q == FoldBits'(Folds - 1);
  wire logic gone = pull && ends;
  wire logic [PlaceBits-1:0] next_out = out_place_q == PlaceBits'(Places - 1) ? '0 : out_place_q + 1'b1;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      whole_count_q <= '0;
      out_fold_q    <= '0;
      out_place_q   <= '0;
      read_addr_q   <= '0;
      valid_q       <= 1'b0;
    end else begin
      whole_count_q <= whole_count_q + CountBits'(whole_q) - CountBits'(gone);
      valid_q <= pull || (valid_q && !out_ready_i);
      if (pull) begin
        out_fold_q  <= ends ? '0 : out_fold_q + 1'b1;
        read_addr_q <= ends ? AddrBits'(next_out) : read_addr_q + AddrBits'(Places);
        if (ends) out_place_q <= next_out;
      end
    end
  end

  tom_credit #(
    .Places(Places)
  ) u_credit (
    .clk_i,
    .rst_i,
    .take_i,
    .give_i     (gone),
    .available_o
  );

  tom_ram #(
    .Width(Width),
    .Depth(Depth),
    .Ram  (Ram)
  ) u_ram (
    .clk_i,
    .write_i     (write_q),
    .write_addr_i(write_addr_q),
    .write_data_i(write_data_q),
    .read_i      (pull),
    .read_addr_i (read_addr_q),
    .read_data_o (out_data_o)
  );

  assign out_valid_o = valid_q;

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
