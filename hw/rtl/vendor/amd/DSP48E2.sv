// SPDX-License-Identifier: Apache-2.0
// What hw/rtl/vendor/amd uses of AMD's block DSP48E2 (UG579): A * B + C, or A * B + PCIN, with its registers.
//
// For synthesis, which takes its ports from here, and for simulation; vendors' tools have the block itself.

`default_nettype none

module DSP48E2 #(
  parameter int AREG = 1, ACASCREG = 1, BREG = 1, BCASCREG = 1, CREG = 1, DREG = 1, ADREG = 1, MREG = 1, PREG = 1,
  parameter USE_MULT = "MULTIPLY"
) (
  input  wire logic        CLK,
  input  wire logic [29:0] A,
  input  wire logic [17:0] B,
  input  wire logic [47:0] C,
  input  wire logic [26:0] D,
  input  wire logic [47:0] PCIN,
  input  wire logic [8:0]  OPMODE,  // W, Z, Y and X: 000110101 is M + C, 000010101 is M + PCIN
  input  wire logic [3:0]  ALUMODE,
  input  wire logic [4:0]  INMODE,
  input  wire logic        CARRYIN,
  input  wire logic [2:0]  CARRYINSEL,
  input  wire logic CEA1, CEA2, CEAD, CEALUMODE, CEB1, CEB2, CEC, CECARRYIN, CECTRL, CED, CEINMODE, CEM, CEP,
  input  wire logic RSTA, RSTALLCARRYIN, RSTALUMODE, RSTB, RSTC, RSTCTRL, RSTD, RSTINMODE, RSTM, RSTP,
  output wire logic [47:0] P,
  output wire logic [47:0] PCOUT
);

  logic signed [26:0] a_q[2];
  logic signed [17:0] b_q[2];
  logic signed [44:0] m_q;
  logic [47:0] p_q;

  wire logic [47:0] z = OPMODE[6:4] == 3'b011 ? C : OPMODE[6:4] == 3'b001 ? PCIN : '0;

  always_ff @(posedge CLK) begin
    a_q <= '{A[26:0], a_q[0]};
    b_q <= '{B, b_q[0]};
    m_q <= a_q[AREG-1] * b_q[BREG-1];
    p_q <= z + 48'(m_q);
  end

  assign P = p_q;
  assign PCOUT = p_q;

endmodule

`default_nettype wire
