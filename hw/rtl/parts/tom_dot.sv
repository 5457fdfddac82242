// SPDX-License-Identifier: Apache-2.0
// Dot products: `Outputs` filters, `Inputs` products per cycle and filter.
//
// With Shared all filters see the same inputs (convolution, dense); without it filter o sees every
// Outputs-th input from input o on (depthwise: taps slow, channels fast).
// Reads of one pass (first_i to last_i) add up to one result per filter. Weights come from a memory
// whose words follow the reads: word 0 belongs to the first read of a frame. Or, Addressed, addr_i says
// which word is a read's. A word holds, for each filter, the weights of all inputs; filter 0, input 0 in
// the low bits. Never stalls;
// Latency cycles from the last read to the result: 4 + ceil(log4(Inputs)), 4 + Chain + ceil(log4(Inputs / Chain)) where
// DSP blocks sum up, 5 + ceil(log4(Inputs / 18)) where bits are counted; see tom_booth_pkg for what may come on top.
//
// Cell says what a weight is, and with it what makes a product: see tom_cells_*.sv.
//   0 fixed: WeightBits, two's complement; Pack filters share a DSP block, 0: multiply in LUTs
//   1 binary: a bit, +1 where it is set, else -1; if Shared, inputs are selected and added instead
//   2 ternary: 0, or +1 where only the low bit is set, or -1 where both are
//   3 shift: 0, or a power of two with a sign
//   4 focused: likewise, plus one of two means
//   5 codebook: an index into Constants; Pack 1 or 0

`include "tom_assert.svh"
`default_nettype none

