// SPDX-License-Identifier: Apache-2.0
// Multipliers in LUTs of all widths up to Widest, beside what a product is: a set bit says which one differs.
//
// For weights and codes of all widths, codes unsigned and signed, the low bits of a weight and of a code come in.
// For simulation: nothing stalls.

`default_nettype none

module tom_products #(
  parameter int unsigned Widest = 9,

  localparam int unsigned Kinds = 2 * Widest * Widest,
  localparam int unsigned Cycles = 8  // no product takes longer
) (
  input  wire logic                clk_i,
  input  wire logic                rst_i,
  input  wire logic                in_valid_i,
  output wire logic                in_ready_o,
  input  wire logic [2*Widest-1:0] in_data_i,
  output wire logic                out_valid_o,
  /* verilator lint_off UNUSEDSIGNAL */
  input  wire logic                out_ready_i,
  /* verilator lint_on UNUSEDSIGNAL */
  output wire logic [Kinds-1:0]    out_data_o
);

  logic [Cycles:1] valid_q;
  wire logic [Kinds-1:0] wrong;

  always_ff @(posedge clk_i) valid_q <= rst_i ? '0 : {valid_q[Cycles-1:1], in_valid_i};
  assign in_ready_o  = 1'b1;
  assign out_valid_o = valid_q[Cycles];
  assign out_data_o  = wrong;

  for (genvar w = 1; w <= Widest; w++) begin : gen_weight
    for (genvar c = 1; c <= Widest; c++) begin : gen_code
      for (genvar s = 0; s < 2; s++) begin : gen_sign
        localparam int unsigned Latency = 1 + tom_booth_pkg::stages(c + 1 - s, w);
        localparam int unsigned Bits = w + c + 1 - s;
        logic [Cycles:0][w-1:0] weight;
        logic [Cycles:0][c-1:0] code;
        logic [Cycles:Latency][Bits-1:0] late;
        wire logic [Bits-1:0] product[1];
        wire logic signed [Bits-1:0] right = Bits'(signed'(weight[Cycles]))
            * (s == 1 ? Bits'(signed'(code[Cycles])) : Bits'(code[Cycles]));

        assign weight[0] = in_data_i[w-1:0];
        assign code[0] = in_data_i[Widest+c-1:Widest];
        assign late[Latency] = product[0];

        always_ff @(posedge clk_i) begin
          weight[Cycles:1] <= weight[Cycles-1:0];
          code[Cycles:1]   <= code[Cycles-1:0];
          late[Cycles:Latency+1] <= late[Cycles-1:Latency];
        end

        tom_cells_booth #(
          .InBits    (c),
          .InSigned  (s == 1),
          .FieldBits (w),
          .WeightBits(w),
          .ProdBits  (Bits)
        ) u_cells (
          .clk_i,
          .weight_i(weight[0]),
          .data_i  (code[0]),
          .prod_o  (product)
        );

        assign wrong[((w-1)*Widest+c-1)*2+s] = late[Cycles] != right;
      end
    end
  end

endmodule

`default_nettype wire
