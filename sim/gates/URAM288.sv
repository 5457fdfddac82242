// SPDX-License-Identifier: Apache-2.0
// The UltraRAM of UltraScale+ (UG573) in simulation, as far as synthesis uses it: two ports that write or read, A first,
// of one clock; no registers beside those behind the memory, no cascades, no error correction.

`default_nettype none
/* verilator lint_off PROCASSINIT */

module URAM288 #(
  parameter string BWE_MODE_A = "PARITY_INTERLEAVED", BWE_MODE_B = "PARITY_INTERLEAVED", EN_AUTO_SLEEP_MODE = "FALSE",
    IREG_PRE_A = "FALSE", IREG_PRE_B = "FALSE", OREG_A = "FALSE", OREG_B = "FALSE", RST_MODE_A = "SYNC",
    RST_MODE_B = "SYNC",
  parameter bit IS_CLK_INVERTED = 0
) (
  input wire CLK, SLEEP, EN_A, EN_B, RDB_WR_A, RDB_WR_B, RST_A, RST_B,
  input wire INJECT_DBITERR_A, INJECT_DBITERR_B, INJECT_SBITERR_A, INJECT_SBITERR_B,
  input wire [22:0] ADDR_A, ADDR_B,
  input wire [8:0] BWE_A, BWE_B,
  input wire [71:0] DIN_A, DIN_B,
  output logic [71:0] DOUT_A, DOUT_B
);

  if (EN_AUTO_SLEEP_MODE != "FALSE" || IREG_PRE_A != "FALSE" || IREG_PRE_B != "FALSE" || OREG_A != "FALSE"
      || OREG_B != "FALSE" || IS_CLK_INVERTED) begin : gen_other
    $error("URAM288 in this mode is not modelled");
  end
  if (!is_mode(BWE_MODE_A) || !is_mode(BWE_MODE_B)) begin : gen_bytes
    $error("URAM288 with these write enables is not modelled");
  end

  function automatic bit is_mode(string mode);
    return mode == "PARITY_INTERLEAVED" || mode == "PARITY_INDEPENDENT";
  endfunction

  logic [71:0] mem[4096];

  initial begin
    for (int i = 0; i < 4096; i++) mem[i] = '0;
    {DOUT_A, DOUT_B} = '0;
  end

  // The bits that a port writes: eight and one of parity by each enable, or all of parity by the last.
  function automatic logic [71:0] mask(string mode, logic [8:0] we);
    logic [71:0] found;
    for (int i = 0; i < 8; i++) found[8*i+:8] = {8{we[i]}};
    found[71:64] = mode == "PARITY_INTERLEAVED" ? we[7:0] : {8{we[8]}};
    return found;
  endfunction

  wire [71:0] mask_a = EN_A && RDB_WR_A ? mask(BWE_MODE_A, BWE_A) : '0;
  wire [71:0] mask_b = EN_B && RDB_WR_B ? mask(BWE_MODE_B, BWE_B) : '0;
  wire same = ADDR_A[11:0] == ADDR_B[11:0];
  wire [71:0] left_a = (mem[ADDR_A[11:0]] & ~mask_a) | (DIN_A & mask_a);
  wire [71:0] found_b = same ? left_a : mem[ADDR_B[11:0]];

  always_ff @(posedge CLK) begin
    mem[ADDR_A[11:0]] <= left_a;
    mem[ADDR_B[11:0]] <= (found_b & ~mask_b) | (DIN_B & mask_b);
    if (RST_A) DOUT_A <= '0;
    else if (EN_A && !RDB_WR_A) DOUT_A <= mem[ADDR_A[11:0]];
    if (RST_B) DOUT_B <= '0;
    else if (EN_B && !RDB_WR_B) DOUT_B <= found_b;
  end

  always_comb begin
    if (ADDR_A[22:12] != 0 || ADDR_B[22:12] != 0 || SLEEP) $fatal(1, "URAM288 in a cascade is not modelled");
    if (RST_A && RST_MODE_A != "SYNC" || RST_B && RST_MODE_B != "SYNC") begin
      $fatal(1, "URAM288 with a reset that takes no clock is not modelled");
    end
  end
  wire unused = &{1'b0, INJECT_DBITERR_A, INJECT_DBITERR_B, INJECT_SBITERR_A, INJECT_SBITERR_B};

endmodule

`default_nettype wire
