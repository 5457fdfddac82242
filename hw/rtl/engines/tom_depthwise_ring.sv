// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution, tap by tap: a ring of pixels (tom_pixel_ring) and a multiplier for every lane (tom_dot).
//
// Bit-exact with tomato/ops/conv2d.py, one filter per channel. Any kernel of several taps, stride, dilation, padding.
// Cycles per frame: OutHeight * OutWidth * Beats * KernelH * KernelW, at least one cycle per input beat; with few Places
// those in which reads wait for pixels are added. Output beats carry Lanes channels. tom_depthwise_window is faster, and
// keeps whole rows.

`include "tom_assert.svh"
`default_nettype none

module tom_depthwise_ring #(
  parameter int unsigned Lanes      = 1,   // codes per beat, in and out: channels computed at once
  parameter int unsigned Beats      = 1,   // beats per pixel, in and out
  parameter int unsigned Height     = 4,   // input rows
  parameter int unsigned Width      = 4,   // input columns
  parameter int unsigned OutHeight  = 4,   // output rows
  parameter int unsigned OutWidth   = 4,   // output columns
  parameter int unsigned KernelH    = 3,   // kernel rows
  parameter int unsigned KernelW    = 3,   // kernel columns
  parameter int unsigned StrideH    = 1,   // input rows from an output row to the next
  parameter int unsigned StrideW    = 1,   // input columns from an output column to the next
  parameter int unsigned DilationH  = 1,   // input rows from a kernel row to the next
  parameter int unsigned DilationW  = 1,   // input columns from a kernel column to the next
  parameter int unsigned PadTop     = 1,   // rows of the border above
  parameter int unsigned PadLeft    = 1,   // columns of the border on the left
  parameter int signed   PadValue   = 0,   // code of the border
  parameter int unsigned Places     = 12,  // pixels in the ring
  parameter int unsigned RingRam    = 0,   // memory kind of the ring: 0 LUTRAM, 1 block, 2 UltraRAM
  parameter int unsigned InBits     = 8,   // width of an input code
  parameter bit          InSigned   = 0,   // inputs are two's complement
  parameter int unsigned Cell       = 0,   // what a weight is, see tom_dot
  parameter int unsigned FieldBits  = 8,   // stored width of a weight
  parameter int unsigned WeightBits = 8,   // width of its value, two's complement
  parameter bit [511:0]  Constants  = '0,  // what all weights share
  parameter int unsigned ProdBits   = 16,  // width of a product, or of the sum of a chain
  parameter int unsigned AccBits    = 24,  // width of an output code
  parameter int unsigned Pack       = 1,   // 1: multiply in DSP blocks; 0: multiply in LUTs
  parameter int unsigned Chain      = 0,   // products that are summed in a row of DSP blocks; 0: all are in LUTs
  parameter int unsigned WeightRam  = 0,   // memory kind of the weights
  parameter int unsigned LoadBits   = 1,   // bits per beat of the loader that fills UltraRAM
  parameter              MemFile    = "",  // hexadecimal weight words, see tom_dot

  localparam int unsigned InW  = Lanes * InBits,
  localparam int unsigned OutW = Lanes * AccBits
) (
  input  wire logic            clk_i,
  input  wire logic            rst_i,

  input  wire logic [LoadBits:0] load_i = '0,  // weights for UltraRAM, see tom_rom
  output wire logic [LoadBits:0] load_o,

  input  wire logic            in_valid_i,
  output wire logic            in_ready_o,
  input  wire logic [InW-1:0]  in_data_i,

  output wire logic            out_valid_o,
  input  wire logic            out_ready_i,
  output wire logic [OutW-1:0] out_data_o
);

  localparam bit ParallelH = 1'b0, ParallelW = 1'b0;
  `include "tom_window_value.svh"

  localparam int unsigned Reads = KernelH * KernelW;  // per pass
  // From a read to its result; where tom_dot counts bits it is another, and the queue deep enough for both.
  localparam int unsigned Latency = tom_window_pkg::latency() + tom_pkg::dot_latency(1, Chain)
      + tom_booth_pkg::waits(Cell, Pack, Chain, InBits, InSigned, WeightBits);
  localparam int unsigned Depth = tom_pkg::ceil_div(Latency + 1, Reads) + 4;  // results on their way or waiting

  wire logic available, start;
  wire logic win_valid, win_first, win_last;
  wire logic [InW-1:0] win_data;
  wire logic acc_valid;
  wire logic [OutW-1:0] acc_data;

  tom_pixel_ring #(
    .Lanes (Lanes),
    .Bits  (InBits),
    .Beats (Beats),
    .Window(Window),
    .Places(Places),
    .Ram   (RingRam)
  ) u_ring (
    .clk_i,
    .rst_i,
    .in_valid_i,
    .in_ready_o,
    .in_data_i,
    .available_i(available),
    .start_o    (start),
    .win_valid_o(win_valid),
    .win_first_o(win_first),
    .win_last_o (win_last),
    .win_data_o (win_data)
  );

  tom_dot #(
    .Inputs    (1),
    .Outputs   (Lanes),
    .Shared    (0),
    .InBits    (InBits),
    .InSigned  (InSigned),
    .Cell      (Cell),
    .FieldBits (FieldBits),
    .WeightBits(WeightBits),
    .Constants (Constants),
    .ProdBits  (ProdBits),
    .AccBits   (AccBits),
    .Pack      (Pack),
    .Chain     (Chain),
    .Words     (Beats * Reads),
    .Ram       (WeightRam),
    .LoadBits  (LoadBits),
    .MemFile   (MemFile)
  ) u_dot (
    .clk_i,
    .rst_i,
    .load_i,
    .load_o,
    .valid_i(win_valid),
    .first_i(win_first),
    .last_i (win_last),
    .data_i (win_data),
    .valid_o(acc_valid),
    .data_o (acc_data)
  );

  tom_queue #(
    .Width(OutW),
    .Depth(Depth)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (start),
    .in_valid_i (acc_valid),
    .in_data_i  (acc_data),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
