// SPDX-License-Identifier: Apache-2.0
// The block RAM RAMB18E2 of AMD's UltraScale and UltraScale+ (UG573) in simulation, as far as synthesis uses it: see tom_cell_ramb.

`default_nettype none

module RAMB18E2 #(
  parameter [255:0]
    INIT_00 = '0, INIT_01 = '0, INIT_02 = '0, INIT_03 = '0, INIT_04 = '0, INIT_05 = '0, INIT_06 = '0, INIT_07 = '0,
    INIT_08 = '0, INIT_09 = '0, INIT_0A = '0, INIT_0B = '0, INIT_0C = '0, INIT_0D = '0, INIT_0E = '0, INIT_0F = '0,
    INIT_10 = '0, INIT_11 = '0, INIT_12 = '0, INIT_13 = '0, INIT_14 = '0, INIT_15 = '0, INIT_16 = '0, INIT_17 = '0,
    INIT_18 = '0, INIT_19 = '0, INIT_1A = '0, INIT_1B = '0, INIT_1C = '0, INIT_1D = '0, INIT_1E = '0, INIT_1F = '0,
    INIT_20 = '0, INIT_21 = '0, INIT_22 = '0, INIT_23 = '0, INIT_24 = '0, INIT_25 = '0, INIT_26 = '0, INIT_27 = '0,
    INIT_28 = '0, INIT_29 = '0, INIT_2A = '0, INIT_2B = '0, INIT_2C = '0, INIT_2D = '0, INIT_2E = '0, INIT_2F = '0,
    INIT_30 = '0, INIT_31 = '0, INIT_32 = '0, INIT_33 = '0, INIT_34 = '0, INIT_35 = '0, INIT_36 = '0, INIT_37 = '0,
    INIT_38 = '0, INIT_39 = '0, INIT_3A = '0, INIT_3B = '0, INIT_3C = '0, INIT_3D = '0, INIT_3E = '0, INIT_3F = '0,
    INITP_00 = '0, INITP_01 = '0, INITP_02 = '0, INITP_03 = '0, INITP_04 = '0, INITP_05 = '0, INITP_06 = '0,
    INITP_07 = '0,
  parameter int READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0, DOA_REG = 1, DOB_REG = 1,
  parameter string WRITE_MODE_A = "NO_CHANGE", WRITE_MODE_B = "NO_CHANGE",
  parameter [17:0] INIT_A = '0, INIT_B = '0, SRVAL_A = '0, SRVAL_B = '0
) (
  input wire CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, RSTRAMARSTRAM, RSTRAMB,
  input wire REGCEAREGCE, REGCEB, RSTREGARSTREG, RSTREGB, ADDRENA, ADDRENB, SLEEP,
  input wire [13:0] ADDRARDADDR, ADDRBWRADDR,
  input wire [15:0] DINADIN, DINBDIN,
  input wire [1:0] DINPADINP, DINPBDINP,
  input wire [1:0] WEA,
  input wire [3:0] WEBWE,
  output wire [15:0] DOUTADOUT, DOUTBDOUT,
  output wire [1:0] DOUTPADOUTP, DOUTPBDOUTP
);

  tom_cell_ramb #(
    .Bytes(2048), .ReadA(READ_WIDTH_A), .ReadB(READ_WIDTH_B), .WriteA(WRITE_WIDTH_A), .WriteB(WRITE_WIDTH_B),
    .ModeA(WRITE_MODE_A), .ModeB(WRITE_MODE_B), .Registers(DOA_REG != 0 || DOB_REG != 0),
    .InitA(INIT_A), .InitB(INIT_B), .SetA(SRVAL_A), .SetB(SRVAL_B),
    .Init({
      INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38, INIT_37, INIT_36, INIT_35, INIT_34,
      INIT_33, INIT_32, INIT_31, INIT_30, INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
      INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20, INIT_1F, INIT_1E, INIT_1D, INIT_1C,
      INIT_1B, INIT_1A, INIT_19, INIT_18, INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10,
      INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08, INIT_07, INIT_06, INIT_05, INIT_04,
      INIT_03, INIT_02, INIT_01, INIT_00}),
    .InitParity({
      INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00})
  ) u_ram (
    .clk_a(CLKARDCLK), .en_a(ENARDEN), .set_a(RSTRAMARSTRAM), .we_a(WEA), .addr_a(ADDRARDADDR),
    .data_a(DINADIN), .parity_a(DINPADINP), .out_a(DOUTADOUT), .out_parity_a(DOUTPADOUTP),
    .clk_b(CLKBWRCLK), .en_b(ENBWREN), .set_b(RSTRAMB), .we_b(WEBWE), .addr_b(ADDRBWRADDR),
    .data_b(DINBDIN), .parity_b(DINPBDINP), .out_b(DOUTBDOUT), .out_parity_b(DOUTPBDOUTP)
  );
  wire unused = &{1'b0, REGCEAREGCE, REGCEB, RSTREGARSTREG, RSTREGB, ADDRENA, ADDRENB, SLEEP};

endmodule

`default_nettype wire
