// SPDX-License-Identifier: Apache-2.0
// Lane converter for any ratio: a buffer that codes enter at its end and leave at its start. Part of tom_width.
//
// Counts in units of as many codes as every beat is a multiple of. Latency 2 from the beat that completes
// an output beat; one beat per cycle on the side that has more of them.

`include "tom_assert.svh"
`default_nettype none

module tom_width_any #(
  parameter int unsigned Bits        = 8,  // width of a code
  parameter int unsigned InChannels  = 7,  // codes per input pixel
  parameter int unsigned InLanes     = 3,  // codes per input beat
  parameter int unsigned OutChannels = 7,  // codes per output pixel
  parameter int unsigned OutLanes    = 2,  // codes per output beat

  localparam int unsigned InW  = InLanes * Bits,
  localparam int unsigned OutW = OutLanes * Bits
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

  `TOM_LATENCY(2)

  localparam int unsigned Unit = tom_pkg::gcd(
      tom_pkg::gcd(InChannels, InLanes), tom_pkg::gcd(OutChannels, OutLanes));
  localparam int unsigned UnitW = Unit * Bits;
  localparam int unsigned In = InLanes / Unit;
  localparam int unsigned Out = OutLanes / Unit;
  localparam int unsigned InBeats = tom_pkg::ceil_div(InChannels, InLanes);
  localparam int unsigned OutBeats = tom_pkg::ceil_div(OutChannels, OutLanes);
  localparam int unsigned InLast = InChannels / Unit - (InBeats - 1) * In;
  localparam int unsigned OutLast = OutChannels / Unit - (OutBeats - 1) * Out;

  // The fewest units, found by exhaustive search over small shapes, with which neither side ever waits
  // for the other. Pixels of different lengths drift apart by a beat more.
  localparam int unsigned Longer = In > Out ? In : Out;
  localparam int unsigned Capacity = In + Out - 1 + (InChannels == OutChannels ? Longer : In + Out);
  localparam int unsigned CountBits = tom_pkg::count_width(Capacity);
  localparam int unsigned InBeatBits = tom_pkg::idx_width(InBeats);
  localparam int unsigned OutBeatBits = tom_pkg::idx_width(OutBeats);

  logic [UnitW-1:0]       buffer_q[Capacity];
  logic [CountBits-1:0]   count_q;
  logic                   room_q;  // another input beat fits
  logic [InBeatBits-1:0]  in_beat_q;
  logic [OutBeatBits-1:0] out_beat_q;
  logic                   ready;
  logic [OutW-1:0]        word;

  wire logic in_end = in_beat_q == InBeatBits'(InBeats - 1);
  wire logic out_end = out_beat_q == OutBeatBits'(OutBeats - 1);
  wire logic [CountBits-1:0] arriving = in_end ? CountBits'(InLast) : CountBits'(In);
  wire logic [CountBits-1:0] leaving = out_end ? CountBits'(OutLast) : CountBits'(Out);
  wire logic enough = count_q >= leaving;
  wire logic push = in_valid_i && room_q;
  wire logic pull = enough && ready;
  wire logic [CountBits-1:0] kept = pull ? count_q - leaving : count_q;
  wire logic [CountBits-1:0] count_d = push ? kept + arriving : kept;

  assign in_ready_o = room_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      count_q    <= '0;
      room_q     <= 1'b0;
      in_beat_q  <= '0;
      out_beat_q <= '0;
    end else begin
      count_q <= count_d;
      room_q  <= count_d <= CountBits'(Capacity - In);
      if (push) in_beat_q <= in_end ? '0 : in_beat_q + 1'b1;
      if (pull) out_beat_q <= out_end ? '0 : out_beat_q + 1'b1;
    end
  end

  // Units below `kept` come from further up in the buffer, the others from the input beat.
  wire logic [Capacity*UnitW-1:0] entering = (Capacity*UnitW)'(in_data_i) << (kept * UnitW);

  for (genvar u = 0; u < Capacity; u++) begin : gen_unit
    localparam int unsigned Whole = u + Out < Capacity ? u + Out : u;
    localparam int unsigned Short = u + OutLast < Capacity ? u + OutLast : u;
    wire logic [UnitW-1:0] moved = !pull ? buffer_q[u] : out_end ? buffer_q[Short] : buffer_q[Whole];

    always_ff @(posedge clk_i) begin
      buffer_q[u] <= CountBits'(unsigned'(u)) < kept ? moved : entering[u*UnitW+:UnitW];
    end
  end

  for (genvar u = 0; u < Out; u++) begin : gen_word
    assign word[u*UnitW+:UnitW] = buffer_q[u];
  end

  tom_register #(
    .Width(OutW)
  ) u_register (
    .clk_i,
    .rst_i,
    .in_valid_i (enough),
    .in_ready_o (ready),
    .in_data_i  (word),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_ALWAYS(count, count_q <= CountBits'(Capacity), "%m holds more codes than fit")

endmodule

`default_nettype wire
