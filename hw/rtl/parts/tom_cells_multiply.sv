// SPDX-License-Identifier: Apache-2.0
// Products by multipliers in DSP blocks, of weights in two's complement or from a codebook.
//
// prod_o holds the products of the words that came two cycles ago, three where Pack > 1: output o, input i
// at o * Inputs + i. Where Pack is 0 multipliers are in LUTs, see tom_cells_booth.
//
// Pack filters share a multiplier: the packed weight is the sum of w_k << k * ProdBits, and so is the
// product of w_k * x << k * ProdBits. Its fields are the products, each less 1 where what lies below it
// is negative, which the top bit of the field below says. The memory holds the fields of the packed
// weights (w_k less 1 where the fields below are negative), so that packing costs no logic.

`include "tom_assert.svh"
`default_nettype none

module tom_cells_multiply #(
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
  parameter int unsigned Pack       = 1,   // filters that share a DSP block; 0: multiply in LUTs

  localparam int unsigned Codes = Shared ? Inputs : Inputs * Outputs,
  localparam int unsigned Products = Inputs * Outputs
) (
  input  wire logic                           clk_i,
  input  wire logic [Products*FieldBits-1:0]  weight_i,
  input  wire logic [Codes*InBits-1:0]        data_i,
  output wire logic [ProdBits-1:0]            prod_o[Products]
);

  `TOM_REQUIRE(pack, Shared || Pack <= 1, "only filters that see the same inputs share a multiplier")
  `TOM_REQUIRE(book, !Codebook || Pack <= 1, "the borrows of packed weights are not in a codebook")
  `TOM_REQUIRE(prod, ProdBits >= WeightBits, "ProdBits must hold a weight")

  if (Pack == 0) begin : gen_rows
    tom_cells_booth #(
      .Inputs    (Inputs),
      .Outputs   (Outputs),
      .Shared    (Shared),
      .InBits    (InBits),
      .InSigned  (InSigned),
      .FieldBits (FieldBits),
      .WeightBits(WeightBits),
      .ProdBits  (ProdBits),
      .Codebook  (Codebook),
      .Constants (Constants)
    ) u_rows (
      .clk_i,
      .weight_i,
      .data_i,
      .prod_o
    );
  end else begin : gen_blocks
    localparam int unsigned ValueBits = InBits + (InSigned ? 0 : 1);
    localparam int unsigned Mults = tom_pkg::ceil_div(Outputs, Pack) * Inputs;
    localparam int unsigned PackedBits = WeightBits + (Pack - 1) * ProdBits;
    localparam int unsigned MultBits = Pack > 1 ? PackedBits + ValueBits : ProdBits;

    logic [Codes-1:0][InBits-1:0] input_q;
    logic [Products-1:0][WeightBits-1:0] weight_q, weight_d;
    logic [MultBits-1:0] mult_d[Mults];

    if (Codebook) begin : gen_codebook
      always_comb begin
        for (int unsigned p = 0; p < Products; p++)
          weight_d[p] = WeightBits'(Constants >> (32 * weight_i[p*FieldBits+:FieldBits]));
      end
    end else begin : gen_fixed
      assign weight_d = weight_i;
    end

    always_ff @(posedge clk_i) begin
      input_q  <= data_i;
      weight_q <= weight_d;
    end

    always_comb begin
      for (int unsigned g = 0; g < Mults / Inputs; g++) begin
        for (int unsigned i = 0; i < Inputs; i++) begin
          automatic logic signed [PackedBits-1:0] packed_weight = '0;
          automatic logic signed [ValueBits-1:0] value = InSigned
              ? ValueBits'(signed'(input_q[Shared ? i : i * Outputs + g]))
              : ValueBits'(input_q[Shared ? i : i * Outputs + g]);
          for (int unsigned k = 0; k < Pack; k++) begin
            if (g * Pack + k < Outputs) begin
              packed_weight = (PackedBits'(unsigned'(packed_weight)) & PackedBits'((64'd1 << (k * ProdBits)) - 1))
                  | unsigned'(PackedBits'(signed'(weight_q[(g*Pack+k)*Inputs+i])) << (k * ProdBits));
            end
          end
          mult_d[g*Inputs+i] = MultBits'(packed_weight) * MultBits'(value);
        end
      end
    end

    (* use_dsp = "yes" *) logic [MultBits-1:0] mult_q[Mults];
    always_ff @(posedge clk_i) mult_q <= mult_d;

    // The products: the fields of the packed ones, repaired.
    if (Pack == 1) begin : gen_alone
      assign prod_o = mult_q;
    end else begin : gen_packed
      logic [ProdBits-1:0] prod_d[Products], prod_q[Products];
      always_comb begin
        for (int unsigned o = 0; o < Outputs; o++) begin
          for (int unsigned i = 0; i < Inputs; i++) begin
            prod_d[o*Inputs+i] = mult_q[o/Pack*Inputs+i][(o%Pack)*ProdBits+:ProdBits];
            if (o % Pack != 0)
              prod_d[o*Inputs+i] += ProdBits'(mult_q[o/Pack*Inputs+i][(o%Pack)*ProdBits-1]);
          end
        end
      end
      always_ff @(posedge clk_i) prod_q <= prod_d;
      assign prod_o = prod_q;
    end
  end

endmodule

`default_nettype wire
