// SPDX-License-Identifier: Apache-2.0
// Dot products: `Outputs` filters, `Inputs` products per cycle and filter.
//
// With Shared all filters see the same inputs (convolution, dense); without it filter o sees every
// Outputs-th input from input o on (depthwise: taps slow, channels fast).
// Reads of one pass (first_i to last_i) add up to one result per filter. Weights come from a memory
// whose words follow the reads: word 0 belongs to the first read of a frame. A word holds, for each
// filter, the weights of all inputs; filter 0, input 0 in the low bits. Never stalls; latency
// 5 + ceil(log4(Inputs)) from the last read to the result.
//
// Pack filters share a multiplier: the packed weight is the sum of w_k << k * ProdBits, and so is the
// product of w_k * x << k * ProdBits. Its fields are the products, each less 1 where what lies below it
// is negative, which the top bit of the field below says. The memory holds the fields of the packed
// weights (w_k less 1 where the fields below are negative), so that packing costs no logic.

`include "tom_assert.svh"
`default_nettype none

module tom_dot #(
  parameter int unsigned Inputs     = 1,   // products per cycle and filter
  parameter int unsigned Outputs    = 1,   // filters
  parameter bit          Shared     = 1,   // all filters see the same inputs
  parameter int unsigned InBits     = 8,   // width of an input code
  parameter bit          InSigned   = 0,   // inputs are two's complement
  parameter int unsigned WeightBits = 8,   // width of a weight, two's complement
  parameter int unsigned ProdBits   = 16,  // width of a product, two's complement
  parameter int unsigned AccBits    = 24,  // width of a result, two's complement or unsigned
  parameter int unsigned Pack       = 1,   // filters that share a DSP block; 0: multiply in LUTs
  parameter int unsigned Words      = 1,   // weight words
  parameter int unsigned Ram        = 0,   // memory kind of the weights: 0 LUT, 1 block RAM, 2 UltraRAM
  parameter int unsigned LoadBits   = 1,   // bits per beat of the loader that fills UltraRAM
  parameter              MemFile    = "",  // hexadecimal weight words

  localparam int unsigned Codes = Shared ? Inputs : Inputs * Outputs,
  localparam int unsigned InW  = Codes * InBits,
  localparam int unsigned OutW = Outputs * AccBits
) (
  input  wire logic            clk_i,
  input  wire logic            rst_i,
  input  wire logic [LoadBits:0] load_i = '0,  // weights for UltraRAM, see tom_rom
  output wire logic [LoadBits:0] load_o,
  input  wire logic            valid_i,
  input  wire logic            first_i,
  input  wire logic            last_i,
  input  wire logic [InW-1:0]  data_i,
  output wire logic            valid_o,
  output wire logic [OutW-1:0] data_o
);

  `TOM_REQUIRE(pack, Shared || Pack <= 1, "only filters that see the same inputs share a multiplier")
  `TOM_REQUIRE(prod, ProdBits >= WeightBits, "ProdBits must hold a weight")

  localparam int unsigned Products = Inputs * Outputs;
  localparam int unsigned ValueBits = InBits + (InSigned ? 0 : 1);
  localparam int unsigned Share = Pack > 1 ? Pack : 1;  // filters per multiplier
  localparam int unsigned Mults = (Outputs + Share - 1) / Share * Inputs;
  localparam int unsigned PackedBits = WeightBits + (Share - 1) * ProdBits;
  localparam int unsigned MultBits = Share > 1 ? PackedBits + ValueBits : ProdBits;
  localparam int unsigned Stages = Inputs > 1 ? ($clog2(Inputs) + 1) / 2 : 0;  // of the adder tree, 4 to 1
  localparam int unsigned Delay = 3 + Stages;  // from the read to its sum

  wire logic [Products*WeightBits-1:0] word;

  tom_rom #(
    .Width  (Products * WeightBits),
    .Words  (Words),
    .Ram    (Ram),
    .LoadBits(LoadBits),
    .MemFile(MemFile)
  ) u_weights (
    .clk_i,
    .rst_i,
    .load_i,
    .load_o,
    .next_i(valid_i),
    .data_o(word)
  );

  // Inputs wait for their weights: two cycles.
  logic [InW-1:0] early_q;
  logic [Codes-1:0][InBits-1:0] input_q;
  logic [Products*WeightBits-1:0] weight_q;
  logic signed [MultBits-1:0] mult_d[Mults];
  wire logic signed [MultBits-1:0] mult[Mults];
  logic signed [ProdBits-1:0] prod[Products];

  always_comb begin
    for (int unsigned g = 0; g < Mults / Inputs; g++) begin
      for (int unsigned i = 0; i < Inputs; i++) begin
        automatic logic signed [PackedBits-1:0] packed_weight = '0;
        automatic logic signed [ValueBits-1:0] value = InSigned
            ? ValueBits'(signed'(input_q[Shared ? i : i * Outputs + g]))
            : ValueBits'(input_q[Shared ? i : i * Outputs + g]);
        for (int unsigned k = 0; k < Share; k++) begin
          if (g * Share + k < Outputs) begin
            packed_weight = PackedBits'(unsigned'(packed_weight)) & PackedBits'((64'd1 << (k * ProdBits)) - 1)
                | PackedBits'(signed'(weight_q[((g*Share+k)*Inputs+i)*WeightBits+:WeightBits])) << (k * ProdBits);
          end
        end
        mult_d[g*Inputs+i] = MultBits'(packed_weight) * MultBits'(value);
      end
    end
  end

  // The products: the fields of the packed ones, repaired.
  if (Share == 1) begin : gen_alone
    assign prod = mult;
  end else begin : gen_packed
    always_comb begin
      for (int unsigned o = 0; o < Outputs; o++) begin
        for (int unsigned i = 0; i < Inputs; i++) begin
          prod[o*Inputs+i] = mult[o/Share*Inputs+i][(o%Share)*ProdBits+:ProdBits];
          if (o % Share != 0)
            prod[o*Inputs+i] += ProdBits'(mult[o/Share*Inputs+i][(o%Share)*ProdBits-1]);
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    early_q  <= data_i;
    input_q  <= early_q;
    weight_q <= word;
  end

  if (Pack > 0) begin : gen_dsp
    (* use_dsp = "yes" *) logic signed [MultBits-1:0] mult_q[Mults];
    always_ff @(posedge clk_i) mult_q <= mult_d;
    assign mult = mult_q;
  end else begin : gen_lut
    (* use_dsp = "no" *) logic signed [MultBits-1:0] mult_q[Mults];
    always_ff @(posedge clk_i) mult_q <= mult_d;
    assign mult = mult_q;
  end

  // Adder tree, four to one per stage.
  for (genvar s = 1; s <= Stages; s++) begin : gen_stage
    localparam int unsigned Last = (Inputs + 4 ** (s - 1) - 1) / 4 ** (s - 1);  // terms before
    localparam int unsigned Terms = (Last + 3) / 4;                            // terms after
    localparam int unsigned SumBits = ProdBits + 2 * s < AccBits ? ProdBits + 2 * s : AccBits;
    localparam int unsigned LastBits = s == 1 ? ProdBits
        : ProdBits + 2 * (s - 1) < AccBits ? ProdBits + 2 * (s - 1) : AccBits;
    logic signed [LastBits-1:0] term[Outputs*Last];
    logic signed [SumBits-1:0] sum_d[Outputs*Terms], sum_q[Outputs*Terms];

    if (s == 1) begin : gen_leaf
      assign term = prod;
    end else begin : gen_inner
      assign term = gen_stage[s-1].sum_q;
    end

    always_comb begin
      for (int unsigned o = 0; o < Outputs; o++) begin
        for (int unsigned t = 0; t < Terms; t++) begin
          sum_d[o*Terms+t] = SumBits'(term[o*Last+4*t]);
          for (int unsigned k = 1; k < 4; k++) begin
            if (4 * t + k < Last) sum_d[o*Terms+t] += SumBits'(term[o*Last+4*t+k]);
          end
        end
      end
    end

    always_ff @(posedge clk_i) sum_q <= sum_d;
  end

  // Accumulate the sums of a pass.
  localparam int unsigned RootBits = Stages == 0 || ProdBits + 2 * Stages < AccBits
      ? ProdBits + 2 * Stages : AccBits;
  logic signed [RootBits-1:0] root[Outputs];
  if (Stages == 0) begin : gen_single
    assign root = prod;
  end else begin : gen_tree
    assign root = gen_stage[Stages].sum_q;
  end

  logic [Delay-1:0] valid_q, first_q, last_q;
  logic             done_q;
  logic [Outputs-1:0][AccBits-1:0] acc_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      valid_q <= '0;
      done_q  <= 1'b0;
    end else begin
      valid_q <= Delay'({valid_q, valid_i});
      done_q  <= valid_q[Delay-1] && last_q[Delay-1];
    end
  end

  logic [Outputs-1:0][AccBits-1:0] acc_d;
  always_comb begin
    for (int unsigned o = 0; o < Outputs; o++)
      acc_d[o] = (first_q[Delay-1] ? '0 : acc_q[o]) + AccBits'(root[o]);
  end

  always_ff @(posedge clk_i) begin
    first_q <= Delay'({first_q, first_i});
    last_q  <= Delay'({last_q, last_i});
    if (valid_q[Delay-1]) acc_q <= acc_d;
  end

  assign valid_o = done_q;
  assign data_o  = acc_q;

endmodule

`default_nettype wire
