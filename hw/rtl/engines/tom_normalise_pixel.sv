// SPDX-License-Identifier: Apache-2.0
// Normalise the channels of every pixel: y = (x - mean) / deviation, in steps of 2^-Fraction.
//
// Bit-exact with Normalise of tomato/ops/normalise.py: of the N channels of a pixel
//   d = N * x - S1, v = N * S2 - S1^2 + Epsilon, y = (d * r(v) + half) >>> s,
// S1 and S2 the sums of all channels and of their squares; not centred, S1 counts as 0. With p the place of the
// leading one of v, r(v) = 2^(p / 2 + RootBits) / sqrt(v) comes from a table of lines, s = p / 2 + RootBits - Fraction.
//
// Pixels wait in a queue for their sums; the pipeline that makes r of them is free to take a pixel every
// cycle. One beat per cycle, no bubbles; latency 21 from the last beat of a pixel to its first result.

`include "tom_assert.svh"
`default_nettype none

module tom_normalise_pixel #(
  parameter int unsigned Lanes     = 1,     // codes per beat
  parameter int unsigned Channels  = 4,     // channels of a pixel: N
  parameter int unsigned InBits    = 8,     // width of an input code
  parameter bit          InSigned  = 1,     // inputs are two's complement
  parameter int signed   Zero      = 0,     // the code that stands for 0
  parameter bit          Centred   = 1,     // the mean is taken away
  parameter              Epsilon   = 64'd1, // added to v, 64 bits
  parameter int unsigned SpreadBits = 30,   // width of v, two's complement
  parameter int unsigned IndexBits = 7,     // bits behind the leading one that choose a line of the table
  parameter int unsigned RestBits  = 9,     // bits behind these: the place on that line
  parameter int unsigned RootBits  = 16,    // bits behind the point of r
  parameter int unsigned FallBits  = 8,     // width of what a line falls
  parameter int unsigned Fraction  = 12,    // bits behind the point of a result
  parameter int unsigned OutBits   = 14,    // width of a result
  parameter int unsigned Depth     = 40,    // beats that may wait: more than two pixels and the latency
  parameter int unsigned Ram       = 0,     // memory of these: 0 LUTRAM, 1 block RAM, 2 UltraRAM
  parameter              MemFile   = "",    // hexadecimal words: where a line begins (low) and what it falls; even places first

  localparam int unsigned InW  = Lanes * InBits,
  localparam int unsigned OutW = Lanes * OutBits
) (
  input  wire logic            clk_i,
  input  wire logic            rst_i,

  input  wire logic            in_valid_i,
  output wire logic            in_ready_o,
  input  wire logic [InW-1:0]  in_data_i,

  output wire logic            out_valid_o,
  input  wire logic            out_ready_i,
  output wire logic [OutW-1:0] out_data_o
);

  localparam int unsigned Beats     = tom_pkg::ceil_div(Channels, Lanes);
  localparam int unsigned BeatBits  = tom_pkg::idx_width(Beats);
  localparam int unsigned Rest      = Channels - (Beats - 1) * Lanes;  // codes of the last beat
  localparam int unsigned ValueBits = InBits + 2;                      // a code less Zero, two's complement
  localparam int unsigned CountBits = $clog2(Channels + 1);
  localparam int unsigned SumBits   = ValueBits + CountBits;           // S1, and N * x
  localparam int unsigned SquareBits = 2 * ValueBits - 1;
  localparam int unsigned TotalBits = SquareBits + CountBits;          // S2
  localparam int unsigned PlaceBits = $clog2(SpreadBits);
  localparam int unsigned Groups    = tom_pkg::ceil_div(SpreadBits, 8); // of v: eight bits each
  localparam int unsigned BehindBits = IndexBits + RestBits;
  localparam int unsigned BeginBits = RootBits + 1;
  localparam int unsigned ProdBits  = SumBits + 1 + BeginBits + 1;
  localparam int unsigned Latency   = 5;                               // of the second pipeline

  // N times a number, by shifts and additions: N has few ones.
  function automatic logic signed [SpreadBits-1:0] many(logic signed [SpreadBits-1:0] x);
    many = '0;
    for (int unsigned b = 0; b < CountBits; b++) if (Channels[b]) many += x << b;
  endfunction

  `TOM_REQUIRE(depth, Depth >= 2 * Beats + 24, "Depth must be two pixels and 24 beats or more")

  (* ram_style = "registers", rom_style = "distributed" *) logic [BeginBits+FallBits-1:0] lines[2 << IndexBits];
  initial if (MemFile != "") $readmemh(MemFile, lines);

  // Into the queue, and into the sums.

  wire logic room;
  wire logic fire = in_valid_i && room;
  assign in_ready_o = room;

  wire logic             data_valid;
  wire logic [InW-1:0]   data;
  wire logic             go;
  logic [BeatBits-1:0]   out_beat_q;
  wire logic             out_end = out_beat_q == BeatBits'(Beats - 1);

  tom_fifo #(
    .Width(InW),
    .Depth(Depth),
    .Ram  (Ram)
  ) u_pixels (
    .clk_i,
    .rst_i,
    .in_valid_i,
    .in_ready_o (room),
    .in_data_i,
    .out_valid_o(data_valid),
    .out_ready_i(go),
    .out_data_o (data)
  );

  logic [BeatBits-1:0] beat_q;
  logic [11:3]         valid_q;                      // of the last beat of a pixel, stage by stage
  logic                any_q, first_q, last_q;       // of the beat in data_q
  logic [InW-1:0]      data_q;
  logic                squared_q, square_first_q, square_last_q;
  logic                summed_q, sum_first_q, sum_last_q;
  wire logic           pixel_end = beat_q == BeatBits'(Beats - 1);

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      beat_q    <= '0;
      any_q     <= 1'b0;
      squared_q <= 1'b0;
      summed_q  <= 1'b0;
      valid_q   <= '0;
    end else begin
      if (fire) beat_q <= pixel_end ? '0 : beat_q + 1'b1;
      any_q     <= fire;
      squared_q <= any_q;
      summed_q  <= squared_q;
      valid_q   <= {valid_q[10:3], summed_q && sum_last_q};
    end
  end

  always_ff @(posedge clk_i) begin
    data_q         <= in_data_i;
    first_q        <= beat_q == '0;
    last_q         <= pixel_end;
    square_first_q <= first_q;
    square_last_q  <= last_q;
    sum_first_q    <= square_first_q;
    sum_last_q     <= square_last_q;
  end

  logic signed [ValueBits-1:0]  value[Lanes];
  logic signed [ValueBits-1:0]  value_q[Lanes];
  logic signed [SquareBits-1:0] square_q[Lanes];
  logic signed [SumBits-1:0]    part, part_q, sum_q;
  logic signed [TotalBits:0]    squares, squares_q, total_q;

  for (genvar l = 0; l < Lanes; l++) begin : gen_in
    wire logic [InBits-1:0] code = data_q[l*InBits+:InBits];
    wire logic signed [ValueBits-1:0] wide = InSigned ? ValueBits'(signed'(code)) : ValueBits'(code);
    assign value[l] = last_q && l >= Rest ? '0 : wide - ValueBits'(Zero);
    always_ff @(posedge clk_i) begin
      value_q[l]  <= value[l];
      square_q[l] <= SquareBits'(value[l] * value[l]);
    end
  end

  always_comb begin
    part    = '0;
    squares = '0;
    for (int unsigned l = 0; l < Lanes; l++) begin
      part    += SumBits'(value_q[l]);
      squares += (TotalBits + 1)'(square_q[l]);
    end
  end

  always_ff @(posedge clk_i) begin
    part_q    <= part;
    squares_q <= squares;
    if (summed_q) begin
      sum_q   <= (sum_first_q ? '0 : sum_q) + part_q;
      total_q <= (sum_first_q ? '0 : total_q) + squares_q;
    end
  end

  // From the sums to the inverse of the root.

  logic signed [SumBits-1:0]    sums_q[8];
  logic signed [SpreadBits-1:0] square_of_sum_q, times_q;
  logic [SpreadBits-1:0]        spread_q, grouped_q, placed_q;
  logic [Groups-1:0]            any, any_group_q;
  logic [2:0]                   local_place[Groups], local_q[Groups];
  logic [PlaceBits-1:0]         place, place_q[5];
  logic [BehindBits-1:0]        behind_q;
  logic [BeginBits+FallBits-1:0] line_q;
  logic [RestBits-1:0]          rest_q;
  logic [FallBits+RestBits-1:0] fall_q;
  logic [BeginBits-1:0]         begin_q, root_q;

  // The place of the leading one: within every eight bits, then of these.
  for (genvar g = 0; g < Groups; g++) begin : gen_group
    wire logic [7:0] part_of = 8'(spread_q >> (8 * g));
    always_comb begin
      local_place[g] = '0;
      for (int unsigned b = 0; b < 8; b++) if (part_of[b]) local_place[g] = 3'(b);
    end
    assign any[g] = part_of != '0;
    always_ff @(posedge clk_i) local_q[g] <= local_place[g];
  end

  always_comb begin
    place = '0;
    for (int unsigned g = 0; g < Groups; g++) if (any_group_q[g]) place = PlaceBits'(8 * g) + PlaceBits'(local_q[g]);
  end

  wire logic signed [SumBits-1:0] taken = Centred ? sum_q : '0;
  wire logic [BehindBits-1:0] aligned = BehindBits'({placed_q, BehindBits'(0)} >> place_q[0]);

  always_ff @(posedge clk_i) begin
    sums_q[0] <= taken;
    for (int unsigned i = 1; i < 8; i++) sums_q[i] <= sums_q[i-1];
    for (int unsigned i = 1; i < 5; i++) place_q[i] <= place_q[i-1];
    square_of_sum_q <= SpreadBits'(taken) * SpreadBits'(taken);
    times_q         <= many(SpreadBits'(total_q));
    spread_q        <= times_q - square_of_sum_q + SpreadBits'(Epsilon);
    grouped_q       <= spread_q;
    any_group_q     <= any;
    placed_q        <= grouped_q;
    place_q[0]      <= place;
    behind_q        <= aligned;
    line_q          <= lines[{place_q[1][0], behind_q[RestBits+:IndexBits]}];
    rest_q          <= behind_q[RestBits-1:0];
    begin_q         <= line_q[BeginBits-1:0];
    fall_q          <= line_q[BeginBits+:FallBits] * rest_q;
    root_q          <= begin_q - BeginBits'(fall_q >> RestBits);
  end

  localparam int unsigned HalfBits = PlaceBits - 1;
  localparam int unsigned FactBits = SumBits + BeginBits + HalfBits;

  wire logic                fact_valid;
  wire logic                unused_room;  // only the assertion reads it: as many pixels wait as have room
  wire logic [FactBits-1:0] fact;

  tom_fifo #(
    .Width(FactBits),
    .Depth((Depth + 1) / Beats + 2),  // the pixels of which beats wait
    .Ram  (0)
  ) u_facts (
    .clk_i,
    .rst_i,
    .in_valid_i (valid_q[11]),
    .in_ready_o (unused_room),
    .in_data_i  ({sums_q[7], root_q, place_q[4][PlaceBits-1:1]}),
    .out_valid_o(fact_valid),
    .out_ready_i(go && out_end),
    .out_data_o (fact)
  );

  `TOM_ALWAYS(facts, !valid_q[11] || unused_room, "%m has no room for the sums of a pixel")

  // Out of the queue, beat by beat.

  wire logic available;
  assign go = data_valid && fact_valid && available;

  logic [Latency-1:0]  out_valid_q;
  logic [InW-1:0]      out_q;
  logic [FactBits-1:0] fact_q[3];
  logic [OutW-1:0]     result_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      out_beat_q  <= '0;
      out_valid_q <= '0;
    end else begin
      out_valid_q <= {out_valid_q[Latency-2:0], go};
      if (go) out_beat_q <= out_end ? '0 : out_beat_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    out_q     <= data;
    fact_q[0] <= fact;
    fact_q[1] <= fact_q[0];
    fact_q[2] <= fact_q[1];
  end

  wire logic signed [SumBits-1:0] out_sum = fact_q[0][FactBits-1-:SumBits];
  wire logic signed [BeginBits:0] out_root = {1'b0, fact_q[1][HalfBits+:BeginBits]};
  wire logic [HalfBits-1:0] half = fact_q[2][HalfBits-1:0];

  for (genvar l = 0; l < Lanes; l++) begin : gen_out
    wire logic [InBits-1:0] code = out_q[l*InBits+:InBits];
    wire logic signed [ValueBits-1:0] wide = InSigned ? ValueBits'(signed'(code)) : ValueBits'(code);
    logic signed [SumBits:0]    off_q;
    logic signed [ProdBits-1:0] prod_q;
    // (prod + half a step) >>> s is (prod >>> (s - 1) + 1) >>> 1.
    logic signed [OutBits+1:0] twice_q;

    always_ff @(posedge clk_i) begin
      off_q   <= (SumBits + 1)'(many(SpreadBits'(wide - ValueBits'(Zero)))) - (SumBits + 1)'(out_sum);
      prod_q  <= ProdBits'(off_q) * ProdBits'(out_root);
      twice_q <= (OutBits + 2)'((prod_q >>> (RootBits - Fraction - 1)) >>> half);
      result_q[l*OutBits+:OutBits] <= OutBits'((twice_q + (OutBits + 2)'(2'sd1)) >>> 1);
    end
  end

  tom_queue #(
    .Width(OutW),
    .Depth(Latency + 4)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (go),
    .in_valid_i (out_valid_q[Latency-1]),
    .in_data_i  (result_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
