// SPDX-License-Identifier: Apache-2.0
// Cuts every path through a stream: two places, so that both directions are registered.
//
// Latency 1, one beat per cycle.

`include "tom_assert.svh"
`default_nettype none

module tom_register #(
  parameter int unsigned Width = 8  // bits per beat
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             in_valid_i,
  output wire logic             in_ready_o,
  input  wire logic [Width-1:0] in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [Width-1:0] out_data_o
);

  `TOM_LATENCY(1)

  logic             valid_q, spare_q;  // spare_q: a second beat waits behind the first
  logic [Width-1:0] data_q, spare_data_q;

  wire logic advance = out_ready_i || !valid_q;

  assign in_ready_o  = !spare_q;
  assign out_valid_o = valid_q;
  assign out_data_o  = data_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      valid_q <= 1'b0;
      spare_q <= 1'b0;
    end else begin
      if (advance) valid_q <= spare_q || in_valid_i;
      spare_q <= !advance && (spare_q || in_valid_i);
    end
  end

  always_ff @(posedge clk_i) begin
    if (advance) data_q <= spare_q ? spare_data_q : in_data_i;
    if (!spare_q) spare_data_q <= in_data_i;
  end

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
