// SPDX-License-Identifier: Apache-2.0
// Where weights are -1 or +1 and inputs 0 or 1: how many inputs meet a weight of +1, counted by threes.
//
// With b the stored bit of a weight, (2 b - 1) x = 2 (b & x) - x: every filter counts the ones of b & x, and
// one more count, of the ones of x, serves all filters; it stands behind theirs. Three pairs of bits make
// the two bits of a count, one LUT each. prod_o holds the counts of the words that came two cycles ago.

`include "tom_assert.svh"
`default_nettype none

module tom_cells_popcount #(
  parameter int unsigned Inputs  = 1,  // products per filter
  parameter int unsigned Outputs = 1,  // filters that see the same inputs

  localparam int unsigned Counts = (Inputs + 2) / 3  // per filter
) (
  input  wire logic                      clk_i,
  input  wire logic [Outputs*Inputs-1:0] weight_i,
  input  wire logic [Inputs-1:0]         data_i,
  output wire logic signed [2:0]         count_o[(Outputs+1)*Counts]
);

  logic [Inputs-1:0]         input_q;
  logic [Outputs*Inputs-1:0] weight_q;
  logic [3*Counts-1:0]       ones[Outputs+1];
  logic signed [2:0]         count_q[(Outputs+1)*Counts];

  always_comb begin
    for (int unsigned o = 0; o < Outputs; o++)
      ones[o] = (3 * Counts)'(input_q & weight_q[o*Inputs+:Inputs]);
    ones[Outputs] = (3 * Counts)'(input_q);
  end

  always_ff @(posedge clk_i) begin
    input_q  <= data_i;
    weight_q <= weight_i;
    for (int unsigned o = 0; o <= Outputs; o++) begin
      for (int unsigned c = 0; c < Counts; c++) begin
        automatic logic [2:0] three = ones[o][3*c+:3];
        count_q[o*Counts+c] <= {1'b0, (three[2] & three[1]) | (three[2] | three[1]) & three[0], ^three};
      end
    end
  end

  assign count_o = count_q;

endmodule

`default_nettype wire
