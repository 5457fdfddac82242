// SPDX-License-Identifier: Apache-2.0
// The loops of tom_fetched_fold: a tile of pixels is multiplied by every fold of weights, word by word.
//
// Loops over tiles, folds, pixels of the tile and reads of a pixel, the last fastest. Pixels and words lie in rings. A
// read waits for what is not there yet: in the first fold for its pixel, at the first pixel for its word. What is
// read for the last time is free again.

`default_nettype none

module tom_tile_loops #(
  parameter int unsigned Reads  = 1,  // words of a pixel, and of a fold
  parameter int unsigned Folds  = 1,
  parameter int unsigned Tile   = 1,  // pixels that a word is used for
  parameter int unsigned Places = 2,  // pixels in their ring
  parameter int unsigned Words  = 2,  // words in theirs

  localparam int unsigned PixelBits = tom_pkg::idx_width(Places * Reads),
  localparam int unsigned WordBits = tom_pkg::idx_width(Words)
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_i,

  input  wire logic                 pixel_i,      // one more pixel is in the ring
  input  wire logic                 word_i,       // one more word is in the ring
  input  wire logic                 available_i,  // there is a place for results
  output wire logic                 take_o,       // it is taken: of a tile of one pixel by a pass, else by all of a pixel

  output wire logic                 read_o,
  output wire logic                 first_o,      // read of a pass: a pixel and a fold
  output wire logic                 last_o,
  output wire logic [PixelBits-1:0] pixel_addr_o,
  output wire logic [WordBits-1:0]  word_addr_o,
  output wire logic                 pixel_free_o, // a pixel is read for the last time
  output wire logic                 word_free_o
);

  localparam int unsigned ReadBits = tom_pkg::idx_width(Reads);
  localparam int unsigned TileBits = tom_pkg::idx_width(Tile);
  localparam int unsigned FoldBits = tom_pkg::idx_width(Folds);
  localparam int unsigned NewBits = tom_pkg::count_width(Places);
  localparam int unsigned ThereBits = tom_pkg::count_width(Words);

  logic [ReadBits-1:0] read_q;
  logic [TileBits-1:0] pixel_q;
  logic [FoldBits-1:0] fold_q;
  logic first_read, last_read, first_pixel, last_pixel, first_fold, last_fold;  // of the counters, in registers
  logic [NewBits-1:0]   new_q;    // pixels that no fold has read
  logic [ThereBits-1:0] there_q;  // words that no pixel has read

  wire logic needs_pixel = first_fold && first_read;
  wire logic needs_place = first_read && (Tile == 1 || first_fold);
  wire logic issue = (!needs_pixel || new_q != '0) && (!first_pixel || there_q != '0) && (!needs_place || available_i);

  wire logic pass_end = issue && last_read;
  wire logic fold_end = pass_end && last_pixel;
  wire logic tile_end = fold_end && last_fold;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      new_q       <= '0;
      there_q     <= '0;
      read_q      <= '0;
      pixel_q     <= '0;
      fold_q      <= '0;
      first_read  <= 1'b1;
      first_pixel <= 1'b1;
      first_fold  <= 1'b1;
      last_read   <= Reads == 1;
      last_pixel  <= Tile == 1;
      last_fold   <= Folds == 1;
    end else begin
      new_q   <= new_q + NewBits'(pixel_i) - NewBits'(issue && needs_pixel);
      there_q <= there_q + ThereBits'(word_i) - ThereBits'(issue && first_pixel);
      if (issue) begin
        read_q     <= last_read ? '0 : read_q + 1'b1;
        first_read <= last_read;
        last_read  <= Reads == 1 || (!last_read && read_q == ReadBits'(Reads - 2));
      end
      if (pass_end) begin
        pixel_q     <= last_pixel ? '0 : pixel_q + 1'b1;
        first_pixel <= last_pixel;
        last_pixel  <= Tile == 1 || (!last_pixel && pixel_q == TileBits'(Tile - 2));
      end
      if (fold_end) begin
        fold_q     <= last_fold ? '0 : fold_q + 1'b1;
        first_fold <= last_fold;
        last_fold  <= Folds == 1 || (!last_fold && fold_q == FoldBits'(Folds - 2));
      end
    end
  end

  // Where they lie: one behind the other, but each fold reads the same pixels, and each pixel the same words.
  logic [PixelBits-1:0] pixel_addr_q, tile_addr_q;  // tile_addr_q: of the tile's first word
  logic [WordBits-1:0]  word_addr_q, fold_addr_q;   // fold_addr_q: of the fold's

  wire logic [PixelBits-1:0] next_pixel =
      pixel_addr_q == PixelBits'(Places * Reads - 1) ? '0 : pixel_addr_q + 1'b1;
  wire logic [WordBits-1:0] next_word = word_addr_q == WordBits'(Words - 1) ? '0 : word_addr_q + 1'b1;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      pixel_addr_q <= '0;
      tile_addr_q  <= '0;
      word_addr_q  <= '0;
      fold_addr_q  <= '0;
    end else if (issue) begin
      pixel_addr_q <= fold_end && !last_fold ? tile_addr_q : next_pixel;
      word_addr_q  <= pass_end && !last_pixel ? fold_addr_q : next_word;
      if (tile_end) tile_addr_q <= next_pixel;
      if (fold_end) fold_addr_q <= next_word;
    end
  end

  assign read_o       = issue;
  assign first_o      = first_read;
  assign last_o       = last_read;
  assign pixel_addr_o = pixel_addr_q;
  assign word_addr_o  = word_addr_q;
  assign take_o       = issue && needs_place;
  assign pixel_free_o = pass_end && last_fold;
  assign word_free_o  = issue && last_pixel;

endmodule

`default_nettype wire
