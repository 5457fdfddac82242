// SPDX-License-Identifier: Apache-2.0
// The exact weighted sum of two streams: y = a * ScaleA + b * ScaleB.
//
// Bit-exact with Add of tomato/ops/join.py: OutBits hold every sum, so arithmetic modulo 2^OutBits is
// exact. One beat per cycle, latency 5. Input 0 is a.

`include "tom_assert.svh"
`default_nettype none

module tom_add_stream #(
  parameter int unsigned Lanes   = 1,  // codes per beat
  parameter int unsigned ABits   = 8,  // width of a code of a
  parameter bit          ASigned = 1,  // a is two's complement
  parameter int unsigned BBits   = 8,  // width of a code of b
  parameter bit          BSigned = 1,  // b is two's complement
  parameter int signed   ScaleA  = 1,  // factor of a
  parameter int signed   ScaleB  = 1,  // factor of b
  parameter int unsigned OutBits = 9,  // width of a sum

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

  localparam int unsigned Latency = 2;

  wire logic          available;
  wire logic [1:0]    valid;
  wire logic [AW-1:0] a;
  wire logic [BW-1:0] b;
  wire logic          fire = valid == '1 && available;

  logic [Latency-1:0] valid_q;
  logic [OutW-1:0]    a_q, b_q, sum_q;

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
    wire logic signed [OutBits-1:0] wide_a = ASigned ? OutBits'(signed'(code_a)) : OutBits'(code_a);
    wire logic signed [OutBits-1:0] wide_b = BSigned ? OutBits'(signed'(code_b)) : OutBits'(code_b);

    always_ff @(posedge clk_i) begin
      a_q[l*OutBits+:OutBits]   <= wide_a * OutBits'(ScaleA);
      b_q[l*OutBits+:OutBits]   <= wide_b * OutBits'(ScaleB);
      sum_q[l*OutBits+:OutBits] <= a_q[l*OutBits+:OutBits] + b_q[l*OutBits+:OutBits];
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
    .in_data_i  (sum_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
