// SPDX-License-Identifier: Apache-2.0
// The DSP block of AMD's 7 series (DSP48E1, UG479) and UltraScale+ (DSP48E2, UG579) in simulation: a product, with a
// sum in front of it and one behind, and registers. As far as synthesis uses it: no logic unit, no carry, no parts of
// words side by side, no patterns, no registers of what controls it.
//
// P = Z + (A or D + A or D - A) * B, with Z by OPMODE: 0, C, P, or what comes along the cascade, or that and P 17 bits
// lower.

`default_nettype none
/* verilator lint_off PROCASSINIT */
/* verilator lint_off UNUSEDSIGNAL */

module tom_cell_dsp48 #(
  parameter int OperandBits     = 27,  // of the first operand of the multiplier: 25 or 27
  parameter int ARegisters      = 0,   // on A: 0, 1 or 2
  parameter int BRegisters      = 0,   // on B: 0, 1 or 2
  parameter int CRegister       = 0,   // on C
  parameter int DRegister       = 0,   // on D
  parameter int SumRegister     = 0,   // on A + D
  parameter int ProductRegister = 0,   // on the product
  parameter int PRegister       = 0,   // on P
  parameter int CascadeA        = 0,   // registers between A and the cascade
  parameter int CascadeB        = 0,   // registers between B and the cascade
  parameter bit FromCascadeA    = 0,   // A comes along the cascade
  parameter bit FromCascadeB    = 0,   // B comes along the cascade
  parameter bit Sum             = 0,   // the sum in front of the multiplier is there
  parameter bit Multiply        = 1,   // the multiplier is there: refused without
  parameter bit Other           = 0    // anything else that is not modelled: refused
) (
  input  wire clk, ce_a1, ce_a2, ce_b1, ce_b2, ce_c, ce_d, ce_sum, ce_m, ce_p,
  input  wire rst_a, rst_b, rst_c, rst_d, rst_m, rst_p,
  input  wire [29:0] a, a_cascade,
  input  wire [17:0] b, b_cascade,
  input  wire [47:0] c, p_cascade,
  input  wire [OperandBits-1:0] d,
  input  wire [8:0]  opmode,  // W, Z, Y and X
  input  wire [4:0]  inmode,
  input  wire [3:0]  alumode,
  input  wire [2:0]  carry_select,
  input  wire        carry,
  output wire [29:0] a_out,
  output wire [17:0] b_out,
  output wire [47:0] p
);

  if (Other || !Multiply) begin : gen_other
    $error("a DSP block in this mode is not modelled");
  end
  if (CascadeA > ARegisters || CascadeB > BRegisters || (CascadeA == 0) != (ARegisters == 0)
      || (CascadeB == 0) != (BRegisters == 0)) begin : gen_cascade
    $error("a DSP block with these registers on its cascade is not modelled");
  end

  localparam logic [2:0] Zero = 3'b000, Cascade = 3'b001, Itself = 3'b010, FromC = 3'b011, CascadeLow = 3'b101,
    ItselfLow = 3'b110;

  logic [29:0] a1_q = '0, a2_q = '0;
  logic [17:0] b1_q = '0, b2_q = '0;
  logic [47:0] c_q = '0, p_q = '0;
  logic [OperandBits-1:0] d_q = '0, sum_q = '0;
  logic [OperandBits+17:0] product_q = '0;

  wire [29:0] a_in = FromCascadeA ? a_cascade : a;
  wire [17:0] b_in = FromCascadeB ? b_cascade : b;
  wire [29:0] a2 = ARegisters == 0 ? a_in : a2_q;
  wire [17:0] b2 = BRegisters == 0 ? b_in : b2_q;
  wire [47:0] c_now = CRegister == 0 ? c : c_q;
  wire [OperandBits-1:0] d_now = DRegister == 0 ? d : d_q;
  wire [OperandBits-1:0] added = inmode[2] ? d_now : '0;
  wire [OperandBits-1:0] sum = inmode[3] ? added - a2[OperandBits-1:0] : added + a2[OperandBits-1:0];
  wire signed [OperandBits-1:0] first = !Sum ? a2[OperandBits-1:0] : SumRegister == 0 ? sum : sum_q;
  wire signed [17:0] second = b2;
  wire signed [OperandBits+17:0] product = first * second;
  wire signed [OperandBits+17:0] product_now = ProductRegister == 0 ? product : product_q;
  wire signed [47:0] term = opmode[3:0] == 4'b0101 ? 48'(product_now) : '0;
  wire signed [47:0] along = p_cascade, behind = p_q;

  logic [47:0] z;
  always_comb begin
    case (opmode[6:4])
      Cascade: z = along;
      Itself: z = behind;
      FromC: z = c_now;
      CascadeLow: z = along >>> 17;
      ItselfLow: z = behind >>> 17;
      default: z = '0;
    endcase
  end

  wire [47:0] total = z + term;
  assign p = PRegister == 0 ? total : p_q;
  assign a_out = CascadeA == 0 ? a_in : CascadeA == ARegisters ? a2_q : a1_q;
  assign b_out = CascadeB == 0 ? b_in : CascadeB == BRegisters ? b2_q : b1_q;

  always_ff @(posedge clk) begin
    if (rst_a) {a1_q, a2_q} <= '0;
    else begin
      if (ce_a1) a1_q <= a_in;
      if (ce_a2) a2_q <= ARegisters == 2 ? a1_q : a_in;
    end
    if (rst_b) {b1_q, b2_q} <= '0;
    else begin
      if (ce_b1) b1_q <= b_in;
      if (ce_b2) b2_q <= BRegisters == 2 ? b1_q : b_in;
    end
    if (rst_c) c_q <= '0;
    else if (ce_c) c_q <= c;
    if (rst_d) {d_q, sum_q} <= '0;
    else begin
      if (ce_d) d_q <= d;
      if (ce_sum) sum_q <= sum;
    end
    if (rst_m) product_q <= '0;
    else if (ce_m) product_q <= product;
    if (rst_p) p_q <= '0;
    else if (ce_p) p_q <= total;
  end

  wire known = opmode[8:7] == 0 && opmode[3:0] inside {4'b0000, 4'b0101}
    && opmode[6:4] inside {Zero, Cascade, Itself, FromC, CascadeLow, ItselfLow}
    && (PRegister != 0 || !(opmode[6:4] inside {Itself, ItselfLow}))
    && {inmode[4], inmode[1:0]} == 0 && alumode == 0 && carry_select == 0 && !carry;
  always_comb begin
    if (!known) $fatal(1, "a DSP block is told to compute what is not modelled");
  end

endmodule

`default_nettype wire
