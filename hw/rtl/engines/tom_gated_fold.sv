// SPDX-License-Identifier: Apache-2.0
// Convolution of which gates choose, frame by frame, the groups of channels that are computed and that are read.
//
// A line buffer (tom_window) in front of an array of multipliers (tom_dot), as tom_conv2d_window, but its loops run over
// chosen groups only. Bit-exact with tomato/ops/gated_conv2d.py. Any kernel, stride, dilation, padding. Input 0 is x,
// then come the gate of the result and that of the input, one code per beat; a side of one group has none.
// Cycles per output pixel: Keep * Folds * reads, of Lanes channels of a tap in the KeepIn groups of the input, but at
// least Groups * Folds, its beats; per frame at least one per beat of every input. Which groups are chosen changes
// nothing of that: gates of the next frame are taken while this one is computed.

`include "tom_assert.svh"
`default_nettype none

module tom_gated_fold #(
  parameter int unsigned Lanes      = 1,   // input codes per beat
  parameter int unsigned Outputs    = 1,   // output codes per beat: filters computed at once
  parameter int unsigned Beats      = 1,   // input beats per pixel
  parameter int unsigned Folds      = 1,   // output beats per group of the result
  parameter int unsigned Groups     = 2,   // groups of the result; 1: it has no gate
  parameter int unsigned Keep       = 1,   // of them are computed
  parameter int unsigned GateBits   = 1,   // width of a code of its gate
  parameter int signed   Zero       = 0,   // the code that stands for 0 there
  parameter int unsigned GroupsIn   = 1,   // groups of the input; 1: it has no gate
  parameter int unsigned KeepIn     = 1,   // of them are read
  parameter int unsigned GateInBits = 1,   // width of a code of its gate
  parameter int signed   ZeroIn     = 0,   // the code that stands for 0 there
  parameter int unsigned XBits      = 8,   // width of an input code
  parameter bit          XSigned    = 0,   // input codes are two's complement
  parameter int signed   Base       = 0,   // what is subtracted from them
  parameter int unsigned Depth      = 16,  // results on their way or waiting
  `include "tom_window_parameters.svh"
  parameter int unsigned InBits     = 8,   // width of an input code less Base
  parameter bit          InSigned   = 0,   // these are two's complement
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
  parameter              MemFile    = "",  // hexadecimal weight words, see tom_dot

  localparam int unsigned Gates = (Groups > 1 ? 1 : 0) + (GroupsIn > 1 ? 1 : 0),
  localparam int unsigned XW    = Lanes * XBits,
  localparam int unsigned InW   = XW + (Groups > 1 ? GateBits : 0) + (GroupsIn > 1 ? GateInBits : 0),
  localparam int unsigned OutW  = Outputs * AccBits
) (
  input  wire logic            clk_i,
  input  wire logic            rst_i,

  input  wire logic [LoadBits:0] load_i = '0,  // weights for UltraRAM, see tom_rom
  output wire logic [LoadBits:0] load_o,

  input  wire logic [Gates:0]  in_valid_i,
  output wire logic [Gates:0]  in_ready_o,
  input  wire logic [InW-1:0]  in_data_i,

  output wire logic            out_valid_o,
  input  wire logic            out_ready_i,
  output wire logic [OutW-1:0] out_data_o
);

  `include "tom_window_value.svh"

  `TOM_REQUIRE(gates, Groups > 1 || GroupsIn > 1, "a convolution without a gate is another engine's")
  `TOM_REQUIRE(groups, Beats % GroupsIn == 0, "groups of the input must be whole beats")
  `TOM_REQUIRE(whole, (Groups > 1 || Keep == 1) && (GroupsIn > 1 || KeepIn == 1), "a side without a gate is one group")
  `TOM_REQUIRE(pixels, Pixels == 1, "a beat has channels of one pixel")
  `TOM_REQUIRE(border, GroupsIn == 1 || PadValue == 0, "of groups that are not read the border must be 0")

  localparam int unsigned Taps =
      tom_window_pkg::taps(ParallelH, KernelH) * tom_window_pkg::taps(ParallelW, KernelW);
  localparam int unsigned Inputs = Taps * Lanes;
  localparam int unsigned Words = Groups * Folds * (KernelH * KernelW / Taps) * Beats;
  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats);
  localparam int unsigned KwBits = tom_pkg::idx_width(ParallelW ? 1 : KernelW);
  localparam int unsigned KhBits = tom_pkg::idx_width(ParallelH ? 1 : KernelH);
  localparam int unsigned WordBits = tom_pkg::idx_width(Words);
  localparam int unsigned GroupBits = tom_pkg::idx_width(Groups);

  wire logic available, there, read, start, done, waits;
  wire tom_window_pkg::loops_t loops;
  wire logic [BeatBits-1:0] beat, in_start;
  wire logic [KwBits-1:0]   kw;
  wire logic [KhBits-1:0]   kh;
  wire logic [WordBits-1:0] word, out_start;
  wire logic in_there, in_next, in_last, out_there, out_next, out_last;
  wire logic win_valid, win_first, win_last;
  wire logic [Inputs*InBits-1:0] win_data;
  wire logic acc_valid;
  wire logic [OutW-1:0] acc_data;

  // ---------------------------------------------------------------- what is read

  wire logic [GroupBits-1:0] next_group;  // of the result

  if (Groups > 1) begin : gen_gate
    tom_gate_list #(
      .Groups   (Groups),
      .Keep     (Keep),
      .Bits     (GateBits),
      .Zero     (Zero),
      .Step     (Words / Groups),
      .StartBits(WordBits)
    ) u_list (
      .clk_i,
      .rst_i,
      .in_valid_i(in_valid_i[1]),
      .in_ready_o(in_ready_o[1]),
      .in_data_i (in_data_i[XW+:GateBits]),
      .next_i    (out_next),
      .last_i    (out_last),
      .done_i    (done),
      .waits_i   (waits),
      .there_o   (out_there),
      .group_o   (next_group),
      .start_o   (out_start)
    );
  end else begin : gen_no_gate
    assign out_there = 1'b1;
    assign next_group = '0;
    assign out_start = '0;
    wire logic unused_next = &{1'b0, out_next, out_last, next_group};
  end

  if (GroupsIn > 1) begin : gen_gate_in
    localparam int unsigned IndexBits = tom_pkg::idx_width(GroupsIn);
    wire logic [IndexBits-1:0] unused_group;

    tom_gate_list #(
      .Groups   (GroupsIn),
      .Keep     (KeepIn),
      .Bits     (GateInBits),
      .Zero     (ZeroIn),
      .Step     (Beats / GroupsIn),
      .StartBits(BeatBits)
    ) u_list (
      .clk_i,
      .rst_i,
      .in_valid_i(in_valid_i[Gates]),
      .in_ready_o(in_ready_o[Gates]),
      .in_data_i (in_data_i[InW-1-:GateInBits]),
      .next_i    (in_next),
      .last_i    (in_last),
      .done_i    (done),
      .waits_i   (waits),
      .there_o   (in_there),
      .group_o   (unused_group),
      .start_o   (in_start)
    );
  end else begin : gen_no_gate_in
    assign in_there = 1'b1;
    assign in_start = '0;
    wire logic unused_next = &{1'b0, in_next, in_last};
  end

  tom_gate_loops #(
    .Beats    (Beats),
    .InGroups (KeepIn),
    .InBeats  (Beats / GroupsIn),
    .OutGroups(Keep),
    .Folds    (Folds),
    .Words    (Words),
    .Window   (Window)
  ) u_loops (
    .clk_i,
    .rst_i,
    .read_i     (read),
    .there_o    (there),
    .start_o    (start),
    .loops_o    (loops),
    .beat_o     (beat),
    .kw_o       (kw),
    .kh_o       (kh),
    .word_o     (word),
    .in_there_i (in_there),
    .in_start_i (in_start),
    .in_next_o  (in_next),
    .in_last_o  (in_last),
    .out_there_i(out_there),
    .out_start_i(out_start),
    .out_next_o (out_next),
    .out_last_o (out_last),
    .done_o     (done),
    .waits_o    (waits)
  );

  // ---------------------------------------------------------------- the input less Base

  wire logic [Lanes*InBits-1:0] x;
  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    localparam int unsigned DiffBits = (XBits > InBits ? XBits : InBits) + 1;
    wire logic [XBits-1:0] code = in_data_i[l*XBits+:XBits];
    wire logic [DiffBits-1:0] difference = (XSigned ? DiffBits'(signed'(code)) : DiffBits'(code)) - DiffBits'(Base);
    assign x[l*InBits+:InBits] = difference[InBits-1:0];
    wire logic unused_high = &{1'b0, difference[DiffBits-1:InBits]};
  end

  // ---------------------------------------------------------------- reads and results

  tom_window #(
    .Lanes    (Lanes),
    .Bits     (InBits),
    .Beats    (Beats),
    .Window   (Window),
    .Rows     (Rows),
    .Columns  (Columns),
    .Pixels   (Pixels),
    .Ram      (RingRam),
    .Told     (1)
  ) u_window (
    .clk_i,
    .rst_i,
    .in_valid_i (in_valid_i[0]),
    .in_ready_o (in_ready_o[0]),
    .in_data_i  (x),
    .loops_i    (loops),
    .beat_i     (beat),
    .kw_i       (kw),
    .kh_i       (kh),
    .available_i(available && there),
    .start_o    (read),
    .win_valid_o(win_valid),
    .win_first_o(win_first),
    .win_last_o (win_last),
    .win_data_o (win_data)
  );

  // A word's address goes with its taps.
  logic [tom_window_pkg::latency()-1:0][WordBits-1:0] word_q;
  always_ff @(posedge clk_i) word_q <= (tom_window_pkg::latency() * WordBits)'({word_q, word});

  tom_dot #(
    .Inputs    (Inputs),
    .Outputs   (Outputs),
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
    .Words     (Words),
    .Ram       (WeightRam),
    .LoadBits  (LoadBits),
    .Addressed (1),
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
    .addr_i (word_q[tom_window_pkg::latency()-1]),
    .valid_o(acc_valid),
    .data_o (acc_data)
  );

  if (Groups > 1) begin : gen_expand
    logic [GroupBits-1:0] group_q;  // of the pass that starts next
    always_ff @(posedge clk_i) if (out_next) group_q <= next_group;

    tom_expand #(
      .Width (OutW),
      .Groups(Groups),
      .Keep  (Keep),
      .Folds (Folds),
      .Depth (Depth)
    ) u_expand (
      .clk_i,
      .rst_i,
      .available_o(available),
      .take_i     (start),
      .group_i    (group_q),
      .in_valid_i (acc_valid),
      .in_data_i  (acc_data),
      .out_valid_o,
      .out_ready_i,
      .out_data_o
    );
  end else begin : gen_queue
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
  end

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
