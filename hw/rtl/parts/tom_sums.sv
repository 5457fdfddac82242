// SPDX-License-Identifier: Apache-2.0
// Adder trees, four to one per stage, and accumulators: `Outputs` sums of `Inputs` terms per cycle.
//
// The sums of one pass (first_i to last_i) add up to one result. Never stalls; Latency cycles from the last terms of
// a pass to its result.

`include "tom_assert.svh"
`default_nettype none

module tom_sums #(
  parameter int unsigned Inputs   = 1,   // terms of a sum
  parameter int unsigned Outputs  = 1,   // sums
  parameter int unsigned TermBits = 16,  // width of a term, two's complement
  parameter int unsigned AccBits  = 24,  // width of a result, two's complement

  localparam int unsigned OutW = Outputs * AccBits
) (
  input  wire logic                clk_i,
  input  wire logic                rst_i,
  input  wire logic                valid_i,
  input  wire logic                first_i,
  input  wire logic                last_i,
  input  wire logic [TermBits-1:0] term_i[Outputs*Inputs],  // output, input; the last fastest
  output wire logic                valid_o,
  output wire logic [OutW-1:0]     data_o
);

  localparam int unsigned Stages = tom_pkg::quad_stages(Inputs);
  `TOM_LATENCY(Stages + 1)

  for (genvar s = 1; s <= Stages; s++) begin : gen_stage
    localparam int unsigned Last = tom_pkg::ceil_div(Inputs, 4 ** (s - 1));  // terms before
    localparam int unsigned Next = tom_pkg::ceil_div(Last, 4);               // terms after
    localparam int unsigned SumBits = TermBits + 2 * s < AccBits ? TermBits + 2 * s : AccBits;
    localparam int unsigned LastBits = s == 1 ? TermBits
        : TermBits + 2 * (s - 1) < AccBits ? TermBits + 2 * (s - 1) : AccBits;
    logic [LastBits-1:0] term[Outputs*Last];
    logic [SumBits-1:0] sum_d[Outputs*Next], sum_q[Outputs*Next];

    if (s == 1) begin : gen_leaf
      assign term = term_i;
    end else begin : gen_inner
      assign term = gen_stage[s-1].sum_q;
    end

    always_comb begin
      for (int unsigned o = 0; o < Outputs; o++) begin
        for (int unsigned t = 0; t < Next; t++) begin
          sum_d[o*Next+t] = '0;
          for (int unsigned k = 0; k < 4; k++) begin
            if (4 * t + k < Last) sum_d[o*Next+t] += SumBits'(signed'(term[o*Last+4*t+k]));
          end
        end
      end
    end

    always_ff @(posedge clk_i) sum_q <= sum_d;
  end

  localparam int unsigned RootBits = Stages == 0 || TermBits + 2 * Stages < AccBits ? TermBits + 2 * Stages : AccBits;
  logic [RootBits-1:0] root[Outputs];
  wire logic valid, first, last;

  if (Stages == 0) begin : gen_single
    assign root = term_i;
    assign {valid, first, last} = {valid_i, first_i, last_i};
  end else begin : gen_tree
    logic [Stages-1:0] valid_q, first_q, last_q;
    always_ff @(posedge clk_i) begin
      if (rst_i) valid_q <= '0;
      else valid_q <= Stages'({valid_q, valid_i});
      first_q <= Stages'({first_q, first_i});
      last_q  <= Stages'({last_q, last_i});
    end
    assign root = gen_stage[Stages].sum_q;
    assign {valid, first, last} = {valid_q[Stages-1], first_q[Stages-1], last_q[Stages-1]};
  end

  logic [Outputs-1:0][AccBits-1:0] acc_q;
  logic done_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) done_q <= 1'b0;
    else done_q <= valid && last;
  end

  for (genvar o = 0; o < Outputs; o++) begin : gen_sum
    always_ff @(posedge clk_i) begin
      if (valid) acc_q[o] <= (first ? '0 : acc_q[o]) + AccBits'(signed'(root[o]));
    end
  end

  assign valid_o = done_q;
  assign data_o  = acc_q;

endmodule

`default_nettype wire
