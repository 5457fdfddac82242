// SPDX-License-Identifier: Apache-2.0
// Frames of a stream in a memory, read at any address while others come, and results that leave frame by frame.
//
// A frame has Beats beats and its results as many, at the same addresses of two memories with Slots places each. It is
// taken in (taken_o) when it is there as a whole, when its results have room, and Interval cycles after the frame
// before; its inputs are given up by freed_i. Its results leave Delay cycles after it was taken in, one a cycle: by then
// what uses this must have written them. So frames leave at the rate at which they come, however long each took.

`include "tom_assert.svh"
`default_nettype none

module tom_frame_slots #(
  parameter int unsigned Beats    = 1,  // of a frame
  parameter int unsigned Slots    = 2,  // frames of inputs that have room, and of results
  parameter int unsigned Interval = 1,  // cycles from a frame to the next, at least
  parameter int unsigned Delay    = 2,  // cycles from when a frame is taken in to its results, at least 2
  parameter int unsigned InW      = 8,  // bits of an input beat
  parameter int unsigned OutW     = 8,  // bits of an output beat
  parameter int unsigned InRam    = 0,  // memory kind of the inputs: 0 LUTRAM, 1 block RAM, 2 UltraRAM
  parameter int unsigned OutRam   = 0,  // memory kind of the results

  localparam int unsigned AddrBits = tom_pkg::idx_width(Slots * Beats)
) (
  input  wire logic                clk_i,
  input  wire logic                rst_i,

  input  wire logic                in_valid_i,
  output wire logic                in_ready_o,
  input  wire logic [InW-1:0]      in_data_i,

  output wire logic                taken_o,
  input  wire logic                freed_i,
  input  wire logic [AddrBits-1:0] read_addr_i,
  output wire logic [InW-1:0]      read_data_o,   // one cycle later

  input  wire logic                write_i,
  input  wire logic [AddrBits-1:0] write_addr_i,
  input  wire logic [OutW-1:0]     write_data_i,

  output wire logic                out_valid_o,
  input  wire logic                out_ready_i,
  output wire logic [OutW-1:0]     out_data_o
);

  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats);
  localparam int unsigned SlotBits = tom_pkg::count_width(Slots);
  localparam int unsigned NoteBits = tom_pkg::idx_width(Slots);
  localparam int unsigned PaceBits = tom_pkg::idx_width(Interval);
  localparam int unsigned TimeBits = tom_pkg::count_width(Delay);

  `TOM_REQUIRE(delay, Delay >= 2, "Delay must be at least 2")

  // ---------------------------------------------------------------- frames come, and are taken in

  logic [AddrBits-1:0] in_addr_q;
  logic [BeatBits-1:0] in_beat_q;
  logic [SlotBits-1:0] in_held_q;   // whole frames whose inputs are wanted still
  logic [SlotBits-1:0] whole_q;     // whole frames that are not taken in
  logic [SlotBits-1:0] out_held_q;  // frames taken in that have not left
  logic [PaceBits-1:0] pace_q;
  wire logic           left;

  wire logic write = in_valid_i && in_ready_o;
  wire logic came = write && in_beat_q == BeatBits'(Beats - 1);
  wire logic take = whole_q != '0 && out_held_q != SlotBits'(Slots) && pace_q == '0;

  assign in_ready_o = in_held_q != SlotBits'(Slots);
  assign taken_o = take;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      in_addr_q  <= '0;
      in_beat_q  <= '0;
      in_held_q  <= '0;
      whole_q    <= '0;
      out_held_q <= '0;
      pace_q     <= '0;
    end else begin
      if (write) begin
        in_addr_q <= in_addr_q == AddrBits'(Slots * Beats - 1) ? '0 : in_addr_q + 1'b1;
        in_beat_q <= came ? '0 : in_beat_q + 1'b1;
      end
      in_held_q  <= in_held_q + SlotBits'(came) - SlotBits'(freed_i);
      whole_q    <= whole_q + SlotBits'(came) - SlotBits'(take);
      out_held_q <= out_held_q + SlotBits'(take) - SlotBits'(left);
      if (take) pace_q <= PaceBits'(Interval - 1);
      else if (pace_q != '0) pace_q <= pace_q - 1'b1;
    end
  end

  tom_ram #(
    .Width(InW),
    .Depth(Slots * Beats),
    .Ram  (InRam)
  ) u_inputs (
    .clk_i,
    .write_i     (write),
    .write_addr_i(in_addr_q),
    .write_data_i(in_data_i),
    .read_i      (1'b1),
    .read_addr_i,
    .read_data_o
  );

  // ---------------------------------------------------------------- results leave

  (* ram_style = "distributed" *) logic [TimeBits-1:0] due[Slots];
  logic [TimeBits-1:0] time_q;
  logic [NoteBits-1:0] noted_q, next_q;
  logic [SlotBits-1:0] underway_q;  // frames that are not due
  logic [SlotBits-1:0] leaving_q;   // frames that are
  logic [AddrBits-1:0] out_addr_q;
  logic [BeatBits-1:0] out_beat_q;
  logic                out_valid_q;

  wire logic is_due = underway_q != '0 && time_q == due[next_q];
  wire logic pull = leaving_q != '0 && (!out_valid_q || out_ready_i);

  assign left = pull && out_beat_q == BeatBits'(Beats - 1);
  assign out_valid_o = out_valid_q;

  always_ff @(posedge clk_i) begin
    if (take) due[noted_q] <= time_q + TimeBits'(Delay);
    if (rst_i) begin
      time_q      <= '0;
      noted_q     <= '0;
      next_q      <= '0;
      underway_q  <= '0;
      leaving_q   <= '0;
      out_addr_q  <= '0;
      out_beat_q  <= '0;
      out_valid_q <= 1'b0;
    end else begin
      time_q <= time_q + 1'b1;
      if (take) noted_q <= noted_q == NoteBits'(Slots - 1) ? '0 : noted_q + 1'b1;
      if (is_due) next_q <= next_q == NoteBits'(Slots - 1) ? '0 : next_q + 1'b1;
      underway_q <= underway_q + SlotBits'(take) - SlotBits'(is_due);
      leaving_q  <= leaving_q + SlotBits'(is_due) - SlotBits'(left);
      if (pull) begin
        out_addr_q <= out_addr_q == AddrBits'(Slots * Beats - 1) ? '0 : out_addr_q + 1'b1;
        out_beat_q <= left ? '0 : out_beat_q + 1'b1;
      end
      out_valid_q <= pull || (out_valid_q && !out_ready_i);
    end
  end

  tom_ram #(
    .Width(OutW),
    .Depth(Slots * Beats),
    .Ram  (OutRam)
  ) u_results (
    .clk_i,
    .write_i,
    .write_addr_i,
    .write_data_i,
    .read_i      (pull),
    .read_addr_i (out_addr_q),
    .read_data_o (out_data_o)
  );

`ifdef TOM_ASSERTIONS
  logic [Slots*Beats-1:0] written_q;  // results that have not been read

  always_ff @(posedge clk_i) begin
    if (rst_i) written_q <= '0;
    else begin
      if (pull) written_q[out_addr_q] <= 1'b0;
      if (write_i) written_q[write_addr_i] <= 1'b1;
    end
  end

  `TOM_ALWAYS(result, !pull || written_q[out_addr_q], "%m lets a result leave that is not there")
  `TOM_ALWAYS(place, !write_i || !written_q[write_addr_i], "%m overwrites a result that has not left")
`endif

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
