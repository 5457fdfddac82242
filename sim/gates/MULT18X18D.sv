// SPDX-License-Identifier: Apache-2.0
// The multiplier of the ECP5 in simulation, as far as synthesis uses it: no cascades, registers of operands or
// of products.

`default_nettype none

module MULT18X18D #(
  parameter REG_INPUTA_CLK = "NONE",
  parameter REG_INPUTA_CE  = "CE0",
  parameter REG_INPUTA_RST = "RST0",
  parameter REG_INPUTB_CLK = "NONE",
  parameter REG_INPUTB_CE  = "CE0",
  parameter REG_INPUTB_RST = "RST0",
  parameter REG_OUTPUT_CLK = "NONE",
  parameter REG_OUTPUT_CE  = "CE0",
  parameter REG_OUTPUT_RST = "RST0",
  parameter GSR            = "ENABLED"
) (
  input wire A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
  input wire B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
  input wire C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
  input wire SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, RST0,
  output wire P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17,
    P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);

  wire [17:0] a_pins = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  wire [17:0] b_pins = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  wire [17:0] a, b;
  wire signed [18:0] a_value = {SIGNEDA && a[17], a};
  wire signed [18:0] b_value = {SIGNEDB && b[17], b};
  wire signed [37:0] product = 38'(a_value) * 38'(b_value);

  logic [17:0] a_q, b_q;
  logic [35:0] product_q;
  initial {a_q, b_q, product_q} = '0;
  always_ff @(posedge CLK0) begin
    if (RST0) {a_q, b_q, product_q} <= '0;
    else if (CE0) {a_q, b_q, product_q} <= {a_pins, b_pins, product[35:0]};
  end

  assign a = REG_INPUTA_CLK == "NONE" ? a_pins : a_q;
  assign b = REG_INPUTB_CLK == "NONE" ? b_pins : b_q;

  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16,
    P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} =
    REG_OUTPUT_CLK == "NONE" ? product[35:0] : product_q;
  wire unused = &{1'b0, product[37:36], C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14, C15,
    C16, C17, SOURCEA, SOURCEB};

endmodule

`default_nettype wire
