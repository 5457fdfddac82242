// SPDX-License-Identifier: Apache-2.0
// One memory channel of tom_bring: reads regions as they are asked for, with bursts of AXI4.
//
// A burst is asked for only if there is room for all of it, so every beat is taken at once. One every other cycle at most.

`include "tom_assert.svh"
`default_nettype none

module tom_bring_channel #(
  parameter int unsigned DataBytes = 8,   // bytes of a beat, a power of two from 4 to 128
  parameter int unsigned MaxBeats  = 16,  // of a burst, a power of two; a burst has 4 KB at most
  parameter int unsigned Regions   = 1,   // that can be asked for
  parameter int unsigned Ahead     = 4,   // of them that wait to be read, at least 2
  parameter int unsigned Depth     = 64,  // beats that have been asked for or wait, at least two bursts
  parameter int unsigned Bursts    = 32,  // that are on their way
  parameter int unsigned Ram       = 0,   // memory kind of what waits: 0 LUTRAM, 1 block RAM, 2 UltraRAM
  parameter bit [Regions-1:0][31:0] Begin = '0,               // first beat of a region, a multiple of MaxBeats
  parameter bit [Regions-1:0][31:0] Count = {Regions{32'd1}}, // beats of a region, at least one

  localparam int unsigned Bits = DataBytes * 8,
  localparam int unsigned RegionBits = tom_pkg::idx_width(Regions)
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_i,

  input  wire logic                  go_i,        // bursts may be asked for
  input  wire logic [63:0]           base_i,      // address of beat 0, a border of 4 KB

  input  wire logic                  ask_valid_i,
  output wire logic                  ask_ready_o,
  input  wire logic [RegionBits-1:0] ask_i,       // number of a region

  output wire logic                  arvalid_o,
  input  wire logic                  arready_i,
  output wire logic [63:0]           araddr_o,
  output wire logic [7:0]            arlen_o,
  input  wire logic                  rvalid_i,
  output wire logic                  rready_o,
  input  wire logic [Bits-1:0]       rdata_i,
  input  wire logic                  rlast_i,
  input  wire logic [1:0]            rresp_i,

  output wire logic                  out_valid_o,
  input  wire logic                  out_ready_i,
  output wire logic [Bits-1:0]       out_data_o,

  output wire logic                  error_o,     // a beat came with an error, since the reset
  output wire logic                  idle_o       // go_i is low, and no burst is on its way
);

  localparam int unsigned BeatBits = $clog2(MaxBeats);
  localparam int unsigned BurstBits = $clog2(MaxBeats * DataBytes);
  localparam int unsigned NumberBits = 32 - BeatBits;
  localparam int unsigned RoomBits = tom_pkg::count_width(Depth);
  localparam int unsigned BusyBits = tom_pkg::count_width(Bursts);
  localparam int unsigned PageBits = 12;

  `TOM_REQUIRE(beat, DataBytes == 1 << $clog2(DataBytes) && DataBytes >= 4 && DataBytes <= 128,
               "DataBytes must be a power of two from 4 to 128")
  `TOM_REQUIRE(burst, MaxBeats == 1 << BeatBits && MaxBeats <= 256 && BurstBits <= PageBits,
               "MaxBeats must be a power of two up to 256, and a burst no longer than 4 KB")
  `TOM_REQUIRE(depth, Depth >= 2 * MaxBeats, "Depth must hold two bursts")

  // Where a region begins, in bursts, how many it has beyond the last one, and beats of that one, less one: constants.
  wire logic [Regions-1:0][NumberBits-1:0] firsts, mores;
  wire logic [Regions-1:0][7:0]            rests;
  for (genvar r = 0; r < Regions; r++) begin : gen_region
    `TOM_REQUIRE(begins, Begin[r] % MaxBeats == 0, "Begin must be a multiple of MaxBeats")
    `TOM_REQUIRE(beats, Count[r] >= 1, "Count must be at least 1")
    assign firsts[r] = NumberBits'(Begin[r] >> BeatBits);
    assign mores[r]  = NumberBits'((Count[r] - 1) >> BeatBits);
    assign rests[r]  = 8'((Count[r] - 1) & (MaxBeats - 1));
  end

  // ---------------------------------------------------------------- the region that is read

  wire logic                  next_valid, next_ready;
  wire logic [RegionBits-1:0] next;

  tom_fifo #(
    .Width(RegionBits),
    .Depth(Ahead)
  ) u_asked (
    .clk_i,
    .rst_i,
    .in_valid_i (ask_valid_i),
    .in_ready_o (ask_ready_o),
    .in_data_i  (ask_i),
    .out_valid_o(next_valid),
    .out_ready_i(next_ready),
    .out_data_o (next)
  );

  logic                  reads_q;   // there is one
  logic [NumberBits-1:0] number_q;  // of the next burst
  logic [NumberBits-1:0] more_q;    // bursts behind it
  logic [7:0]            rest_q;    // of the last one
  logic                  go_q, clear_q;
  logic [RoomBits-1:0]   room_q;
  logic [BusyBits-1:0]   busy_q;    // bursts on their way
  wire logic             ask_ready;

  wire logic last = more_q == '0;
  wire logic [7:0] length = last ? rest_q : 8'(MaxBeats - 1);
  wire logic take = reads_q && clear_q && ask_ready;
  wire logic [RoomBits-1:0] beats = RoomBits'(length) + 1'b1;
  wire logic ended = rvalid_i && rlast_i;
  wire logic given = out_valid_o && out_ready_i;

  assign next_ready = !reads_q || (take && last);

  always_ff @(posedge clk_i) begin
    if (rst_i) reads_q <= 1'b0;
    else if (next_ready) reads_q <= next_valid;
  end

  always_ff @(posedge clk_i) begin
    if (next_ready) begin
      number_q <= firsts[next];
      more_q   <= mores[next];
      rest_q   <= rests[next];
    end else if (take) begin
      number_q <= number_q + 1'b1;
      more_q   <= more_q - 1'b1;
    end
  end

  // Whether the next burst may go is known a cycle later: not in the cycle behind one that went.
  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      go_q    <= 1'b0;
      clear_q <= 1'b0;
      room_q  <= RoomBits'(Depth);
      busy_q  <= '0;
    end else begin
      go_q    <= go_i;
      clear_q <= go_q && !take && room_q >= RoomBits'(MaxBeats) && busy_q != BusyBits'(Bursts);
      room_q  <= room_q - (take ? beats : '0) + RoomBits'(given);
      busy_q  <= busy_q + BusyBits'(take) - BusyBits'(ended);
    end
  end

  wire logic [63:BurstBits] address = base_i[63:BurstBits] + (64 - BurstBits)'(number_q);
  wire logic [63:BurstBits] asked;

  tom_register #(
    .Width(64 - BurstBits + 8)
  ) u_ask (
    .clk_i,
    .rst_i,
    .in_valid_i (reads_q && clear_q),
    .in_ready_o (ask_ready),
    .in_data_i  ({address, length}),
    .out_valid_o(arvalid_o),
    .out_ready_i(arready_i),
    .out_data_o ({asked, arlen_o})
  );

  assign araddr_o = {asked, {BurstBits{1'b0}}};

  // ---------------------------------------------------------------- beats

  logic            push_q, idle_q, error_q;
  logic [Bits-1:0] data_q;
  wire logic       unused_ready;  // only the assertion reads it: there is always room

  assign rready_o = 1'b1;
  assign error_o  = error_q;
  assign idle_o   = idle_q;

  always_ff @(posedge clk_i) begin
    data_q <= rdata_i;
    if (rst_i) begin
      push_q  <= 1'b0;
      idle_q  <= 1'b0;
      error_q <= 1'b0;
    end else begin
      push_q  <= rvalid_i;
      idle_q  <= !go_i && !go_q && !clear_q && !arvalid_o && busy_q == '0;
      error_q <= error_q || (rvalid_i && rresp_i[1]);
    end
  end

  tom_fifo #(
    .Width (Bits),
    .Depth (Depth),
    .Ram   (Ram),
    .Second(Ram != 0)
  ) u_fifo (
    .clk_i,
    .rst_i,
    .in_valid_i (push_q),
    .in_ready_o (unused_ready),
    .in_data_i  (data_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  wire logic unused_base = &{1'b0, base_i[BurstBits-1:0], rresp_i[0]};

  `TOM_STREAM_STABLE(ask, arvalid_o, arready_i, {asked, arlen_o})
  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)
  `TOM_ALWAYS(base, !go_q || base_i[PageBits-1:0] == '0, "%m: the base is no border of 4 KB")
  `TOM_ALWAYS(page, !arvalid_o || {20'b0, araddr_o[PageBits-1:0]} + (32'(arlen_o) + 1) * DataBytes <= 1 << PageBits,
              "%m: a burst crosses 4 KB")
  `TOM_ALWAYS(room, !take || room_q >= beats, "%m asks for more than it has room for")
  `TOM_ALWAYS(back, !given || room_q != RoomBits'(Depth), "%m gives more than it asked for")
  `TOM_ALWAYS(place, !push_q || unused_ready, "%m has no room for a beat")
  `TOM_ALWAYS(known, !rvalid_i || busy_q != '0, "%m: a beat comes that was not asked for")

endmodule

`default_nettype wire
