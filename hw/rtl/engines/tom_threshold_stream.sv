// SPDX-License-Identifier: Apache-2.0
// Narrow a stream of accumulators: y = Lo + the number of thresholds <= x, thresholds per channel.
//
// Bit-exact with tomato/ops/threshold.py. One beat per cycle, latency 2 * Steps + 4. A binary search: each step
// finds one bit of the result, most significant first, and has its own memory, see tom_threshold_step.

`include "tom_assert.svh"
`default_nettype none

module tom_threshold_stream #(
  parameter int unsigned Lanes     = 1,   // codes per beat
  parameter int unsigned Beats     = 1,   // beats per pixel
  parameter int unsigned InBits    = 24,  // width of an input code
  parameter bit          InSigned  = 1,   // inputs are two's complement
  parameter int unsigned BoundBits = 24,  // width of a threshold, at least InBits; signed as the inputs are
  parameter int unsigned Steps     = 8,   // bits to find: there are at most 2^Steps - 1 thresholds
  parameter int unsigned OutBits   = 8,   // width of an output code
  parameter int signed   Lo        = 0,   // the result below all thresholds
  parameter int unsigned BlockFrom = 8,   // the first step whose memory is block RAM; before it, LUTs
  parameter              MemFile0  = "",  // hexadecimal words: the thresholds of each step,
  parameter              MemFile1  = "",  // one word of no meaning for steps that there are not
  parameter              MemFile2  = "",
  parameter              MemFile3  = "",  // likewise
  parameter              MemFile4  = "",
  parameter              MemFile5  = "",  // likewise
  parameter              MemFile6  = "",
  parameter              MemFile7  = "",  // likewise

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

  `TOM_REQUIRE(steps, 1 <= Steps && Steps <= 8, "Steps must be 1 to 8")
  `TOM_REQUIRE(bound, BoundBits >= InBits, "BoundBits must not be less than InBits")

  localparam int unsigned Latency = 2 * Steps + 2;
  localparam int unsigned BoundW = Lanes * BoundBits;
  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats);

  wire logic available;
  wire logic fire = in_valid_i && available;
  assign in_ready_o = available;

  logic [Latency-1:0]  valid_q;
  logic [BeatBits-1:0] next_beat_q, beat_q;
  logic [BoundW-1:0]   data_q;
  logic [OutW-1:0]     result_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      valid_q     <= '0;
      next_beat_q <= '0;
    end else begin
      valid_q <= {valid_q[Latency-2:0], fire};
      if (fire) next_beat_q <= next_beat_q == BeatBits'(Beats - 1) ? '0 : next_beat_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) beat_q <= next_beat_q;

  // What goes from step to step; the last one leaves the result.
  wire logic [BeatBits-1:0]    beat [Steps+1];
  wire logic [BoundW-1:0]      data [Steps+1];
  wire logic [Lanes*Steps-1:0] index[Steps+1];

  assign beat[0]  = beat_q;
  assign data[0]  = data_q;
  assign index[0] = '0;

  for (genvar s = 0; s < Steps; s++) begin : gen_step
    localparam int unsigned Known = Lanes * (s > 0 ? s : 1);
    localparam File = s == 0 ? MemFile0 : s == 1 ? MemFile1 : s == 2 ? MemFile2 : s == 3 ? MemFile3 :
                      s == 4 ? MemFile4 : s == 5 ? MemFile5 : s == 6 ? MemFile6 : MemFile7;
    wire logic [Lanes*(s+1)-1:0] found;

    tom_threshold_step #(
      .Lanes   (Lanes),
      .Beats   (Beats),
      .BeatBits(BeatBits),
      .Found   (s),
      .DataBits(BoundBits),
      .Signed  (InSigned),
      .Ram     (s < BlockFrom ? 0 : 1),
      .MemFile (File)
    ) u_step (
      .clk_i,
      .beat_i (beat[s]),
      .data_i (data[s]),
      .index_i(index[s][Known-1:0]),
      .beat_o (beat[s+1]),
      .data_o (data[s+1]),
      .index_o(found)
    );
    assign index[s+1] = (Lanes * Steps)'(found);
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    wire logic [InBits-1:0] code = in_data_i[l*InBits+:InBits];
    always_ff @(posedge clk_i) begin
      data_q[l*BoundBits+:BoundBits]  <= InSigned ? BoundBits'(signed'(code)) : BoundBits'(code);
      result_q[l*OutBits+:OutBits] <= OutBits'(Lo + 32'(index[Steps][l*Steps+:Steps]));
    end
  end

  tom_queue #(
    .Width(OutW),
    .Depth(Latency + 4)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (fire),
    .in_valid_i (valid_q[Latency-1]),
    .in_data_i  (result_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
