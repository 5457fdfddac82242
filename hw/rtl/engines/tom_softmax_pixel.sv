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
// bubbles; latency from the last beat of a run to its last result: two runs, 24 cycles (Direct: 20), and the stages of
// two trees over the lanes.

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
  localparam int unsigned PairBits  = PBits + WholeBits;
  localparam int unsigned PairW     = Lanes * PairBits;
  localparam int unsigned PowerLatency = Direct ? 3 : 7;               // from a code to its power
  localparam int unsigned AmountBits = $clog2(Whole + Places);
  localparam int unsigned Latency   = 4;                               // of the last pipeline
  localparam int unsigned Levels    = $clog2(Lanes);                   // of the tree of maxima, 2 to 1
  localparam int unsigned Stages    = tom_pkg::quad_stages(Lanes);     // of the adder tree, 4 to 1

  `TOM_REQUIRE(depth, Depth >= Beats + Levels + 6, "Depth must be a run, Levels and 6 beats or more")
  `TOM_REQUIRE(power_depth, PowerDepth >= Beats + Stages + 20, "PowerDepth must be a run, Stages and 20 beats or more")
  `TOM_REQUIRE(fraction, Fraction < SumBits, "what counts as 0 in a sum must be 0")

  // A code, the greatest real the greatest.
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

  logic [BeatBits-1:0]            beat_q;
  wire logic                      run_end = beat_q == BeatBits'(Beats - 1);
  wire logic [Lanes*KeyBits-1:0]  keys;
  wire logic                      most_made;
  wire logic [KeyBits-1:0]        most_of_run;

  always_ff @(posedge clk_i) begin
    if (rst_i) beat_q <= '0;
    else if (fire) beat_q <= run_end ? '0 : beat_q + 1'b1;
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_key
    assign keys[l*KeyBits+:KeyBits] = key(in_data_i[l*InBits+:InBits]);
  end

  tom_most #(
    .Lanes(Lanes),
    .Rest (Rest),
    .Bits (KeyBits)
  ) u_greatest (
    .clk_i,
    .rst_i,
    .valid_i(fire),
    .first_i(beat_q == '0),
    .last_i (run_end),
    .data_i (keys),
    .valid_o(most_made),
    .most_o (most_of_run)
  );

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
    .in_valid_i (most_made),
    .in_ready_o (unused_most_room),
    .in_data_i  (most_of_run),
    .out_valid_o(most_valid),
    .out_ready_i(weigh && weigh_end),
    .out_data_o (most)
  );

  `TOM_ALWAYS(most, !most_made || unused_most_room, "%m has no room for the greatest code of a run")

  // From codes to powers, into the second queue and into the sum.

  wire logic power_room;
  assign weigh = data_valid && most_valid && power_room;

  logic [InW-1:0]            code_q;
  logic signed [KeyBits-1:0] taken_q;
  logic [PowerLatency:0]     power_valid_q, power_first_q, power_last_q;
  wire logic [PairW-1:0]     pair;
  logic [Lanes*TermBits-1:0] term_q;
  wire logic [TotalBits-1:0] total;
  wire logic                 total_made;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      weigh_beat_q  <= '0;
      power_valid_q <= '0;
    end else begin
      if (weigh) weigh_beat_q <= weigh_end ? '0 : weigh_beat_q + 1'b1;
      power_valid_q <= {power_valid_q[PowerLatency-1:0], weigh};
    end
  end

  always_ff @(posedge clk_i) begin
    code_q        <= data;
    taken_q       <= most;
    power_first_q <= {power_first_q[PowerLatency-1:0], weigh_beat_q == '0};
    power_last_q  <= {power_last_q[PowerLatency-1:0], weigh_end};
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_power
    logic [InBits-1:0]         depth_q;
    wire logic [PBits-1:0]     power;
    wire logic [WholeBits-1:0] whole;

    always_ff @(posedge clk_i) begin
      depth_q <= InBits'(taken_q - key(code_q[l*InBits+:InBits]));
      term_q[l*TermBits+:TermBits] <= power_last_q[PowerLatency-1] && l >= Rest ? '0
          : TermBits'({power, (SumBits-PowerBits)'(0)}) >> whole;
    end

    tom_power #(
      .DepthBits(InBits),
      .Direct   (Direct),
      .MultBits (MultBits),
      .Mult     (Mult),
      .Shift    (Shift),
      .Far      (Far),
      .Whole    (Whole),
      .PowerBits(PowerBits),
      .IndexBits(PowerIndexBits),
      .FallBits (PowerFallBits),
      .MemFile  (MemFile0)
    ) u_power (
      .clk_i,
      .depth_i(depth_q),
      .power_o(power),
      .whole_o(whole)
    );

    assign pair[l*PairBits+:PairBits] = {whole, power};
  end

  tom_total #(
    .Lanes    (Lanes),
    .Bits     (TermBits),
    .TotalBits(TotalBits)
  ) u_total (
    .clk_i,
    .rst_i,
    .valid_i(power_valid_q[PowerLatency]),
    .first_i(power_first_q[PowerLatency]),
    .last_i (power_last_q[PowerLatency]),
    .data_i (term_q),
    .valid_o(total_made),
    .total_o(total)
  );

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

  logic [4:0]                valid_q;
  wire logic [RBits-1:0]     inverse;
  wire logic [PlaceBits-1:0] place;

  always_ff @(posedge clk_i) begin
    if (rst_i) valid_q <= '0;
    else valid_q <= {valid_q[3:0], total_made};
  end

  tom_inverse #(
    .TotalBits  (TotalBits),
    .PointBits  (SumBits),
    .InverseBits(InverseBits),
    .IndexBits  (InverseIndexBits),
    .RestBits   (InverseRestBits),
    .FallBits   (InverseFallBits),
    .MemFile    (MemFile1)
  ) u_inverse (
    .clk_i,
    .total_i  (total),
    .inverse_o(inverse),
    .place_o  (place)
  );

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
    .in_data_i  ({inverse, place}),
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
