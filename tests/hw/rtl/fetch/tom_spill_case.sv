// SPDX-License-Identifier: Apache-2.0
// tom_spill and the memory that it is in, as one queue. Part of test_spill.py.

`default_nettype none

module tom_spill_case #(
  parameter int unsigned Width     = 8,   // of tom_spill, as all up to Depth
  parameter int unsigned Gather    = 1,
  parameter int unsigned Words     = 1,
  parameter int unsigned DataBytes = 16,
  parameter int unsigned MaxBeats  = 16,
  parameter int unsigned Slots     = 16,
  parameter int unsigned Depth     = 64,
  parameter int unsigned Ram       = 0,
  parameter int unsigned Latency   = 100, // of tom_store, as PerMille
  parameter int unsigned PerMille  = 1000
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

  localparam bit [63:0] Base = 64'h1_0000_3000;

  wire logic                   awvalid, awready, wvalid, wready, wlast, bvalid, bready;
  wire logic                   arvalid, arready, rvalid, rready, rlast, error, idle;
  wire logic [63:0]            awaddr, araddr;
  wire logic [7:0]             awlen, arlen;
  wire logic [DataBytes*8-1:0] wdata, rdata;
  wire logic [DataBytes-1:0]   wstrb;
  wire logic [1:0]             bresp, rresp;

  tom_spill #(
    .Width    (Width),
    .Gather   (Gather),
    .Words    (Words),
    .DataBytes(DataBytes),
    .MaxBeats (MaxBeats),
    .Slots    (Slots),
    .Depth    (Depth),
    .Ram      (Ram)
  ) u_spill (
    .clk_i,
    .rst_i,
    .in_valid_i,
    .in_ready_o,
    .in_data_i,
    .out_valid_o,
    .out_ready_i,
    .out_data_o,
    .memory_go_i   (1'b1),
    .memory_base_i (Base),
    .memory_error_o(error),
    .memory_idle_o (idle),
    .axi_awvalid_o (awvalid),
    .axi_awready_i (awready),
    .axi_awaddr_o  (awaddr),
    .axi_awlen_o   (awlen),
    .axi_wvalid_o  (wvalid),
    .axi_wready_i  (wready),
    .axi_wdata_o   (wdata),
    .axi_wstrb_o   (wstrb),
    .axi_wlast_o   (wlast),
    .axi_bvalid_i  (bvalid),
    .axi_bready_o  (bready),
    .axi_bresp_i   (bresp),
    .axi_arvalid_o (arvalid),
    .axi_arready_i (arready),
    .axi_araddr_o  (araddr),
    .axi_arlen_o   (arlen),
    .axi_rvalid_i  (rvalid),
    .axi_rready_o  (rready),
    .axi_rdata_i   (rdata),
    .axi_rlast_i   (rlast),
    .axi_rresp_i   (rresp)
  );

  tom_store #(
    .DataBytes(DataBytes),
    .Words    (Slots * MaxBeats),
    .Base     (Base),
    .Latency  (Latency),
    .PerMille (PerMille)
  ) u_store (
    .clk_i,
    .rst_i,
    .awvalid_i(awvalid),
    .awready_o(awready),
    .awaddr_i (awaddr),
    .awlen_i  (awlen),
    .wvalid_i (wvalid),
    .wready_o (wready),
    .wdata_i  (wdata),
    .wstrb_i  (wstrb),
    .wlast_i  (wlast),
    .bvalid_o (bvalid),
    .bready_i (bready),
    .bresp_o  (bresp),
    .arvalid_i(arvalid),
    .arready_o(arready),
    .araddr_i (araddr),
    .arlen_i  (arlen),
    .rvalid_o (rvalid),
    .rready_i (rready),
    .rdata_o  (rdata),
    .rlast_o  (rlast),
    .rresp_o  (rresp)
  );

`ifdef TOM_ASSERTIONS
  always_ff @(posedge clk_i) if (error && !rst_i) $fatal(1, "%m: memory answered with an error");
`endif
  wire logic unused = &{1'b0, error, idle};

endmodule

`default_nettype wire
