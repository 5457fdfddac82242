// SPDX-License-Identifier: Apache-2.0
// Simulation only: what a host does for a loader, sends the beats of a file once after every reset.

`default_nettype none

module tom_feeder #(
  parameter int unsigned Bits  = 32,  // of a beat
  parameter int unsigned Beats = 1,
  parameter              File  = ""   // hexadecimal beats, one a line
) (
  input  wire logic            clk_i,
  input  wire logic            rst_i,
  output wire logic            out_valid_o,
  input  wire logic            out_ready_i,
  output wire logic [Bits-1:0] out_data_o
);

  logic [Bits-1:0] beats[Beats];
  initial if (File != "") $readmemh(File, beats);

  int unsigned at_q;
  assign out_valid_o = at_q < Beats;
  assign out_data_o  = at_q < Beats ? beats[at_q] : '0;

  always_ff @(posedge clk_i) begin
    if (rst_i) at_q <= 0;
    else if (out_valid_o && out_ready_i) at_q <= at_q + 1;
  end

endmodule

`default_nettype wire
