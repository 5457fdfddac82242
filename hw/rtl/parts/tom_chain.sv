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

  wire logic [PackedSumBits-1:0] sum[Columns*Inputs];  // behind each input's product
  wire logic [47:0] cascade[Columns*Inputs];

  for (genvar i = 0; i < Inputs; i++) begin : gen_input
    localparam int unsigned Whole = i / Chain == Chains - 1 ? Inputs - (Chains - 1) * Chain : Chain;  // of its chain
    localparam bit First = i % Chain == 0;
    localparam int unsigned Place = i % Chain + Chain - Whole;  // chains end at the same time
    localparam int unsigned Wait = Place > 1 ? Place - 1 : 0;   // cycles, besides one within the block

    for (genvar g = 0; g < Columns; g++) begin : gen_column
      logic [Wait:0][Pack-1:0][FieldBits-1:0] field;
      logic [Wait:0][InBits-1:0] code;
      logic signed [PackedBits-1:0] weight;
      wire logic signed [ValueBits-1:0] value = InSigned ? ValueBits'(signed'(code[Wait])) : ValueBits'(code[Wait]);

      always_comb begin
        field[0] = '0;
        for (int unsigned k = 0; k < Pack; k++) begin
          if (g * Pack + k < Outputs) field[0][k] = weight_i[((g*Pack+k)*Inputs+i)*FieldBits+:FieldBits];
        end
      end
      assign code[0] = data_i[(Shared?i:i*Outputs+g)*InBits+:InBits];

      if (Wait > 0) begin : gen_wait
        (* shreg_extract = "no" *) logic [Wait-1:0][Pack-1:0][FieldBits-1:0] field_q;
        (* shreg_extract = "no" *) logic [Wait-1:0][InBits-1:0] code_q;
        always_ff @(posedge clk_i) begin
          field_q <= field[Wait-1:0];
          code_q  <= code[Wait-1:0];
        end
        assign field[Wait:1] = field_q;
        assign code[Wait:1] = code_q;
      end

      always_comb begin
        weight = '0;
        for (int unsigned k = 0; k < Pack; k++) begin
          automatic logic signed [WeightBits-1:0] factor = Codebook
              ? WeightBits'(Constants >> (32 * field[Wait][k])) : WeightBits'(field[Wait][k]);
          weight = (PackedBits'(unsigned'(weight)) & PackedBits'((128'd1 << (k * SumBits)) - 1))
              | unsigned'(PackedBits'(factor) << (k * SumBits));
        end
      end

      tom_mac #(
        .WeightBits(PackedBits),
        .ValueBits (ValueBits),
        .SumBits   (PackedSumBits),
        .Registers (Place > 0 ? 2 : 1),
        .First     (First),
        .Begin     (begin_of())
      ) u_mac (
        .clk_i,
        .weight_i (weight),
        .value_i  (value),
        .cascade_i(First ? '0 : cascade[g*Inputs+(First?0:i-1)]),
        .cascade_o(cascade[g*Inputs+i]),
        .sum_o    (sum[g*Inputs+i])
      );
    end
  end

  for (genvar o = 0; o < Outputs; o++) begin : gen_output
    localparam bit Topmost = o % Pack == Pack - 1;
    for (genvar c = 0; c < Chains; c++) begin : gen_chain
      localparam int unsigned Last = (c == Chains - 1 ? Inputs : (c + 1) * Chain) - 1;
      wire logic [SumBits-1:0] field = sum[o/Pack*Inputs+Last][(o%Pack)*SumBits+:SumBits];
      assign sum_o[o*Chains+c] = {field[SumBits-1] ^ !Topmost, field[SumBits-2:0]};
    end
  end

endmodule

`default_nettype wire
