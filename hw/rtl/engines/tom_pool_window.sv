// SPDX-License-Identifier: Apache-2.0
// Pooling: a line buffer (tom_window) and, for every lane, a tree of maxima or adders.
//
// Bit-exact with tomato/ops/pool.py (MaxPool, SumPool). Cycles per frame: OutHeight * OutWidth * Beats *
// reads, where a read takes one tap of Lanes channels (all rows and columns of the kernel at once with
// ParallelH and ParallelW); at least one cycle per input beat.

`include "tom_assert.svh"
`default_nettype none

module tom_pool_window #(
  parameter int unsigned Lanes      = 1,   // codes per beat, in and out: channels computed at once
  parameter int unsigned Beats      = 1,   // beats per pixel, in and out
  `include "tom_window_parameters.svh"
  parameter int unsigned InBits     = 8,   // width of an input code
  parameter bit          InSigned   = 0,   // inputs are two's complement
  parameter int unsigned OutBits    = 8,   // width of an output code
  parameter bit          Max        = 1,   // 1: maximum, 0: sum

  localparam int unsigned InW  = Pixels * Lanes * InBits,
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

  `include "tom_window_value.svh"

  localparam int unsigned Taps =
      tom_window_pkg::taps(ParallelH, KernelH) * tom_window_pkg::taps(ParallelW, KernelW);
  localparam int unsigned Reads = KernelH * KernelW / Taps;  // per pass
  localparam int unsigned ValueBits = (InBits > OutBits ? InBits : OutBits) + 1;
  localparam int unsigned Stages = $clog2(Taps);  // of the tree, 2 to 1
  localparam int unsigned Latency = tom_window_pkg::latency() + Stages + 1;  // from a read to its result
  localparam int unsigned Depth = tom_pkg::ceil_div(Latency + 1, Reads) + 4;  // results on their way or waiting

  wire logic available, start;
  wire logic win_valid, win_first, win_last;
  wire logic [Taps*Lanes*InBits-1:0] win_data;
  wire logic acc_valid;
  wire logic [OutW-1:0] acc_data;

  tom_window #(
    .Lanes    (Lanes),
    .Bits     (InBits),
    .Beats    (Beats),
    .Groups   (Beats),
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

  // One step of the reduction.
  function automatic logic signed [ValueBits-1:0] join2(
      logic signed [ValueBits-1:0] a, logic signed [ValueBits-1:0] b);
    return Max ? (a > b ? a : b) : a + b;
  endfunction

  // Leaves of the tree: Taps codes per lane.
  logic signed [ValueBits-1:0] leaf[Taps*Lanes];
  always_comb begin
    for (int unsigned k = 0; k < Taps * Lanes; k++) begin
      leaf[k] = InSigned ? ValueBits'(signed'(win_data[k*InBits+:InBits]))
                         : ValueBits'(win_data[k*InBits+:InBits]);
    end
  end

  for (genvar s = 1; s <= Stages; s++) begin : gen_stage
    localparam int unsigned Last = tom_pkg::ceil_div(Taps, 2 ** (s - 1));  // terms before
    localparam int unsigned Terms = tom_pkg::ceil_div(Last, 2);            // terms after
    logic signed [ValueBits-1:0] term[Last*Lanes];
    logic signed [ValueBits-1:0] sum_d[Terms*Lanes], sum_q[Terms*Lanes];

    if (s == 1) begin : gen_leaf
      assign term = leaf;
    end else begin : gen_inner
      assign term = gen_stage[s-1].sum_q;
    end

    always_comb begin
      for (int unsigned t = 0; t < Terms; t++) begin
        for (int unsigned l = 0; l < Lanes; l++) begin
          sum_d[t*Lanes+l] = 2 * t + 1 < Last
              ? join2(term[2*t*Lanes+l], term[(2*t+1)*Lanes+l]) : term[2*t*Lanes+l];
        end
      end
    end

    always_ff @(posedge clk_i) sum_q <= sum_d;
  end

  logic signed [ValueBits-1:0] root[Lanes];
  logic signed [ValueBits-1:0] acc_d[Lanes], acc_q[Lanes];
  logic                        root_valid, root_first, root_last, done_q;

  if (Stages == 0) begin : gen_single
    assign root = leaf;
    assign root_valid = win_valid;
    assign root_first = win_first;
    assign root_last  = win_last;
  end else begin : gen_tree
    logic [Stages-1:0] valid_q, first_q, last_q;
    always_ff @(posedge clk_i) begin
      if (rst_i) valid_q <= '0;
      else valid_q <= Stages'({valid_q, win_valid});
      first_q <= Stages'({first_q, win_first});
      last_q  <= Stages'({last_q, win_last});
    end
    assign root = gen_stage[Stages].sum_q;
    assign root_valid = valid_q[Stages-1];
    assign root_first = first_q[Stages-1];
    assign root_last  = last_q[Stages-1];
  end

  always_comb begin
    for (int unsigned l = 0; l < Lanes; l++) acc_d[l] = root_first ? root[l] : join2(acc_q[l], root[l]);
  end

  always_ff @(posedge clk_i) begin
    done_q <= !rst_i && root_valid && root_last;
    if (root_valid) acc_q <= acc_d;
  end

  assign acc_valid = done_q;
  for (genvar l = 0; l < Lanes; l++) begin : gen_result
    assign acc_data[l*OutBits+:OutBits] = acc_q[l][OutBits-1:0];
  end

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
