// SPDX-License-Identifier: Apache-2.0
// Dot products at twice the clock: tom_dot of half the inputs, which takes the halves of a read one after the other.
//
// clk2x_i is twice as fast as clk_i, and every rising edge of clk_i is one of clk2x_i: both come from one generator.
// A read of Inputs codes is two of Half = ceil(Inputs / 2): the first Half codes, then the others, and codes of 0 up to
// Half. Word 2k of the memory has the weights of the first half of read k, word 2k + 1 those of the second, see tom_dot.
// first_i goes with the first half alone, last_i with the second. Never stalls; 3 + ceil(D / 2) cycles of clk_i
// from the last read to the result, where D are those of tom_dot.
//
// Crossing, with at most a multiplexer of two between registers of unlike clocks:
//   to clk2x_i: what is read is registered by clk_i, and so holds for two cycles of clk2x_i. turn_q toggles with clk_i;
//   where seen_q, which follows it by a cycle of clk2x_i, is unlike it, the first of the two has begun.
//   to clk_i: a result is held until the next one, two cycles of clk2x_i or more, and said to be there for two of them:
//   in whichever of both it comes, one edge of clk_i meets it.

`include "tom_assert.svh"
`default_nettype none

module tom_double #(
  parameter int unsigned Inputs     = 2,   // products per cycle of clk_i and filter
  parameter int unsigned Outputs    = 1,   // filters
  parameter int unsigned InBits     = 8,   // width of an input code
  parameter bit          InSigned   = 0,   // inputs are two's complement
  parameter int unsigned Cell       = 0,   // what a weight is, see tom_dot
  parameter int unsigned FieldBits  = 8,   // stored width of a weight
  parameter int unsigned WeightBits = 8,   // width of its value, two's complement
  parameter bit [511:0]  Constants  = '0,  // what all weights share
  parameter int unsigned ProdBits   = 16,  // width of a product, or of the sum of a chain
  parameter int unsigned AccBits    = 24,  // width of a result
  parameter int unsigned Pack       = 1,   // filters that share a DSP block; 0: multiply in LUTs
  parameter int unsigned Chain      = 0,   // products that are summed in a row of DSP blocks; 0: all are in LUTs
  parameter int unsigned Reads      = 1,   // reads whose weights are in memory, two words each
  parameter int unsigned Ram        = 0,   // memory kind of the weights: 0 LUT, 1 block RAM
  parameter              MemFile    = "",  // hexadecimal weight words

  localparam int unsigned InW  = Inputs * InBits,
  localparam int unsigned OutW = Outputs * AccBits
) (
  input  wire logic            clk_i,
  input  wire logic            clk2x_i,
  input  wire logic            rst_i,
  input  wire logic            valid_i,
  input  wire logic            first_i,
  input  wire logic            last_i,
  input  wire logic [InW-1:0]  data_i,
  output wire logic            valid_o,
  output wire logic [OutW-1:0] data_o
);

  `TOM_REQUIRE(halves, Inputs > 1, "a read has two halves")
  `TOM_REQUIRE(ram, Ram <= 1, "nothing loads the weights")

  localparam int unsigned Half = tom_pkg::ceil_div(Inputs, 2);
  localparam int unsigned HalfW = Half * InBits;
  localparam int unsigned LateW = InW - HalfW;

  // ---------------------------------------------------------------- a read, for two cycles of clk2x_i

  logic             turn_q, valid_q, first_q, last_q;
  logic [HalfW-1:0] early_q;
  logic [LateW-1:0] late_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      turn_q  <= 1'b0;
      valid_q <= 1'b0;
    end else begin
      turn_q  <= !turn_q;
      valid_q <= valid_i;
    end
  end

  always_ff @(posedge clk_i) begin
    first_q           <= first_i;
    last_q            <= last_i;
    {late_q, early_q} <= data_i;
  end

  // ---------------------------------------------------------------- its halves

  logic             rst_q, seen_q, half_valid_q, half_first_q, half_last_q;
  logic [HalfW-1:0] half_q;
  (* max_fanout = 64 *) logic second_q;  // the second cycle of a read, in which its second half is taken

  always_ff @(posedge clk2x_i) begin
    rst_q        <= rst_i;
    seen_q       <= turn_q;
    second_q     <= seen_q != turn_q;
    half_valid_q <= valid_q;
    half_first_q <= first_q && !second_q;
    half_last_q  <= last_q && second_q;
    half_q       <= second_q ? HalfW'(late_q) : early_q;
  end

  wire logic            dot_valid;
  wire logic [OutW-1:0] dot_sum;
  wire logic [1:0]      unused_load;

  tom_dot #(
    .Inputs    (Half),
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
    .Words     (2 * Reads),
    .Ram       (Ram),
    .MemFile   (MemFile)
  ) u_dot (
    .clk_i  (clk2x_i),
    .rst_i  (rst_q),
    .load_o (unused_load),
    .valid_i(half_valid_q),
    .first_i(half_first_q),
    .last_i (half_last_q),
    .data_i (half_q),
    .valid_o(dot_valid),
    .data_o (dot_sum)
  );

  // ---------------------------------------------------------------- its result, for two cycles of clk2x_i or more

  logic            fresh_q, held_q;
  logic [OutW-1:0] sum_q;

  always_ff @(posedge clk2x_i) begin
    if (rst_q) begin
      fresh_q <= 1'b0;
      held_q  <= 1'b0;
    end else begin
      fresh_q <= dot_valid;
      held_q  <= fresh_q;
    end
  end

  always_ff @(posedge clk2x_i) if (dot_valid) sum_q <= dot_sum;

  logic            done_q;
  logic [OutW-1:0] result_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) done_q <= 1'b0;
    else done_q <= fresh_q || held_q;
  end

  always_ff @(posedge clk_i) result_q <= sum_q;

  assign valid_o = done_q;
  assign data_o = result_q;

endmodule

`default_nettype wire
