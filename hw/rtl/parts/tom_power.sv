// SPDX-License-Identifier: Apache-2.0
// A power of 2 whose exponent is a code times a factor, negated.
//
//   u = (depth * Mult + half) >> Shift, whole = u >> PowerBits (Whole if depth is Far or more),
//   power = 2^PowerBits * 2^-(rest of u)
// The power comes from a table of lines; Direct, from a table of power and whole for every depth. Nothing ever stalls.
// Latency 5, Direct 1.

`include "tom_assert.svh"
`default_nettype none

module tom_power #(
  parameter int unsigned DepthBits = 8,      // width of depth
  parameter bit          Direct    = 0,      // a table of power and whole for every depth, without Mult
  parameter int unsigned MultBits  = 17,     // width of Mult
  parameter int unsigned Mult      = 65536,  // steps of u per step of depth, times 2^Shift
  parameter int unsigned Shift     = 4,      // bits that a product loses
  parameter int unsigned Far       = 25,     // the least depth of an exponent that counts as Whole
  parameter int unsigned Whole     = 25,     // the largest exponent
  parameter int unsigned PowerBits = 16,     // bits behind the point of power and of u
  parameter int unsigned IndexBits = 7,      // bits of u behind the point that choose a line
  parameter int unsigned FallBits  = 9,      // width of what a line falls
  parameter              MemFile   = "",     // hexadecimal words: where a line begins (low) and its fall; or power, whole

  localparam int unsigned WholeBits = $clog2(Whole + 1)
) (
  input  wire logic                 clk_i,

  input  wire logic [DepthBits-1:0] depth_i,
  output wire logic [PowerBits:0]   power_o,
  output wire logic [WholeBits-1:0] whole_o
);

  `TOM_LATENCY(Direct ? 1 : 5)

  localparam int unsigned LineBits = PowerBits + 1 + (Direct ? WholeBits : FallBits);
  localparam int unsigned Lines    = 1 << (Direct ? DepthBits : IndexBits);
  localparam int unsigned RestBits = PowerBits - IndexBits;
  localparam int unsigned UBits    = WholeBits + PowerBits;
  localparam int unsigned ProdBits = (DepthBits + MultBits > Shift ? DepthBits + MultBits : Shift) + 1;

  (* ram_style = "registers", rom_style = "distributed" *) logic [LineBits-1:0] lines[Lines];
  initial if (MemFile != "") $readmemh(MemFile, lines);

  logic [PowerBits:0]   power_q;
  logic [WholeBits-1:0] whole_q;

  assign power_o = power_q;
  assign whole_o = whole_q;

  if (Direct) begin : gen_direct
    always_ff @(posedge clk_i) {whole_q, power_q} <= lines[depth_i];
  end else begin : gen_lines
    logic [3:0]           far_q;
    logic [ProdBits-1:0]  prod_q;
    logic [UBits-1:0]     u_q;
    logic [LineBits-1:0]  line_q;
    logic [RestBits-1:0]  rest_q;
    logic [WholeBits-1:0] line_whole_q, fall_whole_q;
    logic [FallBits+RestBits-1:0] fall_q;
    logic [PowerBits:0]   begin_q;

    always_ff @(posedge clk_i) begin
      far_q        <= {far_q[2:0], 64'(depth_i) >= 64'(Far)};
      prod_q       <= ProdBits'(depth_i) * ProdBits'(MultBits'(Mult));
      u_q          <= UBits'((prod_q + ((ProdBits'(1) << Shift) >> 1)) >> Shift);
      line_q       <= lines[u_q[RestBits+:IndexBits]];
      rest_q       <= u_q[RestBits-1:0];
      line_whole_q <= u_q[PowerBits+:WholeBits];
      begin_q      <= line_q[PowerBits:0];
      fall_q       <= line_q[PowerBits+1+:FallBits] * rest_q;
      fall_whole_q <= line_whole_q;
      power_q      <= begin_q - (PowerBits + 1)'(fall_q >> RestBits);
      whole_q      <= far_q[3] ? WholeBits'(Whole) : fall_whole_q;
    end
  end

endmodule

`default_nettype wire
