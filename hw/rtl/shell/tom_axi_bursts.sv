// SPDX-License-Identifier: Apache-2.0
// Cuts a run of beats, one behind the other in memory, into the bursts of AXI4: none crosses a border of 4 KB.
//
// It asks for a burst as soon as enough beats are available for one that is as long as may be, and for what is left
// once final_i says that no more will come.

`include "tom_assert.svh"
`default_nettype none

module tom_axi_bursts #(
  parameter int unsigned DataBytes = 8,   // bytes of a beat, a power of two up to 128
  parameter int unsigned MaxBeats  = 16,  // of a burst, a power of two up to 256
  parameter int unsigned CountBits = 8    // of the number of beats available
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_i,

  input  wire logic                 start_i,      // a new run, while nothing is asked for
  input  wire logic [63:0]          address_i,    // of its first beat; lower bits than a beat's do not count

  input  wire logic [CountBits-1:0] available_i,
  input  wire logic                 final_i,
  input  wire logic                 room_i,       // for a burst of MaxBeats
  output wire logic                 take_o,       // so many of the beats available are asked for
  output wire logic [CountBits-1:0] beats_o,

  output wire logic                 valid_o,      // the channel AR or AW
  input  wire logic                 ready_i,
  output wire logic [63:0]          addr_o,
  output wire logic [7:0]           len_o
);

  localparam int unsigned BeatBits = $clog2(DataBytes);
  localparam int unsigned PageBits = 12;
  localparam int unsigned PageBeats = (1 << PageBits) / DataBytes;
  localparam int unsigned Most = MaxBeats < PageBeats ? MaxBeats : PageBeats;
  localparam int unsigned PlaceBits = tom_pkg::count_width(PageBeats);
  localparam int unsigned MostBits = tom_pkg::count_width(Most);

  `TOM_REQUIRE(beat, DataBytes == 1 << BeatBits && DataBytes <= 128, "DataBytes must be a power of two up to 128")
  `TOM_REQUIRE(burst, MaxBeats >= 1 && MaxBeats <= 256, "MaxBeats must be 1 to 256")
  `TOM_REQUIRE(count, 1 << CountBits > Most, "CountBits must hold a burst")

  logic [63:BeatBits] next_q, addr_q;
  logic [7:0]         len_q;
  logic               valid_q;

  // Beats up to the border, and of the longest burst that may begin here.
  wire logic [PlaceBits-1:0] border = PlaceBits'(PageBeats) - PlaceBits'(next_q[PageBits-1:BeatBits]);
  wire logic [MostBits-1:0] longest = border < PlaceBits'(Most) ? MostBits'(border) : MostBits'(Most);
  wire logic enough = available_i >= CountBits'(longest);
  wire logic [CountBits-1:0] beats = enough ? CountBits'(longest) : available_i;

  assign take_o  = !start_i && room_i && (!valid_q || ready_i) && (enough || (final_i && available_i != '0));
  assign beats_o = beats;
  assign valid_o = valid_q;
  assign addr_o  = {addr_q, {BeatBits{1'b0}}};
  assign len_o   = len_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) valid_q <= 1'b0;
    else if (!valid_q || ready_i) valid_q <= take_o;
  end

  always_ff @(posedge clk_i) begin
    if (start_i) next_q <= address_i[63:BeatBits];
    else if (take_o) next_q <= next_q + (64 - BeatBits)'(beats);
    if (take_o) begin
      addr_q <= next_q;
      len_q  <= 8'(beats - 1'b1);
    end
  end

  wire logic unused_address = &{1'b0, address_i[BeatBits-1:0]};

  `TOM_STREAM_STABLE(burst, valid_o, ready_i, {addr_q, len_q})
  `TOM_ALWAYS(page, !valid_q || 32'(addr_q[PageBits-1:BeatBits]) + 32'(len_q) < PageBeats, "a burst crosses 4 KB")

endmodule

`default_nettype wire
