// SPDX-License-Identifier: Apache-2.0
// Weights of -1 and +1 on inputs that all filters share: the inputs that meet a weight of +1.
//
// With b the stored bit of a weight, (2 b - 1) x = 2 (b & x) - x: every filter adds up b & x, and one more
// sum, that of x, serves all filters; its terms stand behind theirs. Terms are b & x, of the words that came
// two cycles ago; or where inputs are bits the counts of eighteen ones, of the words that came three cycles
// ago: three bits to a count of two bits, six of those to one of five, each bit of a sum one LUT.

`include "tom_assert.svh"
`default_nettype none

module tom_cells_binary #(
  parameter int unsigned Inputs  = 1,  // products per filter
  parameter int unsigned Outputs = 1,  // filters
  parameter int unsigned InBits  = 8,  // width of an input code, two's complement or unsigned

  localparam bit          Count = InBits == 1,
  localparam int unsigned Terms = Count ? tom_pkg::ceil_div(Inputs, 18) : Inputs,  // per filter
  localparam int unsigned TermBits = Count ? 5 : InBits
) (
  input  wire logic                      clk_i,
  input  wire logic [Outputs*Inputs-1:0] weight_i,
  input  wire logic [Inputs*InBits-1:0]  data_i,
  output wire logic [TermBits-1:0]       term_o[(Outputs+1)*Terms]
);

  localparam int unsigned Sums = Outputs + 1;

  logic [Inputs-1:0][InBits-1:0] input_q;
  logic [Sums-1:0][Inputs-1:0]   weight_q;

  always_ff @(posedge clk_i) begin
    input_q  <= data_i;
    weight_q <= {{Inputs{1'b1}}, weight_i};
  end

  if (Count) begin : gen_count
    logic [18*Terms-1:0] ones[Sums];
    logic [1:0] three_q[Sums*Terms*6];
    logic [4:0] term_d[Sums*Terms], term_q[Sums*Terms];

    // How many of three bits are set, and of six: functions of six inputs at most, without a carry chain.
    function automatic logic [1:0] three(logic [2:0] bits);
      return {bits[2] & bits[1] | (bits[2] | bits[1]) & bits[0], ^bits};
    endfunction

    function automatic logic [2:0] six(logic [5:0] bits);
      automatic logic [1:0] low = three(bits[2:0]);
      automatic logic [1:0] high = three(bits[5:3]);
      automatic logic carry = low[0] & high[0];
      return {low[1] & high[1] | (low[1] | high[1]) & carry, low[1] ^ high[1] ^ carry, low[0] ^ high[0]};
    endfunction

    always_comb begin
      for (int unsigned s = 0; s < Sums; s++) ones[s] = (18 * Terms)'(input_q & weight_q[s]);
      for (int unsigned t = 0; t < Sums * Terms; t++) begin
        automatic logic [5:0] low, high;
        for (int unsigned k = 0; k < 6; k++) {high[k], low[k]} = three_q[6*t+k];
        term_d[t] = 5'(six(low)) + {1'b0, six(high), 1'b0};
      end
    end

    always_ff @(posedge clk_i) begin
      for (int unsigned s = 0; s < Sums; s++) begin
        for (int unsigned k = 0; k < 6 * Terms; k++) three_q[s*6*Terms+k] <= three(ones[s][3*k+:3]);
      end
      term_q <= term_d;
    end
    assign term_o = term_q;
  end else begin : gen_select
    logic [InBits-1:0] term_q[Sums*Inputs];
    always_ff @(posedge clk_i) begin
      for (int unsigned s = 0; s < Sums; s++)
        for (int unsigned i = 0; i < Inputs; i++) term_q[s*Inputs+i] <= weight_q[s][i] ? input_q[i] : '0;
    end
    assign term_o = term_q;
  end

endmodule

`default_nettype wire
