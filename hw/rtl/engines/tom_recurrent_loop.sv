// SPDX-License-Identifier: Apache-2.0
// A layer that reads its own last result: an array of multipliers (tom_dot) in a loop with the units' functions.
//
// Bit-exact with tomato/ops/recurrent.py. Kind: 0 plain, 1 GRU that resets behind the product, 2 GRU that resets in
// front of it, 3 LSTM. The columns of a fold are all gates of Units * Turns units, which leave Units per cycle. A step has
// one pass, of kind 2 two. An input beat carries all gates of Units units, an output beat their results. With one frame
// at a time passes wait for their results (tom_loop_alone); more of them take turns (tom_loop_interleave). Sums too wide
// for a multiplier are multiplied in slices, the low ones without a sign.

`include "tom_assert.svh"
`default_nettype none

module tom_recurrent_loop #(
  parameter int unsigned Kind       = 3,   // what a unit is
  parameter int unsigned Hidden     = 4,   // units
  parameter int unsigned Lanes      = 1,   // last results per cycle
  parameter int unsigned Units      = 1,   // units per beat
  parameter int unsigned Turns      = 1,   // beats of a fold
  parameter int unsigned Steps      = 1,   // of a frame; 0: the state lasts from frame to frame
  parameter int unsigned Gap        = 0,   // cycles that a pass waits for the one before
  parameter int unsigned Frames     = 1,   // frames that take turns
  parameter int unsigned Pause      = 0,   // cycles between passes of those
  parameter int unsigned Slots      = 1,   // frames of inputs, and of results, that have room then
  parameter int unsigned Delay      = 2,   // cycles from when a frame is taken in to its results then
  parameter int unsigned InRam      = 0,   // memory kind of those inputs: 0 LUTRAM, 1 block RAM, 2 UltraRAM
  parameter int unsigned OutRam     = 0,   // memory kind of those results
  parameter int unsigned XBits      = 16,  // width of an input code
  parameter bit          XSigned    = 1,   // inputs are two's complement
  parameter int unsigned XPlaces    = 8,   // input beats that may wait
  parameter int unsigned Waiting    = 8,   // folds of results that may be on their way or wait
  parameter int unsigned FedBits    = 8,   // width of a result as it is multiplied, two's complement
  parameter int unsigned Cell       = 0,   // what a weight is, see tom_dot
  parameter int unsigned FieldBits  = 8,   // stored width of a weight
  parameter int unsigned WeightBits = 8,   // width of its value, two's complement
  parameter bit [511:0]  Constants  = '0,  // what all weights share
  parameter int unsigned ProdBits   = 16,  // width of a product, two's complement
  parameter int unsigned AccBits    = 24,  // width of a sum of them
  parameter int unsigned Pack       = 1,   // filters that share a DSP block; 0: multiply in LUTs
  parameter int unsigned WeightRam  = 0,   // memory kind of the weights
  parameter int unsigned LoadBits   = 1,   // bits per beat of the loader that fills UltraRAM
  parameter int unsigned MultBits   = 17,  // width of what sums are multiplied by, two's complement
  parameter int unsigned AccSlice   = 25,  // bits of a sum that a multiplier takes then
  parameter int unsigned MultSlice  = 17,  // bits of the other factor that it takes
  parameter int unsigned BiasBits   = 24,  // width of what is added to that, two's complement
  parameter int unsigned Shift      = 8,   // right shift, rounding down
  parameter int unsigned SumBits    = 18,  // width of what comes of it, saturated
  parameter int unsigned GateFraction   = 12,  // bits behind the point of gates
  parameter int unsigned CellFraction   = 11,  // bits behind the point of cells
  parameter int unsigned HiddenFraction = 15,  // bits behind the point of a result
  parameter int unsigned OutBits    = 16,  // width of a result and of a cell, two's complement
  parameter bit          Cells      = 0,   // of kind 3: cells leave, not the results
  parameter tom_recurrent_pkg::functions_t Functions = tom_recurrent_pkg::example(),  // see tom_recurrent_pkg
  parameter              MemFile    = "",  // hexadecimal weight words, see tom_dot
  parameter              MemFile0   = "",  // what sums are multiplied by (low) and what is added, by beats
  parameter              MemFile1   = "",  // results before the first step, as they are multiplied: by reads
  parameter              MemFile2   = "",  // what the units keep before the first step, by beats
  parameter              MemFile3   = "",  // lines of the first function
  parameter              MemFile4   = "",  // of the second
  parameter              MemFile5   = "",  // of the third

  localparam int unsigned Gates = Kind == 0 ? 1 : Kind == 3 ? 4 : 3,
  localparam int unsigned InW   = Units * Gates * XBits,
  localparam int unsigned OutW  = Units * OutBits
) (
  input  wire logic            clk_i,
  input  wire logic            rst_i,

  input  wire logic [LoadBits:0] load_i = '0,  // weights for UltraRAM, see tom_rom
  output wire logic [LoadBits:0] load_o,

  input  wire logic            in_valid_i,
  output wire logic            in_ready_o,
  input  wire logic [InW-1:0]  in_data_i,

  output wire logic            out_valid_o,
  input  wire logic            out_ready_i,
  output wire logic [OutW-1:0] out_data_o
);

  `TOM_REQUIRE(kind, Kind <= 3, "Kind must be 0 to 3")
  `TOM_REQUIRE(cells, !Cells || Kind == 3, "only a unit of kind 3 has a cell")

  localparam int unsigned Plain = 0, ResetAfter = 1, ResetBefore = 2, Lstm = 3;
  localparam int unsigned PerFold     = Units * Turns;                        // of a fold
  localparam int unsigned Outputs   = PerFold * Gates;
  localparam int unsigned Beats     = tom_pkg::ceil_div(Hidden, Lanes);
  localparam int unsigned Folds     = tom_pkg::ceil_div(Hidden, PerFold);
  localparam int unsigned Words     = tom_pkg::ceil_div(Hidden, Units);     // beats of a step
  localparam int unsigned LastTurns = Words - (Folds - 1) * Turns;          // of the last fold
  localparam int unsigned Passes    = Kind == ResetBefore ? 2 : 1;          // of a step
  localparam int unsigned Read      = 2 + tom_pkg::dot_latency(Lanes)       // cycles from a read to its sum
      + tom_booth_pkg::waits(Cell, Pack, 0, FedBits, 1, WeightBits);
  localparam int unsigned Narrow    = 4;                                    // from there to the units' sums
  localparam int unsigned Unit      = Kind == Plain ? 8 : 18;               // from there to the results
  localparam int unsigned BeatBits  = tom_pkg::idx_width(Beats);
  localparam int unsigned RowBits   = tom_pkg::idx_width(2 * Frames * Beats);
  localparam int unsigned TurnBits  = tom_pkg::count_width(Turns);
  localparam int unsigned WordBits  = tom_pkg::idx_width(Words);
  localparam int unsigned PlaceBits = tom_pkg::idx_width(Frames * Words);

  `TOM_REQUIRE(turns, Turns <= Beats, "a fold must have as many reads as beats")

  // ---------------------------------------------------------------- passes, folds and reads

  wire logic                 fire, last_beat, last_fold, fresh, second;
  wire logic [BeatBits-1:0]  beat;
  wire logic [RowBits-1:0]   read_base, write_base;
  wire logic                 written;   // the results of a pass are there
  wire logic                 turn;      // a word of sums
  logic [WordBits-1:0]       word_q;    // which one
  wire logic [PlaceBits-1:0] place;     // where its units keep what they keep
  wire logic                 x_take;
  wire logic [InW-1:0]       x;
  wire logic                 result, leaves;
  wire logic [OutW-1:0]      h, shown;  // what goes back, and what leaves

  if (Frames == 1) begin : gen_alone
    tom_loop_alone #(
      .Passes   (Passes),
      .Steps    (Steps),
      .Folds    (Folds),
      .Beats    (Beats),
      .Turns    (Turns),
      .LastTurns(LastTurns),
      .Gap      (Gap),
      .XPlaces  (XPlaces),
      .Waiting  (Waiting),
      .InW      (InW),
      .OutW     (OutW)
    ) u_loop (
      .clk_i,
      .rst_i,
      .in_valid_i,
      .in_ready_o,
      .in_data_i,
      .fire_o       (fire),
      .beat_o       (beat),
      .last_beat_o  (last_beat),
      .last_fold_o  (last_fold),
      .fresh_o      (fresh),
      .second_o     (second),
      .read_base_o  (read_base),
      .write_base_o (write_base),
      .written_i    (written),
      .x_take_i     (x_take),
      .x_o          (x),
      .result_i     (leaves && result),
      .result_data_i(shown),
      .out_valid_o,
      .out_ready_i,
      .out_data_o
    );
    assign place = word_q;
  end else begin : gen_interleave
    tom_loop_interleave #(
      .Passes(Passes),
      .Steps (Steps),
      .Folds (Folds),
      .Beats (Beats),
      .Words (Words),
      .Frames(Frames),
      .Pause (Pause),
      .Slots (Slots),
      .Delay (Delay),
      .OnWay (tom_pkg::ceil_div(Folds * Beats + Read + Turns + Narrow + Unit + 2, Folds * Beats + Pause) + 1),
      .ToUnit(Narrow),
      .InW   (InW),
      .OutW  (OutW),
      .InRam (InRam),
      .OutRam(OutRam)
    ) u_loop (
      .clk_i,
      .rst_i,
      .in_valid_i,
      .in_ready_o,
      .in_data_i,
      .fire_o       (fire),
      .beat_o       (beat),
      .last_beat_o  (last_beat),
      .last_fold_o  (last_fold),
      .fresh_o      (fresh),
      .second_o     (second),
      .read_base_o  (read_base),
      .write_base_o (write_base),
      .turn_i       (turn),
      .word_i       (word_q),
      .place_o      (place),
      .x_o          (x),
      .result_i     (result),
      .leaves_i     (leaves),
      .result_data_i(shown),
      .out_valid_o,
      .out_ready_i,
      .out_data_o
    );
    wire logic unused = &{1'b0, written, x_take};
  end

  // ---------------------------------------------------------------- the product of the weights and the last result

  wire logic                     write;
  wire logic [Units*FedBits-1:0] fed;
  wire logic [Lanes*FedBits-1:0] read;
  logic [1:0]                    valid_q, first_q, last_q;
  wire logic                     acc_valid;
  wire logic [Outputs*AccBits-1:0] acc;

  tom_feedback #(
    .Lanes  (Lanes),
    .Units  (Units),
    .Words  (Words),
    .Beats  (Beats),
    .Parts  (2 * Frames),
    .Bits   (FedBits),
    .MemFile(MemFile1)
  ) u_feedback (
    .clk_i,
    .rst_i,
    .write_i     (write),
    .write_data_i(fed),
    .write_base_i(write_base),
    .written_o   (written),
    .fresh_i     (fresh && !second),
    .read_base_i (read_base),
    .beat_i      (beat),
    .data_o      (read)
  );

  always_ff @(posedge clk_i) begin
    if (rst_i) valid_q <= '0;
    else valid_q <= {valid_q[0], fire};
    first_q <= {first_q[0], beat == '0};
    last_q  <= {last_q[0], last_beat};
  end

  tom_dot #(
    .Inputs    (Lanes),
    .Outputs   (Outputs),
    .InBits    (FedBits),
    .InSigned  (1),
    .Cell      (Cell),
    .FieldBits (FieldBits),
    .WeightBits(WeightBits),
    .Constants (Constants),
    .ProdBits  (ProdBits),
    .AccBits   (AccBits),
    .Pack      (Pack),
    .Words     (Folds * Beats),
    .Ram       (WeightRam),
    .LoadBits  (LoadBits),
    .MemFile   (MemFile)
  ) u_dot (
    .clk_i,
    .rst_i,
    .load_i,
    .load_o,
    .valid_i(valid_q[1]),
    .first_i(first_q[1]),
    .last_i (last_q[1]),
    .data_i (read),
    .valid_o(acc_valid),
    .data_o (acc)
  );

  // ---------------------------------------------------------------- a fold becomes turns

  // What the last read of a fold was of.
  logic [Read-1:0] of_last_q, of_fresh_q, of_second_q;

  logic [Outputs*AccBits-1:0] turn_q;
  logic [TurnBits-1:0]        turns_q;
  logic                       turn_fresh_q, turn_second_q;

  assign turn = turns_q != '0;

  always_ff @(posedge clk_i) begin
    of_last_q   <= Read'({of_last_q, last_fold});
    of_fresh_q  <= Read'({of_fresh_q, fresh});
    of_second_q <= Read'({of_second_q, second});
    turn_q      <= acc_valid ? acc : turn_q >> (Units * Gates * AccBits);
    if (acc_valid) begin
      turn_fresh_q  <= of_fresh_q[Read-1];
      turn_second_q <= of_second_q[Read-1];
    end
    if (rst_i) begin
      turns_q <= '0;
      word_q  <= '0;
    end else begin
      if (acc_valid) turns_q <= of_last_q[Read-1] ? TurnBits'(LastTurns) : TurnBits'(Turns);
      else if (turn) turns_q <= turns_q - 1'b1;
      if (turn) word_q <= word_q == WordBits'(Words - 1) ? '0 : word_q + 1'b1;
    end
  end

  // ---------------------------------------------------------------- sums in steps of the inputs

  localparam int unsigned Columns = Units * Gates;
  localparam int unsigned ScaledBits = AccBits + MultBits;
  localparam int unsigned BiasedBits = (ScaledBits > BiasBits ? ScaledBits : BiasBits) + 1;
  localparam int unsigned CmpBits = BiasedBits > SumBits ? BiasedBits : SumBits + 1;
  localparam int unsigned ConstantBits = MultBits + BiasBits;
  localparam int unsigned AccSlices = tom_pkg::ceil_div(AccBits, AccSlice);
  localparam int unsigned MultSlices = tom_pkg::ceil_div(MultBits, MultSlice);
  localparam int unsigned Parts = AccSlices * MultSlices;  // products that are summed

  (* ram_style = "registers", rom_style = "distributed" *) logic [Columns*ConstantBits-1:0] rom[Words];
  initial if (MemFile0 != "") $readmemh(MemFile0, rom);

  logic [Columns*ConstantBits-1:0] constant_q;
  logic [Columns*AccBits-1:0]      data_q;
  logic [Columns*SumBits-1:0]      r_q;
  logic [Narrow-1:0]               sum_valid_q, sum_fresh_q, sum_second_q;
  logic [WordBits-1:0]             sum_word_q[Narrow];
  logic [PlaceBits-1:0]            sum_place_q[Narrow];

  always_ff @(posedge clk_i) begin
    constant_q <= rom[word_q];
    data_q     <= turn_q[Columns*AccBits-1:0];
    sum_valid_q  <= rst_i ? '0 : {sum_valid_q[Narrow-2:0], turn};
    sum_fresh_q  <= {sum_fresh_q[Narrow-2:0], turn_fresh_q};
    sum_second_q <= {sum_second_q[Narrow-2:0], turn_second_q};
    sum_word_q[0]  <= word_q;
    sum_place_q[0] <= place;
    for (int unsigned i = 1; i < Narrow; i++) begin
      sum_word_q[i]  <= sum_word_q[i-1];
      sum_place_q[i] <= sum_place_q[i-1];
    end
  end

  for (genvar c = 0; c < Columns; c++) begin : gen_column
    logic signed [BiasBits-1:0]   bias_q;
    logic signed [BiasedBits-1:0] biased, biased_q;
    wire logic signed [BiasedBits-1:0] prod[Parts];
    wire logic signed [AccBits-1:0] value = data_q[c*AccBits+:AccBits];
    wire logic signed [MultBits-1:0] mult = constant_q[c*ConstantBits+:MultBits];
    wire logic signed [CmpBits-1:0] shifted = CmpBits'(biased_q >>> Shift);

    for (genvar p = 0; p < Parts; p++) begin : gen_part
      localparam int unsigned AccFrom = p / MultSlices * AccSlice, MultFrom = p % MultSlices * MultSlice;
      localparam bit AccTop = p / MultSlices == AccSlices - 1, MultTop = p % MultSlices == MultSlices - 1;
      localparam int unsigned ABits = AccTop ? AccBits - AccFrom : AccSlice + 1;
      localparam int unsigned BBits = MultTop ? MultBits - MultFrom : MultSlice + 1;
      wire logic signed [ABits-1:0] a =
          AccTop ? ABits'(value >>> AccFrom) : ABits'({1'b0, AccSlice'(value >>> AccFrom)});
      wire logic signed [BBits-1:0] b =
          MultTop ? BBits'(mult >>> MultFrom) : BBits'({1'b0, MultSlice'(mult >>> MultFrom)});
      logic signed [ABits+BBits-1:0] prod_q;
      always_ff @(posedge clk_i) prod_q <= a * b;
      assign prod[p] = BiasedBits'(prod_q) <<< (AccFrom + MultFrom);
    end

    always_comb begin
      biased = BiasedBits'(bias_q);
      for (int unsigned p = 0; p < Parts; p++) biased += prod[p];
    end

    always_ff @(posedge clk_i) begin
      bias_q   <= constant_q[c*ConstantBits+MultBits+:BiasBits];
      biased_q <= biased;
      if (shifted > CmpBits'((1 << (SumBits - 1)) - 1)) r_q[c*SumBits+:SumBits] <= {1'b0, {(SumBits - 1){1'b1}}};
      else if (shifted < -CmpBits'(1 << (SumBits - 1))) r_q[c*SumBits+:SumBits] <= {1'b1, {(SumBits - 1){1'b0}}};
      else r_q[c*SumBits+:SumBits] <= shifted[SumBits-1:0];
    end
  end

  // ---------------------------------------------------------------- the units

  wire logic              unit_valid = sum_valid_q[Narrow-1];
  wire logic              unit_second = sum_second_q[Narrow-1];
  logic [Unit-1:0]        h_valid_q, h_out_q;

  assign x_take = unit_valid && !(Passes == 2 && unit_second);

  if (Kind == Lstm) begin : gen_lstm
    wire logic [OutW-1:0] c;
    tom_lstm_unit #(
      .Units         (Units),
      .Words         (Words),
      .Frames        (Frames),
      .XBits         (XBits),
      .XSigned       (XSigned),
      .SumBits       (SumBits),
      .GateFraction  (GateFraction),
      .CellFraction  (CellFraction),
      .CellBits      (OutBits),
      .HiddenFraction(HiddenFraction),
      .HiddenBits    (OutBits),
      .Functions     (Functions),
      .MemFile0      (MemFile3),
      .MemFile1      (MemFile4),
      .MemFile2      (MemFile5),
      .MemFile3      (MemFile2)
    ) u_unit (
      .clk_i,
      .valid_i(unit_valid),
      .fresh_i(sum_fresh_q[Narrow-1]),
      .word_i (sum_word_q[Narrow-1]),
      .place_i(sum_place_q[Narrow-1]),
      .x_i    (x),
      .r_i    (r_q),
      .h_o    (h),
      .c_o    (c)
    );
    assign shown = Cells ? c : h;
    wire logic unused_cells = &{1'b0, c};
  end else if (Kind == Plain) begin : gen_plain
    tom_rnn_unit #(
      .Units         (Units),
      .XBits         (XBits),
      .XSigned       (XSigned),
      .SumBits       (SumBits),
      .GateFraction  (GateFraction),
      .HiddenFraction(HiddenFraction),
      .HiddenBits    (OutBits),
      .Functions     (Functions),
      .MemFile0      (MemFile3)
    ) u_unit (
      .clk_i,
      .x_i(x),
      .r_i(r_q),
      .h_o(h)
    );
    assign shown = h;
    wire logic unused_flags = &{1'b0, sum_fresh_q, sum_word_q[Narrow-1], sum_place_q[Narrow-1]};
  end else begin : gen_gru
    tom_gru_unit #(
      .Units         (Units),
      .Words         (Words),
      .Frames        (Frames),
      .XBits         (XBits),
      .XSigned       (XSigned),
      .SumBits       (SumBits),
      .ResetAfter    (Kind == ResetAfter),
      .GateFraction  (GateFraction),
      .HiddenFraction(HiddenFraction),
      .HiddenBits    (OutBits),
      .Functions     (Functions),
      .MemFile0      (MemFile3),
      .MemFile1      (MemFile4),
      .MemFile2      (MemFile2)
    ) u_unit (
      .clk_i,
      .valid_i (unit_valid),
      .fresh_i (sum_fresh_q[Narrow-1]),
      .second_i(unit_second),
      .word_i  (sum_word_q[Narrow-1]),
      .place_i (sum_place_q[Narrow-1]),
      .x_i     (x),
      .r_i     (r_q),
      .h_o     (h)
    );
    assign shown = h;
  end

  always_ff @(posedge clk_i) begin
    h_valid_q <= rst_i ? '0 : {h_valid_q[Unit-2:0], unit_valid};
    h_out_q   <= {h_out_q[Unit-2:0], unit_valid && (Passes == 1 || unit_second)};
  end

  assign result = h_valid_q[Unit-1];
  assign leaves = h_out_q[Unit-1];

  // ---------------------------------------------------------------- what goes back of the results

  localparam int unsigned Lost = OutBits - FedBits;
  logic                     write_q;
  logic [Units*FedBits-1:0] fed_q;

  always_ff @(posedge clk_i) write_q <= result;
  assign write = write_q;
  assign fed   = fed_q;

  for (genvar u = 0; u < Units; u++) begin : gen_fed
    wire logic [OutBits-1:0] code = h[u*OutBits+:OutBits];
    if (Lost == 0) begin : gen_same
      always_ff @(posedge clk_i) fed_q[u*FedBits+:FedBits] <= code;
    end else begin : gen_rounded
      // Upwards from half a step, but not beyond the greatest code.
      wire logic [FedBits-1:0] high = code[OutBits-1-:FedBits];
      wire logic most = high == {1'b0, {(FedBits - 1){1'b1}}};
      always_ff @(posedge clk_i) fed_q[u*FedBits+:FedBits] <= high + FedBits'(code[Lost-1] && !most);
    end
  end

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
