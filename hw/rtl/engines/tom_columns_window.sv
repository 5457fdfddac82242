// SPDX-License-Identifier: Apache-2.0
// Several columns of a convolution at once: a line buffer (tom_window), and an array of multipliers (tom_dot) for each.
//
// Bit-exact with tomato/ops/conv2d.py without groups, and with one filter per channel; and with tomato/ops/dense.py,
// where a frame is a row of Sides pixels. A beat has all channels of Pixels columns in, of Sides columns out. The window
// of tom_window is what all these columns see: KernelW and StrideW are its own, Taps, TapStep and SideStep those of a
// column. Cycles per frame: OutHeight * OutWidth * reads, where a read takes a row of the window, or all rows with
// ParallelH; at least one cycle per input beat.

`include "tom_assert.svh"
`default_nettype none

module tom_columns_window #(
  parameter int unsigned Lanes      = 1,   // channels in
  parameter int unsigned Outputs    = 1,   // channels out: filters
  parameter int unsigned Sides      = 1,   // columns per output beat
  parameter int unsigned Taps       = 1,   // kernel columns of a column
  parameter int unsigned TapStep    = 1,   // columns from one of them to the next
  parameter int unsigned SideStep   = 1,   // columns from the first of a column to that of the next one
  parameter bit          Shared     = 1,   // all filters see the same inputs; else each one channel
  `include "tom_window_parameters.svh"
  parameter int unsigned InBits     = 8,   // width of an input code
  parameter bit          InSigned   = 0,   // inputs are two's complement
  parameter int unsigned Cell       = 0,   // what a weight is, see tom_dot
  parameter int unsigned FieldBits  = 8,   // stored width of a weight
  parameter int unsigned WeightBits = 8,   // width of its value, two's complement
  parameter bit [511:0]  Constants  = '0,  // what all weights share
  parameter int unsigned ProdBits   = 16,  // width of a product, or of the sum of a chain
  parameter int unsigned AccBits    = 24,  // width of an output code
  parameter int unsigned Pack       = 1,   // filters that share a DSP block; 0: multiply in LUTs
  parameter int unsigned Chain      = 0,   // products that are summed in a row of DSP blocks; 0: all are in LUTs
  parameter int unsigned WeightRam  = 0,   // memory kind of the weights
  parameter int unsigned LoadBits   = 1,   // bits per beat of the loader that fills UltraRAM
  parameter              MemFile    = "",  // hexadecimal weight words, see tom_dot; every column has them

  localparam int unsigned InW  = Pixels * Lanes * InBits,
  localparam int unsigned SideW = Outputs * AccBits,
  localparam int unsigned OutW = Sides * SideW
) (
  input  wire logic            clk_i,
  input  wire logic            rst_i,

  input  wire logic [LoadBits:0] load_i = '0,  // weights for UltraRAM, of which there is none
  output wire logic [LoadBits:0] load_o,

  input  wire logic            in_valid_i,
  output wire logic            in_ready_o,
  input  wire logic [InW-1:0]  in_data_i,

  output wire logic            out_valid_o,
  input  wire logic            out_ready_i,
  output wire logic [OutW-1:0] out_data_o
);

  `TOM_REQUIRE(channels, Shared || Lanes == Outputs, "a filter of its own for every channel")
  `TOM_REQUIRE(fixed, WeightRam != 2, "the weights of every column cannot be loaded")

  `include "tom_window_value.svh"

  localparam int unsigned TapsH = tom_window_pkg::taps(ParallelH, KernelH);
  localparam int unsigned TapsW = tom_window_pkg::taps(ParallelW, KernelW);
  `TOM_REQUIRE(sides, TapsW > (Sides - 1) * SideStep + (Taps - 1) * TapStep, "a read must have what all columns see")

  localparam int unsigned Inputs = TapsH * Taps * (Shared ? Lanes : 1);
  localparam int unsigned PixelW = Lanes * InBits;
  localparam int unsigned Reads = KernelH * KernelW / (TapsH * TapsW);  // per pass
  // From a read to its result; where tom_dot counts bits it is another, and the queue deep enough for both.
  localparam int unsigned Latency = tom_window_pkg::latency() + tom_pkg::dot_latency(Inputs, Chain)
      + tom_booth_pkg::waits(Cell, Pack, Chain, InBits, InSigned, WeightBits);
  localparam int unsigned Depth = tom_pkg::ceil_div(Latency + 1, Reads) + 4;  // results on their way or waiting

  wire logic available, start;
  wire logic win_valid, win_first, win_last;
  wire logic [TapsH-1:0][TapsW-1:0][PixelW-1:0] win_data;
  wire logic [Sides-1:0] acc_valid;
  wire logic [OutW-1:0] acc_data;

  assign load_o = load_i;

  tom_window #(
    .Lanes    (Lanes),
    .Bits     (InBits),
    .Beats    (1),
    .Groups   (1),
    .Folds    (1),
    .Window   (Window),
    .Rows     (Rows),
    .Columns  (Columns),
    .Pixels   (Pixels),
    .Ram      (RingRam)
  ) u_window (
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

  for (genvar s = 0; s < Sides; s++) begin : gen_side
    wire logic [TapsH-1:0][Taps-1:0][PixelW-1:0] seen;
    for (genvar h = 0; h < TapsH; h++) begin : gen_row
      for (genvar t = 0; t < Taps; t++) begin : gen_tap
        assign seen[h][t] = win_data[h][s*SideStep+t*TapStep];
      end
    end

    wire logic [LoadBits:0] unused_load;
    tom_dot #(
      .Inputs    (Inputs),
      .Outputs   (Outputs),
      .Shared    (Shared),
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
      .Words     (Reads),
      .Ram       (WeightRam),
      .LoadBits  (LoadBits),
      .MemFile   (MemFile)
    ) u_dot (
      .clk_i,
      .rst_i,
      .load_i ('0),
      .load_o (unused_load),
      .valid_i(win_valid),
      .first_i(win_first),
      .last_i (win_last),
      .data_i (seen),
      .valid_o(acc_valid[s]),
      .data_o (acc_data[s*SideW+:SideW])
    );
  end

  tom_queue #(
    .Width(OutW),
    .Depth(Depth)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (start),
    .in_valid_i (acc_valid[0]),
    .in_data_i  (acc_data),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  wire logic unused_window = &{1'b0, win_data, acc_valid};  // columns between taps; all arrays are done together

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
