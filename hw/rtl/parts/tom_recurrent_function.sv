// SPDX-License-Identifier: Apache-2.0
// One of the functions of a recurrent layer, from sums or cells to gates: tom_piecewise with parameters from a list.

`include "tom_assert.svh"
`default_nettype none

module tom_recurrent_function #(
  parameter int unsigned               InBits       = 19,  // width of an input, two's complement
  parameter int unsigned               GateFraction = 12,  // bits behind the point of a result
  parameter tom_recurrent_pkg::lines_t Lines        = tom_recurrent_pkg::example()[0],
  parameter                            MemFile      = "",  // hexadecimal lines

  localparam int unsigned GateBits = GateFraction + 2
) (
  input  wire logic                clk_i,

  input  wire logic [InBits-1:0]   x_i,
  output wire logic [GateBits-1:0] y_o
);

  `TOM_LATENCY(6)

  tom_piecewise #(
    .InBits    (InBits),
    .InSigned  (1),
    .First     (Lines.first),
    .IndexBits (Lines.index_bits),
    .RestBits  (Lines.rest_bits),
    .SlopeBits (Lines.slope_bits),
    .OffsetBits(Lines.offset_bits),
    .Shift     (Lines.shift),
    .OutBits   (GateBits),
    .Lo        (Lines.lo),
    .Hi        (1 << GateFraction),
    .MemFile   (MemFile)
  ) u_lines (
    .clk_i,
    .x_i,
    .y_o
  );

endmodule

`default_nettype wire
