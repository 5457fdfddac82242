// SPDX-License-Identifier: Apache-2.0
// Changes how many codes a beat carries, from InLanes to OutLanes, any ratio.
//
// Drops the unused lanes at the end of every input pixel and leaves the last beat of every output pixel
// ragged. The channel counts of the two sides may differ: the frame is the same sequence of codes.
// One beat per cycle on the side that has more of them. Latency from the beat that completes an output
// beat: 1 when lanes are only gathered (or unchanged), else 2.

`include "tom_assert.svh"
`default_nettype none

module tom_width #(
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

  // Beats of the two sides end together: at each pixel, or everywhere because no lane is ever unused.
  localparam bit Same = InChannels == OutChannels;
  localparam bit Full = InChannels % InLanes == 0 && OutChannels % OutLanes == 0;
  localparam int unsigned InBeats = tom_pkg::ceil_div(InChannels, InLanes);
  localparam int unsigned OutBeats = tom_pkg::ceil_div(OutChannels, OutLanes);

  `TOM_LATENCY(OutLanes % InLanes == 0 && (Same || Full) ? 1 : 2)

  if (InLanes == OutLanes && (Same || Full)) begin : gen_same
    tom_register #(
      .Width(InW)
    ) u_register (
      .clk_i,
      .rst_i,
      .in_valid_i,
      .in_ready_o,
      .in_data_i,
      .out_valid_o,
      .out_ready_i,
      .out_data_o
    );
  end else if (OutLanes % InLanes == 0 && (Same || Full)) begin : gen_up
    tom_width_up #(
      .Width(InW),
      .Ratio(OutLanes / InLanes),
      .Beats(Same ? InBeats : OutLanes / InLanes)
    ) u_up (
      .clk_i,
      .rst_i,
      .in_valid_i,
      .in_ready_o,
      .in_data_i,
      .out_valid_o,
      .out_ready_i,
      .out_data_o
    );
  end else if (InLanes % OutLanes == 0 && (Same || Full)) begin : gen_down
    tom_width_down #(
      .Width(OutW),
      .Ratio(InLanes / OutLanes),
      .Beats(Same ? OutBeats : InLanes / OutLanes)
    ) u_down (
      .clk_i,
      .rst_i,
      .in_valid_i,
      .in_ready_o,
      .in_data_i,
      .out_valid_o,
      .out_ready_i,
      .out_data_o
    );
  end else begin : gen_any
    tom_width_any #(
      .Bits       (Bits),
      .InChannels (InChannels),
      .InLanes    (InLanes),
      .OutChannels(OutChannels),
      .OutLanes   (OutLanes)
    ) u_any (
      .clk_i,
      .rst_i,
      .in_valid_i,
      .in_ready_o,
      .in_data_i,
      .out_valid_o,
      .out_ready_i,
      .out_data_o
    );
  end

endmodule

`default_nettype wire
