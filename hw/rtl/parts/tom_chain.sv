// SPDX-License-Identifier: Apache-2.0
// Sums of products in chains of DSP blocks, of weights in two's complement or from a codebook.
//
// Chain inputs of a filter share a chain, the last chain of a filter may have fewer. sum_o holds the sums of the words
// that came Latency cycles ago: filter o, chain c at o * Chains + c.
//
// Pack filters share a multiplier: the packed weight is the sum of w_k << k * SumBits, and so is the packed sum, whose
// fields are added up before they are taken apart. A chain begins with half of the range of every field but the topmost
// one, so that no field is negative and borrows from the next: its top bit is turned, and it is the sum. The memory
// holds the fields of the packed weights (w_k less 1 where the fields below are negative), so that packing costs no
// logic, and neither does taking apart.

`include "tom_assert.svh"
`default_nettype none

module tom_chain #(
  parameter int unsigned Inputs     = 1,   // products per filter
  parameter int unsigned Outputs    = 1,   // filters
  parameter bit          Shared     = 1,   // all filters see the same inputs, see tom_dot
  parameter int unsigned InBits     = 8,   // width of an input code
  parameter bit          InSigned   = 0,   // inputs are two's complement
  parameter int unsigned FieldBits  = 8,   // stored width of a weight
  parameter int unsigned WeightBits = 8,   // width of a weight, two's complement
  parameter int unsigned SumBits    = 16,  // width of a sum of Chain products, two's complement
  parameter bit          Codebook   = 0,   // weights are indices into Constants
  parameter bit [511:0]  Constants  = '0,  // 16 values of 32 bits, value 0 in the low bits
  parameter int unsigned Pack       = 1,   // filters that share a DSP block
  parameter int unsigned Chain      = 1,   // products that are summed in a row of DSP blocks

  localparam int unsigned Codes = Shared ? Inputs : Inputs * Outputs,
  localparam int unsigned Chains = tom_pkg::ceil_div(Inputs, Chain)
) (
  input  wire logic                                    clk_i,
  input  wire logic [Inputs*Outputs*FieldBits-1:0]     weight_i,
  input  wire logic [Codes*InBits-1:0]                 data_i,
  output wire logic [SumBits-1:0]                      sum_o[Outputs*Chains]
);

  `TOM_REQUIRE(pack, Pack >= 1 && (Shared || Pack == 1), "only filters that see the same inputs share a multiplier")
  `TOM_REQUIRE(book, !Codebook || Pack == 1, "the borrows of packed weights are not in a codebook")
  `TOM_REQUIRE(sum, SumBits >= WeightBits, "SumBits must hold a weight")
  `TOM_LATENCY(2 + Chain)

  localparam int unsigned ValueBits = InBits + (InSigned ? 0 : 1);
  localparam int unsigned Columns = tom_pkg::ceil_div(Outputs, Pack);
  localparam int unsigned PackedBits = WeightBits + (Pack - 1) * SumBits;
  localparam int unsigned PackedSumBits = Pack * SumBits;

  // Half of the range of every field but the topmost one.
  function automatic bit [47:0] begin_of();
    begin_of = '0;
    for (int unsigned k = 0; k + 1 < Pack; k++) begin_of[(k+1)*SumBits-1] = 1'b1;
  endfunction

  // Words and codes wait for their place in a row; the multiplier's second register is one cycle of it.
  localparam int unsigned WordW = Inputs * Outputs * FieldBits;
  localparam int unsigned CodesW = Codes * InBits;
  localparam int unsigned Waits = Chain > 2 ? Chain - 2 : 0;

  logic [Waits:0][WordW-1:0]  words;
  logic [Waits:0][CodesW-1:0] codes;
  assign words[0] = weight_i;
  assign codes[0] = data_i;

  if (Waits > 0) begin : gen_wait
    (* shreg_extract = "no" *) logic [Waits-1:0][WordW-1:0]  word_q;
    (* shreg_extract = "no" *) logic [Waits-1:0][CodesW-1:0] code_q;
    always_ff @(posedge clk_i) begin
      word_q <= words[Waits-1:0];
      code_q <= codes[Waits-1:0];
    end
    assign words[Waits:1] = word_q;
    assign codes[Waits:1] = code_q;
  end

  logic signed [PackedBits-1:0] weight[Columns*Inputs];
  logic signed [ValueBits-1:0]  value[Columns*Inputs];

  always_comb begin
    for (int unsigned g = 0; g < Columns; g++) begin
      for (int unsigned i = 0; i < Inputs; i++) begin
        automatic int unsigned place = tom_chain_pkg::place(i, Inputs, Chain);
        automatic int unsigned wait_ = place > 1 ? place - 1 : 0;
        automatic logic [InBits-1:0] code = codes[wait_][(Shared?i:i*Outputs+g)*InBits+:InBits];
        automatic logic signed [PackedBits-1:0] packed_weight = '0;
        for (int unsigned k = 0; k < Pack; k++) begin
          if (g * Pack + k < Outputs) begin
            automatic logic [FieldBits-1:0] field = words[wait_][((g*Pack+k)*Inputs+i)*FieldBits+:FieldBits];
            automatic logic signed [WeightBits-1:0] factor =
                Codebook ? WeightBits'(Constants >> (32 * field)) : WeightBits'(field);
            packed_weight = (PackedBits'(unsigned'(packed_weight)) & PackedBits'((128'd1 << (k * SumBits)) - 1))
                | unsigned'(PackedBits'(factor) << (k * SumBits));
          end
        end
        weight[g*Inputs+i] = packed_weight;
        value[g*Inputs+i] = InSigned ? ValueBits'(signed'(code)) : ValueBits'(code);
      end
    end
  end

  wire logic [PackedSumBits-1:0] sum[Columns*Chains];

  tom_mac_rows #(
    .Columns   (Columns),
    .Inputs    (Inputs),
    .Chain     (Chain),
    .WeightBits(PackedBits),
    .ValueBits (ValueBits),
    .SumBits   (PackedSumBits),
    .Begin     (begin_of())
  ) u_rows (
    .clk_i,
    .weight_i(weight),
    .value_i (value),
    .sum_o   (sum)
  );

  logic [SumBits-1:0] field_sum[Outputs*Chains];
  always_comb begin
    for (int unsigned o = 0; o < Outputs; o++) begin
      for (int unsigned c = 0; c < Chains; c++) begin
        field_sum[o*Chains+c] = sum[o/Pack*Chains+c][(o%Pack)*SumBits+:SumBits];
        field_sum[o*Chains+c][SumBits-1] ^= o % Pack != Pack - 1;
      end
    end
  end
  assign sum_o = field_sum;

endmodule

`default_nettype wire
