// SPDX-License-Identifier: Apache-2.0
// What an LSTM makes of the sums of some units: their results, and the cells that it keeps in a memory.
//
//   i, o, f = gate(x + r)   g = new(x + r)   c = f c + i g   h = o bent(c)
// Bit-exact with Lstm of tomato/ops/recurrent.py. Gates of a unit: i, o, f, c. Nothing ever stalls: units enter at every
// edge; a word is read again only when it has been written. Latency 18.

`include "tom_assert.svh"
`default_nettype none

module tom_lstm_unit #(
  parameter int unsigned  Units        = 1,   // units per cycle
  parameter int unsigned  Words        = 1,   // a step's units, Units each
  parameter int unsigned  Frames       = 1,   // that take turns: the memory has Words words for each
  parameter int unsigned  XBits        = 16,  // width of what comes from the inputs
  parameter bit           XSigned      = 1,   // that is two's complement
  parameter int unsigned  SumBits      = 18,  // width of what comes from the last result, two's complement
  parameter int unsigned  GateFraction = 12,  // bits behind the point of gates
  parameter int unsigned  CellFraction = 11,  // bits behind the point of cells
  parameter int unsigned  CellBits     = 16,  // width of a cell, two's complement
  parameter int unsigned  HiddenFraction = 15,  // bits behind the point of a result
  parameter int unsigned  HiddenBits   = 16,  // width of a result, two's complement
  parameter tom_recurrent_pkg::functions_t Functions = tom_recurrent_pkg::example(),  // gate, new, bent: see tom_recurrent_pkg
  parameter               MemFile0     = "",  // hexadecimal lines of gate
  parameter               MemFile1     = "",  // of new
  parameter               MemFile2     = "",  // of bent
  parameter               MemFile3     = "",  // the cells before the first step

  localparam int unsigned WordBits = tom_pkg::idx_width(Words),
  localparam int unsigned PlaceBits = tom_pkg::idx_width(Frames * Words)
) (
  input  wire logic                           clk_i,

  input  wire logic                           valid_i,
  input  wire logic                           fresh_i,  // of the first step
  input  wire logic [WordBits-1:0]            word_i,
  input  wire logic [PlaceBits-1:0]           place_i,  // that word of its frame in the memory
  input  wire logic [Units*4*XBits-1:0]       x_i,
  input  wire logic [Units*4*SumBits-1:0]     r_i,
  output wire logic [Units*HiddenBits-1:0]    h_o,
  output wire logic [Units*CellBits-1:0]      c_o
);

  `TOM_LATENCY(18)

  localparam int unsigned GateBits = GateFraction + 2;
  localparam int unsigned PBits = (XBits + (XSigned ? 0 : 1) > SumBits ? XBits + (XSigned ? 0 : 1) : SumBits) + 1;
  localparam int unsigned Align = GateFraction - CellFraction;
  localparam int unsigned KeptBits = GateBits + CellBits + Align;
  localparam int unsigned CandidateBits = 2 * GateBits;
  localparam int unsigned NextBits = (KeptBits > CandidateBits ? KeptBits : CandidateBits) + 2;
  localparam int unsigned NextShift = 2 * GateFraction - CellFraction;
  localparam int unsigned HiddenShift = 2 * GateFraction - HiddenFraction;
  localparam int unsigned HBits = CandidateBits + 1;

  // When a unit is where: its sums are there at 1, gates at 7, products at 8, the cell at 10, bent at 16.
  localparam int unsigned Read = 6, Write = 10;
  logic [Write-1:0]    valid_q, fresh_q;
  logic [WordBits-1:0]  word_q[Write];
  logic [PlaceBits-1:0] place_q[Write];

  always_ff @(posedge clk_i) begin
    valid_q   <= {valid_q[Write-2:0], valid_i};
    fresh_q   <= {fresh_q[Write-2:0], fresh_i};
    word_q[0]  <= word_i;
    place_q[0] <= place_i;
    for (int unsigned i = 1; i < Write; i++) begin
      word_q[i]  <= word_q[i-1];
      place_q[i] <= place_q[i-1];
    end
  end

  wire logic [Units*CellBits-1:0]  kept;
  logic [Units-1:0][CellBits-1:0] next_q;
  logic [Units*CellBits-1:0]      begin_q;

  tom_ram #(
    .Width(Units * CellBits),
    .Depth(Frames * Words),
    .Ram  (0)
  ) u_cells (
    .clk_i,
    .write_i     (valid_q[Write-1]),
    .write_addr_i(place_q[Write-1]),
    .write_data_i(next_q),
    .read_i      (1'b1),
    .read_addr_i (place_q[Read-1]),
    .read_data_o (kept)
  );

  (* ram_style = "registers", rom_style = "distributed" *) logic [Units*CellBits-1:0] first[Words];
  initial if (MemFile3 != "") $readmemh(MemFile3, first);
  always_ff @(posedge clk_i) begin_q <= first[word_q[Read-1]];

  // Cells wait for their results.
  localparam int unsigned Behind = 18 - Write;
  logic [Units*CellBits-1:0] left_q[Behind];
  always_ff @(posedge clk_i) begin
    left_q[0] <= next_q;
    for (int unsigned i = 1; i < Behind; i++) left_q[i] <= left_q[i-1];
  end
  assign c_o = left_q[Behind-1];

  wire logic [Units*CellBits-1:0] cells = fresh_q[Read] ? begin_q : kept;

  for (genvar u = 0; u < Units; u++) begin : gen_unit
    logic signed [PBits-1:0] p_q[4];
    wire logic signed [GateBits-1:0] gate[4];

    for (genvar g = 0; g < 4; g++) begin : gen_gate
      wire logic signed [PBits-1:0] x = XSigned
          ? PBits'(signed'(x_i[(u*4+g)*XBits+:XBits])) : PBits'(x_i[(u*4+g)*XBits+:XBits]);
      always_ff @(posedge clk_i) p_q[g] <= x + PBits'(signed'(r_i[(u*4+g)*SumBits+:SumBits]));

      tom_recurrent_function #(
        .InBits      (PBits),
        .GateFraction(GateFraction),
        .Lines       (Functions[g == 3 ? 1 : 0]),
        .MemFile     (g == 3 ? MemFile1 : MemFile0)
      ) u_function (
        .clk_i,
        .x_i(p_q[g]),
        .y_o(gate[g])
      );
    end

    logic signed [GateBits-1:0]     out_q[9];
    logic signed [GateBits+CellBits-1:0] kept_q;
    logic signed [CandidateBits-1:0] candidate_q;
    logic signed [NextBits-1:0]     sum_q;
    wire logic signed [NextBits-1:0] next = sum_q >>> NextShift;
    wire logic signed [GateBits-1:0] bent;
    logic signed [CandidateBits-1:0] prod_q;
    wire logic signed [HBits-1:0]   h = (HBits'(prod_q) + HBits'(1 << (HiddenShift - 1))) >>> HiddenShift;
    logic [HiddenBits-1:0]          h_q;

    always_ff @(posedge clk_i) begin
      kept_q      <= gate[2] * signed'(cells[u*CellBits+:CellBits]);
      candidate_q <= gate[0] * gate[3];
      sum_q       <= (NextBits'(kept_q) <<< Align) + NextBits'(candidate_q) + NextBits'(1 << (NextShift - 1));
      if (next > NextBits'((1 << (CellBits - 1)) - 1)) next_q[u] <= {1'b0, {(CellBits - 1){1'b1}}};
      else if (next < -NextBits'(1 << (CellBits - 1))) next_q[u] <= {1'b1, {(CellBits - 1){1'b0}}};
      else next_q[u] <= next[CellBits-1:0];
      out_q[0] <= gate[1];
      for (int unsigned i = 1; i < 9; i++) out_q[i] <= out_q[i-1];
      prod_q   <= out_q[8] * bent;
      if (h > HBits'((1 << (HiddenBits - 1)) - 1)) h_q <= {1'b0, {(HiddenBits - 1){1'b1}}};
      else if (h < -HBits'(1 << (HiddenBits - 1))) h_q <= {1'b1, {(HiddenBits - 1){1'b0}}};
      else h_q <= h[HiddenBits-1:0];
    end

    tom_recurrent_function #(
      .InBits      (CellBits),
      .GateFraction(GateFraction),
      .Lines       (Functions[2]),
      .MemFile     (MemFile2)
    ) u_bent (
      .clk_i,
      .x_i(next_q[u]),
      .y_o(bent)
    );

    assign h_o[u*HiddenBits+:HiddenBits] = h_q;
  end

endmodule

`default_nettype wire
