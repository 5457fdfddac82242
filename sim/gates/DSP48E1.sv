// SPDX-License-Identifier: Apache-2.0
// The DSP block DSP48E1 of AMD's 7 series (UG479) in simulation, as far as synthesis uses it: see tom_cell_dsp48.

`default_nettype none

module DSP48E1 #(
  parameter int ACASCREG = 1, ADREG = 1, ALUMODEREG = 1, AREG = 1, BCASCREG = 1, BREG = 1, CARRYINREG = 1,
    CARRYINSELREG = 1, CREG = 1, DREG = 1, INMODEREG = 1, MREG = 1, OPMODEREG = 1, PREG = 1,
  parameter string A_INPUT = "DIRECT", B_INPUT = "DIRECT", USE_MULT = "MULTIPLY", USE_SIMD = "ONE48",
    USE_PATTERN_DETECT = "NO_PATDET", USE_DPORT = "FALSE"
) (
  input wire CLK, CEA1, CEA2, CEAD, CEALUMODE, CEB1, CEB2, CEC, CECARRYIN, CECTRL, CED, CEINMODE, CEM, CEP,
  input wire RSTA, RSTALLCARRYIN, RSTALUMODE, RSTB, RSTC, RSTCTRL, RSTD, RSTINMODE, RSTM, RSTP,
  input wire [29:0] A, ACIN,
  input wire [17:0] B, BCIN,
  input wire [47:0] C, PCIN,
  input wire [24:0] D,
  input wire [6:0]  OPMODE,
  input wire [4:0]  INMODE,
  input wire [3:0]  ALUMODE,
  input wire [2:0]  CARRYINSEL,
  input wire        CARRYIN,
  output wire [29:0] ACOUT,
  output wire [17:0] BCOUT,
  output wire [47:0] P, PCOUT
);

  tom_cell_dsp48 #(
    .OperandBits(25), .ARegisters(AREG), .BRegisters(BREG), .CRegister(CREG), .DRegister(DREG), .SumRegister(ADREG),
    .ProductRegister(MREG), .PRegister(PREG), .CascadeA(ACASCREG), .CascadeB(BCASCREG),
    .FromCascadeA(A_INPUT == "CASCADE"), .FromCascadeB(B_INPUT == "CASCADE"), .Sum(USE_DPORT == "TRUE"),
    .Multiply(USE_MULT == "MULTIPLY"),
    .Other(USE_SIMD != "ONE48" || USE_PATTERN_DETECT != "NO_PATDET"
      || ALUMODEREG + CARRYINREG + CARRYINSELREG + INMODEREG + OPMODEREG != 0)
  ) u_block (
    .clk(CLK), .ce_a1(CEA1), .ce_a2(CEA2), .ce_b1(CEB1), .ce_b2(CEB2), .ce_c(CEC), .ce_d(CED), .ce_sum(CEAD),
    .ce_m(CEM), .ce_p(CEP), .rst_a(RSTA), .rst_b(RSTB), .rst_c(RSTC), .rst_d(RSTD), .rst_m(RSTM), .rst_p(RSTP),
    .a(A), .a_cascade(ACIN), .b(B), .b_cascade(BCIN), .c(C), .p_cascade(PCIN), .d(D), .opmode({2'b0, OPMODE}), .inmode(INMODE),
    .alumode(ALUMODE), .carry_select(CARRYINSEL), .carry(CARRYIN), .a_out(ACOUT), .b_out(BCOUT), .p(P)
  );
  assign PCOUT = P;
  wire unused = &{1'b0, CEALUMODE, CECARRYIN, CECTRL, CEINMODE, RSTALLCARRYIN, RSTALUMODE, RSTCTRL, RSTINMODE};

endmodule

`default_nettype wire
