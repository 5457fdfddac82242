// SPDX-License-Identifier: Apache-2.0
// Any unary function by table: y = table[x], one table for all channels or one per channel.
//
// Bit-exact with tomato/ops/table.py. One beat per cycle, latency 5. Address of MemFile: the bits of the
// input code, above them the beat within the pixel if tables are per channel; a word holds the entry of
// every lane then, lane 0 in the low bits, and else the one entry.

`include "tom_assert.svh"
`default_nettype none

module tom_table_stream #(
  parameter int unsigned Lanes      = 1,  // codes per beat
  parameter int unsigned Beats      = 1,  // beats per pixel
  parameter bit          PerChannel = 0,  // every channel has its own table
  parameter int unsigned InBits     = 8,  // width of an input code
  parameter int unsigned OutBits    = 8,  // width of an output code
  parameter int unsigned Ram        = 0,  // memory kind: 0 LUTs, 1 block RAM
  parameter              MemFile    = "", // hexadecimal words: the tables

  localparam int unsigned InW  = Lanes * InBits,
  localparam int unsigned OutW = Lanes * OutBits
) (
  input  wire logic            clk_i,
  input  wire logic            rst_i,

  input  wire logic            in_valid_i,
  output wire logic            in_ready_o,
  input  wire logic [InW-1:0]  in_data_i,

  output wire logic            out_valid_o,
  input  wire logic            out_ready_i,
  output wire logic [OutW-1:0] out_data_o
);

  `TOM_REQUIRE(bits, InBits <= 16, "InBits must not exceed 16")
  `TOM_REQUIRE(kind, Ram <= 1, "Ram must be 0 or 1")

  localparam int unsigned Latency = 3;
  localparam int unsigned Rows = PerChannel ? Beats : 1;
  localparam int unsigned Depth = Rows << InBits;
  localparam int unsigned RowBits = tom_pkg::idx_width(Rows);
  localparam int unsigned AddrBits = InBits + $clog2(Rows);
  localparam int unsigned Fields = PerChannel ? Lanes : 1;

  wire logic available;
  wire logic fire = in_valid_i && available;
  assign in_ready_o = available;

  logic [Latency-1:0] valid_q;
  logic [RowBits-1:0] next_row_q, row_q;
  logic [InW-1:0]     data_q;
  logic [OutW-1:0]    read_q, result_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      valid_q    <= '0;
      next_row_q <= '0;
    end else begin
      valid_q <= {valid_q[Latency-2:0], fire};
      if (fire) next_row_q <= next_row_q == RowBits'(Rows - 1) ? '0 : next_row_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    row_q    <= next_row_q;
    data_q   <= in_data_i;
    result_q <= read_q;
  end

  // A memory per lane: each lane reads another word.
  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    localparam int unsigned Field = PerChannel ? l : 0;
    wire logic [AddrBits-1:0] address = AddrBits'({row_q, data_q[l*InBits+:InBits]});

    if (Ram == 0) begin : gen_luts
      // Yosys wants "registers" for what Vivado calls a distributed ROM.
      (* ram_style = "registers", rom_style = "distributed" *) logic [Fields*OutBits-1:0] rom[Depth];
      initial if (MemFile != "") $readmemh(MemFile, rom);
      always_ff @(posedge clk_i) read_q[l*OutBits+:OutBits] <= rom[address][Field*OutBits+:OutBits];
    end else begin : gen_block
      (* rom_style = "block" *) logic [Fields*OutBits-1:0] rom[Depth];
      initial if (MemFile != "") $readmemh(MemFile, rom);
      always_ff @(posedge clk_i) read_q[l*OutBits+:OutBits] <= rom[address][Field*OutBits+:OutBits];
    end
  end

  tom_queue #(
    .Width(OutW),
    .Depth(Latency + 4)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (fire),
    .in_valid_i (valid_q[Latency-1]),
    .in_data_i  (result_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
