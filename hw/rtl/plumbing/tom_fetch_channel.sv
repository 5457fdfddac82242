// SPDX-License-Identifier: Apache-2.0
// One memory channel of tom_fetch: reads the region of every client, again and again, with bursts of AXI4.
//
// A burst is asked for only if its client has room for all of it, so every beat is taken at once. The next client is
// found in turn, in four cycles: Seek (who could, by groups of eight), Choose, Take (the room and the burst's number),
// Ask (its address). So there is a burst every four cycles, and shorter ones leave the bus idle.

`include "tom_assert.svh"
`default_nettype none

module tom_fetch_channel #(
  parameter int unsigned DataBytes = 8,   // bytes of a beat, a power of two from 4 to 128
  parameter int unsigned MaxBeats  = 16,  // of a burst, a power of two; a burst has 4 KB at most
  parameter int unsigned Clients   = 1,   // regions, 1 to 64
  parameter int unsigned Depth     = 64,  // beats that a client has asked for or that wait, at least two bursts
  parameter int unsigned Bursts    = 32,  // that are on their way, of all clients
  parameter int unsigned Ram       = 0,   // memory kind of what waits: 0 LUTRAM, 1 block RAM, 2 UltraRAM
  parameter bit [Clients-1:0][31:0] Begin = '0,               // first beat of a region, a multiple of MaxBeats
  parameter bit [Clients-1:0][31:0] Count = {Clients{32'd1}}, // beats of a region, at least one

  localparam int unsigned Bits = DataBytes * 8
) (
  input  wire logic                    clk_i,
  input  wire logic                    rst_i,

  input  wire logic                    go_i,        // bursts may be asked for
  input  wire logic [63:0]             base_i,      // address of beat 0, a border of 4 KB

  output wire logic                    arvalid_o,
  input  wire logic                    arready_i,
  output wire logic [63:0]             araddr_o,
  output wire logic [7:0]              arlen_o,
  input  wire logic                    rvalid_i,
  output wire logic                    rready_o,
  input  wire logic [Bits-1:0]         rdata_i,
  input  wire logic                    rlast_i,
  input  wire logic [1:0]              rresp_i,

  output wire logic [Clients-1:0]      out_valid_o,
  input  wire logic [Clients-1:0]      out_ready_i,
  output wire logic [Clients*Bits-1:0] out_data_o,  // client 0 in the low bits

  output wire logic                    error_o,     // a beat came with an error, since the reset
  output wire logic                    idle_o       // go_i is low, and no burst is on its way
);

  localparam int unsigned BeatBits = $clog2(MaxBeats);
  localparam int unsigned BurstBits = $clog2(MaxBeats * DataBytes);
  localparam int unsigned NumberBits = 32 - BeatBits;
  localparam int unsigned ClientBits = tom_pkg::idx_width(Clients);
  localparam int unsigned RoomBits = tom_pkg::count_width(Depth);
  localparam int unsigned PageBits = 12;
  localparam int unsigned Group = 8;
  localparam int unsigned Groups = tom_pkg::ceil_div(Clients, Group);
  localparam int unsigned Slots = Group * Groups;

  `TOM_REQUIRE(beat, DataBytes == 1 << $clog2(DataBytes) && DataBytes >= 4 && DataBytes <= 128,
               "DataBytes must be a power of two from 4 to 128")
  `TOM_REQUIRE(burst, MaxBeats == 1 << BeatBits && MaxBeats <= 256 && BurstBits <= PageBits,
               "MaxBeats must be a power of two up to 256, and a burst no longer than 4 KB")
  `TOM_REQUIRE(clients, Clients >= 1 && Clients <= 64, "Clients must be 1 to 64")
  `TOM_REQUIRE(depth, Depth >= 2 * MaxBeats, "Depth must hold two bursts")
  `TOM_REQUIRE(bursts, Bursts >= 2, "Bursts must be at least 2")

  // Bursts are numbered from the base on.
  typedef bit [Clients-1:0][NumberBits-1:0] numbers_t;
  typedef bit [Clients-1:0][7:0] lengths_t;

  // A region's first burst.
  function automatic numbers_t firsts();
    for (int unsigned c = 0; c < Clients; c++) firsts[c] = NumberBits'(Begin[c] >> BeatBits);
  endfunction

  // Two before a region's last burst: behind this one comes that before the last one.
  function automatic numbers_t befores();
    for (int unsigned c = 0; c < Clients; c++) begin
      befores[c] = NumberBits'((Begin[c] + Count[c] - 1) >> BeatBits) - NumberBits'(2);
    end
  endfunction

  // Beats of a region's last burst, less one.
  function automatic lengths_t lasts();
    for (int unsigned c = 0; c < Clients; c++) lasts[c] = 8'((Count[c] - 1) & (MaxBeats - 1));
  endfunction

  // Whether a region has so many bursts.
  function automatic bit [Clients-1:0] have(int unsigned bursts);
    for (int unsigned c = 0; c < Clients; c++) have[c] = (Count[c] - 1) >> BeatBits == bursts - 1;
  endfunction

  localparam numbers_t Firsts = firsts();
  localparam numbers_t Befores = befores();
  localparam lengths_t Lasts = lasts();
  localparam bit [Clients-1:0] One = have(1);
  localparam bit [Clients-1:0] Two = have(2);

  typedef logic [Group-1:0] group_t;

  // The lowest bit that is set; 0 where none is.
  function automatic logic [2:0] lowest(group_t bits);
    automatic logic [3:0] half = bits[3:0] != '0 ? bits[3:0] : bits[7:4];
    automatic logic low = half[1:0] != '0;
    return {bits[3:0] == '0, !low, low ? !half[0] : !half[2] && half[3]};
  endfunction

  // ---------------------------------------------------------------- who is next

  typedef enum logic [1:0] {Seek, Choose, Take, Ask} phase_e;

  phase_e                    phase_q;
  logic                      go_q;
  logic [Clients-1:0]        ready_q;       // who has room for the next burst
  logic [Clients-1:0]        upper_q;       // and is behind the one that was chosen last
  logic [Groups-1:0]         some_in_q;     // groups with one of ready_q
  logic [Groups-1:0]         upper_in_q;    // groups with one of upper_q
  logic                      upper_some_q;  // there is one
  logic [Groups-1:0][2:0]    place_q;       // which one in the group
  logic [ClientBits-1:0]     choice_q;
  logic [Clients-1:0]        chosen_q;      // the same, as the one bit that is set
  logic                      clear_q;       // there is a place for an address, and for whose it is
  wire logic                 ask_ready, order_ready;

  wire logic found = ready_q != '0;
  wire logic take = phase_q == Take && clear_q;
  wire logic [Slots-1:0] ready = Slots'(ready_q);
  wire logic [Slots-1:0] ready_upper = Slots'(upper_q);
  wire logic [Groups-1:0] groups = upper_some_q ? upper_in_q : some_in_q;
  wire logic [2:0] group = lowest(group_t'(groups));

  for (genvar g = 0; g < Groups; g++) begin : gen_group
    wire group_t some = ready[g*Group+:Group];
    wire group_t upper = ready_upper[g*Group+:Group];
    always_ff @(posedge clk_i) begin
      if (phase_q == Seek) begin
        some_in_q[g]  <= some != '0;
        upper_in_q[g] <= upper != '0;
        place_q[g]    <= lowest(upper != '0 ? upper : some);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    go_q <= go_i;
    if (phase_q == Seek) upper_some_q <= upper_q != '0;
    clear_q <= ask_ready && order_ready;  // what it says in Take holds: nothing was asked for in the two cycles before
    if (phase_q == Choose) choice_q <= ClientBits'({group, place_q[group[tom_pkg::idx_width(Groups)-1:0]]});
    if (rst_i) begin
      phase_q <= Seek;
      go_q    <= 1'b0;
    end else begin
      unique case (phase_q)
        Seek: if (found) phase_q <= Choose;
        Choose: phase_q <= Take;
        Take: if (take) phase_q <= Ask;
        Ask: phase_q <= Seek;
      endcase
    end
  end

  // ---------------------------------------------------------------- the clients

  logic [Clients-1:0] first_q;  // the next burst is the region's first
  logic [Clients-1:0] last_q;   // it is the last one
  logic [Clients-1:0] after_q;  // the one behind it is
  logic [Clients-1:0] push_q;   // whose the beat in data_q is
  logic [Bits-1:0]    data_q;
  wire logic          ends;     // the burst behind the one that is asked for is the last one

  wire logic                  order_valid;
  wire logic [ClientBits-1:0] order;

  for (genvar c = 0; c < Clients; c++) begin : gen_client
    localparam bit [ClientBits-1:0] Number = ClientBits'(c);
    localparam int unsigned Rest = (Count[c] - 1) % MaxBeats + 1;  // beats of the last burst

    `TOM_REQUIRE(begins, Begin[c] % MaxBeats == 0, "Begin must be a multiple of MaxBeats")
    `TOM_REQUIRE(beats, Count[c] >= 1, "Count must be at least 1")

    logic [RoomBits-1:0] room_q;
    logic                give_q;
    logic                above_q;  // it is behind the one that was chosen last
    wire logic unused_ready;       // only the assertion reads it: there is always room
    wire logic mine = take && chosen_q[c];
    wire logic [RoomBits-1:0] beats = last_q[c] ? RoomBits'(Rest) : RoomBits'(MaxBeats);
    wire logic could = go_q && room_q >= beats;

    always_ff @(posedge clk_i) begin
      if (rst_i) begin
        room_q      <= RoomBits'(Depth);
        give_q      <= 1'b0;
        ready_q[c]  <= 1'b0;
        upper_q[c]  <= 1'b0;
        chosen_q[c] <= 1'b0;
        above_q     <= 1'b1;
        first_q[c]  <= 1'b1;
        last_q[c]   <= One[c];
        after_q[c]  <= Two[c];
        push_q[c]   <= 1'b0;
      end else begin
        room_q     <= room_q - (mine ? beats : '0) + RoomBits'(give_q);
        give_q     <= out_valid_o[c] && out_ready_i[c];
        ready_q[c] <= could;
        upper_q[c] <= could && above_q;
        push_q[c]  <= rvalid_i && order_valid && order == Number;
        if (take) above_q <= int'(choice_q) < c;
        if (phase_q == Choose) chosen_q[c] <= group == 3'(c / Group) && place_q[c/Group] == 3'(c % Group);
        if (mine) begin
          first_q[c] <= last_q[c];
          last_q[c]  <= last_q[c] ? One[c] : after_q[c];
        end
        if (phase_q == Ask && chosen_q[c]) after_q[c] <= ends;
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
      .in_valid_i (push_q[c]),
      .in_ready_o (unused_ready),
      .in_data_i  (data_q),
      .out_valid_o(out_valid_o[c]),
      .out_ready_i(out_ready_i[c]),
      .out_data_o (out_data_o[c*Bits+:Bits])
    );

    `TOM_ALWAYS(room, !mine || room_q >= beats, "%m asks for more than it has room for")
    `TOM_ALWAYS(back, !give_q || room_q != RoomBits'(Depth), "%m gets more than it asked for")
    `TOM_ALWAYS(place, !push_q[c] || unused_ready, "%m has no room for a beat")
  end

  // ---------------------------------------------------------------- the burst of the one that was chosen

  logic                  fresh_q;      // it is the region's first
  logic                  wrap_q;       // it is the last
  logic                  two_q;        // the region has two
  logic [NumberBits-1:0] begin_q, before_q;
  logic [7:0]            last_beats_q; // of the region's last burst, less one
  wire logic [NumberBits-1:0] kept;    // its number, if it isn't the first

  wire logic [NumberBits-1:0] number = fresh_q ? begin_q : kept;

  assign ends = wrap_q ? two_q : number == before_q;

  always_ff @(posedge clk_i) begin
    if (take) begin
      fresh_q      <= first_q[choice_q];
      wrap_q       <= last_q[choice_q];
      two_q        <= Two[choice_q];
      begin_q      <= Firsts[choice_q];
      before_q     <= Befores[choice_q];
      last_beats_q <= Lasts[choice_q];
    end
  end

  tom_ram #(
    .Width(NumberBits),
    .Depth(Clients)
  ) u_numbers (
    .clk_i,
    .write_i     (phase_q == Ask),
    .write_addr_i(choice_q),
    .write_data_i(number + 1'b1),
    .read_i      (take),
    .read_addr_i (choice_q),
    .read_data_o (kept)
  );

  wire logic [63:BurstBits] address = base_i[63:BurstBits] + (64 - BurstBits)'(number);
  wire logic [63:BurstBits] asked;
  wire logic [7:0] length = wrap_q ? last_beats_q : 8'(MaxBeats - 1);

  tom_register #(
    .Width(64 - BurstBits + 8)
  ) u_ask (
    .clk_i,
    .rst_i,
    .in_valid_i (phase_q == Ask),
    .in_ready_o (ask_ready),
    .in_data_i  ({address, length}),
    .out_valid_o(arvalid_o),
    .out_ready_i(arready_i),
    .out_data_o ({asked, arlen_o})
  );

  assign araddr_o = {asked, {BurstBits{1'b0}}};

  // ---------------------------------------------------------------- beats come, burst by burst

  wire logic ended = rvalid_i && rlast_i;

  tom_fifo #(
    .Width(ClientBits),
    .Depth(Bursts)
  ) u_orders (
    .clk_i,
    .rst_i,
    .in_valid_i (take),
    .in_ready_o (order_ready),
    .in_data_i  (choice_q),
    .out_valid_o(order_valid),
    .out_ready_i(ended),
    .out_data_o (order)
  );

  localparam int unsigned BusyBits = tom_pkg::count_width(Bursts + 1);
  logic [BusyBits-1:0] busy_q;  // bursts on their way
  logic                idle_q, error_q;

  assign rready_o = 1'b1;
  assign error_o  = error_q;
  assign idle_o   = idle_q;

  always_ff @(posedge clk_i) begin
    data_q <= rdata_i;
    if (rst_i) begin
      busy_q  <= '0;
      idle_q  <= 1'b0;
      error_q <= 1'b0;
    end else begin
      busy_q  <= busy_q + BusyBits'(take) - BusyBits'(ended);
      idle_q  <= !go_i && !go_q && !found && phase_q == Seek && busy_q == '0;
      error_q <= error_q || (rvalid_i && rresp_i[1]);
    end
  end

  wire logic unused_base = &{1'b0, base_i[BurstBits-1:0], rresp_i[0]};

  `TOM_STREAM_STABLE(ask, arvalid_o, arready_i, {asked, arlen_o})
  `TOM_ALWAYS(base, !go_q || base_i[PageBits-1:0] == '0, "%m: the base is no border of 4 KB")
  `TOM_ALWAYS(page, !arvalid_o || {20'b0, araddr_o[PageBits-1:0]} + (32'(arlen_o) + 1) * DataBytes <= 1 << PageBits,
              "%m: a burst crosses 4 KB")
  `TOM_ALWAYS(known, !rvalid_i || order_valid, "%m: a beat comes that was not asked for")
  `TOM_ALWAYS(clear, !take || (ask_ready && order_ready), "%m has no place for an address")
  `TOM_ALWAYS(turn, phase_q != Take || ready_q[choice_q] || !go_q, "%m chose a client without room")

endmodule

`default_nettype wire
