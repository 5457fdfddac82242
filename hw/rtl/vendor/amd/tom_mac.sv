// SPDX-License-Identifier: Apache-2.0
// hw/rtl/parts/tom_mac.sv as one DSP48E2 (UltraScale and UltraScale+, UG579): sums come and go by the cascade.

`default_nettype none

module tom_mac #(
  parameter int unsigned WeightBits = 8,   // width of a weight, two's complement, up to 27
  parameter int unsigned ValueBits  = 8,   // width of a value, two's complement, up to 18
  parameter int unsigned SumBits    = 20,  // width of a sum, up to 48
  parameter int unsigned Registers  = 1,   // in front of the multiplier: 1 or 2
  parameter bit          First      = 1,   // no step is before it
  parameter bit [47:0]   Begin      = '0   // what the first step adds to
) (
  input  wire logic                         clk_i,
  input  wire logic signed [WeightBits-1:0] weight_i,
  input  wire logic signed [ValueBits-1:0]  value_i,
  input  wire logic [47:0]                  cascade_i,  // from the step before
  output wire logic [47:0]                  cascade_o,  // to the next step
  output wire logic [SumBits-1:0]           sum_o
);

  wire logic [47:0] sum;
  assign sum_o = sum[SumBits-1:0];

  DSP48E2 #(
    .AREG      (Registers),
    .ACASCREG  (Registers),
    .BREG      (Registers),
    .BCASCREG  (Registers),
    .CREG      (0),
    .DREG      (0),
    .ADREG     (0),
    .MREG      (1),
    .PREG      (1),
    .USE_MULT  ("MULTIPLY")
  ) u_block (
    .CLK          (clk_i),
    .A            (30'(weight_i)),
    .B            (18'(value_i)),
    .C            (First ? Begin : '0),
    .D            ('0),
    .PCIN         (First ? '0 : cascade_i),
    .OPMODE       (First ? 9'b00_011_01_01 : 9'b00_001_01_01),
    .ALUMODE      ('0),
    .INMODE       ('0),
    .CARRYIN      (1'b0),
    .CARRYINSEL   ('0),
    .CEA1         (1'b1),
    .CEA2         (1'b1),
    .CEAD         (1'b1),
    .CEALUMODE    (1'b1),
    .CEB1         (1'b1),
    .CEB2         (1'b1),
    .CEC          (1'b1),
    .CECARRYIN    (1'b1),
    .CECTRL       (1'b1),
    .CED          (1'b1),
    .CEINMODE     (1'b1),
    .CEM          (1'b1),
    .CEP          (1'b1),
    .RSTA         (1'b0),
    .RSTALLCARRYIN(1'b0),
    .RSTALUMODE   (1'b0),
    .RSTB         (1'b0),
    .RSTC         (1'b0),
    .RSTCTRL      (1'b0),
    .RSTD         (1'b0),
    .RSTINMODE    (1'b0),
    .RSTM         (1'b0),
    .RSTP         (1'b0),
    .P            (sum),
    .PCOUT        (cascade_o)
  );

endmodule

`default_nettype wire
