// SPDX-License-Identifier: Apache-2.0
// A unary function of a wide code, as lines on 2^IndexBits segments of 2^RestBits codes each.
//
//   c = clip(x, First, First + 2^(IndexBits + RestBits) - 1)
//   k = (c - First) >> RestBits, low = (c - First) mod 2^RestBits
//   y = clip((offset[k] + slope[k] * low) >>> Shift, Lo, Hi)
// Bit-exact with tomato/ops/piecewise.py. Nothing ever stalls: a value enters at every edge. Latency 6. Of up to 64
// segments in LUTs, a bit of the table is one LUT6.

`include "tom_assert.svh"
`default_nettype none

module tom_piecewise #(
  parameter int unsigned InBits     = 16,     // width of x
  parameter bit          InSigned   = 1,      // x is two's complement
  parameter int signed   First      = -32768, // the least code of the first segment
  parameter int unsigned IndexBits  = 6,      // segments, as a power of 2; at least 1
  parameter int unsigned RestBits   = 10,     // codes of a segment, as a power of 2
  parameter int unsigned SlopeBits  = 18,     // width of a slope, two's complement
  parameter int unsigned OffsetBits = 30,     // width of an offset, two's complement
  parameter int unsigned Shift      = 10,     // right shift, rounding down
  parameter int unsigned OutBits    = 16,     // width of y
  parameter int signed   Lo         = -32768, // smallest result
  parameter int signed   Hi         = 32767,  // largest result
  parameter int unsigned Ram        = 0,      // memory kind of the lines: 0 LUTs, 1 block RAM
  parameter              MemFile    = ""      // hexadecimal words: an offset (low) and its slope
) (
  input  wire logic               clk_i,

  input  wire logic [InBits-1:0]  x_i,
  output wire logic [OutBits-1:0] y_o
);

  `TOM_LATENCY(6)

  `TOM_REQUIRE(range, Lo <= Hi, "Lo must not exceed Hi")
  `TOM_REQUIRE(index, IndexBits >= 1, "there must be two segments or more")
  `TOM_REQUIRE(kind, Ram <= 1, "Ram must be 0 or 1")

  localparam int unsigned LineBits  = OffsetBits + SlopeBits;
  localparam int unsigned PlaceBits = IndexBits + RestBits;
  localparam int unsigned LowBits   = RestBits + 1;  // and a sign
  localparam int unsigned ProdBits  = SlopeBits + LowBits;
  localparam int unsigned SumBits   = (ProdBits > OffsetBits ? ProdBits : OffsetBits) + 1;
  // Wide enough for the shifted sum and for Lo and Hi.
  localparam int unsigned CmpBits = SumBits > 34 ? SumBits : 34;
  // x - First, in a segment or not.
  localparam longint unsigned Magnitude = First < 0 ? -64'(First) : 64'(First);
  localparam int unsigned FirstBits = $clog2(Magnitude + 1);
  localparam int unsigned WideBits  = FirstBits > PlaceBits ? FirstBits : PlaceBits;
  localparam int unsigned FarBits   = (InBits > WideBits ? InBits : WideBits) + 2;

  wire logic signed [FarBits-1:0] x = InSigned ? FarBits'(signed'(x_i)) : FarBits'(x_i);
  wire logic signed [FarBits-1:0] far = x - FarBits'(First);
  logic [PlaceBits-1:0] place_q;

  wire logic [IndexBits-1:0] line = place_q[RestBits+:IndexBits];
  wire logic [RestBits:0]    low  = (RestBits + 1)'(place_q) & (((RestBits + 1)'(1) << RestBits) - 1'b1);

  logic [LineBits-1:0]          read_q, line_q;
  logic signed [LowBits-1:0]    read_low_q, low_q;
  logic signed [OffsetBits-1:0] offset_q;
  logic signed [ProdBits-1:0]   prod_q;
  logic signed [SumBits-1:0]    sum_q;
  logic [OutBits-1:0]           y_q;

  if (Ram == 0) begin : gen_luts
    // Yosys wants "registers" for what Vivado calls a distributed ROM.
    (* ram_style = "registers", rom_style = "distributed" *) logic [LineBits-1:0] lines[1 << IndexBits];
    initial if (MemFile != "") $readmemh(MemFile, lines);
    always_ff @(posedge clk_i) read_q <= lines[line];
  end else begin : gen_block
    (* rom_style = "block" *) logic [LineBits-1:0] lines[1 << IndexBits];
    initial if (MemFile != "") $readmemh(MemFile, lines);
    always_ff @(posedge clk_i) read_q <= lines[line];
  end

  wire logic signed [SlopeBits-1:0] slope = line_q[OffsetBits+:SlopeBits];
  wire logic signed [CmpBits-1:0]   shifted = CmpBits'(sum_q >>> Shift);

  always_ff @(posedge clk_i) begin
    if (far[FarBits-1]) place_q <= '0;
    else if (|far[FarBits-2:PlaceBits]) place_q <= '1;
    else place_q <= far[PlaceBits-1:0];
    read_low_q <= signed'(low);
    line_q     <= read_q;
    low_q      <= read_low_q;
    offset_q   <= line_q[OffsetBits-1:0];
    prod_q     <= slope * low_q;
    sum_q      <= SumBits'(prod_q) + SumBits'(offset_q);
    if (shifted < CmpBits'(Lo)) y_q <= OutBits'(Lo);
    else if (shifted > CmpBits'(Hi)) y_q <= OutBits'(Hi);
    else y_q <= shifted[OutBits-1:0];
  end

  assign y_o = y_q;

endmodule

`default_nettype wire
