// SPDX-License-Identifier: Apache-2.0
// Matrix product or convolution whose weights come as a stream, from memory beside the chip.
//
// Bit-exact with tomato/ops/dense.py and tomato/ops/conv2d.py, without groups. What a pixel sees is read once by a line
// buffer (tom_window) and kept, for Tile pixels and those behind them; each word that comes is multiplied by all pixels of
// the tile (tom_tile_loops), and results are put in order again (tom_tile_order). So there are Pixels / Tile times as many
// words a frame as the layer has. Cycles per pixel: Reads * Folds, if words come as fast. Input 0 is x, input 1 the
// words: fold, kernel row, kernel column, beat; the last fastest.

`include "tom_assert.svh"
`default_nettype none

module tom_fetched_fold #(
  parameter int unsigned Lanes      = 1,   // input codes per beat
  parameter int unsigned Outputs    = 1,   // output codes per beat: filters computed at once
  parameter int unsigned Beats      = 1,   // input beats per pixel
  parameter int unsigned Folds      = 1,   // output beats per pixel
  parameter int unsigned Tile       = 1,   // pixels that a word is used for
  parameter int unsigned Places     = 3,   // pixels that wait for it, at least Tile
  parameter int unsigned TileRam    = 0,   // memory kind of what they see: 0 LUTRAM, 1 block RAM, 2 UltraRAM
  parameter int unsigned Words      = 16,  // words that wait for their pixels
  parameter int unsigned WordsRam   = 0,   // their memory kind
  parameter int unsigned OrderRam   = 0,   // memory kind of results that wait for their turn
  `include "tom_window_parameters.svh"
  parameter int unsigned InBits     = 8,   // width of an input code
  parameter bit          InSigned   = 0,   // inputs are two's complement
  parameter int unsigned Cell       = 0,   // what a weight is, see tom_dot
  parameter int unsigned FieldBits  = 8,   // stored width of a weight
  parameter int unsigned WeightBits = 8,   // width of its value, two's complement
  parameter bit [511:0]  Constants  = '0,  // what all weights share
  parameter int unsigned ProdBits   = 16,  // width of a product, or of the sum of a chain
  parameter int unsigned AccBits    = 24,  // width of an output code
  parameter int unsigned Pack       = 1,   // filters that share a DSP block; 0: multiply in LUTs
  parameter int unsigned Chain      = 0,   // products that are summed in a row of DSP blocks; 0: all are in LUTs

  localparam int unsigned InW   = Lanes * InBits,
  localparam int unsigned WordW = Lanes * Outputs * FieldBits,
  localparam int unsigned OutW  = Outputs * AccBits
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_i,

  input  wire logic [1:0]           in_valid_i,
  output wire logic [1:0]           in_ready_o,
  input  wire logic [InW+WordW-1:0] in_data_i,

  output wire logic                 out_valid_o,
  input  wire logic                 out_ready_i,
  output wire logic [OutW-1:0]      out_data_o
);

  `include "tom_window_value.svh"

  localparam int unsigned Reads = KernelH * KernelW * Beats;  // of a pixel
  localparam int unsigned PixelBits = tom_pkg::idx_width(Places * Reads);
  localparam int unsigned WordBits = tom_pkg::idx_width(Words);

  `TOM_REQUIRE(taps, !ParallelH && !ParallelW && Pixels == 1, "taps are read one after the other")
  `TOM_REQUIRE(places, Places >= Tile, "a tile must find its place")
  `TOM_REQUIRE(words, Tile == 1 || Words >= Reads, "the words of a fold must find their place")

  // ---------------------------------------------------------------- what pixels see

  wire logic place, start, pixel_free;
  wire logic win_valid, win_last;
  wire logic unused_first;
  wire logic [InW-1:0] win_data;
  logic [PixelBits-1:0] pixel_write_q;

  tom_window #(
    .Lanes  (Lanes),
    .Bits   (InBits),
    .Beats  (Beats),
    .Window (Window),
    .Rows   (Rows),
    .Columns(Columns),
    .Pixels (Pixels),
    .Ram    (RingRam)
  ) u_window (
    .clk_i,
    .rst_i,
    .in_valid_i (in_valid_i[0]),
    .in_ready_o (in_ready_o[0]),
    .in_data_i  (in_data_i[InW-1:0]),
    .available_i(place),
    .start_o    (start),
    .win_valid_o(win_valid),
    .win_first_o(unused_first),
    .win_last_o (win_last),
    .win_data_o (win_data)
  );

  tom_credit #(
    .Places(Places)
  ) u_places (
    .clk_i,
    .rst_i,
    .take_i     (start),
    .give_i     (pixel_free),
    .available_o(place)
  );

  always_ff @(posedge clk_i) begin
    if (rst_i) pixel_write_q <= '0;
    else if (win_valid)
      pixel_write_q <= pixel_write_q == PixelBits'(Places * Reads - 1) ? '0 : pixel_write_q + 1'b1;
  end

  // ---------------------------------------------------------------- words

  wire logic word_room, word_free;
  wire logic word = in_valid_i[1] && word_room;
  logic [WordBits-1:0] word_write_q;

  assign in_ready_o[1] = word_room;

  tom_credit #(
    .Places(Words)
  ) u_room (
    .clk_i,
    .rst_i,
    .take_i     (word),
    .give_i     (word_free),
    .available_o(word_room)
  );

  always_ff @(posedge clk_i) begin
    if (rst_i) word_write_q <= '0;
    else if (word) word_write_q <= word_write_q == WordBits'(Words - 1) ? '0 : word_write_q + 1'b1;
  end

  // ---------------------------------------------------------------- reads of both

  wire logic available, take;
  wire logic read, first, last;
  wire logic [PixelBits-1:0] pixel_addr;
  wire logic [WordBits-1:0]  word_addr;
  wire logic [InW-1:0]       pixel_data;
  wire logic [WordW-1:0]     word_data;
  logic [1:0]       read_q, first_q, last_q;
  logic [InW-1:0]   pixel_q;
  logic [WordW-1:0] word_q;

  tom_tile_loops #(
    .Reads (Reads),
    .Folds (Folds),
    .Tile  (Tile),
    .Places(Places),
    .Words (Words)
  ) u_loops (
    .clk_i,
    .rst_i,
    .pixel_i     (win_valid && win_last),
    .word_i      (word),
    .available_i (available),
    .take_o      (take),
    .read_o      (read),
    .first_o     (first),
    .last_o      (last),
    .pixel_addr_o(pixel_addr),
    .word_addr_o (word_addr),
    .pixel_free_o(pixel_free),
    .word_free_o (word_free)
  );

  tom_ram #(
    .Width(InW),
    .Depth(Places * Reads),
    .Ram  (TileRam)
  ) u_pixels (
    .clk_i,
    .write_i     (win_valid),
    .write_addr_i(pixel_write_q),
    .write_data_i(win_data),
    .read_i      (read),
    .read_addr_i (pixel_addr),
    .read_data_o (pixel_data)
  );

  tom_ram #(
    .Width(WordW),
    .Depth(Words),
    .Ram  (WordsRam)
  ) u_words (
    .clk_i,
    .write_i     (word),
    .write_addr_i(word_write_q),
    .write_data_i(in_data_i[InW+:WordW]),
    .read_i      (read),
    .read_addr_i (word_addr),
    .read_data_o (word_data)
  );

  always_ff @(posedge clk_i) begin
    if (rst_i) read_q <= '0;
    else read_q <= {read_q[0], read};
    first_q <= {first_q[0], first};
    last_q  <= {last_q[0], last};
    pixel_q <= pixel_data;
    word_q  <= word_data;
  end

  // ---------------------------------------------------------------- products and results

  wire logic acc_valid;
  wire logic [OutW-1:0] acc_data;
  wire logic [WordW:0] unused_load;

  tom_dot #(
    .Inputs    (Lanes),
    .Outputs   (Outputs),
    .InBits    (InBits),
    .InSigned  (InSigned),
    .Cell      (Cell),
    .FieldBits (FieldBits),
    .WeightBits(WeightBits),
    .Constants (Constants),
    .ProdBits  (ProdBits),
    .AccBits   (AccBits),
    .Pack      (Pack),
    .Chain     (Chain),
    .Ram       (3),
    .LoadBits  (WordW)
  ) u_dot (
    .clk_i,
    .rst_i,
    .load_i ({1'b0, word_q}),
    .load_o (unused_load),
    .valid_i(read_q[1]),
    .first_i(first_q[1]),
    .last_i (last_q[1]),
    .data_i (pixel_q),
    .valid_o(acc_valid),
    .data_o (acc_data)
  );

  if (Tile == 1) begin : gen_in_order
    // From a read to its result; where tom_dot counts bits it is another, and the queue deep enough for both.
    localparam int unsigned Latency = 2 + tom_pkg::dot_latency(Lanes, Chain)
        + tom_booth_pkg::waits(Cell, Pack, Chain, InBits, InSigned, WeightBits);

    tom_queue #(
      .Width(OutW),
      .Depth(tom_pkg::ceil_div(Latency + 1, Reads) + 4)  // results on their way or waiting
    ) u_queue (
      .clk_i,
      .rst_i,
      .available_o(available),
      .take_i     (take),
      .in_valid_i (acc_valid),
      .in_data_i  (acc_data),
      .out_valid_o,
      .out_ready_i,
      .out_data_o
    );
    wire logic unused_kind = OrderRam != 0;
  end else begin : gen_order
    tom_tile_order #(
      .Width (OutW),
      .Folds (Folds),
      .Tile  (Tile),
      .Places(Places),
      .Ram   (OrderRam)
    ) u_order (
      .clk_i,
      .rst_i,
      .available_o(available),
      .take_i     (take),
      .in_valid_i (acc_valid),
      .in_data_i  (acc_data),
      .out_valid_o,
      .out_ready_i,
      .out_data_o
    );
  end

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
