// SPDX-License-Identifier: Apache-2.0
// The receiving end of a link between two boards: every stream has a queue, so every word is taken at once.
//
// It tells the other end, tom_link_tx, how many words of a stream it has passed on: when that is out of reset, again and
// again until the first word comes, and from then on with every quarter of a queue. Room of both ends are alike; a stream
// goes at full speed where it is four thirds of the words that are on their way, there and back. Whatever is not as
// tom_link_tx sends it (a packet was lost, or begun before this end was reset) is an error, which stays until a reset.

`include "tom_assert.svh"
`default_nettype none

module tom_link_rx #(
  parameter int unsigned Streams  = 1,    // 1 to 256
  parameter int unsigned WordBits = 64,   // bits of a word, at least 32
  parameter int unsigned Room     = 256,  // words of a stream that wait here, at least 4
  parameter int unsigned Ram      = 0     // memory kind of what waits: 0 LUTRAM, 1 block RAM, 2 UltraRAM
) (
  input  wire logic                        clk_i,
  input  wire logic                        rst_i,

  input  wire logic                        in_valid_i,  // always taken
  input  wire logic [WordBits-1:0]         in_data_i,
  input  wire logic                        in_last_i,

  output wire logic                        credit_valid_o,
  input  wire logic                        credit_ready_i,
  output wire logic [31:0]                 credit_data_o,

  output wire logic [Streams-1:0]          out_valid_o,
  input  wire logic [Streams-1:0]          out_ready_i,
  output wire logic [Streams*WordBits-1:0] out_data_o,

  output wire logic                        error_o
);

  `TOM_REQUIRE(streams, Streams >= 1 && Streams <= 256, "Streams must be 1 to 256")
  `TOM_REQUIRE(word, WordBits >= 32, "a word must hold a header of 32 bits")
  `TOM_REQUIRE(room, Room >= 4 && Room < 32768, "Room must be at least 4, and less than half of what a credit counts")

  localparam int unsigned IndexBits = tom_pkg::idx_width(Streams);
  localparam int unsigned Told = Room / 4;     // words from one credit to the next
  localparam int unsigned AgainBits = 10;      // cycles from one to the next until a word comes: a power of two

  logic [7:0]           left_q;    // words of the packet
  logic [7:0]           stream_q;  // whose they are
  logic [15:0]          number_q;  // of the next packet
  logic                 push_q, error_q;
  logic [WordBits-1:0]  data_q;
  logic [AgainBits-1:0] again_q;

  wire logic header = in_valid_i && left_q == '0;
  wire logic [Streams-1:0] full, due;
  wire logic [Streams-1:0][15:0] passed;

  // The next stream behind the last one whose words must be told; else the first.
  logic [IndexBits-1:0] credited_q, next;
  logic                 credit_valid_q;
  logic [31:0]          credit_q;
  wire logic            tells = (!credit_valid_q || credit_ready_i) && due != '0;
  always_comb begin
    next = '0;
    for (int i = int'(Streams) - 1; i >= 0; i--) if (due[i]) next = IndexBits'(i);
    for (int i = int'(Streams) - 1; i >= 0; i--) if (due[i] && i > int'(credited_q)) next = IndexBits'(i);
  end

  for (genvar s = 0; s < Streams; s++) begin : gen_stream
    localparam bit [7:0] Me = 8'(s);
    localparam bit [IndexBits-1:0] Index = IndexBits'(s);

    logic [15:0] passed_q, told_q;  // modulo 65,536
    logic        due_q, come_q;     // a credit is due; a word has come
    wire logic   ready;
    wire logic   push = push_q && stream_q == Me;

    assign full[s]   = push && !ready;
    assign due[s]    = due_q;
    assign passed[s] = passed_q;

    tom_fifo #(
      .Width(WordBits),
      .Depth(Room),
      .Ram  (Ram)
    ) u_fifo (
      .clk_i,
      .rst_i,
      .in_valid_i (push),
      .in_ready_o (ready),
      .in_data_i  (data_q),
      .out_valid_o(out_valid_o[s]),
      .out_ready_i(out_ready_i[s]),
      .out_data_o (out_data_o[s*WordBits+:WordBits])
    );

    always_ff @(posedge clk_i) begin
      if (rst_i) begin
        passed_q <= '0;
        told_q   <= '0;
        due_q    <= 1'b1;
        come_q   <= 1'b0;
      end else begin
        come_q <= come_q || push;
        if (out_valid_o[s] && out_ready_i[s]) passed_q <= passed_q + 1'b1;
        if (tells && next == Index) begin
          told_q <= passed_q;
          due_q  <= 1'b0;
        end else if (32'(passed_q - told_q) >= Told || (!come_q && again_q == '1)) begin
          due_q <= 1'b1;
        end
      end
    end
  end

  assign credit_valid_o = credit_valid_q;
  assign credit_data_o  = credit_q;
  assign error_o        = error_q;

  always_ff @(posedge clk_i) begin
    data_q <= in_data_i;
    if (header) stream_q <= in_data_i[7:0];
    if (tells) credit_q <= {passed[next], 8'b0, 8'(next)};
    if (rst_i) begin
      left_q         <= '0;
      number_q       <= '0;
      push_q         <= 1'b0;
      error_q        <= 1'b0;
      again_q        <= '0;
      credited_q     <= '0;
      credit_valid_q <= 1'b0;
    end else begin
      again_q <= again_q + 1'b1;
      push_q  <= in_valid_i && left_q != '0;
      if (!credit_valid_q || credit_ready_i) credit_valid_q <= due != '0;
      if (tells) credited_q <= next;
      if (header) begin
        left_q   <= in_data_i[15:8];
        number_q <= in_data_i[31:16] + 1'b1;
      end else if (in_valid_i) begin
        left_q <= left_q - 1'b1;
      end
      if (header && (in_last_i || in_data_i[31:16] != number_q || in_data_i[15:8] == '0
                     || 32'(in_data_i[7:0]) >= Streams)) error_q <= 1'b1;
      if (in_valid_i && left_q != '0 && in_last_i != (left_q == 8'd1)) error_q <= 1'b1;
      if (full != '0) error_q <= 1'b1;
    end
  end

  `TOM_STREAM_STABLE(credit, credit_valid_o, credit_ready_i, credit_data_o)
  `TOM_ALWAYS(room, full == '0, "a word came for which there is no room")

endmodule

`default_nettype wire
