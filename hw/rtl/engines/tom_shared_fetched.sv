// SPDX-License-Identifier: Apache-2.0
// Several layers that take turns on one array of multipliers, whose weights come from memory beside the chip.
//
// Bit-exact with tomato/ops/narrowed.py, layer by layer: matrix products and convolutions, and what narrows them. A turn is
// `tile` output pixels of a row of a layer whose input rows are there (tom_shared_arrive) and whose last results have left
// (tom_tile_leave); tom_shared_pick finds it, tom_bring reads the layer's weights once for it, and each word of them meets
// all of its pixels (tom_shared_tiles, tom_tile_sums). Turns are picked, and their weights asked for, some time before
// they begin; as none waits for more than its weights, layers hold each other up no more than engines of their own that are
// slower. Streams are in the order of the layers, the first in the low bits; a beat has Lanes codes, or Codes results.
// Cycles per turn: words * max(tile, 4), or those in which its weights come; at least Members + 3 on average.

`include "tom_assert.svh"
`default_nettype none

module tom_shared_fetched #(
  parameter int unsigned Members    = 2,   // layers
  parameter bit [Members*tom_shared_pkg::LayerBits-1:0] Layers = tom_shared_pkg::Both,  // their sizes, the first in the low bits
  parameter int unsigned Rings      = 40,  // words of input rows of all layers
  parameter int unsigned Chunks     = 2,   // words of constants
  parameter int unsigned Results    = 2,   // words of results of a turn of each layer
  parameter int unsigned Tile       = 1,   // pixels of a turn, at most
  parameter int unsigned InW        = 40,  // bits of all input streams, a beat of each
  parameter int unsigned OutW       = 16,  // bits of all output streams, a beat of each
  parameter int unsigned RowBits    = 4,   // of a count of rows that are kept, and one more
  parameter int unsigned HeightBits = 6,   // of any number of rows, two's complement
  parameter int unsigned WidthBits  = 6,   // of any number of columns, two's complement
  parameter int unsigned OffsetBits = 7,   // of a word in a ring or left of it, two's complement, and of a sum of two
  parameter int unsigned ChannelBits = 1,  // of an input channel's number
  parameter int unsigned StepBits   = 2,   // of beats, folds, kernel rows and columns
  parameter int unsigned PlaceBits  = 2,   // of a count of a turn's words of results
  parameter int unsigned Lanes      = 4,   // input channels that are read at once, and codes of an input beat
  parameter int unsigned Outputs    = 2,   // filters that are computed at once
  parameter int unsigned Codes      = 1,   // results of a beat; divides Outputs
  parameter int unsigned InRounds   = 2,   // cycles in which each layer is asked for a beat at least once
  parameter bit [InRounds-1:0][7:0] InOrder = {8'd1, 8'd0},  // which layer in each of them; 255: none
  parameter int unsigned OutRounds  = 4,   // and for a beat of results
  parameter bit [OutRounds-1:0][7:0] OutOrder = {8'd255, 8'd255, 8'd1, 8'd0},
  parameter int unsigned RingRam    = 0,   // memory kind of input rows: 0 LUTRAM, 1 block RAM, 2 UltraRAM
  parameter int unsigned PlaceRam   = 0,   // memory kind of results
  parameter int unsigned InBits     = 8,   // width of an input code as it is kept
  parameter bit          InSigned   = 0,   // these are two's complement
  parameter int unsigned Cell       = 0,   // what a weight is, see tom_dot
  parameter int unsigned FieldBits  = 8,   // stored width of a weight
  parameter int unsigned WeightBits = 8,   // width of its value, two's complement
  parameter bit [511:0]  Constants  = '0,  // what all weights share
  parameter int unsigned ProdBits   = 16,  // width of a product, or of the sum of a chain
  parameter int unsigned AccBits    = 24,  // width of an accumulator, two's complement
  parameter int unsigned Pack       = 1,   // filters that share a DSP block; 0: multiply in LUTs
  parameter int unsigned Chain      = 0,   // products that are summed in a row of DSP blocks; 0: all are in LUTs
  parameter int unsigned MultBits   = 17,  // width of mult, two's complement
  parameter int unsigned InSlice    = 25,  // bits of an accumulator that a multiplier takes
  parameter int unsigned MultSlice  = 17,  // bits of mult that it takes
  parameter int unsigned BiasBits   = 24,  // width of bias, two's complement
  parameter int unsigned Shift      = 8,   // right shift that all layers have
  parameter int unsigned MoreBits   = 1,   // width of how far that of a layer is beyond it
  parameter int unsigned OutBits    = 8,   // width of an output code as it is kept
  parameter int unsigned Nudges     = 0,   // sums of a layer that are nudged, at most, see tom_shared_requant
  parameter bit [Members*(Nudges > 0 ? Nudges : 1)*128-1:0] Nudged = '0,  // which
  parameter int unsigned NarrowRam  = 0,   // memory kind of mult and bias
  parameter int unsigned Channels   = 1,   // memory channels, each with a master of AXI4
  parameter int unsigned DataBytes  = 8,   // bytes of a beat of a channel
  parameter int unsigned MaxBeats   = 16,  // of a burst
  parameter int unsigned Depth      = 64,  // beats of a channel that have been asked for or wait
  parameter int unsigned Bursts     = 32,  // that are on their way
  parameter int unsigned BeatRam    = 0,   // memory kind of beats that wait
  parameter              NarrowFile = "",  // hexadecimal words of mult and bias, see tom_shared_requant

  localparam int unsigned BeatW = Channels * DataBytes * 8
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_i,

  input  wire logic [Members-1:0]     in_valid_i,
  output wire logic [Members-1:0]     in_ready_o,
  input  wire logic [InW-1:0]         in_data_i,

  input  wire logic                   go_i,        // addresses are there: weights may be asked for
  input  wire logic [Channels*64-1:0] base_i,      // address of each channel's part, a border of 4 KB
  output wire logic [Channels-1:0]    arvalid_o,
  input  wire logic [Channels-1:0]    arready_i,
  output wire logic [Channels*64-1:0] araddr_o,
  output wire logic [Channels*8-1:0]  arlen_o,
  input  wire logic [Channels-1:0]    rvalid_i,
  output wire logic [Channels-1:0]    rready_o,
  input  wire logic [BeatW-1:0]       rdata_i,
  input  wire logic [Channels-1:0]    rlast_i,
  input  wire logic [Channels*2-1:0]  rresp_i,
  output wire logic                   error_o,     // a beat came with an error, since the reset
  output wire logic                   idle_o,      // go_i is low, and no burst is on its way

  output wire logic [Members-1:0]     out_valid_o,
  input  wire logic [Members-1:0]     out_ready_i,
  output wire logic [OutW-1:0]        out_data_o
);

  import tom_shared_pkg::*;

  localparam int unsigned Ahead = 4;   // turns that are picked and have not begun
  localparam int unsigned Again = 4;   // cycles from a term of a sum to the next
  localparam int unsigned Slots = 4;   // folds whose sums wait or are computed
  localparam int unsigned MemberBits = tom_pkg::idx_width(Members);
  localparam int unsigned RingBits = tom_pkg::idx_width(Rings);
  localparam int unsigned TileBits = tom_pkg::idx_width(Tile);
  localparam int unsigned ChunkBits = tom_pkg::idx_width(Chunks);
  localparam int unsigned ResultBits = tom_pkg::idx_width(Results);
  localparam int unsigned FoldChunks = Outputs / Codes;
  localparam int unsigned FoldBits = tom_pkg::idx_width(FoldChunks);
  localparam int unsigned LaneW = Lanes * InBits;
  localparam int unsigned WordW = Lanes * Outputs * FieldBits;
  localparam int unsigned AccW = Outputs * AccBits;
  localparam int unsigned Ratio = WordW / BeatW;  // beats of a word
  // Terms between their read and their sum.
  localparam int unsigned Latency = tom_pkg::dot_latency(Lanes, Chain)
      + tom_booth_pkg::waits(Cell, Pack, Chain, InBits, InSigned, WeightBits);
  localparam int unsigned Ways = 2 ** $clog2(Latency + 2);

  `TOM_REQUIRE(members, Members >= 2, "an engine is shared by two layers or more")
  `TOM_REQUIRE(cell, Cell == 0, "weights are multiplied")
  `TOM_REQUIRE(beats, WordW % BeatW == 0, "a word of weights is whole beats of memory")

  // ---------------------------------------------------------------- behind a reset, layer by layer

  logic [MemberBits:0] init_q;
  wire logic init = init_q != (MemberBits + 1)'(Members);

  always_ff @(posedge clk_i) begin
    if (rst_i) init_q <= '0;
    else if (init) init_q <= init_q + 1'b1;
  end

  wire logic [MemberBits-1:0] look;
  wire logic [RowBits-1:0]    rows;
  wire logic [PlaceBits-1:0]  left;

  // ---------------------------------------------------------------- inputs, and their rows

  wire logic                  free;
  wire logic [MemberBits-1:0] free_member;
  wire logic [RowBits-1:0]    free_rows;
  wire logic [Lanes-1:0]      write;  // all lanes, or none
  wire logic [RingBits-1:0]   write_addr;
  wire logic [LaneW-1:0]      write_data;

  tom_shared_arrive #(
    .Members(Members),
    .Layers (Layers),
    .Lanes  (Lanes),
    .Codes  (Lanes),
    .Bits   (InBits),
    .InW    (InW),
    .Words  (Rings),
    .RowBits(RowBits),
    .ChannelBits(ChannelBits),
    .Rounds (InRounds),
    .Order  (InOrder)
  ) u_arrive (
    .clk_i,
    .rst_i,
    .init_i       (init),
    .member_i     (look),
    .rows_o       (rows),
    .free_i       (free),
    .free_member_i(free_member),
    .free_rows_i  (free_rows),
    .in_valid_i,
    .in_ready_o,
    .in_data_i,
    .write_o      (write),
    .addr_o       (write_addr),
    .data_o       (write_data)
  );

  // ---------------------------------------------------------------- turns, and the weights of each

  typedef struct packed {
    logic [MemberBits-1:0]        member;
    logic signed [HeightBits-1:0] top;
    logic signed [WidthBits-1:0]  left;
    logic [OffsetBits-1:0]        at;
    logic [OffsetBits-1:0]        from;
    logic                         frees;
    logic [RowBits-1:0]           base;
  } turn_t;

  wire logic  picked_valid, picked_ready, turn_valid, turn_ready, queue_ready, ask_ready;
  wire turn_t picked, turn;

  tom_shared_pick #(
    .Members   (Members),
    .Layers    (Layers),
    .RowBits   (RowBits),
    .HeightBits(HeightBits),
    .WidthBits (WidthBits),
    .OffsetBits(OffsetBits),
    .Codes     (Codes),
    .Places    (0),
    .PlaceBits (PlaceBits)
  ) u_pick (
    .clk_i,
    .rst_i,
    .init_i  (init),
    .look_o  (look),
    .rows_i  (rows),
    .left_i  (left),
    .valid_o (picked_valid),
    .ready_i (picked_ready),
    .member_o(picked.member),
    .top_o   (picked.top),
    .left_o  (picked.left),
    .at_o    (picked.at),
    .from_o  (picked.from),
    .frees_o (picked.frees),
    .base_o  (picked.base)
  );

  assign picked_ready = queue_ready && ask_ready;

  tom_fifo #(
    .Width($bits(turn_t)),
    .Depth(Ahead)
  ) u_turns (
    .clk_i,
    .rst_i,
    .in_valid_i (picked_valid && ask_ready),
    .in_ready_o (queue_ready),
    .in_data_i  (picked),
    .out_valid_o(turn_valid),
    .out_ready_i(turn_ready),
    .out_data_o (turn)
  );

  // Where the weights of each layer lie in memory.
  typedef bit [Members-1:0][31:0] numbers_t;

  /* verilator lint_off UNUSEDSIGNAL */ // most of the sizes

  function automatic numbers_t begins();
    for (int unsigned m = 0; m < Members; m++) begin
      automatic layer_t layer = layer_t'(Layers[m*LayerBits+:LayerBits]);
      begins[m] = layer.word * MaxBeats;
    end
  endfunction

  function automatic numbers_t counts();
    for (int unsigned m = 0; m < Members; m++) begin
      automatic layer_t layer = layer_t'(Layers[m*LayerBits+:LayerBits]);
      counts[m] = layer.folds * layer.kernel_h * layer.kernel_w * layer.beats * Ratio;
    end
  endfunction
  /* verilator lint_on UNUSEDSIGNAL */

  wire logic beat_valid, beat_ready, word_valid, word_ready;
  wire logic [BeatW-1:0] beat;
  wire logic [WordW-1:0] word;

  tom_bring #(
    .Channels (Channels),
    .DataBytes(DataBytes),
    .MaxBeats (MaxBeats),
    .Regions  (Members),
    .Ahead    (Ahead),
    .Depth    (Depth),
    .Bursts   (Bursts),
    .Ram      (BeatRam),
    .Begin    (begins()),
    .Count    (counts())
  ) u_bring (
    .clk_i,
    .rst_i,
    .go_i,
    .base_i,
    .ask_valid_i(picked_valid && queue_ready),
    .ask_ready_o(ask_ready),
    .ask_i      (picked.member),
    .arvalid_o,
    .arready_i,
    .araddr_o,
    .arlen_o,
    .rvalid_i,
    .rready_o,
    .rdata_i,
    .rlast_i,
    .rresp_i,
    .out_valid_o(beat_valid),
    .out_ready_i(beat_ready),
    .out_data_o (beat),
    .error_o,
    .idle_o
  );

  tom_gather #(
    .Width(BeatW),
    .Ratio(Ratio)
  ) u_word (
    .clk_i,
    .rst_i,
    .in_valid_i (beat_valid),
    .in_ready_o (beat_ready),
    .in_data_i  (beat),
    .out_valid_o(word_valid),
    .out_ready_i(word_ready),
    .out_data_o (word)
  );

  // ---------------------------------------------------------------- reads

  // What is told of a fold, until its results are written.
  typedef struct packed {
    logic [MemberBits-1:0] member;
    logic [ChunkBits-1:0]  chunk;  // of its first constants
    logic [ResultBits-1:0] place;  // of its first result
    logic                  last;   // of the turn
  } fold_t;

  // What goes with a term.
  typedef struct packed {
    logic                first;
    logic                last;
    logic                final_one;
    logic [TileBits-1:0] pixel;
  } term_t;

  wire logic  read, read_word, first, last, final_one, in_frame, room, fold;
  wire logic [MemberBits-1:0] whose;
  wire logic [TileBits-1:0]   pixel;
  wire logic [RingBits-1:0]   read_addr;
  wire logic [LaneW-1:0]      codes;
  wire fold_t begun;

  tom_shared_tiles #(
    .Members   (Members),
    .Layers    (Layers),
    .Again     (Again),
    .Tile      (Tile),
    .Words     (Rings),
    .Chunks    (Chunks),
    .Results   (Results),
    .Outputs   (Outputs),
    .Codes     (Codes),
    .RowBits   (RowBits),
    .HeightBits(HeightBits),
    .WidthBits (WidthBits),
    .OffsetBits(OffsetBits),
    .StepBits  (StepBits)
  ) u_tiles (
    .clk_i,
    .rst_i,
    .turn_valid_i (turn_valid),
    .turn_ready_o (turn_ready),
    .member_i     (turn.member),
    .top_i        (turn.top),
    .left_i       (turn.left),
    .at_i         (turn.at),
    .from_i       (turn.from),
    .frees_i      (turn.frees),
    .base_i       (turn.base),
    .word_valid_i (word_valid),
    .room_i       (room),
    .fold_o       (fold),
    .fold_member_o(begun.member),
    .fold_chunk_o (begun.chunk),
    .fold_place_o (begun.place),
    .fold_last_o  (begun.last),
    .free_o       (free),
    .free_member_o(free_member),
    .free_rows_o  (free_rows),
    .read_o       (read),
    .word_o       (read_word),
    .first_o      (first),
    .last_o       (last),
    .final_o      (final_one),
    .inside_o     (in_frame),
    .turn_o       (whose),
    .pixel_o      (pixel),
    .addr_o       (read_addr)
  );

  tom_ram #(
    .Width(LaneW),
    .Depth(Rings),
    .Ram  (RingRam)
  ) u_rings (
    .clk_i,
    .write_i     (|write),
    .write_addr_i(write_addr),
    .write_data_i(write_data),
    .read_i      (read),
    .read_addr_i (read_addr),
    .read_data_o (codes)
  );

  wire logic [Members-1:0][InBits-1:0]    borders;
  wire logic [Members-1:0][TileBits-1:0]  last_pixels;  // of a turn
  wire logic [Members-1:0][PlaceBits-1:0] strides;      // words of results of a pixel
  wire logic [Members-1:0][FoldBits:0]    rests;        // and of those, in the last fold
  for (genvar m = 0; m < Members; m++) begin : gen_member
    localparam layer_t Layer = layer_t'(Layers[m*LayerBits+:LayerBits]);
    localparam int unsigned Stride = tom_pkg::ceil_div(Layer.out_channels, Codes);
    assign borders[m] = InBits'(Layer.pad_value);
    assign last_pixels[m] = TileBits'(Layer.tile - 1);
    assign strides[m] = PlaceBits'(Stride);
    assign rests[m] = (FoldBits + 1)'(Stride - (Layer.folds - 1) * FoldChunks);
  end

  logic [1:0]            read_q, first_q, last_q, final_q;
  logic [1:0][TileBits-1:0] pixel_q;
  logic                  inside_q, word_q;
  logic [MemberBits-1:0] whose_q;
  logic [LaneW-1:0]      codes_q;
  logic [WordW-1:0]      weights_q;

  assign word_ready = word_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      read_q <= '0;
      word_q <= 1'b0;
    end else begin
      read_q <= {read_q[0], read};
      word_q <= read_word;
    end
    first_q  <= {first_q[0], first};
    last_q   <= {last_q[0], last};
    final_q  <= {final_q[0], final_one};
    pixel_q  <= {pixel_q[0], pixel};
    inside_q <= in_frame;
    whose_q  <= whose;
    codes_q  <= inside_q ? codes : {Lanes{borders[whose_q]}};
    if (word_q) weights_q <= word;
  end

  `TOM_ALWAYS(word, !word_q || word_valid, "%m takes a word that is not there")

  // ---------------------------------------------------------------- products and sums

  wire logic term_valid;
  wire logic [AccW-1:0] terms;
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
    .load_i ({1'b0, weights_q}),
    .load_o (unused_load),
    .valid_i(read_q[1]),
    .first_i(1'b1),
    .last_i (1'b1),
    .data_i (codes_q),
    .valid_o(term_valid),
    .data_o (terms)
  );

  (* ram_style = "distributed" *) term_t asked[Ways];
  logic [$clog2(Ways)-1:0] asked_q, came_q;
  wire term_t term = asked[came_q];

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      asked_q <= '0;
      came_q  <= '0;
    end else begin
      asked_q <= asked_q + $clog2(Ways)'(read_q[1]);
      came_q  <= came_q + $clog2(Ways)'(term_valid);
    end
    if (read_q[1])
      asked[asked_q] <= '{first: first_q[1], last: last_q[1], final_one: final_q[1], pixel: pixel_q[1]};
  end

  wire logic  sums_valid, sums_last;
  wire fold_t of;
  wire logic [TileBits-1:0] of_pixel;
  wire logic [FoldBits-1:0] of_chunk;
  wire logic [Codes*AccBits-1:0] sums;

  tom_tile_sums #(
    .Tile     (Tile),
    .Outputs  (Outputs),
    .Codes    (Codes),
    .Bits     (AccBits),
    .Slots    (Slots),
    .AboutBits($bits(fold_t))
  ) u_sums (
    .clk_i,
    .rst_i,
    .room_o     (room),
    .fold_i     (fold),
    .about_i    (begun),
    .fold_last_i(last_pixels[begun.member]),
    .valid_i    (term_valid),
    .first_i    (term.first),
    .last_i     (term.last),
    .final_i    (term.final_one),
    .pixel_i    (term.pixel),
    .data_i     (terms),
    .valid_o    (sums_valid),
    .last_o     (sums_last),
    .about_o    (of),
    .pixel_o    (of_pixel),
    .chunk_o    (of_chunk),
    .data_o     (sums)
  );

  // ---------------------------------------------------------------- results

  // Where a word goes; those of filters beyond the last one go nowhere.
  typedef struct packed {
    logic                  kept;
    logic                  ends;   // the turn
    logic [ResultBits-1:0] place;
  } result_t;

  logic [ResultBits-1:0] pixel_place_q;  // of the pixel's first word
  wire logic [ResultBits-1:0] pixel_place = of_pixel == '0 ? of.place : pixel_place_q;

  always_ff @(posedge clk_i) begin
    if (sums_valid && of_chunk == FoldBits'(FoldChunks - 1)) pixel_place_q <= pixel_place + ResultBits'(strides[of.member]);
  end

  wire result_t goes = '{
    kept:  !of.last || (FoldBits + 1)'(of_chunk) < rests[of.member],
    ends:  of.last && sums_last,
    place: pixel_place + ResultBits'(of_chunk)
  };
  wire result_t went;
  wire logic result_valid;
  wire logic [MemberBits-1:0] result_member;
  wire logic [Codes*OutBits-1:0] result;

  tom_shared_requant #(
    .Members  (Members),
    .Layers   (Layers),
    .Lanes    (Codes),
    .TagBits  ($bits(result_t)),
    .InBits   (AccBits),
    .MultBits (MultBits),
    .InSlice  (InSlice),
    .MultSlice(MultSlice),
    .BiasBits (BiasBits),
    .Shift    (Shift),
    .MoreBits (MoreBits),
    .OutBits  (OutBits),
    .Nudges   (Nudges),
    .Nudged   (Nudged),
    .Words    (Chunks),
    .Ram      (NarrowRam),
    .MemFile  (NarrowFile)
  ) u_requant (
    .clk_i,
    .rst_i,
    .valid_i (sums_valid),
    .member_i(of.member),
    .word_i  (of.chunk + ChunkBits'(of_chunk)),
    .tag_i   (goes),
    .data_i  (sums),
    .valid_o (result_valid),
    .member_o(result_member),
    .tag_o   (went),
    .data_o  (result)
  );

  tom_tile_leave #(
    .Members(Members),
    .Layers (Layers),
    .Codes  (Codes),
    .Bits   (OutBits),
    .OutW   (OutW),
    .Words  (Results),
    .PlaceBits(PlaceBits),
    .Ram    (PlaceRam),
    .Rounds (OutRounds),
    .Order  (OutOrder)
  ) u_leave (
    .clk_i,
    .rst_i,
    .init_i       (init),
    .member_i     (look),
    .left_o       (left),
    .valid_i      (result_valid && went.kept),
    .addr_i       (went.place),
    .data_i       (result),
    .turn_i       (result_valid && went.ends),
    .turn_member_i(result_member),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
