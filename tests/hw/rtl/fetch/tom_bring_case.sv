// SPDX-License-Identifier: Apache-2.0
// tom_bring between memories and a reader that asks for regions at random, and checks and counts what comes.
//
// Part of the bench of test_bring.py.

`include "tom_assert.svh"
`default_nettype none

module tom_bring_case #(
  parameter int unsigned Channels      = 1,     // of tom_bring, as all up to Count
  parameter int unsigned DataBytes     = 8,
  parameter int unsigned MaxBeats      = 16,
  parameter int unsigned Regions       = 1,
  parameter int unsigned Depth         = 64,
  parameter int unsigned Ram           = 0,
  parameter bit [Regions-1:0][31:0] Begin = '0,
  parameter bit [Regions-1:0][31:0] Count = {Regions{32'd1}},
  parameter              File          = "",    // the memories' files: this, the channel's digit, .hex
  parameter int unsigned Words         = 1024,  // of tom_memory, as all below
  parameter int unsigned Latency       = 100,
  parameter int unsigned PerMille      = 1000,
  parameter int unsigned RefreshEvery  = 0,
  parameter int unsigned RefreshFor    = 0,
  parameter int unsigned Outstanding   = 32,
  parameter int unsigned StallPerMille = 0,
  parameter int unsigned Broken        = '1
) (
  input  wire logic                     clk_i,
  input  wire logic                     rst_i,
  input  wire logic                     go_i,
  input  wire logic [63:0]              shift_i,  // how far the base is off
  input  wire logic                     read_i,   // it reads
  input  wire logic [31:0]              stall_i,  // cycles of a thousand that it pauses, at random
  output wire logic [0:0][31:0]         got_o,    // beats
  output wire logic [31:0]              wrong_o,
  output wire logic [31:0]              asked_o,  // bursts, of channel 0
  output wire logic                     error_o,
  output wire logic                     idle_o
);

  localparam int unsigned Bits = DataBytes * 8;
  localparam int unsigned Lanes = DataBytes / 4;
  localparam int unsigned RegionBits = tom_pkg::idx_width(Regions);

  // What a lane of 32 bits of a beat holds.
  function automatic logic [31:0] content(int unsigned channel, int unsigned beat, int unsigned lane);
    return (beat * Lanes + lane + 1) * 32'd2654435761 + channel * 32'd40503;
  endfunction

  function automatic logic [31:0] mixed(logic [31:0] x);
    x ^= x >> 16;
    x *= 32'h7feb352d;
    x ^= x >> 15;
    x *= 32'h846ca68b;
    return x ^ x >> 16;
  endfunction

  wire logic [Channels-1:0]              arvalid, arready, rvalid, rready, rlast;
  wire logic [Channels*64-1:0]           base, araddr;
  wire logic [Channels*8-1:0]            arlen;
  wire logic [Channels*Bits-1:0]         rdata;
  wire logic [Channels*2-1:0]            rresp;
  wire logic                             valid, ask_ready;
  wire logic [Channels*Bits-1:0]         data;
  logic                                  ready_q;
  logic [31:0]                           at_q, got_q, number_q, place_q;  // beats of a region, and all; regions asked, and read
  logic [31:0]                           cycle_q, wrong_q, asked_q;

  // The region that is asked for at a time.
  function automatic logic [RegionBits-1:0] region(logic [31:0] number);
    return RegionBits'(mixed(number) % Regions);
  endfunction

  tom_bring #(
    .Channels (Channels),
    .DataBytes(DataBytes),
    .MaxBeats (MaxBeats),
    .Regions  (Regions),
    .Depth    (Depth),
    .Ram      (Ram),
    .Begin    (Begin),
    .Count    (Count)
  ) u_bring (
    .clk_i,
    .rst_i,
    .go_i,
    .base_i     (base),
    .ask_valid_i(1'b1),
    .ask_ready_o(ask_ready),
    .ask_i      (region(number_q)),
    .arvalid_o  (arvalid),
    .arready_i  (arready),
    .araddr_o   (araddr),
    .arlen_o    (arlen),
    .rvalid_i   (rvalid),
    .rready_o   (rready),
    .rdata_i    (rdata),
    .rlast_i    (rlast),
    .rresp_i    (rresp),
    .out_valid_o(valid),
    .out_ready_i(ready_q),
    .out_data_o (data),
    .error_o,
    .idle_o
  );

  for (genvar k = 0; k < Channels; k++) begin : gen_memory
    localparam bit [63:0] Base = 64'h1_0000_1000 * (k + 1);
    assign base[k*64+:64] = Base + shift_i;

    tom_memory #(
      .DataBytes    (DataBytes),
      .Words        (Words),
      .File         ({File, 8'("0" + k), ".hex"}),
      .Base         (Base),
      .Latency      (Latency),
      .PerMille     (PerMille),
      .RefreshEvery (RefreshEvery),
      .RefreshFor   (RefreshFor),
      .Outstanding  (Outstanding),
      .StallPerMille(StallPerMille),
      .Seed         (k + 1),
      .Broken       (Broken)
    ) u_memory (
      .clk_i,
      .rst_i,
      .arvalid_i(arvalid[k]),
      .arready_o(arready[k]),
      .araddr_i (araddr[k*64+:64]),
      .arlen_i  (arlen[k*8+:8]),
      .rvalid_o (rvalid[k]),
      .rready_i (rready[k]),
      .rdata_o  (rdata[k*Bits+:Bits]),
      .rlast_o  (rlast[k]),
      .rresp_o  (rresp[k*2+:2])
    );
  end

  wire logic [RegionBits-1:0] here = region(place_q);
  logic [Channels*Bits-1:0] golden;
  always_comb begin
    for (int unsigned k = 0; k < Channels; k++) begin
      for (int unsigned l = 0; l < Lanes; l++) golden[(k*Lanes+l)*32+:32] = content(k, Begin[here] + at_q, l);
    end
  end

  wire logic taken = valid && ready_q;
  wire logic ends = at_q == Count[here] - 1;

  always_ff @(posedge clk_i) begin
    cycle_q  <= rst_i ? '0 : cycle_q + 1;
    ready_q  <= !rst_i && read_i && mixed(cycle_q * 64) % 1000 >= stall_i;
    number_q <= rst_i ? '0 : number_q + 32'(ask_ready);
    got_q    <= rst_i ? '0 : got_q + 32'(taken);
    wrong_q  <= rst_i ? '0 : wrong_q + 32'(taken && data != golden);
    asked_q  <= rst_i ? '0 : asked_q + 32'(arvalid[0] && arready[0]);
    if (rst_i) begin
      at_q    <= '0;
      place_q <= '0;
    end else if (taken) begin
      at_q    <= ends ? '0 : at_q + 1;
      place_q <= place_q + 32'(ends);
    end
  end

  assign got_o   = got_q;
  assign wrong_o = wrong_q;
  assign asked_o = asked_q;

  `TOM_ALWAYS(takes, &rready, "%m makes the bus wait")

endmodule

`default_nettype wire