module tom_dot #(
  parameter int unsigned Inputs     = 1,   // products per cycle and filter
  parameter int unsigned Outputs    = 1,   // filters
  parameter bit          Shared     = 1,   // all filters see the same inputs
  parameter int unsigned InBits     = 8,   // width of an input code
  parameter bit          InSigned   = 0,   // inputs are two's complement
  parameter int unsigned Cell       = 0,   // what a weight is
  parameter int unsigned FieldBits  = 8,   // stored width of a weight
  parameter int unsigned WeightBits = 8,   // width of its value, two's complement
  parameter bit [511:0]  Constants  = '0,  // 32 bits each: what all weights share, see tom_cells_*.sv
  parameter int unsigned ProdBits   = 16,  // width of a product, or of the sum of a chain, two's complement
  parameter int unsigned AccBits    = 24,  // width of a result, two's complement or unsigned
  parameter int unsigned Pack       = 1,   // filters that share a DSP block; 0: multiply in LUTs
  parameter int unsigned Chain      = 0,   // products that are summed in a row of DSP blocks; 0: all are in LUTs
  parameter int unsigned Words      = 1,   // weight words
  parameter int unsigned Ram        = 0,   // memory kind of the weights: 0 LUT, 1 block RAM, 2 UltraRAM
  parameter int unsigned LoadBits   = 1,   // bits per beat of the loader that fills UltraRAM
  parameter bit          Addressed  = 0,   // addr_i says which word belongs to a read
  parameter              MemFile    = "",  // hexadecimal weight words

  localparam int unsigned AddrBits = tom_pkg::idx_width(Words),
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
  input  wire logic [AddrBits-1:0] addr_i = '0,
  output wire logic            valid_o,
  output wire logic [OutW-1:0] data_o
);

  localparam int unsigned Fixed = 0, Binary = 1, Ternary = 2, Shift = 3, Focused = 4, Codebook = 5;
  `TOM_REQUIRE(cell, Cell <= 5, "Cell must be 0 to 5")
  `TOM_REQUIRE(pack, Cell == Fixed || Cell == Codebook || Pack == 0, "only multipliers are in DSP blocks")
  `TOM_REQUIRE(chain, Chain == 0 || Pack > 0, "only DSP blocks make chains")

  localparam int unsigned Products = Inputs * Outputs;
  // Sums of selected inputs instead of products, and of bits counts of eighteen: see tom_cells_binary.
  localparam bit Select = Cell == Binary && Shared;
  localparam bit Count = Select && InBits == 1;
  localparam int unsigned Trees = Select ? Outputs + 1 : Outputs;
  localparam int unsigned Terms = Count ? tom_pkg::ceil_div(Inputs, 18)
      : Chain > 0 ? tom_pkg::ceil_div(Inputs, Chain) : Inputs;  // per tree
  localparam int unsigned TermBits = Count ? 5 : Select ? InBits : ProdBits;
  localparam bit TermSigned = !Select || (InSigned && !Count);
  localparam int unsigned Stages = tom_pkg::quad_stages(Terms);  // of the adder tree, 4 to 1
  localparam int unsigned Latency = tom_pkg::dot_latency(Terms) + (Count ? 1 : 0) + Chain
      + tom_booth_pkg::waits(Cell, Pack, Chain, InBits, InSigned, WeightBits);
  localparam int unsigned Delay = Latency - 1;  // from the read to its sum

  wire logic [Products*FieldBits-1:0] word;

  tom_rom #(
    .Width  (Products * FieldBits),
    .Words  (Words),
    .Ram    (Ram),
    .LoadBits(LoadBits),
    .Addressed(Addressed),
    .MemFile(MemFile)
  ) u_weights (
    .clk_i,
    .rst_i,
    .load_i,
    .load_o,
    .next_i(valid_i),
    .addr_i,
    .data_o(word)
  );

  // Inputs wait for their weights: one cycle here, one in the cells.
  logic [InW-1:0] early_q;
  always_ff @(posedge clk_i) early_q <= data_i;

  wire logic [TermBits-1:0] leaf[Trees*Terms];

  if (Select) begin : gen_binary
    tom_cells_binary #(
      .Inputs (Inputs),
      .Outputs(Outputs),
      .InBits (InBits)
    ) u_cells (
      .clk_i,
      .weight_i(word),
      .data_i  (early_q),
      .term_o  (leaf)
    );
  end else if (Cell == Binary || Cell == Ternary) begin : gen_sign
    tom_cells_sign #(
      .Inputs  (Inputs),
      .Outputs (Outputs),
      .Shared  (Shared),
      .InBits  (InBits),
      .InSigned(InSigned),
      .Ternary (Cell == Ternary),
      .ProdBits(ProdBits)
    ) u_cells (
      .clk_i,
      .weight_i(word),
      .data_i  (early_q),
      .prod_o  (leaf)
    );
  end else if (Cell == Shift || Cell == Focused) begin : gen_shift
    tom_cells_shift #(
      .Inputs   (Inputs),
      .Outputs  (Outputs),
      .Shared   (Shared),
      .InBits   (InBits),
      .InSigned (InSigned),
      .FieldBits(FieldBits),
      .ProdBits (ProdBits),
      .Focused  (Cell == Focused),
      .Constants(Constants)
    ) u_cells (
      .clk_i,
      .weight_i(word),
      .data_i  (early_q),
      .prod_o  (leaf)
    );
  end else if (Chain > 0) begin : gen_chain
    tom_chain #(
      .Inputs    (Inputs),
      .Outputs   (Outputs),
      .Shared    (Shared),
      .InBits    (InBits),
      .InSigned  (InSigned),
      .FieldBits (FieldBits),
      .WeightBits(WeightBits),
      .SumBits   (ProdBits),
      .Codebook  (Cell == Codebook),
      .Constants (Constants),
      .Pack      (Pack),
      .Chain     (Chain)
    ) u_cells (
      .clk_i,
      .weight_i(word),
      .data_i  (early_q),
      .sum_o   (leaf)
    );
  end else begin : gen_multiply
    tom_cells_multiply #(
      .Inputs    (Inputs),
      .Outputs   (Outputs),
      .Shared    (Shared),
      .InBits    (InBits),
      .InSigned  (InSigned),
      .FieldBits (FieldBits),
      .WeightBits(WeightBits),
      .ProdBits  (ProdBits),
      .Codebook  (Cell == Codebook),
      .Constants (Constants),
      .Pack      (Pack)
    ) u_cells (
      .clk_i,
      .weight_i(word),
      .data_i  (early_q),
      .prod_o  (leaf)
    );
  end

  // Adder tree, four to one per stage.
  for (genvar s = 1; s <= Stages; s++) begin : gen_stage
    localparam int unsigned Last = tom_pkg::ceil_div(Terms, 4 ** (s - 1));  // terms before
    localparam int unsigned Next = tom_pkg::ceil_div(Last, 4);              // terms after
    localparam int unsigned SumBits = TermBits + 2 * s < AccBits ? TermBits + 2 * s : AccBits;
    localparam int unsigned LastBits = s == 1 ? TermBits
        : TermBits + 2 * (s - 1) < AccBits ? TermBits + 2 * (s - 1) : AccBits;
    logic [LastBits-1:0] term[Trees*Last];
    logic [SumBits-1:0] sum_d[Trees*Next], sum_q[Trees*Next];

    if (s == 1) begin : gen_leaf
      assign term = leaf;
    end else begin : gen_inner
      assign term = gen_stage[s-1].sum_q;
    end

    always_comb begin
      for (int unsigned o = 0; o < Trees; o++) begin
        for (int unsigned t = 0; t < Next; t++) begin
          sum_d[o*Next+t] = '0;
          for (int unsigned k = 0; k < 4; k++) begin
            if (4 * t + k < Last)
              sum_d[o*Next+t] += TermSigned ? SumBits'(signed'(term[o*Last+4*t+k])) : SumBits'(term[o*Last+4*t+k]);
          end
        end
      end
    end

    always_ff @(posedge clk_i) sum_q <= sum_d;
  end

  // Accumulate the sums of a pass.
  localparam int unsigned RootBits = Stages == 0 || TermBits + 2 * Stages < AccBits
      ? TermBits + 2 * Stages : AccBits;
  logic [RootBits-1:0] root[Trees];
  if (Stages == 0) begin : gen_single
    assign root = leaf;
  end else begin : gen_tree
    assign root = gen_stage[Stages].sum_q;
  end

  logic [Delay-1:0] valid_q, first_q, last_q;
  logic             done_q;
  logic [Trees-1:0][AccBits-1:0] acc_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      valid_q <= '0;
      done_q  <= 1'b0;
    end else begin
      valid_q <= Delay'({valid_q, valid_i});
      done_q  <= valid_q[Delay-1] && last_q[Delay-1];
    end
  end

  logic [Trees-1:0][AccBits-1:0] acc_d;
  always_comb begin
    for (int unsigned o = 0; o < Trees; o++)
      acc_d[o] = (first_q[Delay-1] ? '0 : acc_q[o]) + (TermSigned ? AccBits'(signed'(root[o])) : AccBits'(root[o]));
  end

  always_ff @(posedge clk_i) begin
    first_q <= Delay'({first_q, first_i});
    last_q  <= Delay'({last_q, last_i});
    if (valid_q[Delay-1]) acc_q <= acc_d;
  end

  assign valid_o = done_q;

  if (Select) begin : gen_twice
    logic [Outputs-1:0][AccBits-1:0] result;
    always_comb begin
      for (int unsigned o = 0; o < Outputs; o++)
        result[o] = InSigned && Count ? acc_q[Outputs] - (acc_q[o] << 1) : (acc_q[o] << 1) - acc_q[Outputs];
    end
    assign data_o = result;
  end else begin : gen_once
    assign data_o = acc_q;
  end

endmodule

`default_nettype wire
