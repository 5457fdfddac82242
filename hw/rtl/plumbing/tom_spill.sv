// SPDX-License-Identifier: Apache-2.0
// A queue in memory beside the chip: as tom_fifo, far deeper, and slower to give what just came.
//
// What comes is packed into beats of AXI4 and written in bursts, one behind the other, round and round in Slots places of
// a burst each from base_i on. A frame ends with a shorter burst, so nothing waits for the next frame. A burst is read
// when memory has said that it was written, and asked for only if all of it has room here, so the memory never waits
// for a reader. With a memory that takes and gives a beat per cycle so does this one, but for two cycles a burst.
// Nothing is asked of the memory until go_i. A beat that comes with an error is given as it is, and error_o stays.
// Before a reset go_i is low until idle_o.

`include "tom_assert.svh"
`default_nettype none

module tom_spill #(
  parameter int unsigned Width     = 8,   // bits of a beat of the stream
  parameter int unsigned Gather    = 1,   // of them in a beat of memory, as tom_pack has it
  parameter int unsigned Words     = 1,   // beats of memory in a frame
  parameter int unsigned DataBytes = 16,  // bytes of a beat of memory, a power of two from 4 to 128
  parameter int unsigned MaxBeats  = 16,  // of a burst, a power of two; a burst has 4 KB at most
  parameter int unsigned Slots     = 16,  // bursts that the memory holds, at least 4
  parameter int unsigned Depth     = 64,  // beats of memory that may be asked for or wait behind it, at least two bursts
  parameter int unsigned Ram       = 0,   // memory kind of what waits: 0 LUTRAM, 1 block RAM, 2 UltraRAM

  localparam int unsigned Bits = DataBytes * 8
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             in_valid_i,
  output wire logic             in_ready_o,
  input  wire logic [Width-1:0] in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [Width-1:0] out_data_o,

  input  wire logic             memory_go_i,
  input  wire logic [63:0]      memory_base_i,  // a border of 4 KB
  output wire logic             memory_error_o,
  output wire logic             memory_idle_o,

  output wire logic             axi_awvalid_o,
  input  wire logic             axi_awready_i,
  output wire logic [63:0]      axi_awaddr_o,
  output wire logic [7:0]       axi_awlen_o,
  output wire logic             axi_wvalid_o,
  input  wire logic             axi_wready_i,
  output wire logic [Bits-1:0]  axi_wdata_o,
  output wire logic [DataBytes-1:0] axi_wstrb_o,
  output wire logic             axi_wlast_o,
  input  wire logic             axi_bvalid_i,
  output wire logic             axi_bready_o,
  input  wire logic [1:0]       axi_bresp_i,

  output wire logic             axi_arvalid_o,
  input  wire logic             axi_arready_i,
  output wire logic [63:0]      axi_araddr_o,
  output wire logic [7:0]       axi_arlen_o,
  input  wire logic             axi_rvalid_i,
  output wire logic             axi_rready_o,
  input  wire logic [Bits-1:0]  axi_rdata_i,
  input  wire logic             axi_rlast_i,
  input  wire logic [1:0]       axi_rresp_i
);

  `TOM_REQUIRE(beat, DataBytes == 1 << $clog2(DataBytes) && DataBytes >= 4 && DataBytes <= 128,
               "DataBytes must be a power of two from 4 to 128")
  `TOM_REQUIRE(burst, MaxBeats == 1 << $clog2(MaxBeats) && MaxBeats <= 256 && MaxBeats * DataBytes <= 4096,
               "MaxBeats must be a power of two up to 256, and a burst no longer than 4 KB")
  `TOM_REQUIRE(slots, Slots >= 4, "Slots must be at least 4")
  `TOM_REQUIRE(depth, Depth >= 2 * MaxBeats, "Depth must hold two bursts")

  localparam int unsigned SlotBits = tom_pkg::idx_width(Slots);
  localparam int unsigned CountBits = tom_pkg::count_width(Slots);
  localparam int unsigned WordBits = tom_pkg::count_width(Words);
  localparam int unsigned LevelBits = tom_pkg::count_width(2 * MaxBeats + 1);
  localparam int unsigned RoomBits = tom_pkg::count_width(Depth);

  // Beats of the next burst, where so many of a frame are left.
  function automatic logic [8:0] burst(logic [WordBits-1:0] left);
    return 32'(left) < MaxBeats ? 9'(left) : 9'(MaxBeats);
  endfunction

  function automatic logic [63:0] place(logic [SlotBits-1:0] slot);
    return memory_base_i + 64'(slot) * 64'(MaxBeats * DataBytes);
  endfunction

  // ---------------------------------------------------------------- what comes, and is written

  wire logic            packed_valid, packed_ready, w_valid;
  wire logic [Bits-1:0] packed_data, w_data;
  logic [LevelBits-1:0] level_q;   // beats that wait and are in no burst yet
  logic [WordBits-1:0]  write_left_q;
  logic [SlotBits-1:0]  write_slot_q;
  logic [8:0]           w_left_q;  // beats of the burst that is written
  logic                 aw_valid_q, some_q;
  logic [63:0]          aw_addr_q;
  logic [7:0]           aw_len_q;
  logic [CountBits-1:0] free_q;    // slots
  logic [CountBits-1:0] sent_q;    // bursts that memory has not said are written
  logic [CountBits-1:0] there_q;   // bursts that it has, and that were not asked for

  wire logic [8:0] next_write = burst(write_left_q);
  wire logic       begins = some_q && w_left_q == '0 && !aw_valid_q;  // some_q is of a cycle in which it did not begin
  wire logic       w_moves = axi_wvalid_o && axi_wready_i;
  wire logic       written = axi_bvalid_i;

  tom_pack #(
    .Width   (Width),
    .WordBits(Bits),
    .Gather  (Gather)
  ) u_pack (
    .clk_i,
    .rst_i,
    .in_valid_i,
    .in_ready_o,
    .in_data_i,
    .out_valid_o(packed_valid),
    .out_ready_i(packed_ready),
    .out_data_o (packed_data)
  );

  tom_fifo #(
    .Width(Bits),
    .Depth(2 * MaxBeats)
  ) u_written (
    .clk_i,
    .rst_i,
    .in_valid_i (packed_valid),
    .in_ready_o (packed_ready),
    .in_data_i  (packed_data),
    .out_valid_o(w_valid),
    .out_ready_i(w_moves),
    .out_data_o (w_data)
  );

  assign axi_awvalid_o = aw_valid_q;
  assign axi_awaddr_o  = aw_addr_q;
  assign axi_awlen_o   = aw_len_q;
  assign axi_wvalid_o  = w_valid && w_left_q != '0;
  assign axi_wdata_o   = w_data;
  assign axi_wstrb_o   = '1;
  assign axi_wlast_o   = w_left_q == 9'd1;
  assign axi_bready_o  = 1'b1;

  // ---------------------------------------------------------------- what is read, and goes

  wire logic            r_valid, r_ready, read_ready;
  wire logic [Bits-1:0] r_data;
  logic [WordBits-1:0]  read_left_q;
  logic [SlotBits-1:0]  read_slot_q;
  logic [RoomBits-1:0]  room_q;    // beats that may be asked for
  logic [CountBits-1:0] asked_q;   // bursts on their way
  logic                 ar_valid_q, can_q;
  logic [63:0]          ar_addr_q;
  logic [7:0]           ar_len_q;

  wire logic [8:0] next_read = burst(read_left_q);
  wire logic       asks = can_q && !ar_valid_q;
  wire logic       gone = r_valid && r_ready;
  wire logic       come = axi_rvalid_i && axi_rlast_i;

  assign axi_arvalid_o = ar_valid_q;
  assign axi_araddr_o  = ar_addr_q;
  assign axi_arlen_o   = ar_len_q;
  assign axi_rready_o  = 1'b1;

  tom_fifo #(
    .Width(Bits),
    .Depth(Depth),
    .Ram  (Ram)
  ) u_read (
    .clk_i,
    .rst_i,
    .in_valid_i (axi_rvalid_i),
    .in_ready_o (read_ready),
    .in_data_i  (axi_rdata_i),
    .out_valid_o(r_valid),
    .out_ready_i(r_ready),
    .out_data_o (r_data)
  );

  tom_unpack #(
    .Width   (Width),
    .WordBits(Bits),
    .Gather  (Gather)
  ) u_unpack (
    .clk_i,
    .rst_i,
    .in_valid_i (r_valid),
    .in_ready_o (r_ready),
    .in_data_i  (r_data),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  logic error_q, go_q;
  assign memory_error_o = error_q;
  assign memory_idle_o  = !go_q && !aw_valid_q && w_left_q == '0 && sent_q == '0 && !ar_valid_q && asked_q == '0;

  always_ff @(posedge clk_i) begin
    if (begins) begin
      aw_addr_q <= place(write_slot_q);
      aw_len_q  <= 8'(next_write - 1'b1);
    end
    if (asks) begin
      ar_addr_q <= place(read_slot_q);
      ar_len_q  <= 8'(next_read - 1'b1);
    end
    if (rst_i) begin
      level_q      <= '0;
      write_left_q <= WordBits'(Words);
      read_left_q  <= WordBits'(Words);
      write_slot_q <= '0;
      read_slot_q  <= '0;
      w_left_q     <= '0;
      aw_valid_q   <= 1'b0;
      ar_valid_q   <= 1'b0;
      some_q       <= 1'b0;
      can_q        <= 1'b0;
      free_q       <= CountBits'(Slots);
      sent_q       <= '0;
      there_q      <= '0;
      asked_q      <= '0;
      room_q       <= RoomBits'(Depth);
      error_q      <= 1'b0;
      go_q         <= 1'b0;
    end else begin
      go_q    <= memory_go_i;
      level_q <= level_q + LevelBits'(packed_valid && packed_ready) - (begins ? LevelBits'(next_write) : '0);
      some_q  <= go_q && !begins && 32'(level_q) >= 32'(next_write) && free_q != '0;
      if (begins) begin
        aw_valid_q   <= 1'b1;
        w_left_q     <= next_write;
        write_left_q <= 32'(write_left_q) <= MaxBeats ? WordBits'(Words) : write_left_q - WordBits'(MaxBeats);
        write_slot_q <= write_slot_q == SlotBits'(Slots - 1) ? '0 : write_slot_q + 1'b1;
      end else begin
        if (axi_awready_i) aw_valid_q <= 1'b0;
        if (w_moves) w_left_q <= w_left_q - 1'b1;
      end
      sent_q  <= sent_q + CountBits'(begins) - CountBits'(written);
      there_q <= there_q + CountBits'(written) - CountBits'(asks);
      free_q  <= free_q + CountBits'(come) - CountBits'(begins);

      can_q <= go_q && !asks && there_q != '0 && 32'(room_q) >= 32'(next_read);
      if (asks) begin
        ar_valid_q  <= 1'b1;
        read_left_q <= 32'(read_left_q) <= MaxBeats ? WordBits'(Words) : read_left_q - WordBits'(MaxBeats);
        read_slot_q <= read_slot_q == SlotBits'(Slots - 1) ? '0 : read_slot_q + 1'b1;
      end else if (axi_arready_i) begin
        ar_valid_q <= 1'b0;
      end
      asked_q <= asked_q + CountBits'(asks) - CountBits'(come);
      room_q  <= room_q + RoomBits'(gone) - (asks ? RoomBits'(next_read) : '0);
      if ((axi_bvalid_i && axi_bresp_i[1]) || (axi_rvalid_i && axi_rresp_i[1])) error_q <= 1'b1;
    end
  end

  wire logic unused = &{1'b0, axi_bresp_i[0], axi_rresp_i[0], read_ready};

  `TOM_STREAM_STABLE(aw, axi_awvalid_o, axi_awready_i, {axi_awaddr_o, axi_awlen_o})
  `TOM_STREAM_STABLE(w, axi_wvalid_o, axi_wready_i, {axi_wlast_o, axi_wdata_o})
  `TOM_STREAM_STABLE(ar, axi_arvalid_o, axi_arready_i, {axi_araddr_o, axi_arlen_o})
  `TOM_ALWAYS(room, !axi_rvalid_i || read_ready, "a beat came for which there is no room")
  `TOM_ALWAYS(order, !written || sent_q != '0, "a burst was written that was not sent")

endmodule

`default_nettype wire
