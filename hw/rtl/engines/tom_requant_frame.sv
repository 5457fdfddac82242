// SPDX-License-Identifier: Apache-2.0
// Narrow a stream by constants that differ from pixel to pixel: y = clamp((x * mult + bias) >>> Shift, Lo, Hi).
//
// Bit-exact with tomato/ops/frame_requant.py. One beat per cycle, latency 6. Each word of MemFile holds mult (low)
// and bias of every lane, lane 0 in the low bits; words follow the beats of a frame. If channels are alike, a word
// holds those of one lane and serves all beats of a pixel. If MultBits is 0, mult is Factor everywhere.

`include "tom_assert.svh"
`default_nettype none

module tom_requant_frame #(
  parameter int unsigned Lanes      = 1,   // codes per beat
  parameter int unsigned Beats      = 1,   // beats per pixel
  parameter int unsigned Pixels     = 1,   // pixels per frame
  parameter bit          PerChannel = 1,   // the channels of a pixel differ
  parameter int unsigned InBits     = 8,   // width of an input code
  parameter bit          InSigned   = 1,   // inputs are two's complement
  parameter int unsigned MultBits   = 0,   // width of mult, two's complement; 0: it is Factor
  parameter int signed   Factor     = 1,   // mult, where all places share it
  parameter int unsigned BiasBits   = 24,  // width of a stored bias, two's complement
  parameter int unsigned BiasZeros  = 0,   // zero bits below it
  parameter int unsigned Shift      = 8,   // right shift, rounding down
  parameter int unsigned OutBits    = 8,   // width of an output code
  parameter int signed   Lo         = 0,   // smallest result
  parameter int signed   Hi         = 255, // largest result
  parameter int unsigned Ram        = 0,   // memory kind: 0 LUTs, 1 block RAM
  parameter              MemFile    = "",  // hexadecimal words: mult and bias

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
  `TOM_REQUIRE(kind, Ram <= 1, "Ram must be 0 or 1")

  localparam int unsigned Latency = 4;
  localparam int unsigned ValueBits = InBits + (InSigned ? 0 : 1);
  localparam longint unsigned Magnitude = Factor < 0 ? -64'(Factor) : 64'(Factor);
  localparam int unsigned FactorBits = MultBits == 0 ? $clog2(Magnitude + 1) + 1 : MultBits;
  localparam int unsigned ProdBits = ValueBits + FactorBits;
  localparam int unsigned WholeBits = BiasBits + BiasZeros;
  localparam int unsigned SumBits = (ProdBits > WholeBits ? ProdBits : WholeBits) + 1;
  localparam int unsigned LaneBits = MultBits + BiasBits;
  localparam int unsigned Fields = PerChannel ? Lanes : 1;
  localparam int unsigned Words = Pixels * (PerChannel ? Beats : 1);
  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats);
  // Wide enough for the shifted sum and for Lo and Hi.
  localparam int unsigned CmpBits = (SumBits > 34 ? SumBits : 34);

  wire logic available;
  wire logic fire = in_valid_i && available;
  assign in_ready_o = available;

  logic [Latency-1:0]         valid_q;
  logic [InW-1:0]             data_q;
  logic signed [BiasBits-1:0] bias_q[Lanes];
  logic signed [ProdBits-1:0] prod_q[Lanes];
  logic signed [SumBits-1:0]  sum_q[Lanes];
  logic [OutW-1:0]            result_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) valid_q <= '0;
    else valid_q <= {valid_q[Latency-2:0], fire};
  end

  always_ff @(posedge clk_i) data_q <= in_data_i;

  // The last beat of a pixel takes the next word, or every beat does.
  wire logic next_word;
  if (PerChannel || Beats == 1) begin : gen_every_beat
    assign next_word = fire;
  end else begin : gen_last_beat
    logic [BeatBits-1:0] beat_q;
    always_ff @(posedge clk_i) begin
      if (rst_i) beat_q <= '0;
      else if (fire) beat_q <= beat_q == BeatBits'(Beats - 1) ? '0 : beat_q + 1'b1;
    end
    assign next_word = fire && beat_q == '0;
  end

  wire logic [Fields*LaneBits-1:0] word;
  wire logic [1:0]                 unused_load;
  tom_rom #(
    .Width  (Fields * LaneBits),
    .Words  (Words),
    .Ram    (Ram),
    .MemFile(MemFile)
  ) u_rom (
    .clk_i,
    .rst_i,
    .load_i(2'b00),
    .load_o(unused_load),
    .next_i(next_word),
    .data_o(word)
  );

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    localparam int unsigned Field = PerChannel ? l : 0;
    wire logic signed [ValueBits-1:0] value =
        InSigned ? ValueBits'(signed'(data_q[l*InBits+:InBits])) : ValueBits'(data_q[l*InBits+:InBits]);
    wire logic signed [CmpBits-1:0] shifted = CmpBits'(sum_q[l] >>> Shift);

    wire logic signed [FactorBits-1:0] mult;
    if (MultBits == 0) begin : gen_shared
      assign mult = FactorBits'(Factor);
    end else begin : gen_own
      assign mult = word[Field*LaneBits+:MultBits];
    end

    always_ff @(posedge clk_i) begin
      prod_q[l] <= value * mult;
      bias_q[l] <= word[Field*LaneBits+MultBits+:BiasBits];
      sum_q[l]  <= SumBits'(prod_q[l]) + (SumBits'(bias_q[l]) <<< BiasZeros);
      if (shifted < CmpBits'(Lo)) result_q[l*OutBits+:OutBits] <= OutBits'(Lo);
      else if (shifted > CmpBits'(Hi)) result_q[l*OutBits+:OutBits] <= OutBits'(Hi);
      else result_q[l*OutBits+:OutBits] <= shifted[OutBits-1:0];
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
