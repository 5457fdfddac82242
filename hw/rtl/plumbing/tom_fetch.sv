// SPDX-License-Identifier: Apache-2.0
// Weights from memory: reads the regions of several layers, again and again, over one or more channels of AXI4.
//
// What is in memory is striped over the channels: a wide beat is the beats of all channels at the same offset, channel
// 0 in the low bits. Each client's stream is the wide beats Begin to Begin + Count - 1 of its region, then again from
// Begin, for ever: it knows of no frames. Beats are asked for as far as Depth allows, from go_i on, and only where there
// is room for them: a client that does not read holds up no other. Clients take turns. With bursts of four beats and
// more it takes one beat per cycle from each channel, if Depth and Bursts cover the latency of the memory: for one
// client alone Depth is that latency, MaxBeats and 12 more. Valid of an output is of registers, one of each channel; its
// data are registered.
//
// A beat that comes with an error is given as it is, and error_o stays. Before a reset go_i is low until idle_o: beats
// of bursts that were asked for before a reset would be taken for others.

`include "tom_assert.svh"
`default_nettype none

module tom_fetch #(
  parameter int unsigned Channels  = 1,   // memory channels, each with a master of AXI4
  parameter int unsigned DataBytes = 8,   // bytes of a beat of a channel, a power of two from 4 to 128
  parameter int unsigned MaxBeats  = 16,  // of a burst, a power of two; a burst has 4 KB at most
  parameter int unsigned Clients   = 1,   // layers, 1 to 64
  parameter int unsigned Depth     = 64,  // beats that a client may have asked for or waiting, at least two bursts
  parameter int unsigned Bursts    = 32,  // that are on their way on a channel, of all clients
  parameter int unsigned Ram       = 0,   // memory kind of what waits: 0 LUTRAM, 1 block RAM, 2 UltraRAM
  parameter bit [Clients-1:0][31:0] Begin = '0,               // first beat of a region, a multiple of MaxBeats
  parameter bit [Clients-1:0][31:0] Count = {Clients{32'd1}}, // beats of a region, at least one

  localparam int unsigned Bits = DataBytes * 8
) (
  input  wire logic                             clk_i,
  input  wire logic                             rst_i,

  input  wire logic                             go_i,        // addresses are there: bursts may be asked for
  input  wire logic [Channels*64-1:0]           base_i,      // address of beat 0, a border of 4 KB

  output wire logic [Channels-1:0]              arvalid_o,
  input  wire logic [Channels-1:0]              arready_i,
  output wire logic [Channels*64-1:0]           araddr_o,
  output wire logic [Channels*8-1:0]            arlen_o,
  input  wire logic [Channels-1:0]              rvalid_i,
  output wire logic [Channels-1:0]              rready_o,    // always
  input  wire logic [Channels*Bits-1:0]         rdata_i,
  input  wire logic [Channels-1:0]              rlast_i,
  input  wire logic [Channels*2-1:0]            rresp_i,

  output wire logic [Clients-1:0]               out_valid_o,
  input  wire logic [Clients-1:0]               out_ready_i,
  output wire logic [Clients*Channels*Bits-1:0] out_data_o,  // client 0 in the low bits

  output wire logic                             error_o,     // a beat came with an error, since the reset
  output wire logic                             idle_o       // go_i is low, and no burst is on its way
);

  `TOM_REQUIRE(channels, Channels >= 1, "Channels must be at least 1")

  wire logic [Channels-1:0][Clients-1:0] valid;
  wire logic [Channels-1:0]              error, idle;
  wire logic [Clients-1:0]               taken = out_valid_o & out_ready_i;

  for (genvar k = 0; k < Channels; k++) begin : gen_channel
    wire logic [Clients*Bits-1:0] data;

    tom_fetch_channel #(
      .DataBytes(DataBytes),
      .MaxBeats (MaxBeats),
      .Clients  (Clients),
      .Depth    (Depth),
      .Bursts   (Bursts),
      .Ram      (Ram),
      .Begin    (Begin),
      .Count    (Count)
    ) u_channel (
      .clk_i,
      .rst_i,
      .go_i,
      .base_i     (base_i[k*64+:64]),
      .arvalid_o  (arvalid_o[k]),
      .arready_i  (arready_i[k]),
      .araddr_o   (araddr_o[k*64+:64]),
      .arlen_o    (arlen_o[k*8+:8]),
      .rvalid_i   (rvalid_i[k]),
      .rready_o   (rready_o[k]),
      .rdata_i    (rdata_i[k*Bits+:Bits]),
      .rlast_i    (rlast_i[k]),
      .rresp_i    (rresp_i[k*2+:2]),
      .out_valid_o(valid[k]),
      .out_ready_i(taken),
      .out_data_o (data),
      .error_o    (error[k]),
      .idle_o     (idle[k])
    );

    for (genvar c = 0; c < Clients; c++) begin : gen_data
      assign out_data_o[(c*Channels+k)*Bits+:Bits] = data[c*Bits+:Bits];
    end
  end

  for (genvar c = 0; c < Clients; c++) begin : gen_client
    wire logic [Channels-1:0] all;
    for (genvar k = 0; k < Channels; k++) begin : gen_valid
      assign all[k] = valid[k][c];
    end
    assign out_valid_o[c] = &all;

    `TOM_STREAM_STABLE(out, out_valid_o[c], out_ready_i[c], out_data_o[c*Channels*Bits+:Channels*Bits])
  end

  assign error_o = |error;
  assign idle_o  = &idle;

endmodule

`default_nettype wire
