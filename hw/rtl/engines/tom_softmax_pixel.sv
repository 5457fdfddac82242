// SPDX-License-Identifier: Apache-2.0
// Softmax over runs of channels of every pixel, in steps of 2^-Fraction.
//
// Bit-exact with Softmax of tomato/ops/softmax.py: of the codes of a run, with m the greatest (or, falling, the least),
//   u = (|m - x| * Mult + half) >> Shift, whole = u >> PowerBits (Whole if |m - x| is Far or more),
//   p = 2^PowerBits * 2^-(rest of u), S = sum((p << (SumBits - PowerBits)) >> whole),
//   r = 2^(k + InverseBits + SumBits) / S, k the place of the leading one of S less SumBits,
//   y = (p * r + half) >> (InverseBits + PowerBits - Fraction + k + whole).
// p and r come from tables of lines; inputs of few bits have a table of p and whole for every |m - x| instead.
//
// Runs wait in a queue for their greatest code, and their powers in another for the sum. One beat per cycle, no
// bubbles; latency from the last beat of a run to its last result: two runs, 24 (Direct: 20) cycles and the stages of two trees over the lanes.

`include "tom_assert.svh"
`default_nettype none

module tom_softmax_pixel #(
  parameter int unsigned Lanes     = 1,   // codes per beat
  parameter int unsigned Channels  = 4,   // channels of a run
  parameter int unsigned InBits    = 8,   // width of an input code
  parameter bit          InSigned  = 1,   // inputs are two's complement
  parameter bit          Falls     = 0,   // the least code stands for the greatest real
  parameter bit          Direct    = 0,   // a table of p and whole for every depth, without Mult
  parameter int unsigned MultBits  = 17,  // width of Mult
  parameter int unsigned Mult      = 65536,  // steps of u per step of the input, times 2^Shift
  parameter int unsigned Shift     = 4,   // bits that a product loses
  parameter int unsigned Far       = 25,  // the least depth that counts as 0
  parameter int unsigned PowerBits = 16,  // bits behind the point of p and of u
  parameter int unsigned PowerIndexBits = 7,  // bits of u behind the point that choose a line
  parameter int unsigned PowerFallBits  = 9,  // width of what a line of powers falls
  parameter int unsigned SumBits   = 24,  // bits behind the point of S; Whole is one more
  parameter int unsigned InverseBits = 17,  // bits behind the point of r
  parameter int unsigned InverseIndexBits = 8,  // bits behind the leading one of S that choose a line
  parameter int unsigned InverseRestBits  = 9,  // bits behind these: the place on that line
  parameter int unsigned InverseFallBits  = 9,  // width of what a line of inverses falls
  parameter int unsigned Fraction  = 16,  // bits behind the point of a result
  parameter int unsigned Depth     = 24,  // beats that may wait for the greatest code: see Levels below
  parameter int unsigned PowerDepth = 40, // beats of powers that may wait for the sum: see Stages below
  parameter int unsigned Ram       = 0,   // memory of both: 0 LUTRAM, 1 block RAM, 2 UltraRAM
  parameter              MemFile0  = "",  // hexadecimal words: where a line begins (low) and what it falls; or p, whole
  parameter              MemFile1  = "",  // hexadecimal words: where a line begins (low) and what it falls

  localparam int unsigned OutBits = Fraction + 1,
  localparam int unsigned InW     = Lanes * InBits,
  localparam int unsigned OutW    = Lanes * OutBits
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
  localparam int unsigned KeyBits   = InBits + 1;                      // a code, the greatest one first, two's complement
  localparam int unsigned Whole     = SumBits + 1;                     // the exponent that counts as 0
  localparam int unsigned WholeBits = $clog2(Whole + 1);
  localparam int unsigned PBits     = PowerBits + 1;
  localparam int unsigned TermBits  = SumBits + 1;
  localparam int unsigned TotalBits = TermBits + $clog2(Channels);
  localparam int unsigned Places    = TotalBits - SumBits;             // that the leading one may have
  localparam int unsigned PlaceBits = tom_pkg::idx_width(Places);
  localparam int unsigned RBits     = InverseBits + 1;
  localparam int unsigned PowerRestBits = PowerBits - PowerIndexBits;
  localparam int unsigned LineBits  = PBits + (Direct ? WholeBits : PowerFallBits);
  localparam int unsigned LinesOfP  = 1 << (Direct ? InBits : PowerIndexBits);
  localparam int unsigned PairBits  = PBits + WholeBits;
  localparam int unsigned PairW     = Lanes * PairBits;
  localparam int unsigned PowerLatency = Direct ? 3 : 7;               // from a code to its power
  localparam int unsigned AmountBits = $clog2(Whole + Places);
  localparam int unsigned Latency   = 4;                               // of the last pipeline
  localparam int unsigned Levels    = $clog2(Lanes);                   // of the tree of maxima, 2 to 1
  localparam int unsigned Stages    = tom_pkg::quad_stages(Lanes);     // of the adder tree, 4 to 1
  localparam int unsigned SumLatency = PowerLatency + Stages + 1;      // from a code to the sum that it is part of

  `TOM_REQUIRE(depth, Depth >= Beats + Levels + 6, "Depth must be a run, Levels and 6 beats or more")
  `TOM_REQUIRE(power_depth, PowerDepth >= Beats + Stages + 20, "PowerDepth must be a run, Stages and 20 beats or more")
  `TOM_REQUIRE(places, InverseIndexBits + InverseRestBits <= SumBits, "r must read bits that a sum has")
  `TOM_REQUIRE(fraction, Fraction < SumBits, "what counts as 0 in a sum must be 0")

  (* ram_style = "registers", rom_style = "distributed" *) logic [LineBits-1:0] powers[LinesOfP];
  initial if (MemFile0 != "") $readmemh(MemFile0, powers);
  (* ram_style = "registers", rom_style = "distributed" *) logic [RBits+InverseFallBits-1:0] inverses[1 << InverseIndexBits];
  initial if (MemFile1 != "") $readmemh(MemFile1, inverses);

  function automatic logic signed [KeyBits-1:0] key(logic [InBits-1:0] code);
    logic signed [KeyBits-1:0] wide;
    wide = InSigned ? KeyBits'(signed'(code)) : KeyBits'(code);
    key  = Falls ? ~wide : wide;
  endfunction

  // Into the queue, and into the greatest code of a run.

  wire logic room;
  wire logic fire = in_valid_i && room;
  assign in_ready_o = room;

  wire logic           data_valid;
  wire logic [InW-1:0] data;
  wire logic           weigh;  // a beat leaves the first queue

  tom_fifo #(
    .Width(InW),
    .Depth(Depth),
    .Ram  (Ram)
  ) u_codes (
    .clk_i,
    .rst_i,
    .in_valid_i,
    .in_ready_o (room),
    .in_data_i,
    .out_valid_o(data_valid),
    .out_ready_i(weigh),
    .out_data_o (data)
  );

  logic [BeatBits-1:0] beat_q;
  wire logic           run_end = beat_q == BeatBits'(Beats - 1);
  logic [Levels:0]     beat_valid_q, first_q, last_q;  // of the beat in data_q and in the levels behind it
  logic                most_valid_q;
  logic [InW-1:0]      data_q;
  logic signed [KeyBits-1:0] keys[Lanes], beat_most[1], most_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      beat_q       <= '0;
      beat_valid_q <= '0;
      most_valid_q <= 1'b0;
    end else begin
      if (fire) beat_q <= run_end ? '0 : beat_q + 1'b1;
      beat_valid_q <= (Levels + 1)'({beat_valid_q, fire});
      most_valid_q <= beat_valid_q[Levels] && last_q[Levels];
    end
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_key
    assign keys[l] = last_q[0] && l >= Rest ? {1'b1, InBits'(0)} : key(data_q[l*InBits+:InBits]);
  end

  for (genvar s = 1; s <= Levels; s++) begin : gen_level
    localparam int unsigned Last = tom_pkg::ceil_div(Lanes, 1 << (s - 1));
    localparam int unsigned Next = tom_pkg::ceil_div(Last, 2);
    logic signed [KeyBits-1:0] given[Last], most_of_q[Next];

    if (s == 1) begin : gen_leaf
      assign given = keys;
    end else begin : gen_inner
      assign given = gen_level[s-1].most_of_q;
    end

    for (genvar n = 0; n < Next; n++) begin : gen_pair
      localparam int unsigned Other = 2 * n + 1 < Last ? 2 * n + 1 : 2 * n;
      always_ff @(posedge clk_i) most_of_q[n] <= given[2*n] > given[Other] ? given[2*n] : given[Other];
    end
  end

  if (Levels == 0) begin : gen_lane_alone
    assign beat_most = keys;
  end else begin : gen_most
    assign beat_most = gen_level[Levels].most_of_q;
  end

  always_ff @(posedge clk_i) begin
    data_q  <= in_data_i;
    first_q <= (Levels + 1)'({first_q, beat_q == '0});
    last_q  <= (Levels + 1)'({last_q, run_end});
    if (beat_valid_q[Levels] && (first_q[Levels] || beat_most[0] > most_q)) most_q <= beat_most[0];
  end

  wire logic                      most_valid;
  wire logic                      unused_most_room;  // only the assertion reads it: as many runs wait as have room
  wire logic signed [KeyBits-1:0] most;
  logic [BeatBits-1:0]            weigh_beat_q;
  wire logic                      weigh_end = weigh_beat_q == BeatBits'(Beats - 1);

  tom_fifo #(
    .Width(KeyBits),
    .Depth((Depth + 1) / Beats + 2),  // the runs of which beats wait
    .Ram  (0)
  ) u_most (
    .clk_i,
    .rst_i,
    .in_valid_i (most_valid_q),
    .in_ready_o (unused_most_room),
    .in_data_i  (most_q),
    .out_valid_o(most_valid),
    .out_ready_i(weigh && weigh_end),
    .out_data_o (most)
  );

  `TOM_ALWAYS(most, !most_valid_q || unused_most_room, "%m has no room for the greatest code of a run")

  // From codes to powers, into the second queue and into the sum.

  wire logic power_room;
  assign weigh = data_valid && most_valid && power_room;

  logic [InW-1:0]            code_q;
  logic signed [KeyBits-1:0] taken_q;
  logic [SumLatency-1:0]     power_valid_q, power_first_q, power_last_q;
  logic [PairW-1:0]          pair;
  logic [TermBits-1:0]       term_q[Lanes];
  logic [TotalBits-1:0]      part, total_q;
  logic                      total_valid_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      weigh_beat_q  <= '0;
      power_valid_q <= '0;
      total_valid_q <= 1'b0;
    end else begin
      if (weigh) weigh_beat_q <= weigh_end ? '0 : weigh_beat_q + 1'b1;
      power_valid_q <= {power_valid_q[SumLatency-2:0], weigh};
      total_valid_q <= power_valid_q[SumLatency-1] && power_last_q[SumLatency-1];
    end
  end

  always_ff @(posedge clk_i) begin
    code_q        <= data;
    taken_q       <= most;
    power_first_q <= {power_first_q[SumLatency-2:0], weigh_beat_q == '0};
    power_last_q  <= {power_last_q[SumLatency-2:0], weigh_end};
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_power
    logic [InBits-1:0]    depth_q;
    logic [PBits-1:0]     power_q;
    logic [WholeBits-1:0] whole_q;

    always_ff @(posedge clk_i) begin
      depth_q   <= InBits'(taken_q - key(code_q[l*InBits+:InBits]));
      term_q[l] <= power_last_q[PowerLatency-1] && l >= Rest ? '0
                 : TermBits'({power_q, (SumBits-PowerBits)'(0)}) >> whole_q;
    end

    if (Direct) begin : gen_direct
      always_ff @(posedge clk_i) {whole_q, power_q} <= powers[depth_q];
    end else begin : gen_lines
      localparam int unsigned ProdBits = (InBits + MultBits > Shift ? InBits + MultBits : Shift) + 1;
      localparam int unsigned UBits    = WholeBits + PowerBits;
      logic [3:0]               far_q;
      logic [ProdBits-1:0]      prod_q;
      logic [UBits-1:0]         u_q;
      logic [LineBits-1:0]      line_q;
      logic [PowerRestBits-1:0] rest_q;
      logic [WholeBits-1:0]     line_whole_q, fall_whole_q;
      logic [PowerFallBits+PowerRestBits-1:0] fall_q;
      logic [PBits-1:0]         begin_q;

      always_ff @(posedge clk_i) begin
        far_q        <= {far_q[2:0], 64'(depth_q) >= 64'(Far)};
        prod_q       <= ProdBits'(depth_q) * ProdBits'(MultBits'(Mult));
        u_q          <= UBits'((prod_q + ((ProdBits'(1) << Shift) >> 1)) >> Shift);
        line_q       <= powers[u_q[PowerRestBits+:PowerIndexBits]];
        rest_q       <= u_q[PowerRestBits-1:0];
        line_whole_q <= u_q[PowerBits+:WholeBits];
        begin_q      <= line_q[PBits-1:0];
        fall_q       <= line_q[PBits+:PowerFallBits] * rest_q;
        fall_whole_q <= line_whole_q;
        power_q      <= begin_q - PBits'(fall_q >> PowerRestBits);
        whole_q      <= far_q[3] ? WholeBits'(Whole) : fall_whole_q;
      end
    end

    assign pair[l*PairBits+:PairBits] = {whole_q, power_q};
  end

  for (genvar s = 1; s <= Stages; s++) begin : gen_stage
    localparam int unsigned Last = tom_pkg::ceil_div(Lanes, 1 << (2 * s - 2));
    localparam int unsigned Next = tom_pkg::ceil_div(Last, 4);
    localparam int unsigned LastBits = TermBits + 2 * (s - 1);
    logic [LastBits-1:0] given[Last];
    logic [LastBits+1:0] sum_d[Next], sum_q[Next];

    if (s == 1) begin : gen_leaf
      assign given = term_q;
    end else begin : gen_inner
      assign given = gen_stage[s-1].sum_q;
    end

    always_comb begin
      for (int unsigned n = 0; n < Next; n++) begin
        sum_d[n] = '0;
        for (int unsigned k = 0; k < 4; k++) if (4 * n + k < Last) sum_d[n] += (LastBits + 2)'(given[4*n+k]);
      end
    end

    always_ff @(posedge clk_i) sum_q <= sum_d;
  end

  if (Stages == 0) begin : gen_term_alone
    assign part = TotalBits'(term_q[0]);
  end else begin : gen_sum
    assign part = TotalBits'(gen_stage[Stages].sum_q[0]);
  end

  always_ff @(posedge clk_i) begin
    if (power_valid_q[SumLatency-1]) total_q <= (power_first_q[SumLatency-1] ? '0 : total_q) + part;
  end

  wire logic             pair_valid;
  wire logic             unused_pair_room;  // only the assertion reads it: credits keep it high
  wire logic [PairW-1:0] pairs;
  wire logic             go;

  tom_credit #(
    .Places(PowerDepth)
  ) u_credit (
    .clk_i,
    .rst_i,
    .take_i     (weigh),
    .give_i     (go),
    .available_o(power_room)
  );

  tom_fifo #(
    .Width(PairW),
    .Depth(PowerDepth),
    .Ram  (Ram)
  ) u_powers (
    .clk_i,
    .rst_i,
    .in_valid_i (power_valid_q[PowerLatency-1]),
    .in_ready_o (unused_pair_room),
    .in_data_i  (pair),
    .out_valid_o(pair_valid),
    .out_ready_i(go),
    .out_data_o (pairs)
  );

  `TOM_ALWAYS(powers, !power_valid_q[PowerLatency-1] || unused_pair_room, "%m has no room for powers")

  // From the sum to its inverse.

  localparam int unsigned BehindBits = InverseIndexBits + InverseRestBits;

  logic [4:0]             valid_q;
  logic [TotalBits-1:0]   placed_q;
  logic [PlaceBits-1:0]   place, place_q[5];
  logic [BehindBits-1:0]  behind_q;
  logic [RBits+InverseFallBits-1:0] low_line_q, high_line_q;  // of both halves of the table
  logic                   high_q;
  logic [InverseRestBits-1:0] inverse_rest_q;
  logic [InverseFallBits+InverseRestBits-1:0] inverse_fall_q;
  logic [RBits-1:0]       inverse_begin_q, inverse_q;

  always_comb begin
    place = '0;
    for (int unsigned b = 0; b < Places; b++) if (total_q[SumBits+b]) place = PlaceBits'(b);
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) valid_q <= '0;
    else valid_q <= {valid_q[3:0], total_valid_q};
  end

  wire logic [RBits+InverseFallBits-1:0] inverse_line = high_q ? high_line_q : low_line_q;

  always_ff @(posedge clk_i) begin
    place_q[0] <= place;
    for (int unsigned i = 1; i < 5; i++) place_q[i] <= place_q[i-1];
    placed_q        <= total_q;
    behind_q        <= BehindBits'((placed_q >> place_q[0]) >> (SumBits - BehindBits));
    low_line_q      <= inverses[{1'b0, behind_q[InverseRestBits+:InverseIndexBits-1]}];
    high_line_q     <= inverses[{1'b1, behind_q[InverseRestBits+:InverseIndexBits-1]}];
    high_q          <= behind_q[BehindBits-1];
    inverse_rest_q  <= behind_q[InverseRestBits-1:0];
    inverse_begin_q <= inverse_line[RBits-1:0];
    inverse_fall_q  <= inverse_line[RBits+:InverseFallBits] * inverse_rest_q;
    inverse_q       <= inverse_begin_q - RBits'(inverse_fall_q >> InverseRestBits);
  end

  localparam int unsigned FactBits = RBits + PlaceBits;

  wire logic                fact_valid;
  wire logic                unused_fact_room;  // only the assertion reads it: as many runs wait as have room
  wire logic [FactBits-1:0] fact;
  logic [BeatBits-1:0]      out_beat_q;
  wire logic                out_end = out_beat_q == BeatBits'(Beats - 1);

  tom_fifo #(
    .Width(FactBits),
    .Depth(PowerDepth / Beats + 2),  // the runs of which powers wait
    .Ram  (0)
  ) u_facts (
    .clk_i,
    .rst_i,
    .in_valid_i (valid_q[4]),
    .in_ready_o (unused_fact_room),
    .in_data_i  ({inverse_q, place_q[4]}),
    .out_valid_o(fact_valid),
    .out_ready_i(go && out_end),
    .out_data_o (fact)
  );

  `TOM_ALWAYS(facts, !valid_q[4] || unused_fact_room, "%m has no room for the inverse of a sum")

  // Out of the second queue, beat by beat.

  wire logic available;
  assign go = pair_valid && fact_valid && available;

  logic [Latency-1:0]  out_valid_q;
  logic [PairW-1:0]    pairs_q;
  logic [FactBits-1:0] fact_q;
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
    pairs_q <= pairs;
    fact_q  <= fact;
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_out
    wire logic [PBits-1:0]     power = pairs_q[l*PairBits+:PBits];
    wire logic [WholeBits-1:0] whole = pairs_q[l*PairBits+PBits+:WholeBits];
    logic [PBits+RBits-1:0]    prod_q;
    logic [AmountBits-1:0]     amount_q;
    // (prod + half a step) >> s is (prod >> (s - 1) + 1) >> 1.
    logic [OutBits:0]          twice_q;

    always_ff @(posedge clk_i) begin
      prod_q   <= (PBits + RBits)'(power) * (PBits + RBits)'(fact_q[PlaceBits+:RBits]);
      amount_q <= AmountBits'(whole) + AmountBits'(fact_q[PlaceBits-1:0]);
      twice_q  <= (OutBits + 1)'(prod_q >> (InverseBits + PowerBits - Fraction - 1)) >> amount_q;
      result_q[l*OutBits+:OutBits] <= OutBits'(((OutBits + 1)'(twice_q) + 1'b1) >> 1);
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
