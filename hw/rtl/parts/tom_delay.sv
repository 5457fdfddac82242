// SPDX-License-Identifier: Apache-2.0
// Holds data back for some cycles: wires where there are none. Free-running, without a reset.

`include "tom_assert.svh"
`default_nettype none

module tom_delay #(
  parameter int unsigned Width  = 8,  // bits
  parameter int unsigned Cycles = 1   // from data_i to data_o
) (
  input  wire logic             clk_i,
  input  wire logic [Width-1:0] data_i,
  output wire logic [Width-1:0] data_o
);

  `TOM_LATENCY(Cycles)

  if (Cycles == 0) begin : gen_wires
    assign data_o = data_i;
    wire logic unused_clk = &{1'b0, clk_i};
  end else begin : gen_registers
    logic [Cycles-1:0][Width-1:0] data_q;
    always_ff @(posedge clk_i) data_q <= (Cycles*Width)'({data_q, data_i});
    assign data_o = data_q[Cycles-1];
  end

endmodule

`default_nettype wire
