// SPDX-License-Identifier: Apache-2.0
// Concatenates streams over channels: of every pixel the beats of input 0, then those of input 1, and so on.
//
// Inputs may have narrower codes than the output. One output beat per cycle, latency 4.

`include "tom_assert.svh"
`default_nettype none

module tom_concat_stream #(
  parameter int unsigned Inputs   = 2,              // streams to concatenate, at least 2
  parameter int unsigned Lanes    = 1,              // codes per beat
  parameter              Beats    = {16'd3, 16'd1}, // beats per pixel of each input, 16 bits each, input 0 lowest
  parameter              InBits   = {8'd8, 8'd7},   // width of a code of each input, 8 bits each
  parameter              InSigned = 2'b11,          // which inputs are two's complement, a bit each
  parameter int unsigned OutBits  = 8,              // width of an output code

  localparam int unsigned InW  = Lanes * total_bits(Inputs),
  localparam int unsigned OutW = Lanes * OutBits
) (
  input  wire logic              clk_i,
  input  wire logic              rst_i,

  input  wire logic [Inputs-1:0] in_valid_i,
  output wire logic [Inputs-1:0] in_ready_o,
  input  wire logic [InW-1:0]    in_data_i,

  output wire logic              out_valid_o,
  input  wire logic              out_ready_i,
  output wire logic [OutW-1:0]   out_data_o
);

  `TOM_REQUIRE(inputs, Inputs >= 2, "Inputs must be at least 2")

  function automatic int unsigned bits_of(int unsigned i);
    return 32'(InBits >> (8 * i)) & 32'hff;
  endfunction

  // Bits per lane of the first `count` inputs.
  function automatic int unsigned total_bits(int unsigned count);
    total_bits = 0;
    for (int unsigned i = 0; i < count; i++) total_bits += bits_of(i);
  endfunction

  localparam int unsigned Latency = 1;
  localparam logic [16*Inputs-1:0] AllBeats = (16 * Inputs)'(Beats);
  localparam logic [Inputs-1:0] AllSigned = Inputs'(InSigned);

  wire logic              available;
  wire logic [Inputs-1:0] valid;
  wire logic [OutW-1:0]   words[Inputs];

  logic [Inputs-1:0] turn_q;  // one-hot: the input whose beats are passing
  logic [15:0]       left_q;  // beats of it to come after this one
  logic              last_q;  // none to come
  logic              valid_q;
  logic [OutW-1:0]   word, word_q;
  logic [15:0]       next_beats;

  wire logic fire = (valid & turn_q) != '0 && available;
  wire logic [Inputs-1:0] next_turn = {turn_q[Inputs-2:0], turn_q[Inputs-1]};

  for (genvar i = 0; i < Inputs; i++) begin : gen_input
    localparam int unsigned Bits = bits_of(i);
    wire logic [Lanes*Bits-1:0] data;

    tom_register #(
      .Width(Lanes * Bits)
    ) u_register (
      .clk_i,
      .rst_i,
      .in_valid_i (in_valid_i[i]),
      .in_ready_o (in_ready_o[i]),
      .in_data_i  (in_data_i[Lanes*total_bits(i)+:Lanes*Bits]),
      .out_valid_o(valid[i]),
      .out_ready_i(turn_q[i] && available),
      .out_data_o (data)
    );

    for (genvar l = 0; l < Lanes; l++) begin : gen_lane
      wire logic [Bits-1:0] code = data[l*Bits+:Bits];
      assign words[i][l*OutBits+:OutBits] = AllSigned[i] ? OutBits'(signed'(code)) : OutBits'(code);
    end
  end

  always_comb begin
    word       = '0;
    next_beats = '0;
    for (int unsigned i = 0; i < Inputs; i++) begin
      word       |= turn_q[i] ? words[i] : '0;
      next_beats |= next_turn[i] ? AllBeats[i*16+:16] : '0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      turn_q  <= Inputs'(1);
      left_q  <= AllBeats[15:0] - 16'd1;
      last_q  <= AllBeats[15:0] == 16'd1;
      valid_q <= 1'b0;
    end else begin
      valid_q <= fire;
      if (fire && last_q) begin
        turn_q <= next_turn;
        left_q <= next_beats - 16'd1;
        last_q <= next_beats == 16'd1;
      end else if (fire) begin
        left_q <= left_q - 16'd1;
        last_q <= left_q == 16'd1;
      end
    end
  end

  always_ff @(posedge clk_i) word_q <= word;

  tom_queue #(
    .Width(OutW),
    .Depth(Latency + 4)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (fire),
    .in_valid_i (valid_q),
    .in_data_i  (word_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
