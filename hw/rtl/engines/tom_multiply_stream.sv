// SPDX-License-Identifier: Apache-2.0
// The exact product of two streams: y = (a - ZeroA) * (b - ZeroB).
//
// Bit-exact with Multiply of tomato/ops/join.py; OutBits hold every product. One beat per cycle,
// latency 6. Input 0 is a.

`include "tom_assert.svh"
`default_nettype none

module tom_multiply_stream #(
  parameter int unsigned Lanes     = 1,  // codes per beat
  parameter int unsigned ABits     = 8,  // width of a code of a
  parameter bit          ASigned   = 1,  // a is two's complement
  parameter int signed   ZeroA     = 0,  // zero point of a
  parameter int unsigned ADiffBits = 9,  // width of a - ZeroA, two's complement
  parameter int unsigned BBits     = 8,  // width of a code of b
  parameter bit          BSigned   = 1,  // b is two's complement
  parameter int signed   ZeroB     = 0,  // zero point of b
  parameter int unsigned BDiffBits = 9,  // width of b - ZeroB, two's complement
  parameter int unsigned OutBits   = 16, // width of a product

  localparam int unsigned AW   = Lanes * ABits,
  localparam int unsigned BW   = Lanes * BBits,
  localparam int unsigned OutW = Lanes * OutBits
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic [1:0]       in_valid_i,
  output wire logic [1:0]       in_ready_o,
  input  wire logic [AW+BW-1:0] in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [OutW-1:0]  out_data_o
);

  localparam int unsigned Latency = 3;

  wire logic          available;
  wire logic [1:0]    valid;
  wire logic [AW-1:0] a;
  wire logic [BW-1:0] b;
  wire logic          fire = valid == '1 && available;

  logic [Latency-1:0] valid_q;
  logic [OutW-1:0]    result_q;

  tom_register #(
    .Width(AW)
  ) u_a (
    .clk_i,
    .rst_i,
    .in_valid_i (in_valid_i[0]),
    .in_ready_o (in_ready_o[0]),
    .in_data_i  (in_data_i[AW-1:0]),
    .out_valid_o(valid[0]),
    .out_ready_i(fire),
    .out_data_o (a)
  );

  tom_register #(
    .Width(BW)
  ) u_b (
    .clk_i,
    .rst_i,
    .in_valid_i (in_valid_i[1]),
    .in_ready_o (in_ready_o[1]),
    .in_data_i  (in_data_i[AW+BW-1:AW]),
    .out_valid_o(valid[1]),
    .out_ready_i(fire),
    .out_data_o (b)
  );

  always_ff @(posedge clk_i) begin
    if (rst_i) valid_q <= '0;
    else valid_q <= {valid_q[Latency-2:0], fire};
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    wire logic [ABits-1:0] code_a = a[l*ABits+:ABits];
    wire logic [BBits-1:0] code_b = b[l*BBits+:BBits];
    logic signed [ADiffBits-1:0] a_q;
    logic signed [BDiffBits-1:0] b_q;
    logic signed [OutBits-1:0]   product_q;

    always_ff @(posedge clk_i) begin
      a_q       <= (ASigned ? ADiffBits'(signed'(code_a)) : ADiffBits'(code_a)) - ADiffBits'(ZeroA);
      b_q       <= (BSigned ? BDiffBits'(signed'(code_b)) : BDiffBits'(code_b)) - BDiffBits'(ZeroB);
      product_q <= OutBits'(a_q) * OutBits'(b_q);
      result_q[l*OutBits+:OutBits] <= product_q;
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
