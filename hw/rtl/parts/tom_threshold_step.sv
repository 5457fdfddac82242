// SPDX-License-Identifier: Apache-2.0
// One step of a binary search among thresholds, on every lane: it finds one more bit of the result.
//
// Latency 2: read the threshold in the middle of what is left, then compare. Nothing ever stalls. Address of
// MemFile: the bits found so far, above them the beat within the pixel; a word holds the threshold of
// every lane, lane 0 in the low bits.

`include "tom_assert.svh"
`default_nettype none

module tom_threshold_step #(
  parameter int unsigned Lanes    = 1,  // codes per beat
  parameter int unsigned Beats    = 1,  // beats per pixel
  parameter int unsigned BeatBits = 1,  // width of the number of a beat
  parameter int unsigned Found    = 0,  // bits of the result that are known before this step
  parameter int unsigned DataBits = 24, // width of a code, and of a threshold
  parameter bit          Signed   = 1,  // both are two's complement
  parameter int unsigned Ram      = 0,  // memory kind: 0 LUTs, 1 block RAM
  parameter              MemFile  = "", // hexadecimal words: the thresholds of this step

  localparam int unsigned DataW = Lanes * DataBits,
  localparam int unsigned InW   = Lanes * (Found > 0 ? Found : 1),
  localparam int unsigned OutW  = Lanes * (Found + 1)
) (
  input  wire logic                clk_i,

  input  wire logic [BeatBits-1:0] beat_i,
  input  wire logic [DataW-1:0]    data_i,
  input  wire logic [InW-1:0]      index_i,  // anything if Found is 0

  output wire logic [BeatBits-1:0] beat_o,
  output wire logic [DataW-1:0]    data_o,
  output wire logic [OutW-1:0]     index_o
);

  `TOM_REQUIRE(kind, Ram <= 1, "Ram must be 0 or 1")

  `TOM_LATENCY(2)

  localparam int unsigned Depth = Beats << Found;
  localparam int unsigned AddrBits = tom_pkg::idx_width(Depth);

  logic [BeatBits-1:0] beat_q[2];
  logic [DataW-1:0]    data_q[2];

  always_ff @(posedge clk_i) begin
    beat_q[0] <= beat_i;
    beat_q[1] <= beat_q[0];
    data_q[0] <= data_i;
    data_q[1] <= data_q[0];
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [DataBits-1:0] bound_q;
    wire logic [DataBits-1:0] value = data_q[0][l*DataBits+:DataBits];
    wire logic reached = Signed ? signed'(value) >= signed'(bound_q) : value >= bound_q;
    wire logic [AddrBits-1:0] address;

    if (Found == 0) begin : gen_first
      wire logic unused_index = |index_i;
      logic reached_q;
      assign address = AddrBits'(beat_i);
      always_ff @(posedge clk_i) reached_q <= reached;
      assign index_o[l] = reached_q;
    end else begin : gen_later
      wire logic [Found-1:0] index = index_i[l*Found+:Found];
      logic [Found-1:0] index_q;
      logic [Found:0]   longer_q;
      assign address = AddrBits'({beat_i, index});
      always_ff @(posedge clk_i) begin
        index_q  <= index;
        longer_q <= {index_q, reached};
      end
      assign index_o[l*(Found+1)+:Found+1] = longer_q;
    end

    if (Ram == 0) begin : gen_luts
      // Yosys wants "registers" for what Vivado calls a distributed ROM.
      (* ram_style = "registers", rom_style = "distributed" *) logic [DataW-1:0] rom[Depth];
      initial if (MemFile != "") $readmemh(MemFile, rom);
      always_ff @(posedge clk_i) bound_q <= rom[address][l*DataBits+:DataBits];
    end else begin : gen_block
      (* rom_style = "block" *) logic [DataW-1:0] rom[Depth];
      initial if (MemFile != "") $readmemh(MemFile, rom);
      always_ff @(posedge clk_i) bound_q <= rom[address][l*DataBits+:DataBits];
    end
  end

  assign beat_o = beat_q[1];
  assign data_o = data_q[1];

endmodule

`default_nettype wire
