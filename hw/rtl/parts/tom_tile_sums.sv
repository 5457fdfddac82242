// SPDX-License-Identifier: Apache-2.0
// Sums of the pixels of a turn, which get a term with each word of weights; those of a fold then leave, some at a time.
//
// Terms of a pixel come at least four cycles apart. Slots folds may be begun and not have left: whoever begins one takes a
// place (room_o). Of each fold's pixels the words leave one a cycle, a pixel's one behind the other.

`include "tom_assert.svh"
`default_nettype none

module tom_tile_sums #(
  parameter int unsigned Tile    = 4,   // pixels of a turn, at most
  parameter int unsigned Outputs = 2,   // sums of a pixel in a fold
  parameter int unsigned Codes   = 1,   // sums of a word; divides Outputs
  parameter int unsigned Bits    = 24,  // width of a sum
  parameter int unsigned Slots   = 4,   // folds, a power of two
  parameter int unsigned AboutBits = 1, // what goes along with a fold

  localparam int unsigned TileBits = tom_pkg::idx_width(Tile),
  localparam int unsigned ChunkBits = tom_pkg::idx_width(Outputs / Codes)
) (
  input  wire logic                      clk_i,
  input  wire logic                      rst_i,

  output wire logic                      room_o,
  input  wire logic                      fold_i,    // one begins
  input  wire logic [AboutBits-1:0]      about_i,
  input  wire logic [TileBits-1:0]       fold_last_i,  // its last pixel

  input  wire logic                      valid_i,
  input  wire logic                      first_i,   // term of a sum
  input  wire logic                      last_i,
  input  wire logic                      final_i,   // term of a fold
  input  wire logic [TileBits-1:0]       pixel_i,
  input  wire logic [Outputs*Bits-1:0]   data_i,

  output wire logic                      valid_o,
  output wire logic                      last_o,    // word of a fold
  output wire logic [AboutBits-1:0]      about_o,
  output wire logic [TileBits-1:0]       pixel_o,
  output wire logic [ChunkBits-1:0]      chunk_o,   // word of the pixel
  output wire logic [Codes*Bits-1:0]     data_o
);

  localparam int unsigned W = Outputs * Bits;
  localparam int unsigned Chunks = Outputs / Codes;
  localparam int unsigned SlotBits = tom_pkg::idx_width(Slots);
  localparam int unsigned CountBits = tom_pkg::count_width(Slots);
  localparam int unsigned Places = 2 ** TileBits;

  `TOM_REQUIRE(codes, Outputs % Codes == 0, "Codes must divide Outputs")
  `TOM_REQUIRE(slots, Slots >= 2 && Slots == 2 ** SlotBits, "Slots must be a power of two")

  // ---------------------------------------------------------------- terms are added

  (* ram_style = "distributed" *) logic [W-1:0] sums[Places];
  (* ram_style = "distributed" *) logic [W-1:0] done[Slots*Places];

  logic                sum_valid_q, sum_last_q, sum_final_q;
  logic [TileBits-1:0] sum_pixel_q;
  logic [W-1:0]        sum_q;
  logic [SlotBits-1:0] write_q, read_q;

  wire logic [W-1:0] kept = sums[pixel_i];

  always_ff @(posedge clk_i) begin
    sum_pixel_q <= pixel_i;
    sum_last_q  <= last_i;
    for (int unsigned o = 0; o < Outputs; o++)
      sum_q[o*Bits+:Bits] <= (first_i ? Bits'(0) : kept[o*Bits+:Bits]) + data_i[o*Bits+:Bits];
    if (rst_i) begin
      sum_valid_q <= 1'b0;
      sum_final_q <= 1'b0;
    end else begin
      sum_valid_q <= valid_i;
      sum_final_q <= valid_i && final_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (sum_valid_q) sums[sum_pixel_q] <= sum_q;
    if (sum_valid_q && sum_last_q) done[{write_q, sum_pixel_q}] <= sum_q;
  end

  // ---------------------------------------------------------------- folds, and those that leave

  (* ram_style = "distributed" *) logic [AboutBits+TileBits-1:0] folds[Slots];
  logic [SlotBits-1:0]  begun_q;
  logic [CountBits-1:0] waiting_q;  // complete folds

  wire logic [AboutBits-1:0] about;
  wire logic [TileBits-1:0]  last_pixel;
  assign {about, last_pixel} = folds[read_q];

  logic [TileBits-1:0]  pixel_q;
  logic [ChunkBits-1:0] chunk_q;
  wire logic leaves = waiting_q != '0;
  wire logic last_chunk = chunk_q == ChunkBits'(Chunks - 1);
  wire logic ends = leaves && last_chunk && pixel_q == last_pixel;

  tom_credit #(
    .Places(Slots)
  ) u_room (
    .clk_i,
    .rst_i,
    .take_i     (fold_i),
    .give_i     (ends),
    .available_o(room_o)
  );

  always_ff @(posedge clk_i) begin
    if (fold_i) folds[begun_q] <= {about_i, fold_last_i};
    if (rst_i) begin
      begun_q   <= '0;
      write_q   <= '0;
      read_q    <= '0;
      waiting_q <= '0;
      pixel_q   <= '0;
      chunk_q   <= '0;
    end else begin
      begun_q   <= begun_q + SlotBits'(fold_i);
      write_q   <= write_q + SlotBits'(sum_final_q);
      read_q    <= read_q + SlotBits'(ends);
      waiting_q <= waiting_q + CountBits'(sum_final_q) - CountBits'(ends);
      if (leaves) begin
        chunk_q <= last_chunk ? '0 : chunk_q + 1'b1;
        if (last_chunk) pixel_q <= ends ? '0 : pixel_q + 1'b1;
      end
    end
  end

  logic [1:0]                valid_q, last_q;
  logic [1:0][AboutBits-1:0] about_q;
  logic [1:0][TileBits-1:0]  of_pixel_q;
  logic [1:0][ChunkBits-1:0] of_chunk_q;
  logic [W-1:0]              word_q;
  logic [Codes*Bits-1:0]     data_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) valid_q <= '0;
    else valid_q <= {valid_q[0], leaves};
    last_q     <= {last_q[0], ends};
    about_q    <= {about_q[0], about};
    of_pixel_q <= {of_pixel_q[0], pixel_q};
    of_chunk_q <= {of_chunk_q[0], chunk_q};
    word_q     <= done[{read_q, pixel_q}];
    data_q     <= (Codes * Bits)'(word_q >> (32'(of_chunk_q[0]) * Codes * Bits));
  end

  assign valid_o = valid_q[1];
  assign last_o  = last_q[1];
  assign about_o = about_q[1];
  assign pixel_o = of_pixel_q[1];
  assign chunk_o = of_chunk_q[1];
  assign data_o  = data_q;

endmodule

`default_nettype wire
