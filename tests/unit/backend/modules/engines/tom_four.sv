// SPDX-License-Identifier: Apache-2.0
// Reads Beats words from address 0 through AXI4, one burst a frame, and sends them on: a part with a memory port.

`default_nettype none

module tom_four #(
  parameter int unsigned Width = 32,  // bits per beat
  parameter int unsigned Beats = 4    // of a frame
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             in_valid_i,  // a beat starts a frame
  output wire logic             in_ready_o,
  input  wire logic [7:0]       in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [Width-1:0] out_data_o,

  output wire logic             mem_arvalid_o,
  input  wire logic             mem_arready_i,
  output wire logic [63:0]      mem_araddr_o,
  output wire logic [7:0]       mem_arlen_o,
  input  wire logic             mem_rvalid_i,
  output wire logic             mem_rready_o,
  input  wire logic [Width-1:0] mem_rdata_i,
  input  wire logic             mem_rlast_i,
  input  wire logic [1:0]       mem_rresp_i
);

  wire logic unused = &{1'b0, in_data_i, mem_rlast_i, mem_rresp_i};
  logic waiting_q;  // for the data of a burst

  assign mem_arvalid_o = in_valid_i && !waiting_q;
  assign mem_araddr_o  = '0;
  assign mem_arlen_o   = 8'(Beats - 1);
  assign in_ready_o    = mem_arready_i && !waiting_q;
  assign mem_rready_o  = out_ready_i;
  assign out_valid_o   = mem_rvalid_i;
  assign out_data_o    = mem_rdata_i;

  always_ff @(posedge clk_i) begin
    if (rst_i) waiting_q <= 1'b0;
    else if (mem_arvalid_o && mem_arready_i) waiting_q <= 1'b1;
    else if (mem_rvalid_i && mem_rready_o && mem_rlast_i) waiting_q <= 1'b0;
  end

endmodule

`default_nettype wire
