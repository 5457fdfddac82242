// SPDX-License-Identifier: Apache-2.0
// Narrow a stream of accumulators: y = clamp((x * mult + bias) >>> Shift, Lo, Hi).
//
// Bit-exact with tomato/ops/requant.py. One beat per cycle. Each word of MemFile holds mult (low), bias and
// the nudges of every lane, lane 0 in the low bits; words follow the beats of a pixel.
//
// A nudge is an input code and d, two bits of two's complement: an x that equals the code counts as x + d.
// As (x + d) * mult + bias = (x * mult + bias) + d * mult, the multiplier need not wait for the comparison.
//
// What is too wide for a multiplier comes in slices, the low ones without a sign: their products and bias are summed
// two at a time. Latency 5, and one more each time the number of those products doubles, for nudges, and for constants
// in block RAM, which has a register behind it.

`include "tom_assert.svh"
`default_nettype none

module tom_requant_stream #(
  parameter int unsigned Lanes    = 1,   // codes per beat
  parameter int unsigned Beats    = 1,   // beats per pixel
  parameter int unsigned InBits   = 24,  // width of an input code
  parameter bit          InSigned = 1,   // inputs are two's complement
  parameter int unsigned MultBits = 17,  // width of mult, two's complement; 0: no multiplication
  parameter int unsigned InSlice  = 25,  // bits of an input, signed as it is multiplied, that a multiplier takes
  parameter int unsigned MultSlice = 17, // bits of mult that it takes
  parameter int unsigned BiasBits = 24,  // width of bias, two's complement
  parameter int unsigned Shift    = 8,   // right shift, rounding down
  parameter int unsigned OutBits  = 8,   // width of an output code
  parameter int signed   Lo       = 0,   // smallest result
  parameter int signed   Hi       = 255, // largest result
  parameter int unsigned Nudges   = 0,   // inputs that are nudged, per channel; more than 0 take one cycle more
  parameter int unsigned ConstantRam = 0, // memory kind of the constants: 0 LUT, 1 block RAM, one cycle more
  parameter              MemFile  = "",  // hexadecimal words: mult, bias and nudges of every lane

  localparam int unsigned InW  = Lanes * InBits,
  localparam int unsigned OutW = Lanes * OutBits
) (
  input  wire logic            clk_i,
  input  wire logic            rst_i,

  input  wire logic            in_valid_i,
  output wire logic            in_ready_o,
  input  wire logic [InW-1:0]  in_data_i,

  output wire logic            out_valid_o,
  input  wire logic            out_ready_i,
  output wire logic [OutW-1:0] out_data_o
);

  `TOM_REQUIRE(range, Lo <= Hi, "Lo must not exceed Hi")
  `TOM_REQUIRE(kind, ConstantRam <= 1, "ConstantRam must be 0 or 1")

  localparam int unsigned ValueBits = InBits + (InSigned ? 0 : 1);
  localparam int unsigned ProdBits = ValueBits + MultBits;
  localparam int unsigned SumBits = (ProdBits > BiasBits ? ProdBits : BiasBits) + 1;
  localparam int unsigned InSlices = tom_pkg::ceil_div(ValueBits, InSlice);
  localparam int unsigned MultSlices = tom_pkg::ceil_div(MultBits, MultSlice);
  localparam int unsigned Parts = MultBits == 0 ? 1 : InSlices * MultSlices;  // products that are summed
  localparam int unsigned Levels = $clog2(Parts + 1);  // of sums of two
  localparam int unsigned Latency = 4 + Levels + (Nudges == 0 ? 0 : 1) + (ConstantRam == 0 ? 0 : 1);
  localparam int unsigned FactorBits = MultBits == 0 ? 2 : MultBits;
  localparam int unsigned NudgeBits = InBits + 2;
  localparam int unsigned LaneBits = MultBits + BiasBits + Nudges * NudgeBits;
  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats);
  // Wide enough for the shifted sum and for Lo and Hi.
  localparam int unsigned CmpBits = (SumBits > 34 ? SumBits : 34);

  wire logic available;
  wire logic fire = in_valid_i && available;
  assign in_ready_o = available;

  logic [Latency-1:0]        valid_q;
  logic [BeatBits-1:0]       beat_q;
  logic [Lanes*LaneBits-1:0] word_q;
  logic [InW-1:0]            data_q;
  logic [OutW-1:0]           result_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      valid_q <= '0;
      beat_q  <= '0;
    end else begin
      valid_q <= {valid_q[Latency-2:0], fire};
      if (fire) beat_q <= beat_q == BeatBits'(Beats - 1) ? '0 : beat_q + 1'b1;
    end
  end

  if (ConstantRam == 0) begin : gen_distributed
    logic [Lanes*LaneBits-1:0] rom[Beats];
    initial if (MemFile != "") $readmemh(MemFile, rom);
    always_ff @(posedge clk_i) begin
      word_q <= rom[beat_q];
      data_q <= in_data_i;
    end
  end else begin : gen_block
    (* rom_style = "block" *) logic [Lanes*LaneBits-1:0] rom[Beats];
    logic [Lanes*LaneBits-1:0] read_q;
    logic [InW-1:0]            first_q;
    initial if (MemFile != "") $readmemh(MemFile, rom);
    always_ff @(posedge clk_i) begin
      read_q  <= rom[beat_q];
      word_q  <= read_q;
      first_q <= in_data_i;
      data_q  <= first_q;
    end
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    wire logic signed [ValueBits-1:0] value =
        InSigned ? ValueBits'(signed'(data_q[l*InBits+:InBits])) : ValueBits'(data_q[l*InBits+:InBits]);
    wire logic signed [SumBits-1:0] term[Parts+1];
    wire logic signed [SumBits-1:0] total, sum;

    // ---------------------------------------------------------------- products

    logic signed [BiasBits-1:0] bias_q;
    always_ff @(posedge clk_i) bias_q <= word_q[l*LaneBits+MultBits+:BiasBits];
    assign term[0] = SumBits'(bias_q);

    if (MultBits == 0) begin : gen_no_mult
      logic signed [ValueBits-1:0] value_q;
      always_ff @(posedge clk_i) value_q <= value;
      assign term[1] = SumBits'(value_q);
    end else begin : gen_mult
      wire logic signed [MultBits-1:0] mult = word_q[l*LaneBits+:MultBits];
      for (genvar p = 0; p < Parts; p++) begin : gen_part
        localparam int unsigned InFrom = p / MultSlices * InSlice, MultFrom = p % MultSlices * MultSlice;
        localparam bit InTop = p / MultSlices == InSlices - 1, MultTop = p % MultSlices == MultSlices - 1;
        localparam int unsigned ABits = InTop ? ValueBits - InFrom : InSlice + 1;
        localparam int unsigned BBits = MultTop ? MultBits - MultFrom : MultSlice + 1;
        wire logic signed [ABits-1:0] a =
            InTop ? ABits'(value >>> InFrom) : ABits'({1'b0, InSlice'(value >>> InFrom)});
        wire logic signed [BBits-1:0] b =
            MultTop ? BBits'(mult >>> MultFrom) : BBits'({1'b0, MultSlice'(mult >>> MultFrom)});
        logic signed [ABits+BBits-1:0] prod_q;
        always_ff @(posedge clk_i) prod_q <= a * b;
        assign term[p+1] = SumBits'(prod_q) <<< (InFrom + MultFrom);
      end
    end

    // ---------------------------------------------------------------- their sum

    for (genvar s = 1; s <= Levels; s++) begin : gen_level
      localparam int unsigned Last = tom_pkg::ceil_div(Parts + 1, 2 ** (s - 1));  // terms before
      localparam int unsigned Next = tom_pkg::ceil_div(Last, 2);                  // terms after
      logic signed [SumBits-1:0] addend[Last], sum_q[Next];
      if (s == 1) begin : gen_first
        assign addend = term;
      end else begin : gen_later
        assign addend = gen_level[s-1].sum_q;
      end
      always_ff @(posedge clk_i) begin
        for (int unsigned t = 0; t < Next; t++)
          sum_q[t] <= addend[2*t] + (2 * t + 1 < Last ? addend[2*t+1] : '0);
      end
    end
    assign total = gen_level[Levels].sum_q[0];

    if (Nudges == 0) begin : gen_plain
      assign sum = total;
    end else begin : gen_nudges
      wire logic signed [FactorBits-1:0] mult;
      if (MultBits == 0) begin : gen_one
        assign mult = 2'sd1;
      end else begin : gen_mult
        assign mult = word_q[l*LaneBits+:MultBits];
      end

      logic up, down;
      always_comb begin
        up   = 1'b0;
        down = 1'b0;
        for (int unsigned n = 0; n < Nudges; n++) begin
          if (word_q[l*LaneBits+MultBits+BiasBits+n*NudgeBits+:InBits] == data_q[l*InBits+:InBits]) begin
            up   |= word_q[l*LaneBits+MultBits+BiasBits+n*NudgeBits+InBits+:2] == 2'b01;
            down |= word_q[l*LaneBits+MultBits+BiasBits+n*NudgeBits+InBits+:2] == 2'b11;
          end
        end
      end

      logic                         up_q, down_q;
      logic signed [FactorBits-1:0] mult_q;
      // The step and a bit below it, from when up_q is known to when the sum is.
      logic [Levels-1:0][FactorBits:0] step_q;
      logic signed [SumBits-1:0]       nudged_q;
      // -mult is ~mult + 1; the bit below the others carries the 1 into their sum.
      always_ff @(posedge clk_i) begin
        up_q     <= up;
        down_q   <= down;
        mult_q   <= mult;
        step_q   <= (Levels * (FactorBits + 1))'({step_q, up_q ? mult_q : down_q ? ~mult_q : '0, down_q});
        nudged_q <= SumBits'(({total, 1'b1} + (SumBits + 1)'(signed'(step_q[Levels-1]))) >> 1);
      end
      assign sum = nudged_q;
    end

    // ---------------------------------------------------------------- shift, clamp

    wire logic signed [CmpBits-1:0] shifted = CmpBits'(sum >>> Shift);
    logic               under_q, over_q;
    logic [OutBits-1:0] inside_q;
    always_ff @(posedge clk_i) begin
      under_q  <= shifted < CmpBits'(Lo);
      over_q   <= shifted > CmpBits'(Hi);
      inside_q <= shifted[OutBits-1:0];
      result_q[l*OutBits+:OutBits] <= under_q ? OutBits'(Lo) : over_q ? OutBits'(Hi) : inside_q;
    end
  end

  tom_queue #(
    .Width(OutW),
    .Depth(Latency + 4)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (fire),
    .in_valid_i (valid_q[Latency-1]),
    .in_data_i  (result_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
