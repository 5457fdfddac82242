// SPDX-License-Identifier: Apache-2.0
// Several layers that take turns on one array of multipliers: matrix products and convolutions, and what narrows them.
//
// Bit-exact with tomato/ops/narrowed.py, layer by layer. A turn is an output pixel of a layer whose input rows are there
// (tom_shared_arrive) and whose results have room (tom_shared_leave); tom_shared_turns picks it and makes the reads. As
// nobody's turn ever waits, layers hold each other up no more than engines of their own that are slower. Streams are
// in the order of the layers, the first in the low bits, and carry one code a beat. Cycles per frame: those of all turns, a
// turn being folds * kernel rows * columns * beats, and at least Members + 3; at least Members for each code of a layer. A
// pass, which is a turn's part for a fold, takes at least Outputs reads.

`include "tom_assert.svh"
`default_nettype none

module tom_shared_fold #(
  parameter int unsigned Members    = 2,   // layers
  parameter bit [Members*tom_shared_pkg::LayerBits-1:0] Layers = tom_shared_pkg::Both,  // their sizes, the first in the low bits
  parameter int unsigned Rings      = 40,  // words of input rows of all layers
  parameter int unsigned Reads      = 18,  // words of weights
  parameter int unsigned Channels   = 2,   // output channels
  parameter int unsigned InW        = 16,  // bits of all input streams, a code of each
  parameter int unsigned OutW       = 16,  // bits of all output streams, a code of each
  parameter int unsigned RowBits    = 4,   // of a count of rows that are kept, and one more
  parameter int unsigned HeightBits = 6,   // of any number of rows, two's complement
  parameter int unsigned WidthBits  = 6,   // of any number of columns, two's complement
  parameter int unsigned OffsetBits = 7,   // of a word in a ring or left of it, two's complement, and of a sum of two
  parameter int unsigned ChannelBits = 1,  // of an input channel's number
  parameter int unsigned StepBits   = 2,   // of beats, folds, kernel rows and columns
  parameter int unsigned Lanes      = 1,   // input channels that are read at once
  parameter int unsigned Outputs    = 1,   // filters that are computed at once
  parameter int unsigned Places     = 4,   // results of a layer that are kept, a power of two
  parameter int unsigned RingRam    = 0,   // memory kind of input rows: 0 LUTRAM, 1 block RAM
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
  parameter int unsigned WeightRam  = 0,   // memory kind of the weights
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
  parameter              MemFile    = "",  // hexadecimal weight words of all layers, see tom_dot
  parameter              NarrowFile = ""   // hexadecimal words of mult and bias, see tom_shared_requant
) (
  input  wire logic               clk_i,
  input  wire logic               rst_i,

  input  wire logic [Members-1:0] in_valid_i,
  output wire logic [Members-1:0] in_ready_o,
  input  wire logic [InW-1:0]     in_data_i,

  output wire logic [Members-1:0] out_valid_o,
  input  wire logic [Members-1:0] out_ready_i,
  output wire logic [OutW-1:0]    out_data_o
);

  import tom_shared_pkg::*;

  localparam int unsigned MemberBits = tom_pkg::idx_width(Members);
  localparam int unsigned RingBits = tom_pkg::idx_width(Rings);
  localparam int unsigned ReadBits = tom_pkg::idx_width(Reads);
  localparam int unsigned ConstantBits = tom_pkg::idx_width(Channels);
  localparam int unsigned CountBits = tom_pkg::count_width(Outputs);
  localparam int unsigned PlaceBits = tom_pkg::count_width(Places);
  localparam int unsigned WordW = Lanes * InBits;
  localparam int unsigned AccW = Outputs * AccBits;
  // Passes between their last read and their result.
  localparam int unsigned Latency = tom_pkg::dot_latency(Lanes, Chain)
      + tom_booth_pkg::waits(Cell, Pack, Chain, InBits, InSigned, WeightBits);
  localparam int unsigned Ways = 2 ** $clog2(Latency + 2);

  `TOM_REQUIRE(members, Members >= 2, "an engine is shared by two layers or more")
  `TOM_REQUIRE(places, Places == 2 ** $clog2(Places), "Places must be a power of two")
  `TOM_REQUIRE(cell, Cell == 0, "weights are multiplied")

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

  function automatic bit [Members-1:0][7:0] in_turn();
    for (int unsigned m = 0; m < Members; m++) in_turn[m] = 8'(m);
  endfunction

  wire logic                  free;
  wire logic [MemberBits-1:0] free_member;
  wire logic [RowBits-1:0]    free_rows;
  wire logic [Lanes-1:0]      write;
  wire logic [RingBits-1:0]   write_addr;
  wire logic [InBits-1:0]     write_data;

  tom_shared_arrive #(
    .Members(Members),
    .Layers (Layers),
    .Lanes  (Lanes),
    .Bits   (InBits),
    .InW    (InW),
    .Words  (Rings),
    .RowBits(RowBits),
    .ChannelBits(ChannelBits),
    .Rounds (Members),
    .Order  (in_turn())
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

  // ---------------------------------------------------------------- turns, and their reads

  wire logic read, first, last, in_frame;
  wire logic [MemberBits-1:0] turn;
  wire logic [RingBits-1:0]   read_addr;
  wire logic [ReadBits-1:0]   weight;
  wire logic [ConstantBits-1:0] channel;
  wire logic [CountBits-1:0]  count;
  wire logic [WordW-1:0]      word;

  tom_shared_turns #(
    .Members(Members),
    .Layers (Layers),
    .Words  (Rings),
    .Reads  (Reads),
    .Outputs(Outputs),
    .Channels(Channels),
    .RowBits(RowBits),
    .HeightBits(HeightBits),
    .WidthBits (WidthBits),
    .OffsetBits(OffsetBits),
    .StepBits  (StepBits),
    .Places (Places)
  ) u_turns (
    .clk_i,
    .rst_i,
    .init_i       (init),
    .member_o     (look),
    .rows_i       (rows),
    .left_i       (left),
    .free_o       (free),
    .free_member_o(free_member),
    .free_rows_o  (free_rows),
    .read_o       (read),
    .first_o      (first),
    .last_o       (last),
    .inside_o     (in_frame),
    .turn_o       (turn),
    .addr_o       (read_addr),
    .weight_o     (weight),
    .channel_o    (channel),
    .count_o      (count)
  );

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    tom_ram #(
      .Width(InBits),
      .Depth(Rings),
      .Ram  (RingRam)
    ) u_rings (
      .clk_i,
      .write_i     (write[l]),
      .write_addr_i(write_addr),
      .write_data_i(write_data),
      .read_i      (read),
      .read_addr_i (read_addr),
      .read_data_o (word[l*InBits+:InBits])
    );
  end

  wire logic [Members-1:0][InBits-1:0] borders;
  for (genvar m = 0; m < Members; m++) begin : gen_border
    localparam layer_t Layer = layer_t'(Layers[m*LayerBits+:LayerBits]);
    assign borders[m] = InBits'(Layer.pad_value);
  end

  logic [1:0]                 read_q, first_q, last_q;
  logic                       inside_q;
  logic [1:0][MemberBits-1:0] turn_q;
  logic [1:0][ReadBits-1:0]   weight_q;
  logic [1:0][ConstantBits-1:0] channel_q;
  logic [1:0][CountBits-1:0]  count_q;
  logic [WordW-1:0]           word_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) read_q <= '0;
    else read_q <= {read_q[0], read};
    first_q  <= {first_q[0], first};
    last_q   <= {last_q[0], last};
    inside_q <= in_frame;
    turn_q   <= {turn_q[0], turn};
    weight_q <= {weight_q[0], weight};
    channel_q <= {channel_q[0], channel};
    count_q  <= {count_q[0], count};
    word_q   <= inside_q ? word : {Lanes{borders[turn_q[0]]}};
  end

  // ---------------------------------------------------------------- products and results

  wire logic acc_valid;
  wire logic [AccW-1:0] acc;
  wire logic [1:0] unused_load;

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
    .Words     (Reads),
    .Ram       (WeightRam),
    .Addressed (1),
    .MemFile   (MemFile)
  ) u_dot (
    .clk_i,
    .rst_i,
    .load_o (unused_load),
    .valid_i(read_q[1]),
    .first_i(first_q[1]),
    .last_i (last_q[1]),
    .data_i (word_q),
    .addr_i (weight_q[1]),
    .valid_o(acc_valid),
    .data_o (acc)
  );

  // Whose pass it was: results come in the order of the passes, and leave one by one while the next pass is read.
  typedef struct packed {
    logic [MemberBits-1:0]   member;
    logic [ConstantBits-1:0] channel;
    logic [CountBits-1:0]    count;
  } pass_t;

  (* ram_style = "distributed" *) pass_t passes[Ways];
  logic [$clog2(Ways)-1:0] begun_q, done_q;
  pass_t           pass_q;
  logic [AccW-1:0] acc_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      begun_q <= '0;
      done_q  <= '0;
    end else begin
      if (read_q[1] && last_q[1]) begun_q <= begun_q + 1'b1;
      if (acc_valid) done_q <= done_q + 1'b1;
    end
    if (read_q[1] && last_q[1]) passes[begun_q] <= '{member: turn_q[1], channel: channel_q[1], count: count_q[1]};
  end

  always_ff @(posedge clk_i) begin
    if (acc_valid) begin
      pass_q <= passes[done_q];
      acc_q  <= acc;
    end else begin
      pass_q.channel <= pass_q.channel + 1'b1;
      if (pass_q.count != '0) pass_q.count <= pass_q.count - 1'b1;
      acc_q <= AccW'({AccBits'(0), acc_q} >> AccBits);
    end
    if (rst_i) pass_q.count <= '0;
  end

  `TOM_ALWAYS(one_by_one, !acc_valid || pass_q.count <= 1, "%m has results before those of the pass in front have left")

  wire logic result_valid, unused_tag;
  wire logic [MemberBits-1:0] result_member;
  wire logic [OutBits-1:0]    result;

  tom_shared_requant #(
    .Members  (Members),
    .Layers   (Layers),
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
    .Words    (Channels),
    .Ram      (NarrowRam),
    .MemFile  (NarrowFile)
  ) u_requant (
    .clk_i,
    .rst_i,
    .valid_i (pass_q.count != '0),
    .member_i(pass_q.member),
    .word_i  (pass_q.channel),
    .tag_i   (1'b0),
    .data_i  (acc_q[AccBits-1:0]),
    .valid_o (result_valid),
    .member_o(result_member),
    .tag_o   (unused_tag),
    .data_o  (result)
  );

  tom_shared_leave #(
    .Members(Members),
    .Layers (Layers),
    .Bits   (OutBits),
    .OutW   (OutW),
    .Places (Places),
    .Ram    (PlaceRam)
  ) u_leave (
    .clk_i,
    .rst_i,
    .init_i         (init),
    .member_i       (look),
    .left_o         (left),
    .valid_i        (result_valid),
    .result_member_i(result_member),
    .data_i         (result),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
