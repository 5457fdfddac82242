// SPDX-License-Identifier: Apache-2.0
// What a GRU makes of the sums of some units: their results, which it keeps in a memory.
//
//   z, s = gate(x + r)   n = new(x + s r)   h = n + z (h - n)
// Bit-exact with Gru of tomato/ops/recurrent.py. Gates of a unit: z, the reset s, h. Without ResetAfter a step has two
// passes: the first gives s h instead of a result, and keeps z and x; in the second, r is of that, and n = new(x + r).
// Nothing ever stalls: units enter at every edge; a word is read again only when it has been written. Latency 18.

`include "tom_assert.svh"
`default_nettype none

module tom_gru_unit #(
  parameter int unsigned  Units        = 1,   // units per cycle
  parameter int unsigned  Words        = 1,   // a step's units, Units each
  parameter int unsigned  Frames       = 1,   // that take turns: the memory has Words words for each
  parameter int unsigned  XBits        = 16,  // width of what comes from the inputs
  parameter bit           XSigned      = 1,   // that is two's complement
  parameter int unsigned  SumBits      = 18,  // width of what comes from the last result, two's complement
  parameter bit           ResetAfter   = 1,   // the reset gate comes behind the product
  parameter int unsigned  GateFraction = 12,  // bits behind the point of gates
  parameter int unsigned  HiddenFraction = 15,  // bits behind the point of a result
  parameter int unsigned  HiddenBits   = 16,  // width of a result, two's complement
  parameter tom_recurrent_pkg::functions_t Functions = tom_recurrent_pkg::example(),  // gate, new: see tom_recurrent_pkg
  parameter               MemFile0     = "",  // hexadecimal lines of gate
  parameter               MemFile1     = "",  // of new
  parameter               MemFile2     = "",  // the results before the first step

  localparam int unsigned WordBits = tom_pkg::idx_width(Words),
  localparam int unsigned PlaceBits = tom_pkg::idx_width(Frames * Words)
) (
  input  wire logic                        clk_i,

  input  wire logic                        valid_i,
  input  wire logic                        fresh_i,   // of the first step
  input  wire logic                        second_i,  // of the second pass of a step
  input  wire logic [WordBits-1:0]         word_i,
  input  wire logic [PlaceBits-1:0]        place_i,  // that word of its frame in the memory
  input  wire logic [Units*3*XBits-1:0]    x_i,
  input  wire logic [Units*3*SumBits-1:0]  r_i,
  output wire logic [Units*HiddenBits-1:0] h_o
);

  `TOM_LATENCY(18)

  localparam int unsigned GateBits = GateFraction + 2;
  localparam int unsigned XWide = XBits + (XSigned ? 0 : 1);
  localparam int unsigned PBits = (XWide > SumBits ? XWide : SumBits) + 1;
  localparam int unsigned Factor = ResetAfter ? SumBits : HiddenBits;  // what the reset gate multiplies
  localparam int unsigned ResetBits = GateBits + Factor;
  localparam int unsigned Align = HiddenFraction - GateFraction;
  localparam int unsigned NewBits = GateBits + Align;
  localparam int unsigned DiffBits = (NewBits > HiddenBits ? NewBits : HiddenBits) + 1;
  localparam int unsigned ProdBits = DiffBits + GateBits;
  localparam int unsigned HBits = ProdBits + 2;

  // When a unit is where: its sums are there at 1, gates at 7, what is reset at 8, its candidate at 15, the result at 18.
  localparam int unsigned Stages = 18, Gates = 7, Candidate = 15;
  localparam int unsigned Read = ResetAfter ? Candidate : Gates;  // when the last result is there
  logic [Stages-1:0]   valid_q, fresh_q, second_q;
  logic [WordBits-1:0]  word_q[Stages];
  logic [PlaceBits-1:0] place_q[Stages];

  always_ff @(posedge clk_i) begin
    valid_q   <= {valid_q[Stages-2:0], valid_i};
    fresh_q   <= {fresh_q[Stages-2:0], fresh_i};
    second_q  <= {second_q[Stages-2:0], second_i};
    word_q[0]  <= word_i;
    place_q[0] <= place_i;
    for (int unsigned i = 1; i < Stages; i++) begin
      word_q[i]  <= word_q[i-1];
      place_q[i] <= place_q[i-1];
    end
  end

  logic [Units-1:0][HiddenBits-1:0]    h_q;
  wire logic [Units*HiddenBits-1:0]    kept;
  logic [Units*HiddenBits-1:0]         begin_q;

  tom_ram #(
    .Width(Units * HiddenBits),
    .Depth(Frames * Words),
    .Ram  (0)
  ) u_results (
    .clk_i,
    .write_i     (valid_q[Stages-1] && (ResetAfter || second_q[Stages-1])),
    .write_addr_i(place_q[Stages-1]),
    .write_data_i(h_q),
    .read_i      (1'b1),
    .read_addr_i (place_q[Read-2]),
    .read_data_o (kept)
  );

  (* ram_style = "registers", rom_style = "distributed" *) logic [Units*HiddenBits-1:0] first[Words];
  initial if (MemFile2 != "") $readmemh(MemFile2, first);
  always_ff @(posedge clk_i) begin_q <= first[word_q[Read-2]];

  wire logic [Units*HiddenBits-1:0] last = fresh_q[Read-1] ? begin_q : kept;

  // What the first pass of a step leaves to the second one.
  logic [Units-1:0][GateBits+XBits-1:0] left;
  wire logic [Units*(GateBits+XBits)-1:0] taken;

  if (ResetAfter) begin : gen_one_pass
    assign taken = '0;
    wire logic unused = &{1'b0, taken, left};
  end else begin : gen_two_passes
    tom_ram #(
      .Width(Units * (GateBits + XBits)),
      .Depth(Frames * Words),
      .Ram  (0)
    ) u_left (
      .clk_i,
      .write_i     (valid_q[Gates-1] && !second_q[Gates-1]),
      .write_addr_i(place_q[Gates-1]),
      .write_data_i(left),
      .read_i      (1'b1),
      .read_addr_i (place_q[Gates-2]),
      .read_data_o (taken)
    );
  end

  for (genvar u = 0; u < Units; u++) begin : gen_unit
    logic signed [PBits-1:0] p_q[2];
    wire logic signed [GateBits-1:0] gate[2];

    for (genvar g = 0; g < 2; g++) begin : gen_gate
      wire logic signed [PBits-1:0] x = XSigned
          ? PBits'(signed'(x_i[(u*3+g)*XBits+:XBits])) : PBits'(x_i[(u*3+g)*XBits+:XBits]);
      always_ff @(posedge clk_i) p_q[g] <= x + PBits'(signed'(r_i[(u*3+g)*SumBits+:SumBits]));

      tom_recurrent_function #(
        .InBits      (PBits),
        .GateFraction(GateFraction),
        .Lines       (Functions[0]),
        .MemFile     (MemFile0)
      ) u_gate (
        .clk_i,
        .x_i(p_q[g]),
        .y_o(gate[g])
      );
    end

    // The candidate's own sum waits for the reset gate.
    logic [XBits-1:0]            x_q[Gates+1];
    logic signed [SumBits-1:0]   r_q[Gates+1];
    /* verilator lint_off UNUSEDSIGNAL */ // its sign, where that is above what a sum has
    logic signed [ResetBits-1:0] reset_q;
    /* verilator lint_on UNUSEDSIGNAL */
    logic signed [PBits-1:0]     sum_q;
    wire logic signed [GateBits-1:0] candidate;
    wire logic signed [Factor-1:0] factor = ResetAfter
        ? Factor'(r_q[Gates-1]) : Factor'(signed'(last[u*HiddenBits+:HiddenBits]));
    // What is reset rounds in the sum that takes it: the half lies below the point, where the others have nothing.
    wire logic signed [PBits-1:0] x_wide = XSigned ? PBits'(signed'(x_q[Gates])) : PBits'(x_q[Gates]);
    wire logic [PBits+GateFraction-1:0] beside = {ResetAfter ? x_wide : '0, GateFraction'(1 << (GateFraction - 1))};
    wire logic signed [PBits-1:0] rounded =
        PBits'((beside + (PBits + GateFraction)'(reset_q)) >> GateFraction);

    assign left[u] = {gate[0], x_q[Gates-1]};

    always_ff @(posedge clk_i) begin
      x_q[0] <= x_i[(u*3+2)*XBits+:XBits];
      r_q[0] <= r_i[(u*3+2)*SumBits+:SumBits];
      for (int unsigned i = 1; i <= Gates; i++) begin
        x_q[i] <= x_q[i-1];
        r_q[i] <= r_q[i-1];
      end
      if (!ResetAfter && second_q[Gates-1]) x_q[Gates] <= taken[u*(GateBits+XBits)+:XBits];
      reset_q <= gate[1] * factor;
      sum_q   <= ResetAfter ? rounded : x_wide + PBits'(r_q[Gates]);
    end

    tom_recurrent_function #(
      .InBits      (PBits),
      .GateFraction(GateFraction),
      .Lines       (Functions[1]),
      .MemFile     (MemFile1)
    ) u_candidate (
      .clk_i,
      .x_i(sum_q),
      .y_o(candidate)
    );

    // The update gate and, if it came early, the last result wait for the candidate.
    logic signed [GateBits-1:0] update_q[Candidate+1-Gates];
    logic [HiddenBits-1:0]      last_q[Candidate-Gates], early_q[Stages-9];
    wire logic signed [HiddenBits-1:0] h = ResetAfter ? last[u*HiddenBits+:HiddenBits] : last_q[Candidate-Gates-1];
    wire logic signed [NewBits-1:0] new_h = NewBits'(candidate) <<< Align;
    logic signed [NewBits-1:0]  new_q[2];
    logic signed [DiffBits-1:0] diff_q;
    logic signed [ProdBits-1:0] prod_q;
    wire logic signed [HBits-1:0] halved =
        HBits'(signed'({new_q[1], GateFraction'(1 << (GateFraction - 1))})) + HBits'(prod_q);
    wire logic signed [HBits-1:0] next = halved >>> GateFraction;
    wire logic fits = next[HBits-1:HiddenBits-1] == {(HBits - HiddenBits + 1){next[HBits-1]}};

    always_ff @(posedge clk_i) begin
      update_q[0] <= !ResetAfter && second_q[Gates-1] ? taken[u*(GateBits+XBits)+XBits+:GateBits] : gate[0];
      last_q[0]   <= last[u*HiddenBits+:HiddenBits];
      early_q[0]  <= rounded[HiddenBits-1:0];
      for (int unsigned i = 1; i <= Candidate - Gates; i++) update_q[i] <= update_q[i-1];
      for (int unsigned i = 1; i < Candidate - Gates; i++) last_q[i] <= last_q[i-1];
      for (int unsigned i = 1; i < Stages - 9; i++) early_q[i] <= early_q[i-1];
      diff_q   <= DiffBits'(h) - DiffBits'(new_h);
      new_q[0] <= new_h;
      new_q[1] <= new_q[0];
      prod_q   <= update_q[Candidate-Gates] * diff_q;
      if (!ResetAfter && !second_q[Stages-2]) h_q[u] <= early_q[Stages-10];
      else if (fits) h_q[u] <= next[HiddenBits-1:0];
      else h_q[u] <= {next[HBits-1], {(HiddenBits - 1){!next[HBits-1]}}};
    end
  end

  assign h_o = h_q;

endmodule

`default_nettype wire
