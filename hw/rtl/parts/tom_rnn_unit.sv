// SPDX-License-Identifier: Apache-2.0
// What a plain recurrent layer makes of the sums of some units: h = bent(x + r).
//
// Bit-exact with Rnn of tomato/ops/recurrent.py. Nothing ever stalls. Latency 8.

`include "tom_assert.svh"
`default_nettype none

module tom_rnn_unit #(
  parameter int unsigned  Units        = 1,   // units per cycle
  parameter int unsigned  XBits        = 16,  // width of what comes from the inputs
  parameter bit           XSigned      = 1,   // that is two's complement
  parameter int unsigned  SumBits      = 18,  // width of what comes from the last result, two's complement
  parameter int unsigned  GateFraction = 12,  // bits behind the point of the function
  parameter int unsigned  HiddenFraction = 15,  // bits behind the point of a result
  parameter int unsigned  HiddenBits   = 16,  // width of a result, two's complement
  parameter tom_recurrent_pkg::functions_t Functions = tom_recurrent_pkg::example(),  // see tom_recurrent_pkg
  parameter               MemFile0     = ""   // hexadecimal lines
) (
  input  wire logic                        clk_i,

  input  wire logic [Units*XBits-1:0]      x_i,
  input  wire logic [Units*SumBits-1:0]    r_i,
  output wire logic [Units*HiddenBits-1:0] h_o
);

  `TOM_LATENCY(8)

  localparam int unsigned XWide = XBits + (XSigned ? 0 : 1);
  localparam int unsigned PBits = (XWide > SumBits ? XWide : SumBits) + 1;
  localparam int unsigned GateBits = GateFraction + 2;
  localparam int unsigned Align = HiddenFraction - GateFraction;
  localparam int unsigned HBits = (GateBits + Align > HiddenBits ? GateBits + Align : HiddenBits) + 1;

  for (genvar u = 0; u < Units; u++) begin : gen_unit
    logic signed [PBits-1:0] p_q;
    wire logic signed [GateBits-1:0] bent;
    wire logic signed [HBits-1:0] h = HBits'(bent) <<< Align;
    logic [HiddenBits-1:0] h_q;

    always_ff @(posedge clk_i) begin
      p_q <= (XSigned ? PBits'(signed'(x_i[u*XBits+:XBits])) : PBits'(x_i[u*XBits+:XBits]))
          + PBits'(signed'(r_i[u*SumBits+:SumBits]));
      h_q <= h > HBits'((1 << (HiddenBits - 1)) - 1) ? {1'b0, {(HiddenBits - 1){1'b1}}} : h[HiddenBits-1:0];
    end

    tom_recurrent_function #(
      .InBits      (PBits),
      .GateFraction(GateFraction),
      .Lines       (Functions[0]),
      .MemFile     (MemFile0)
    ) u_function (
      .clk_i,
      .x_i(p_q),
      .y_o(bent)
    );

    assign h_o[u*HiddenBits+:HiddenBits] = h_q;
  end

endmodule

`default_nettype wire
