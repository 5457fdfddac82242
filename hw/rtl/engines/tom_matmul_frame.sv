// SPDX-License-Identifier: Apache-2.0
// The product of two streams: for every pixel of a, Groups products of a vector and a matrix made of a frame of b.
//
// Bit-exact with tomato/ops/matmul.py: y = (a - ZeroA) (b - ZeroB)^T if Transposed, else (a - ZeroA) (b - ZeroB).
// A ring of a few pixels of a and two frames of b (tom_frame_store) in front of Lanes x Outputs multipliers. Cycles per
// pixel of a: Groups * Folds * Beats. A frame of b is multiplied while the next one comes. Input 0 is a; a beat of b has
// Lanes codes if Transposed, else Outputs.

`include "tom_assert.svh"
`default_nettype none

module tom_matmul_frame #(
  parameter int unsigned Lanes       = 1,   // codes of a per beat
  parameter int unsigned Outputs     = 1,   // output codes per beat
  parameter int unsigned Groups      = 1,   // products of a pixel
  parameter int unsigned Beats       = 1,   // beats of a per group
  parameter int unsigned Folds       = 1,   // output beats per group
  parameter int unsigned Terms       = 1,   // terms of a sum: channels of a per group
  parameter bit          Transposed  = 0,   // the pixels of b are the results, else the terms
  parameter int unsigned APixels     = 1,   // pixels of a frame of a
  parameter int unsigned BPixels     = 1,   // pixels of a frame of b
  parameter int unsigned ABits       = 8,   // width of a code of a
  parameter bit          ASigned     = 1,   // a is two's complement
  parameter int signed   ZeroA       = 0,   // zero point of a
  parameter int unsigned ADiffBits   = 9,   // width of a - ZeroA
  parameter bit          ADiffSigned = 1,   // a - ZeroA is two's complement
  parameter int unsigned BBits       = 8,   // width of a code of b
  parameter bit          BSigned     = 1,   // b is two's complement
  parameter int signed   ZeroB       = 0,   // zero point of b
  parameter int unsigned BDiffBits   = 9,   // width of b - ZeroB, two's complement
  parameter int unsigned FieldBits   = 9,   // width of a factor, two's complement
  parameter int unsigned ProdBits    = 18,  // width of a product, two's complement
  parameter int unsigned AccBits     = 24,  // width of an output code
  parameter int unsigned Pack        = 1,   // results that share a DSP block; 0: multiply in LUTs
  parameter int unsigned Pixels      = 2,   // pixels of a in the ring
  parameter int unsigned RingRam     = 0,   // memory kind of the ring: 0 LUTRAM, 1 block RAM, 2 UltraRAM
  parameter int unsigned StoreRam    = 0,   // memory kind of the frames of b

  localparam int unsigned BLanes = Transposed ? Lanes : Outputs,
  localparam int unsigned AW     = Lanes * ABits,
  localparam int unsigned BW     = BLanes * BBits,
  localparam int unsigned OutW   = Outputs * AccBits
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic [1:0]       in_valid_i,
  output wire logic [1:0]       in_ready_o,
  input  wire logic [AW+BW-1:0] in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [OutW-1:0]  out_data_o
);

  localparam int unsigned Banks = Transposed ? Outputs : Lanes;
  localparam int unsigned Products = Lanes * Outputs;
  localparam int unsigned Early = 4 + tom_booth_pkg::waits(0, Pack, 0, ADiffBits, ADiffSigned, FieldBits);  // read to product
  localparam int unsigned Latency = tom_window_pkg::latency() + Early + tom_pkg::quad_stages(Lanes) + 1;
  localparam int unsigned Depth = tom_pkg::ceil_div(Latency + 1, Beats) + 4;  // results on their way or waiting
  localparam int unsigned Rest = Terms - (Beats - 1) * Lanes;  // lanes of the last read of a pass that count

  // ---------------------------------------------------------------- codes, less their zero points

  wire logic [1:0]    valid, ready;
  wire logic [AW-1:0] a;
  wire logic [BW-1:0] b;
  logic [Lanes-1:0][ADiffBits-1:0]  a_diff;
  logic [BLanes-1:0][BDiffBits-1:0] b_diff;

  tom_register #(
    .Width(AW)
  ) u_a (
    .clk_i,
    .rst_i,
    .in_valid_i (in_valid_i[0]),
    .in_ready_o (in_ready_o[0]),
    .in_data_i  (in_data_i[AW-1:0]),
    .out_valid_o(valid[0]),
    .out_ready_i(ready[0]),
    .out_data_o (a)
  );

  tom_register #(
    .Width(BW)
  ) u_b (
    .clk_i,
    .rst_i,
    .in_valid_i (in_valid_i[1]),
    .in_ready_o (in_ready_o[1]),
    .in_data_i  (in_data_i[AW+BW-1:AW]),
    .out_valid_o(valid[1]),
    .out_ready_i(ready[1]),
    .out_data_o (b)
  );

  always_comb begin
    for (int unsigned l = 0; l < Lanes; l++) begin
      a_diff[l] = (ASigned ? ADiffBits'(signed'(a[l*ABits+:ABits])) : ADiffBits'(a[l*ABits+:ABits]))
          - ADiffBits'(ZeroA);
    end
    for (int unsigned l = 0; l < BLanes; l++) begin
      b_diff[l] = (BSigned ? BDiffBits'(signed'(b[l*BBits+:BBits])) : BDiffBits'(b[l*BBits+:BBits]))
          - BDiffBits'(ZeroB);
    end
  end

  // ---------------------------------------------------------------- pixels of a, frames of b

  wire logic room, there, start;
  wire logic win_valid, win_first, win_last;
  wire logic [Lanes*ADiffBits-1:0] win_data;
  wire logic [Banks-1:0][BLanes*BDiffBits-1:0] word;

  tom_window #(
    .Lanes  (Lanes),
    .Bits   (ADiffBits),
    .Beats  (Groups * Beats),
    .Groups (Groups),
    .Folds  (Folds),
    .Window (tom_window_pkg::pixel()),
    .Rows   (Pixels),
    .Columns(1),
    .Pixels (1),
    .Ram    (RingRam)
  ) u_window (
    .clk_i,
    .rst_i,
    .in_valid_i (valid[0]),
    .in_ready_o (ready[0]),
    .in_data_i  (a_diff),
    .available_i(room && there),
    .start_o    (start),
    .win_valid_o(win_valid),
    .win_first_o(win_first),
    .win_last_o (win_last),
    .win_data_o (win_data)
  );

  tom_frame_store #(
    .Lanes  (BLanes),
    .Bits   (BDiffBits),
    .Banks  (Banks),
    .Across (Transposed),
    .Groups (Groups),
    .Columns(Folds),
    .Rows   (Beats),
    .Pixels (BPixels),
    .Reads  (APixels),
    .Ram    (StoreRam)
  ) u_store (
    .clk_i,
    .rst_i,
    .in_valid_i (valid[1]),
    .in_ready_o (ready[1]),
    .in_data_i  (b_diff),
    .available_o(there),
    .start_i    (start),
    .read_i     (win_valid),
    .word_o     (word)
  );

  // ---------------------------------------------------------------- their products

  logic [Early-1:0] valid_q, first_q, last_q;
  logic [1:0][Lanes*ADiffBits-1:0] early_q;
  logic [Products-1:0][FieldBits-1:0] field_d, field_q;  // output, lane; the last fastest
  wire logic [ProdBits-1:0] product[Products];

  always_ff @(posedge clk_i) begin
    if (rst_i) valid_q <= '0;
    else valid_q <= {valid_q[Early-2:0], win_valid};
    first_q <= {first_q[Early-2:0], win_first};
    last_q  <= {last_q[Early-2:0], win_last};
    early_q <= {early_q[0], win_data};
    field_q <= field_d;
  end

  // Behind the last channel of a group lanes carry anything: there, factors are 0. Those that share a multiplier
  // borrow from each other, see tom_cells_multiply.
  always_comb begin
    for (int unsigned i = 0; i < Lanes; i++) begin
      automatic logic borrow = 1'b0;
      for (int unsigned o = 0; o < Outputs; o++) begin
        automatic logic [BDiffBits-1:0] code = Transposed
            ? word[o][i*BDiffBits+:BDiffBits] : word[i][o*BDiffBits+:BDiffBits];
        automatic logic [FieldBits-1:0] factor = FieldBits'(signed'(code));
        if (i >= Rest && last_q[0]) factor = '0;
        if (Pack > 1 && o % (Pack > 1 ? Pack : 1) != 0) factor -= FieldBits'(borrow);
        borrow = factor[FieldBits-1];
        field_d[o*Lanes+i] = factor;
      end
    end
  end

  tom_cells_multiply #(
    .Inputs    (Lanes),
    .Outputs   (Outputs),
    .Shared    (1),
    .InBits    (ADiffBits),
    .InSigned  (ADiffSigned),
    .FieldBits (FieldBits),
    .WeightBits(FieldBits),
    .ProdBits  (ProdBits),
    .Pack      (Pack)
  ) u_cells (
    .clk_i,
    .weight_i(field_q),
    .data_i  (early_q[1]),
    .prod_o  (product)
  );

  // ---------------------------------------------------------------- their sums

  wire logic acc_valid;
  wire logic [OutW-1:0] acc_data;

  tom_sums #(
    .Inputs  (Lanes),
    .Outputs (Outputs),
    .TermBits(ProdBits),
    .AccBits (AccBits)
  ) u_sums (
    .clk_i,
    .rst_i,
    .valid_i(valid_q[Early-1]),
    .first_i(first_q[Early-1]),
    .last_i (last_q[Early-1]),
    .term_i (product),
    .valid_o(acc_valid),
    .data_o (acc_data)
  );

  tom_queue #(
    .Width(OutW),
    .Depth(Depth)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(room),
    .take_i     (start),
    .in_valid_i (acc_valid),
    .in_data_i  (acc_data),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
