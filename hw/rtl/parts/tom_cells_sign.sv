// SPDX-License-Identifier: Apache-2.0
// Products of weights that are signs: x or -x (binary), or 0 (ternary).
//
// prod_o belongs to the words that came two cycles ago: output o, input i at o * Inputs + i. It comes from
// selectors behind registers, so that they share the LUTs of the adders that follow.

`include "tom_assert.svh"
`default_nettype none

module tom_cells_sign #(
  parameter int unsigned Inputs   = 1,   // products per filter
  parameter int unsigned Outputs  = 1,   // filters
  parameter bit          Shared   = 1,   // all filters see the same inputs, see tom_dot
  parameter int unsigned InBits   = 8,   // width of an input code
  parameter bit          InSigned = 0,   // inputs are two's complement
  parameter bit          Ternary  = 0,   // two bits per weight: not zero, minus; else one: plus
  parameter int unsigned ProdBits = 9,   // width of a product, two's complement

  localparam int unsigned Codes = Shared ? Inputs : Inputs * Outputs,
  localparam int unsigned Products = Inputs * Outputs,
  localparam int unsigned FieldBits = Ternary ? 2 : 1
) (
  input  wire logic                          clk_i,
  input  wire logic [Products*FieldBits-1:0] weight_i,
  input  wire logic [Codes*InBits-1:0]       data_i,
  output wire logic [ProdBits-1:0]    prod_o[Products]
);

  logic [Codes-1:0][InBits-1:0] early_q;
  logic [Products*FieldBits-1:0] weight_early_q, weight_q;
  logic signed [InBits:0] plus_d[Codes], plus_q[Codes], minus_q[Codes];
  logic [ProdBits-1:0] prod[Products];

  always_comb begin
    for (int unsigned c = 0; c < Codes; c++)
      plus_d[c] = {InSigned ? early_q[c][InBits-1] : 1'b0, early_q[c]};
  end

  always_ff @(posedge clk_i) begin
    early_q        <= data_i;
    weight_early_q <= weight_i;
    weight_q       <= weight_early_q;
    plus_q         <= plus_d;
    for (int unsigned c = 0; c < Codes; c++) minus_q[c] <= -plus_d[c];
  end

  always_comb begin
    for (int unsigned o = 0; o < Outputs; o++) begin
      for (int unsigned i = 0; i < Inputs; i++) begin
        automatic logic [FieldBits-1:0] weight = weight_q[(o*Inputs+i)*FieldBits+:FieldBits];
        automatic logic minus = Ternary ? weight[FieldBits-1] : !weight[0];
        prod[o*Inputs+i] = minus ? ProdBits'(minus_q[Shared ? i : i * Outputs + o])
                                     : ProdBits'(plus_q[Shared ? i : i * Outputs + o]);
        if (Ternary && !weight[0]) prod[o*Inputs+i] = '0;
      end
    end
  end

  assign prod_o = prod;

endmodule

`default_nettype wire
