// SPDX-License-Identifier: Apache-2.0
// The block RAM of the ECP5 in simulation, as far as synthesis uses it: both clocks rising, one of the two ports on 36
// bits (A writes, B reads) or each on its own, outputs with a register or without. Other modes are refused.

`default_nettype none
/* verilator lint_off WIDTH */
/* verilator lint_off MULTIDRIVEN */
/* verilator lint_off PROCASSINIT */
/* verilator lint_off UNUSEDPARAM */
/* verilator lint_off UNUSEDSIGNAL */

module DP16KD #(
  parameter [319:0] INITVAL_00 = '0,
  parameter [319:0] INITVAL_01 = '0,
  parameter [319:0] INITVAL_02 = '0,
  parameter [319:0] INITVAL_03 = '0,
  parameter [319:0] INITVAL_04 = '0,
  parameter [319:0] INITVAL_05 = '0,
  parameter [319:0] INITVAL_06 = '0,
  parameter [319:0] INITVAL_07 = '0,
  parameter [319:0] INITVAL_08 = '0,
  parameter [319:0] INITVAL_09 = '0,
  parameter [319:0] INITVAL_0A = '0,
  parameter [319:0] INITVAL_0B = '0,
  parameter [319:0] INITVAL_0C = '0,
  parameter [319:0] INITVAL_0D = '0,
  parameter [319:0] INITVAL_0E = '0,
  parameter [319:0] INITVAL_0F = '0,
  parameter [319:0] INITVAL_10 = '0,
  parameter [319:0] INITVAL_11 = '0,
  parameter [319:0] INITVAL_12 = '0,
  parameter [319:0] INITVAL_13 = '0,
  parameter [319:0] INITVAL_14 = '0,
  parameter [319:0] INITVAL_15 = '0,
  parameter [319:0] INITVAL_16 = '0,
  parameter [319:0] INITVAL_17 = '0,
  parameter [319:0] INITVAL_18 = '0,
  parameter [319:0] INITVAL_19 = '0,
  parameter [319:0] INITVAL_1A = '0,
  parameter [319:0] INITVAL_1B = '0,
  parameter [319:0] INITVAL_1C = '0,
  parameter [319:0] INITVAL_1D = '0,
  parameter [319:0] INITVAL_1E = '0,
  parameter [319:0] INITVAL_1F = '0,
  parameter [319:0] INITVAL_20 = '0,
  parameter [319:0] INITVAL_21 = '0,
  parameter [319:0] INITVAL_22 = '0,
  parameter [319:0] INITVAL_23 = '0,
  parameter [319:0] INITVAL_24 = '0,
  parameter [319:0] INITVAL_25 = '0,
  parameter [319:0] INITVAL_26 = '0,
  parameter [319:0] INITVAL_27 = '0,
  parameter [319:0] INITVAL_28 = '0,
  parameter [319:0] INITVAL_29 = '0,
  parameter [319:0] INITVAL_2A = '0,
  parameter [319:0] INITVAL_2B = '0,
  parameter [319:0] INITVAL_2C = '0,
  parameter [319:0] INITVAL_2D = '0,
  parameter [319:0] INITVAL_2E = '0,
  parameter [319:0] INITVAL_2F = '0,
  parameter [319:0] INITVAL_30 = '0,
  parameter [319:0] INITVAL_31 = '0,
  parameter [319:0] INITVAL_32 = '0,
  parameter [319:0] INITVAL_33 = '0,
  parameter [319:0] INITVAL_34 = '0,
  parameter [319:0] INITVAL_35 = '0,
  parameter [319:0] INITVAL_36 = '0,
  parameter [319:0] INITVAL_37 = '0,
  parameter [319:0] INITVAL_38 = '0,
  parameter [319:0] INITVAL_39 = '0,
  parameter [319:0] INITVAL_3A = '0,
  parameter [319:0] INITVAL_3B = '0,
  parameter [319:0] INITVAL_3C = '0,
  parameter [319:0] INITVAL_3D = '0,
  parameter [319:0] INITVAL_3E = '0,
  parameter [319:0] INITVAL_3F = '0,
  parameter int    DATA_WIDTH_A        = 18,
  parameter int    DATA_WIDTH_B        = 18,
  parameter string REGMODE_A           = "NOREG",
  parameter string REGMODE_B           = "NOREG",
  parameter string RESETMODE           = "SYNC",
  parameter string ASYNC_RESET_RELEASE = "SYNC",
  parameter string CSDECODE_A          = "0b000",
  parameter string CSDECODE_B          = "0b000",
  parameter string CLKAMUX             = "CLKA",
  parameter string CLKBMUX             = "CLKB",
  parameter string WRITEMODE_A         = "NORMAL",
  parameter string WRITEMODE_B         = "NORMAL",
  parameter string GSR                 = "AUTO"
) (
  input wire DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4,
    DIA3, DIA2, DIA1, DIA0,
  input wire ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input wire CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  output wire DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4,
    DOA3, DOA2, DOA1, DOA0,
  input wire DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4,
    DIB3, DIB2, DIB1, DIB0,
  input wire ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input wire CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output wire DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4,
    DOB3, DOB2, DOB1, DOB0
);

  if (DATA_WIDTH_B == 36 && REGMODE_A != REGMODE_B) begin : gen_half
    $error("DP16KD with a register at half of its output is not modelled");
  end
  if (CLKAMUX != "CLKA" || CLKBMUX != "CLKB" || CSDECODE_A != "0b000" || CSDECODE_B != "0b000") begin : gen_other
    $error("DP16KD with an inverted clock or a chip select is not modelled");
  end

  localparam bit [20479:0] Init = {INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A,
    INITVAL_39, INITVAL_38, INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31,
    INITVAL_30, INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
    INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20, INITVAL_1F,
    INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18, INITVAL_17, INITVAL_16,
    INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10, INITVAL_0F, INITVAL_0E, INITVAL_0D,
    INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08, INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04,
    INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00};

  logic [8:0]  mem[2048];
  logic [35:0] a_q = '0, b_q = '0;

  wire [13:0] a_addr = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] b_addr = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [17:0] a_in = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5,
    DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [17:0] b_in = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5,
    DIB4, DIB3, DIB2, DIB1, DIB0};
  wire        wide = DATA_WIDTH_A == 36;
  wire [35:0] write = wide ? {b_in, a_in} : {18'd0, a_in};
  wire        a_on = CEA && !CSA0 && !CSA1 && !CSA2;
  wire        b_on = CEB && !CSB0 && !CSB1 && !CSB2;

  initial begin
    for (int i = 0; i < 1024; i++) {mem[2*i+1], mem[2*i]} = Init[(i/16)*320+(i%16)*20+:18];
  end

  // The word of a port as it is, low bits first.
  function automatic logic [35:0] word(int width, logic [13:0] addr);
    logic [8:0] code = mem[addr[13:3]];
    case (width)
      1: return {35'd0, code[addr[2:0]]};
      2: return {34'd0, code[{addr[2:1], 1'b0}+:2]};
      4: return {32'd0, code[{addr[2], 2'b0}+:4]};
      9: return {27'd0, code};
      18: return {18'd0, mem[{addr[13:4], 1'b1}], mem[{addr[13:4], 1'b0}]};
      default: begin
        return {mem[{addr[13:5], 2'd3}], mem[{addr[13:5], 2'd2}], mem[{addr[13:5], 2'd1}], mem[{addr[13:5], 2'd0}]};
      end
    endcase
  endfunction

  // What is read while a word is written: nothing new, the new word, or the one before.
  function automatic logic [35:0] seen(string mode, logic [35:0] last, logic [35:0] old, logic [35:0] next);
    return mode == "NORMAL" ? last : mode == "WRITETHROUGH" ? next : old;
  endfunction

  always @(posedge CLKA) begin
    if (a_on && WEA) begin
      case (DATA_WIDTH_A)
        1: mem[a_addr[13:3]][a_addr[2:0]] <= write[0];
        2: mem[a_addr[13:3]][{a_addr[2:1], 1'b0}+:2] <= write[1:0];
        4: mem[a_addr[13:3]][{a_addr[2], 2'b0}+:4] <= write[3:0];
        9: mem[a_addr[13:3]] <= write[8:0];
        18: for (int i = 0; i < 2; i++) if (a_addr[i]) mem[{a_addr[13:4], 1'(i)}] <= write[9*i+:9];
        default: for (int i = 0; i < 4; i++) if (a_addr[i]) mem[{a_addr[13:5], 2'(i)}] <= write[9*i+:9];
      endcase
    end
    if (RSTA) a_q <= '0;
    else if (a_on && WEA) a_q <= seen(WRITEMODE_A, a_q, word(DATA_WIDTH_A, a_addr), write);
    else if (a_on) a_q <= word(DATA_WIDTH_A, a_addr);
  end

  always @(posedge CLKB) begin
    if (b_on && WEB && !wide) begin
      case (DATA_WIDTH_B)
        1: mem[b_addr[13:3]][b_addr[2:0]] <= b_in[0];
        2: mem[b_addr[13:3]][{b_addr[2:1], 1'b0}+:2] <= b_in[1:0];
        4: mem[b_addr[13:3]][{b_addr[2], 2'b0}+:4] <= b_in[3:0];
        9: mem[b_addr[13:3]] <= b_in[8:0];
        default: for (int i = 0; i < 2; i++) if (b_addr[i]) mem[{b_addr[13:4], 1'(i)}] <= b_in[9*i+:9];
      endcase
    end
    if (RSTB) b_q <= '0;
    else if (b_on && WEB) b_q <= seen(WRITEMODE_B, b_q, word(DATA_WIDTH_B, b_addr), {18'd0, b_in});
    else if (b_on) b_q <= word(DATA_WIDTH_B, b_addr);
  end

  // The output registers obey an enable of their own; a reset clears them with what was read.
  logic [35:0] a_out_q = '0, b_out_q = '0;
  wire  [35:0] a_out = REGMODE_A == "OUTREG" ? a_out_q : a_q;
  wire  [35:0] b_out = REGMODE_B == "OUTREG" ? b_out_q : b_q;

  always @(posedge CLKA) if (OCEA) a_out_q <= RSTA ? '0 : a_q;
  always @(posedge CLKB) if (OCEB) b_out_q <= RSTB ? '0 : b_q;

  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3,
    DOA2, DOA1, DOA0} = DATA_WIDTH_B == 36 ? b_out[17:0] : a_out[17:0];
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3,
    DOB2, DOB1, DOB0} = DATA_WIDTH_B == 36 ? b_out[35:18] : b_out[17:0];

endmodule

`default_nettype wire
