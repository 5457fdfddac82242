// SPDX-License-Identifier: Apache-2.0
// Narrow a stream of accumulators: y = clamp((x * mult + bias) >>> Shift, Lo, Hi).
//
// Bit-exact with tomato/ops/requant.py. One beat per cycle. Each word of MemFile holds mult (low), bias and
// the nudges of every lane, lane 0 in the low bits; words follow the beats of a pixel.
//
// A nudge is an input code and d, two bits of two's complement: an x that equals the code counts as x + d.
// As (x + d) * mult + bias = (x * mult + bias) + d * mult, the multiplier need not wait for the comparison.

`include "tom_assert.svh"
`default_nettype none

module tom_requant_stream #(
  parameter int unsigned Lanes    = 1,   // codes per beat
  parameter int unsigned Beats    = 1,   // beats per pixel
  parameter int unsigned InBits   = 24,  // width of an input code
  parameter bit          InSigned = 1,   // inputs are two's complement
  parameter int unsigned MultBits = 17,  // width of mult, two's complement; 0: no multiplication
  parameter int unsigned BiasBits = 24,  // width of bias, two's complement
  parameter int unsigned Shift    = 8,   // right shift, rounding down
  parameter int unsigned OutBits  = 8,   // width of an output code
  parameter int signed   Lo       = 0,   // smallest result
  parameter int signed   Hi       = 255, // largest result
  parameter int unsigned Nudges   = 0,   // inputs that are nudged, per channel; more than 0 take one cycle more
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

  localparam int unsigned Latency = Nudges == 0 ? 4 : 5;
  localparam int unsigned ValueBits = InBits + (InSigned ? 0 : 1);
  localparam int unsigned ProdBits = ValueBits + MultBits;
  localparam int unsigned SumBits = (ProdBits > BiasBits ? ProdBits : BiasBits) + 1;
  localparam int unsigned FactorBits = MultBits == 0 ? 2 : MultBits;
  localparam int unsigned NudgeBits = InBits + 2;
  localparam int unsigned LaneBits = MultBits + BiasBits + Nudges * NudgeBits;
  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats);
  // Wide enough for the shifted sum and for Lo and Hi.
  localparam int unsigned CmpBits = (SumBits > 34 ? SumBits : 34);

  logic [Lanes*LaneBits-1:0] rom[Beats];
  initial if (MemFile != "") $readmemh(MemFile, rom);

  wire logic available;
  wire logic fire = in_valid_i && available;
  assign in_ready_o = available;

  logic [Latency-1:0]        valid_q;
  logic [BeatBits-1:0]       beat_q;
  logic [Lanes*LaneBits-1:0] word_q;
  logic [InW-1:0]            data_q;
  logic signed [BiasBits-1:0] bias_q[Lanes];
  logic signed [ProdBits-1:0] prod_q[Lanes];
  logic signed [SumBits-1:0]  sum_q[Lanes];
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

  always_ff @(posedge clk_i) begin
    word_q <= rom[beat_q];
    data_q <= in_data_i;
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    wire logic signed [ValueBits-1:0] value =
        InSigned ? ValueBits'(signed'(data_q[l*InBits+:InBits])) : ValueBits'(data_q[l*InBits+:InBits]);
    wire logic signed [SumBits-1:0] sum;
    wire logic signed [CmpBits-1:0] shifted = CmpBits'(sum >>> Shift);

    always_ff @(posedge clk_i) begin
      bias_q[l] <= word_q[l*LaneBits+MultBits+:BiasBits];
      sum_q[l]  <= SumBits'(prod_q[l]) + SumBits'(bias_q[l]);
      if (shifted < CmpBits'(Lo)) result_q[l*OutBits+:OutBits] <= OutBits'(Lo);
      else if (shifted > CmpBits'(Hi)) result_q[l*OutBits+:OutBits] <= OutBits'(Hi);
      else result_q[l*OutBits+:OutBits] <= shifted[OutBits-1:0];
    end

    if (MultBits == 0) begin : gen_no_mult
      always_ff @(posedge clk_i) prod_q[l] <= value;
    end else begin : gen_mult
      wire logic signed [MultBits-1:0] mult = word_q[l*LaneBits+:MultBits];
      always_ff @(posedge clk_i) prod_q[l] <= value * mult;
    end

    if (Nudges == 0) begin : gen_plain
      assign sum = sum_q[l];
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

      logic                         up_q, down_q, carry_q;
      logic signed [FactorBits-1:0] mult_q, step_q;
      logic signed [SumBits-1:0]    nudged_q;
      // -mult is ~mult + 1; a bit below the others carries the 1 into their sum.
      always_ff @(posedge clk_i) begin
        up_q     <= up;
        down_q   <= down;
        mult_q   <= mult;
        step_q   <= up_q ? mult_q : down_q ? ~mult_q : '0;
        carry_q  <= down_q;
        nudged_q <= SumBits'(({sum_q[l], 1'b1} + {SumBits'(step_q), carry_q}) >> 1);
      end
      assign sum = nudged_q;
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
