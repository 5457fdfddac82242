// SPDX-License-Identifier: Apache-2.0
// Simulation only: writes every beat of a stream to probes/<Name>.hex, to find the layer that goes wrong.

`default_nettype none

module tom_probe #(
  parameter int unsigned Width = 8,  // bits per beat
  parameter              Name  = ""  // name of the file
) (
  input wire logic             clk_i,
  input wire logic             rst_i,
  input wire logic             valid_i,
  input wire logic             ready_i,
  input wire logic [Width-1:0] data_i
);

  int file;
  initial file = $fopen({"sim/work/probes/", Name, ".hex"}, "w");

  always_ff @(posedge clk_i) begin
    if (!rst_i && valid_i && ready_i) $fdisplay(file, "%h", data_i);
  end

  final $fclose(file);

endmodule

`default_nettype wire
