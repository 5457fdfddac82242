// SPDX-License-Identifier: Apache-2.0
// The greater of two streams, y = max(a, b), or the lesser.
//
// Bit-exact with Maximum of tomato/ops/maximum.py. Both codes are compared with one more bit than the wider
// has; OutBits hold the one chosen. One beat per cycle, latency 4. Input 0 is a.

`include "tom_assert.svh"
`default_nettype none

module tom_maximum_stream #(
  parameter int unsigned Lanes   = 1,  // codes per beat
  parameter int unsigned ABits   = 8,  // width of a code of a
  parameter bit          ASigned = 1,  // a is two's complement
  parameter int unsigned BBits   = 8,  // width of a code of b
  parameter bit          BSigned = 1,  // b is two's complement
  parameter bit          Least   = 0,  // the lesser
  parameter int unsigned OutBits = 8,  // width of the one chosen

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

  localparam int unsigned Latency  = 1;
  localparam int unsigned WideBits = (ABits > BBits ? ABits : BBits) + 1;

  wire logic          available;
  wire logic [1:0]    valid;
  wire logic [AW-1:0] a;
  wire logic [BW-1:0] b;
  wire logic          fire = valid == '1 && available;

  logic            valid_q;
  logic [OutW-1:0] chosen_q;

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
    if (rst_i) valid_q <= 1'b0;
    else valid_q <= fire;
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    wire logic [ABits-1:0] code_a = a[l*ABits+:ABits];
    wire logic [BBits-1:0] code_b = b[l*BBits+:BBits];
    wire logic signed [WideBits-1:0] wide_a = ASigned ? WideBits'(signed'(code_a)) : WideBits'(code_a);
    wire logic signed [WideBits-1:0] wide_b = BSigned ? WideBits'(signed'(code_b)) : WideBits'(code_b);

    wire logic pick_a = (wide_a > wide_b) != Least;

    always_ff @(posedge clk_i) chosen_q[l*OutBits+:OutBits] <= OutBits'(pick_a ? wide_a : wide_b);
  end

  tom_queue #(
    .Width(OutW),
    .Depth(Latency + 4)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (fire),
    .in_valid_i (valid_q),
    .in_data_i  (chosen_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
