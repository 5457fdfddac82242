// SPDX-License-Identifier: Apache-2.0
// Running sums of saturating accumulators: every beat is added to the word whose turn it is, and the sum leaves.
//
// Bit-exact with RunningSum of tests/hw/stateful.py. A sequence starts at reset: then, and after every Rounds rounds
// through the words, the sums begin at zero. One input beat per cycle, latency 4.

`include "tom_assert.svh"
`default_nettype none

module tom_running_sum #(
  parameter int unsigned Lanes    = 1,  // codes per beat
  parameter int unsigned Words    = 4,  // beats of a step: words of the state
  parameter int unsigned Rounds   = 0,  // steps after which the sums start anew; 0: they never do
  parameter int unsigned InBits   = 8,  // width of an input code
  parameter bit          InSigned = 1,  // inputs are two's complement
  parameter int unsigned OutBits  = 10, // width of a sum, which is two's complement

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

  `TOM_REQUIRE(bits, OutBits > InBits, "OutBits must exceed InBits")

  localparam int unsigned WordBits = tom_pkg::idx_width(Words);
  localparam int unsigned RoundBits = tom_pkg::idx_width(Rounds);
  localparam bit signed [OutBits:0] Most = (OutBits + 1)'((64'd1 << (OutBits - 1)) - 64'd1);

  wire logic available;
  wire logic fire = in_valid_i && available;
  assign in_ready_o = available;

  logic [WordBits-1:0]  next_word_q, word_q;
  logic [RoundBits-1:0] round_q;
  logic                 fresh_q;                  // the sums of the beat at the input start at zero
  logic                 valid_q, first_q, done_q; // of the beat in data_q; done_q: of result_q
  logic [InW-1:0]       data_q;
  logic [OutW-1:0]      sum, result_q;

  logic [OutW-1:0] sums[Words];

  wire logic round_end = next_word_q == WordBits'(Words - 1);
  wire logic anew = Rounds != 0 && round_q == RoundBits'(Rounds - 1);
  wire logic [OutW-1:0] old = sums[word_q];

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      next_word_q <= '0;
      round_q     <= '0;
      fresh_q     <= 1'b1;
      valid_q     <= 1'b0;
      done_q      <= 1'b0;
    end else begin
      valid_q <= fire;
      done_q  <= valid_q;
      if (fire) next_word_q <= round_end ? '0 : next_word_q + 1'b1;
      if (fire && round_end) begin
        round_q <= anew ? '0 : round_q + 1'b1;
        fresh_q <= anew;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    data_q   <= in_data_i;
    word_q   <= next_word_q;
    first_q  <= fresh_q;
    result_q <= sum;
    if (valid_q) sums[word_q] <= sum;
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    wire logic [InBits-1:0] code = data_q[l*InBits+:InBits];
    wire logic [OutBits-1:0] base = first_q ? '0 : old[l*OutBits+:OutBits];
    wire logic signed [OutBits:0] wide = InSigned ? (OutBits + 1)'(signed'(code)) : (OutBits + 1)'(code);
    wire logic signed [OutBits:0] exact = (OutBits + 1)'(signed'(base)) + wide;
    assign sum[l*OutBits+:OutBits] =
        exact > Most ? Most[OutBits-1:0] : exact < ~Most ? ~Most[OutBits-1:0] : exact[OutBits-1:0];
  end

  tom_queue #(
    .Width(OutW),
    .Depth(6)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (fire),
    .in_valid_i (done_q),
    .in_data_i  (result_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
