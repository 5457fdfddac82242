// SPDX-License-Identifier: Apache-2.0
// Marks the last beat of every frame: what AXI4-Stream calls tlast. Latency 1, registered.

`include "tom_assert.svh"
`default_nettype none

module tom_frame_end #(
  parameter int unsigned Width = 8,  // bits per beat
  parameter int unsigned Beats = 1   // beats per frame
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             in_valid_i,
  output wire logic             in_ready_o,
  input  wire logic [Width-1:0] in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [Width-1:0] out_data_o,
  output wire logic             out_last_o
);

  `TOM_LATENCY(1)

  localparam int unsigned CountBits = tom_pkg::idx_width(Beats);

  logic [CountBits-1:0] beat_q;
  wire logic last = beat_q == CountBits'(Beats - 1);

  always_ff @(posedge clk_i) begin
    if (rst_i) beat_q <= '0;
    else if (in_valid_i && in_ready_o) beat_q <= last ? '0 : beat_q + 1'b1;
  end

  tom_register #(
    .Width(Width + 1)
  ) u_register (
    .clk_i,
    .rst_i,
    .in_valid_i,
    .in_ready_o,
    .in_data_i  ({last, in_data_i}),
    .out_valid_o,
    .out_ready_i,
    .out_data_o ({out_last_o, out_data_o})
  );

endmodule

`default_nettype wire
