// SPDX-License-Identifier: Apache-2.0
// A unary function of wide codes, as lines on segments of equal width.
//
// Bit-exact with tomato/ops/piecewise.py: see tom_piecewise, of which every lane has one. One beat per cycle.

`include "tom_assert.svh"
`default_nettype none

module tom_piecewise_stream #(
  parameter int unsigned Lanes      = 1,      // codes per beat
  parameter int unsigned InBits     = 16,     // width of an input code
  parameter bit          InSigned   = 1,      // inputs are two's complement
  parameter int signed   First      = -32768, // the least code of the first segment
  parameter int unsigned IndexBits  = 6,      // segments, as a power of 2; at least 1
  parameter int unsigned RestBits   = 10,     // codes of a segment, as a power of 2
  parameter int unsigned SlopeBits  = 18,     // width of a slope, two's complement
  parameter int unsigned OffsetBits = 30,     // width of an offset, two's complement
  parameter int unsigned Shift      = 10,     // right shift, rounding down
  parameter int unsigned OutBits    = 16,     // width of an output code
  parameter int signed   Lo         = -32768, // smallest result
  parameter int signed   Hi         = 32767,  // largest result
  parameter int unsigned Ram        = 0,      // memory kind of the lines: 0 LUTs, 1 block RAM
  parameter              MemFile    = "",     // hexadecimal words: an offset (low) and its slope

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

  localparam int unsigned Latency = 6;

  wire logic            available;
  wire logic            fire = in_valid_i && available;
  wire logic [OutW-1:0] result;
  assign in_ready_o = available;

  logic [Latency-1:0] valid_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) valid_q <= '0;
    else valid_q <= {valid_q[Latency-2:0], fire};
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    tom_piecewise #(
      .InBits    (InBits),
      .InSigned  (InSigned),
      .First     (First),
      .IndexBits (IndexBits),
      .RestBits  (RestBits),
      .SlopeBits (SlopeBits),
      .OffsetBits(OffsetBits),
      .Shift     (Shift),
      .OutBits   (OutBits),
      .Lo        (Lo),
      .Hi        (Hi),
      .Ram       (Ram),
      .MemFile   (MemFile)
    ) u_lines (
      .clk_i,
      .x_i(in_data_i[l*InBits+:InBits]),
      .y_o(result[l*OutBits+:OutBits])
    );
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
    .in_data_i  (result),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
