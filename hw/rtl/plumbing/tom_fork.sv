// SPDX-License-Identifier: Apache-2.0
// Copies a stream: every output takes each beat when it likes, the next beat follows when all have it.
//
// Latency 1, one beat per cycle. Both directions are registered; the copies share their two places.

`include "tom_assert.svh"
`default_nettype none

module tom_fork #(
  parameter int unsigned Outputs = 2,  // copies
  parameter int unsigned Width   = 8   // bits per beat
) (
  input  wire logic                     clk_i,
  input  wire logic                     rst_i,

  input  wire logic                     in_valid_i,
  output wire logic                     in_ready_o,
  input  wire logic [Width-1:0]         in_data_i,

  output wire logic [Outputs-1:0]       out_valid_o,
  input  wire logic [Outputs-1:0]       out_ready_i,
  output wire logic [Outputs*Width-1:0] out_data_o
);

  `TOM_LATENCY(1)

  logic [Outputs-1:0] pending_q;  // which outputs have not taken the beat in data_q
  logic               spare_q;    // a second beat waits behind the first
  logic [Width-1:0]   data_q, spare_data_q;

  wire logic [Outputs-1:0] left = pending_q & ~out_ready_i;
  wire logic               advance = left == '0;

  assign in_ready_o  = !spare_q;
  assign out_valid_o = pending_q;
  assign out_data_o  = {Outputs{data_q}};

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      pending_q <= '0;
      spare_q   <= 1'b0;
    end else begin
      pending_q <= advance ? {Outputs{spare_q || in_valid_i}} : left;
      spare_q   <= !advance && (spare_q || in_valid_i);
    end
  end

  always_ff @(posedge clk_i) begin
    if (advance) data_q <= spare_q ? spare_data_q : in_data_i;
    if (!spare_q) spare_data_q <= in_data_i;
  end

  for (genvar o = 0; o < Outputs; o++) begin : gen_stable
    `TOM_STREAM_STABLE(out, out_valid_o[o], out_ready_i[o], data_q)
  end

endmodule

`default_nettype wire
