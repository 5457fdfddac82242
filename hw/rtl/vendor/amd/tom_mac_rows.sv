// SPDX-License-Identifier: Apache-2.0
// hw/rtl/parts/tom_mac_rows.sv as blocks DSP48E2 (UltraScale and UltraScale+, UG579): sums go along the cascade.

`default_nettype none

module tom_mac_rows #(
  parameter int unsigned Columns    = 1,   // filters, or groups of them in one block
  parameter int unsigned Inputs     = 1,   // products of a filter
  parameter int unsigned Chain      = 1,   // of a row
  parameter int unsigned WeightBits = 8,   // width of a weight, two's complement, at most 27
  parameter int unsigned ValueBits  = 8,   // width of a value, two's complement, at most 18
  parameter int unsigned SumBits    = 20,  // width of a sum, at most 48
  parameter bit [47:0]   Begin      = '0,  // what a row begins with

  localparam int unsigned Rows = tom_pkg::ceil_div(Inputs, Chain),
  localparam int unsigned Steps = Columns * Inputs
) (
  input  wire logic                         clk_i,
  input  wire logic signed [WeightBits-1:0] weight_i[Steps],  // column, input; the last fastest
  input  wire logic signed [ValueBits-1:0]  value_i[Steps],
  output wire logic [SumBits-1:0]           sum_o[Columns*Rows]
);

  wire logic [47:0] sum[Steps], cascade[Steps];

  for (genvar s = 0; s < Steps; s++) begin : gen_step
    localparam bit First = s % Inputs % Chain == 0;
    localparam bit Late = tom_chain_pkg::place(s % Inputs, Inputs, Chain) > 0;

    DSP48E2 #(
      .AREG      (Late ? 2 : 1),
      .ACASCREG  (Late ? 2 : 1),
      .BREG      (Late ? 2 : 1),
      .BCASCREG  (Late ? 2 : 1),
      .CREG      (0),
      .DREG      (0),
      .ADREG     (0),
      .MREG      (1),
      .PREG      (1),
      .USE_MULT  ("MULTIPLY")
    ) u_block (
      .CLK          (clk_i),
      .A            (30'(weight_i[s])),
      .B            (18'(value_i[s])),
      .C            (First ? Begin : '0),
      .D            ('0),
      .PCIN         (First ? '0 : cascade[First?s:s-1]),
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
      .P            (sum[s]),
      .PCOUT        (cascade[s])
    );
  end

  for (genvar g = 0; g < Columns; g++) begin : gen_column
    for (genvar r = 0; r < Rows; r++) begin : gen_row
      assign sum_o[g*Rows+r] = sum[g*Inputs+(r==Rows-1?Inputs:(r+1)*Chain)-1][SumBits-1:0];
    end
  end

endmodule

`default_nettype wire
