// SPDX-License-Identifier: Apache-2.0
// Reads the beats of a band in another order: a double-buffered memory behind a nest of counters.
//
// Upsample, Flip, DepthToSpace, SpaceToDepth and Transpose of tomato/ops/move.py. BandIn beats are written in
// order; when all are there, BandOut beats are read, at addresses that Levels nested loops give, from beat Begin on,
// level 0 innermost: Counts[l] passes, Strides[l] beats apart (0 repeats, below 0 goes back). The other bank fills meanwhile; no
// bubbles: a band costs the larger of BandIn and BandOut. Latency 5 from the last beat of a band.

`include "tom_assert.svh"
`default_nettype none

module tom_reorder_band #(
  parameter int unsigned Lanes   = 1,              // codes per beat
  parameter int unsigned Bits    = 8,              // width of a code
  parameter int unsigned BandIn  = 4,              // beats written per band
  parameter int unsigned BandOut = 8,              // beats read per band
  parameter int unsigned Begin   = 0,              // the beat of a band that is read first
  parameter int unsigned Levels  = 2,              // nested loops
  parameter              Counts  = {32'd4, 32'd2}, // passes of each level, 32 bits each, level 0 lowest
  parameter              Strides = {32'd1, 32'd0}, // beats from pass to pass, 32 bits each
  parameter int unsigned Ram     = 0,              // memory kind: 0 LUTRAM, 1 block RAM, 2 UltraRAM

  localparam int unsigned DataW = Lanes * Bits
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             in_valid_i,
  output wire logic             in_ready_o,
  input  wire logic [DataW-1:0] in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [DataW-1:0] out_data_o
);

  function automatic int unsigned passes(int unsigned level);
    return 32'(Counts >> (32 * level));
  endfunction

  function automatic int signed stride(int unsigned level);
    return 32'(Strides >> (32 * level));
  endfunction

  function automatic int unsigned product();
    product = 1;
    for (int unsigned l = 0; l < Levels; l++) product *= passes(l);
  endfunction

  // From the last pass of the levels below to the next pass of `level`.
  function automatic int signed jump(int unsigned level);
    jump = stride(level);
    for (int unsigned l = 0; l < level; l++) jump -= signed'(passes(l) - 1) * stride(l);
  endfunction

  `TOM_REQUIRE(band, BandOut == product(), "BandOut must be the product of Counts")
  `TOM_REQUIRE(kind, Ram <= 2, "Ram must be 0, 1 or 2")

  localparam int unsigned Latency = 2;
  localparam int unsigned AddrBits = tom_pkg::idx_width(2 * BandIn);

  wire logic available;

  logic [1:0]          full_q;         // banks whose band is complete and not yet read
  logic                write_bank_q, read_bank_q;
  logic [AddrBits-1:0] write_addr_q, read_addr_q;
  logic [Latency-1:0]  valid_q;
  logic [Levels-1:0]   last_q;         // levels in their last pass
  logic [Levels-1:0]   carry;          // levels below which all are in their last pass
  logic [AddrBits-1:0] step;
  logic [DataW-1:0]    read, data_q;

  wire logic ready = !full_q[write_bank_q];
  wire logic write = in_valid_i && ready;
  wire logic write_end = write_addr_q == AddrBits'(BandIn - 1) || write_addr_q == AddrBits'(2 * BandIn - 1);
  wire logic fire = full_q[read_bank_q] && available;
  wire logic read_end = last_q == '1;

  assign in_ready_o = ready;

  // A bank is free in the cycle after its last read: the memory has taken the address by then.
  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      full_q       <= '0;
      write_bank_q <= 1'b0;
      read_bank_q  <= 1'b0;
      write_addr_q <= '0;
      read_addr_q  <= AddrBits'(Begin);
      valid_q      <= '0;
    end else begin
      valid_q <= {valid_q[Latency-2:0], fire};
      if (write) write_addr_q <= write_addr_q == AddrBits'(2 * BandIn - 1) ? '0 : write_addr_q + 1'b1;
      if (write && write_end) begin
        full_q[write_bank_q] <= 1'b1;
        write_bank_q         <= !write_bank_q;
      end
      if (fire) read_addr_q <= read_addr_q + step;
      if (fire && read_end) begin
        full_q[read_bank_q] <= 1'b0;
        read_bank_q         <= !read_bank_q;
        read_addr_q         <= read_bank_q ? AddrBits'(Begin) : AddrBits'(BandIn + Begin);
      end
    end
  end

  for (genvar l = 0; l < Levels; l++) begin : gen_level
    localparam int unsigned Count = passes(l);
    localparam int unsigned CountBits = tom_pkg::idx_width(Count);
    logic [CountBits-1:0] pass_q;
    wire logic [CountBits-1:0] pass_d = last_q[l] ? '0 : pass_q + 1'b1;

    if (l == 0) begin : gen_inner
      assign carry[l] = 1'b1;
    end else begin : gen_outer
      assign carry[l] = &last_q[l-1:0];
    end

    always_ff @(posedge clk_i) begin
      if (rst_i) begin
        pass_q    <= '0;
        last_q[l] <= Count == 1;
      end else if (fire && carry[l]) begin
        pass_q    <= pass_d;
        last_q[l] <= pass_d == CountBits'(Count - 1);
      end
    end
  end

  always_comb begin
    step = '0;
    for (int unsigned l = 0; l < Levels; l++) begin
      if (carry[l] && !last_q[l]) step |= AddrBits'(unsigned'(jump(l)));
    end
  end

  tom_ram #(
    .Width(DataW),
    .Depth(2 * BandIn),
    .Ram  (Ram)
  ) u_ram (
    .clk_i,
    .write_i     (write),
    .write_addr_i(write_addr_q),
    .write_data_i(in_data_i),
    .read_i      (fire),
    .read_addr_i (read_addr_q),
    .read_data_o (read)
  );

  always_ff @(posedge clk_i) data_q <= read;

  tom_queue #(
    .Width(DataW),
    .Depth(Latency + 4)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (fire),
    .in_valid_i (valid_q[Latency-1]),
    .in_data_i  (data_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
