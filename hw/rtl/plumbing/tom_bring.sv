// SPDX-License-Identifier: Apache-2.0
// Weights from memory as they are asked for: reads one region after the other over one or more channels of AXI4.
//
// What is in memory is striped over the channels: a wide beat is the beats of all channels at the same offset, channel
// 0 in the low bits. For each number that comes, the stream gives the wide beats Begin to Begin + Count - 1 of that
// region. Bursts are asked for from go_i on, and only where there is room for all of their beats: with Depth beats more
// than the latency of the memory and two bursts, one beat per cycle comes from each channel, whatever regions follow
// each other.
//
// A beat that comes with an error is given as it is, and error_o stays. Before a reset go_i is low until idle_o: beats
// of bursts that were asked for before a reset would be taken for others.

`default_nettype none

module tom_bring #(
  parameter int unsigned Channels  = 1,   // memory channels, each with a master of AXI4
  parameter int unsigned DataBytes = 8,   // bytes of a beat of a channel, a power of two from 4 to 128
  parameter int unsigned MaxBeats  = 16,  // of a burst, a power of two; a burst has 4 KB at most
  parameter int unsigned Regions   = 1,   // that can be asked for
  parameter int unsigned Ahead     = 4,   // regions that are asked for before the first of them has come
  parameter int unsigned Depth     = 64,  // beats that have been asked for or wait, at least two bursts
  parameter int unsigned Bursts    = 32,  // that are on their way on a channel
  parameter int unsigned Ram       = 0,   // memory kind of what waits: 0 LUTRAM, 1 block RAM, 2 UltraRAM
  parameter bit [Regions-1:0][31:0] Begin = '0,               // first beat of a region, a multiple of MaxBeats
  parameter bit [Regions-1:0][31:0] Count = {Regions{32'd1}}, // beats of a region, at least one

  localparam int unsigned Bits = DataBytes * 8,
  localparam int unsigned RegionBits = tom_pkg::idx_width(Regions)
) (
  input  wire logic                     clk_i,
  input  wire logic                     rst_i,

  input  wire logic                     go_i,        // addresses are there: bursts may be asked for
  input  wire logic [Channels*64-1:0]   base_i,      // address of beat 0, a border of 4 KB

  input  wire logic                     ask_valid_i,
  output wire logic                     ask_ready_o,
  input  wire logic [RegionBits-1:0]    ask_i,       // number of a region

  output wire logic [Channels-1:0]      arvalid_o,
  input  wire logic [Channels-1:0]      arready_i,
  output wire logic [Channels*64-1:0]   araddr_o,
  output wire logic [Channels*8-1:0]    arlen_o,
  input  wire logic [Channels-1:0]      rvalid_i,
  output wire logic [Channels-1:0]      rready_o,    // always
  input  wire logic [Channels*Bits-1:0] rdata_i,
  input  wire logic [Channels-1:0]      rlast_i,
  input  wire logic [Channels*2-1:0]    rresp_i,

  output wire logic                     out_valid_o,
  input  wire logic                     out_ready_i,
  output wire logic [Channels*Bits-1:0] out_data_o,

  output wire logic                     error_o,     // a beat came with an error, since the reset
  output wire logic                     idle_o       // go_i is low, and no burst is on its way
);

  wire logic [Channels-1:0] ready, valid, error, idle;
  wire logic ask = ask_valid_i && ask_ready_o;
  wire logic taken = out_valid_o && out_ready_i;

  assign ask_ready_o = &ready;
  assign out_valid_o = &valid;
  assign error_o     = |error;
  assign idle_o      = &idle;

  for (genvar k = 0; k < Channels; k++) begin : gen_channel
    tom_bring_channel #(
      .DataBytes(DataBytes),
      .MaxBeats (MaxBeats),
      .Regions  (Regions),
      .Ahead    (Ahead),
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
      .ask_valid_i(ask),
      .ask_ready_o(ready[k]),
      .ask_i,
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
      .out_data_o (out_data_o[k*Bits+:Bits]),
      .error_o    (error[k]),
      .idle_o     (idle[k])
    );
  end

endmodule

`default_nettype wire
