// SPDX-License-Identifier: Apache-2.0
// Products of weights that are powers of two with a sign: the input, or its negative, shifted.
//
// prod_o holds the products of the words that came two cycles ago: output o, input i at o * Inputs + i.
//
// A weight is a minus bit above an exponent e, and means 2 ** (Base + e); an exponent of ones means 0.
// Focused weights have a further bit above: it selects one of two means, 0 or powers of two with a sign,
// to be added to the power.

`include "tom_assert.svh"
`default_nettype none

module tom_cells_shift #(
  parameter int unsigned Inputs    = 1,   // products per filter
  parameter int unsigned Outputs   = 1,   // filters
  parameter bit          Shared    = 1,   // all filters see the same inputs, see tom_dot
  parameter int unsigned InBits    = 8,   // width of an input code
  parameter bit          InSigned  = 0,   // inputs are two's complement
  parameter int unsigned FieldBits = 4,   // stored width of a weight
  parameter int unsigned ProdBits  = 16,  // width of a product, two's complement
  parameter bit          Focused   = 0,   // weights select a mean
  parameter bit [511:0]  Constants = '0,  // 32 bits each, from the low ones: Base, the two means

  localparam int unsigned Codes = Shared ? Inputs : Inputs * Outputs,
  localparam int unsigned Products = Inputs * Outputs
) (
  input  wire logic                          clk_i,
  input  wire logic [Products*FieldBits-1:0] weight_i,
  input  wire logic [Codes*InBits-1:0]       data_i,
  output wire logic [ProdBits-1:0]    prod_o[Products]
);

  localparam int unsigned ExpBits = FieldBits - (Focused ? 2 : 1);
  localparam int unsigned Base = Constants[31:0];

  logic [Products-1:0][FieldBits-1:0] weight_q;
  logic signed [InBits:0] plus_d[Codes], plus_q[Codes], minus_q[Codes];
  logic [ProdBits-1:0] prod_q[Products];

  always_comb begin
    for (int unsigned c = 0; c < Codes; c++)
      plus_d[c] = {InSigned ? data_i[(c+1)*InBits-1] : 1'b0, data_i[c*InBits+:InBits]};
  end

  // The input times a mean: wires.
  function automatic logic signed [ProdBits-1:0] centre(int signed mean, logic signed [InBits:0] plus,
                                                        logic signed [InBits:0] minus);
    if (mean == 0) return '0;
    return ProdBits'(mean < 0 ? minus : plus) << $clog2(mean < 0 ? -mean : mean);
  endfunction

  function automatic logic signed [ProdBits-1:0] product(logic [FieldBits-1:0] weight,
                                                         logic signed [InBits:0] plus,
                                                         logic signed [InBits:0] minus);
    automatic logic [ExpBits-1:0] exponent = weight[ExpBits-1:0];
    automatic logic signed [ProdBits-1:0] power = ProdBits'(weight[ExpBits] ? minus : plus);
    for (int unsigned k = 0; k < ExpBits; k++) if (exponent[k]) power = power << (1 << k);
    if (exponent == '1) power = '0;
    power = power << Base;
    if (Focused)
      power += weight[FieldBits-1] ? centre(Constants[95:64], plus, minus) : centre(Constants[63:32], plus, minus);
    return power;
  endfunction

  always_ff @(posedge clk_i) begin
    weight_q <= weight_i;
    plus_q   <= plus_d;
    for (int unsigned c = 0; c < Codes; c++) minus_q[c] <= -plus_d[c];
    for (int unsigned o = 0; o < Outputs; o++) begin
      for (int unsigned i = 0; i < Inputs; i++) begin
        prod_q[o*Inputs+i] <= product(weight_q[o*Inputs+i], plus_q[Shared ? i : i * Outputs + o],
                                      minus_q[Shared ? i : i * Outputs + o]);
      end
    end
  end

  assign prod_o = prod_q;

endmodule

`default_nettype wire
