// SPDX-License-Identifier: Apache-2.0
// Both ends of a link, and the link, between sources that count and readers that check. Part of the bench of test_link.py.

`include "tom_assert.svh"
`default_nettype none

module tom_link_case #(
  parameter int unsigned Streams  = 1,   // of tom_link_tx, as all up to Packet
  parameter int unsigned WordBits = 64,
  parameter int unsigned Room     = 256,
  parameter int unsigned Packet   = 32,
  parameter int unsigned Width    = 8,   // of tom_pack, as Gather
  parameter int unsigned Gather   = 1,
  parameter int unsigned Latency  = 100, // of tom_link, as all below
  parameter int unsigned PerMille = 1000,
  parameter int unsigned Lost     = '1
) (
  input  wire logic                     clk_i,
  input  wire logic                     rst_i,
  input  wire logic                     rst_far_i,  // of the receiving end
  input  wire logic [Streams-1:0]       read_i,     // which readers read
  input  wire logic [31:0]              stall_i,    // cycles of a thousand that sources and readers pause, at random
  output wire logic [Streams-1:0][31:0] got_o,      // beats
  output wire logic [31:0]              wrong_o,    // of all streams
  output wire logic [31:0]              sent_o,     // words on the link, headers too
  output wire logic                     error_o
);

  function automatic logic [31:0] mixed(logic [31:0] x);
    x ^= x >> 16;
    x *= 32'h7feb352d;
    x ^= x >> 15;
    x *= 32'h846ca68b;
    return x ^ x >> 16;
  endfunction

  // The beat of that number: other bits in every 32 of them.
  function automatic logic [Width-1:0] content(int unsigned stream, int unsigned beat);
    automatic logic [31:0] word = '0;
    for (int unsigned i = 0; i < Width; i++) begin
      if (i % 32 == 0) word = mixed(beat * 64 + stream + i * 32'd40503 + 1);
      content[i] = word[i%32];
    end
  endfunction

  wire logic [Streams-1:0]               packed_valid, packed_ready, come_valid, come_ready, wrong;
  wire logic [Streams-1:0][WordBits-1:0] packed_data, come_data;
  wire logic                             out_valid, out_ready, out_last, far_valid, far_last;
  wire logic                             told_valid, told_ready, credit_valid, credit_last;
  wire logic [WordBits-1:0]              out_data, far_data;
  wire logic [31:0]                      told_data, credit_data;
  logic [Streams-1:0][31:0]              at_q, got_q;
  logic [31:0]                           cycle_q, wrong_q, sent_q;

  for (genvar s = 0; s < Streams; s++) begin : gen_stream
    logic             offered_q, ready_q;
    wire logic        ready, valid;
    wire logic [Width-1:0] data;

    assign wrong[s] = valid && ready_q && data != content(s, got_q[s]);

    tom_pack #(
      .Width   (Width),
      .WordBits(WordBits),
      .Gather  (Gather)
    ) u_pack (
      .clk_i,
      .rst_i,
      .in_valid_i (offered_q),
      .in_ready_o (ready),
      .in_data_i  (content(s, at_q[s])),
      .out_valid_o(packed_valid[s]),
      .out_ready_i(packed_ready[s]),
      .out_data_o (packed_data[s])
    );

    tom_unpack #(
      .Width   (Width),
      .WordBits(WordBits),
      .Gather  (Gather)
    ) u_unpack (
      .clk_i,
      .rst_i      (rst_far_i),
      .in_valid_i (come_valid[s]),
      .in_ready_o (come_ready[s]),
      .in_data_i  (come_data[s]),
      .out_valid_o(valid),
      .out_ready_i(ready_q),
      .out_data_o (data)
    );

    always_ff @(posedge clk_i) begin
      if (rst_i) begin
        offered_q <= 1'b0;
        at_q[s]   <= '0;
      end else begin
        if (!offered_q || ready) offered_q <= mixed(cycle_q * 128 + s) % 1000 >= stall_i;
        if (offered_q && ready) at_q[s] <= at_q[s] + 1;
      end
      ready_q <= !rst_far_i && read_i[s] && mixed(cycle_q * 128 + 64 + s) % 1000 >= stall_i;
      if (rst_far_i) got_q[s] <= '0;
      else if (valid && ready_q) got_q[s] <= got_q[s] + 1;
    end
  end

  tom_link_tx #(
    .Streams (Streams),
    .WordBits(WordBits),
    .Room    (Room),
    .Packet  (Packet)
  ) u_tx (
    .clk_i,
    .rst_i,
    .in_valid_i    (packed_valid),
    .in_ready_o    (packed_ready),
    .in_data_i     (packed_data),
    .out_valid_o   (out_valid),
    .out_ready_i   (out_ready),
    .out_data_o    (out_data),
    .out_last_o    (out_last),
    .credit_valid_i(credit_valid),
    .credit_data_i (credit_data)
  );

  tom_link #(
    .WordBits(WordBits),
    .Latency (Latency),
    .PerMille(PerMille),
    .Lost    (Lost)
  ) u_there (
    .clk_i,
    .rst_i,
    .in_valid_i (out_valid),
    .in_ready_o (out_ready),
    .in_data_i  (out_data),
    .in_last_i  (out_last),
    .out_valid_o(far_valid),
    .out_data_o (far_data),
    .out_last_o (far_last)
  );

  tom_link_rx #(
    .Streams (Streams),
    .WordBits(WordBits),
    .Room    (Room)
  ) u_rx (
    .clk_i,
    .rst_i         (rst_far_i),
    .in_valid_i    (far_valid),
    .in_data_i     (far_data),
    .in_last_i     (far_last),
    .credit_valid_o(told_valid),
    .credit_ready_i(told_ready),
    .credit_data_o (told_data),
    .out_valid_o   (come_valid),
    .out_ready_i   (come_ready),
    .out_data_o    (come_data),
    .error_o
  );

  tom_link #(
    .WordBits(32),
    .Latency (Latency),
    .PerMille(PerMille),
    .Seed    (2)
  ) u_back (
    .clk_i,
    .rst_i      (rst_far_i),
    .in_valid_i (told_valid),
    .in_ready_o (told_ready),
    .in_data_i  (told_data),
    .in_last_i  (1'b1),
    .out_valid_o(credit_valid),
    .out_data_o (credit_data),
    .out_last_o (credit_last)
  );

  always_ff @(posedge clk_i) begin
    cycle_q <= rst_i ? '0 : cycle_q + 1;
    wrong_q <= rst_i ? '0 : wrong_q + 32'($countones(wrong));
    sent_q  <= rst_i ? '0 : sent_q + 32'(out_valid && out_ready);
  end

  assign got_o   = got_q;
  assign wrong_o = wrong_q;
  assign sent_o  = sent_q;

  wire logic unused = credit_last;
  `TOM_ALWAYS(credit, !credit_valid || credit_last, "%m lost the end of a credit")

endmodule

`default_nettype wire
