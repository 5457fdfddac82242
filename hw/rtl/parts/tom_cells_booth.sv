// SPDX-License-Identifier: Apache-2.0
// Products by multipliers in LUTs, of weights in two's complement or from a codebook.
//
// prod_o holds the products of the words that came 1 + Stages cycles ago: output o, input i at o * Inputs + i.
//
// One factor, the shorter one, is read as radix-4 digits from -2 to 2 (Booth): each is a row that adds so many times
// the other factor to the sum of the rows before. A negative digit adds the complement, and one; these ones are what
// the first row is added to. So a bit of a row is one function of six inputs in front of the carry chain: three bits
// that say the digit, two of the factor, and one of the sum. Two rows are a cycle.

`include "tom_assert.svh"
`default_nettype none

module tom_cells_booth #(
  parameter int unsigned Inputs     = 1,   // products per filter
  parameter int unsigned Outputs    = 1,   // filters
  parameter bit          Shared     = 1,   // all filters see the same inputs, see tom_dot
  parameter int unsigned InBits     = 8,   // width of an input code
  parameter bit          InSigned   = 0,   // inputs are two's complement
  parameter int unsigned FieldBits  = 8,   // stored width of a weight
  parameter int unsigned WeightBits = 8,   // width of a weight, two's complement
  parameter int unsigned ProdBits   = 16,  // width of a product, two's complement
  parameter bit          Codebook   = 0,   // weights are indices into Constants
  parameter bit [511:0]  Constants  = '0,  // 16 values of 32 bits, value 0 in the low bits

  localparam int unsigned Codes = Shared ? Inputs : Inputs * Outputs,
  localparam int unsigned Products = Inputs * Outputs
) (
  input  wire logic                           clk_i,
  input  wire logic [Products*FieldBits-1:0]  weight_i,
  input  wire logic [Codes*InBits-1:0]        data_i,
  output wire logic [ProdBits-1:0]            prod_o[Products]
);

  localparam int unsigned ValueBits = InBits + (InSigned ? 0 : 1);
  localparam bit ByWeight = tom_booth_pkg::by_weight(ValueBits, WeightBits);
  localparam int unsigned DigitsBits = ByWeight ? WeightBits : ValueBits;
  localparam int unsigned FactorBits = ByWeight ? ValueBits : WeightBits;
  localparam int unsigned Rows = tom_booth_pkg::digits(DigitsBits);
  localparam int unsigned Stages = tom_booth_pkg::stages(ValueBits, WeightBits);

  `TOM_REQUIRE(prod, ProdBits < 2 * WeightBits + ValueBits, "ProdBits is more than products have")
  `TOM_LATENCY(1 + Stages)

  logic [Stages*Codes*InBits-1:0] input_q;         // stage, code; the last fastest
  logic [Stages*Products*WeightBits-1:0] weight_q; // stage, product; likewise
  logic [Products*WeightBits-1:0] weight_d;
  logic signed [ProdBits-1:0] sum_d[Stages*Products], sum_q[Stages*Products];  // likewise

  always_comb begin
    for (int unsigned p = 0; p < Products; p++) begin
      automatic logic [FieldBits-1:0] field = weight_i[p*FieldBits+:FieldBits];
      weight_d[p*WeightBits+:WeightBits] = Codebook ? WeightBits'(Constants >> (32 * field)) : WeightBits'(field);
    end
  end

  always_ff @(posedge clk_i) begin
    input_q  <= (Stages*Codes*InBits)'({input_q, data_i});
    weight_q <= (Stages*Products*WeightBits)'({weight_q, weight_d});
  end

  always_comb begin
    for (int unsigned s = 0; s < Stages; s++) begin
      for (int unsigned p = 0; p < Products; p++) begin
        automatic logic [InBits-1:0] code =
            input_q[(s*Codes+(Shared?p%Inputs:p%Inputs*Outputs+p/Inputs))*InBits+:InBits];
        automatic logic signed [ValueBits-1:0] value = InSigned ? ValueBits'(signed'(code)) : ValueBits'(code);
        automatic logic signed [WeightBits-1:0] weight = signed'(weight_q[(s*Products+p)*WeightBits+:WeightBits]);
        automatic logic signed [FactorBits:0] factor = ByWeight ? (FactorBits+1)'(value) : (FactorBits+1)'(weight);
        automatic logic signed [2*Rows:0] digits = ByWeight ? (2*Rows+1)'(weight) : (2*Rows+1)'(value);
        automatic logic signed [ProdBits-1:0] sum = s == 0 ? '0 : sum_q[s==0?0:(s-1)*Products+p];
        digits <<= 1;
        if (s == 0) begin
          for (int unsigned r = 0; r < Rows; r++) sum |= signed'(ProdBits'(digits[2*r+2]) << (2 * r));
        end
        for (int unsigned r = 2 * s; r < 2 * s + 2; r++) begin
          if (r < Rows) begin
            automatic int unsigned bits = tom_booth_pkg::sum_bits(r, Rows, FactorBits);
            automatic int unsigned rest = bits < ProdBits ? ProdBits - bits : 0;
            automatic logic [2:0] digit = 3'(digits >>> (2 * r));
            automatic logic signed [FactorBits:0] row = digit == 3'b000 || digit == 3'b111 ? '0
                : digit == 3'b011 || digit == 3'b100 ? factor << 1 : factor;
            automatic logic signed [ProdBits-1:0] upper;
            if (digit[2]) row = ~row;
            upper = ((sum >>> (2 * r)) + ProdBits'(row)) <<< (2 * r);
            sum = upper | (sum & signed'(ProdBits'((64'd1 << (2 * r)) - 1)));
            sum = (sum <<< rest) >>> rest;  // no more than it has
          end
        end
        sum_d[s*Products+p] = sum;
      end
    end
  end

  always_ff @(posedge clk_i) sum_q <= sum_d;

  for (genvar p = 0; p < Products; p++) begin : gen_product
    assign prod_o[p] = sum_q[(Stages-1)*Products+p];
  end

endmodule

`default_nettype wire
