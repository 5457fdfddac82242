// SPDX-License-Identifier: Apache-2.0
// The sending end of a link between two boards: several streams of words share it, none holds up another.
//
// What goes out are packets, as AXI4-Stream with tlast: a header, then words of one stream. A header says in its low 32
// bits of which stream they are ([7:0]), how many ([15:8]), and the packet's number ([31:16]), by which the other end
// notices that one was lost. Words are sent only as far as there is room for them at the other end, tom_link_rx: it says
// how many of a stream it has passed on ([31:16] of a credit, of the stream in [7:0]), modulo 65,536, and says so for
// the first time when it is out of reset. So the link itself never waits for a reader, and streams cannot block each
// other. A packet has as many words as wait, at most Packet: where the link is what limits, Packet of Packet + 1.

`include "tom_assert.svh"
`default_nettype none

module tom_link_tx #(
  parameter int unsigned Streams  = 1,    // 1 to 256
  parameter int unsigned WordBits = 64,   // bits of a word, at least 32
  parameter int unsigned Room     = 256,  // words of a stream that the other end has room for
  parameter int unsigned Packet   = 32    // words of a packet, at most: 1 to 255
) (
  input  wire logic                        clk_i,
  input  wire logic                        rst_i,

  input  wire logic [Streams-1:0]          in_valid_i,
  output wire logic [Streams-1:0]          in_ready_o,
  input  wire logic [Streams*WordBits-1:0] in_data_i,

  output wire logic                        out_valid_o,
  input  wire logic                        out_ready_i,
  output wire logic [WordBits-1:0]         out_data_o,
  output wire logic                        out_last_o,

  input  wire logic                        credit_valid_i,  // always taken
  input  wire logic [31:0]                 credit_data_i
);

  `TOM_REQUIRE(streams, Streams >= 1 && Streams <= 256, "Streams must be 1 to 256")
  `TOM_REQUIRE(word, WordBits >= 32, "a word must hold a header of 32 bits")
  `TOM_REQUIRE(packet, Packet >= 1 && Packet <= 255, "Packet must be 1 to 255")
  `TOM_REQUIRE(room, Room < 32768, "Room must be less than half of what a credit counts")

  localparam int unsigned Depth = Packet < 2 ? 4 : 2 * Packet;  // words that wait here
  localparam int unsigned CountBits = tom_pkg::count_width(Depth + 1);
  localparam int unsigned IndexBits = tom_pkg::idx_width(Streams);

  wire logic [Streams-1:0]                valid, grant;
  wire logic [Streams-1:0][WordBits-1:0]  data;
  logic [Streams-1:0][7:0]                length_q;  // words of a stream's next packet
  logic [Streams-1:0]                     some_q;    // there are any
  logic [IndexBits-1:0]                   stream_q;  // whose packet it is
  logic [7:0]                             left_q;    // of its words
  logic [15:0]                            number_q;
  logic                                   valid_q, last_q;
  logic [WordBits-1:0]                    data_q;

  wire logic free = !valid_q || out_ready_i;
  wire logic begins = free && left_q == 0 && some_q != '0;
  wire logic moves = free && left_q != 0 && valid[stream_q];

  // The next stream behind the last one that has words to send; else the first.
  logic [IndexBits-1:0] next;
  always_comb begin
    next = '0;
    for (int i = int'(Streams) - 1; i >= 0; i--) if (some_q[i]) next = IndexBits'(i);
    for (int i = int'(Streams) - 1; i >= 0; i--) if (some_q[i] && i > int'(stream_q)) next = IndexBits'(i);
  end

  for (genvar s = 0; s < Streams; s++) begin : gen_stream
    localparam bit [7:0] Me = 8'(s);
    localparam bit [IndexBits-1:0] Index = IndexBits'(s);

    logic [CountBits-1:0] waiting_q;  // words that are in no packet yet
    logic [15:0]          sent_q;     // modulo 65,536: words in packets, and those that were passed on
    logic [15:0]          passed_q;
    logic                 open_q;     // the other end is there
    wire logic            push = in_valid_i[s] && in_ready_o[s];
    wire logic [15:0]     left = 16'(Room) - (sent_q - passed_q);  // words that it has room for

    function automatic logic [7:0] least(logic [CountBits-1:0] waiting, logic [15:0] room);
      automatic logic [7:0] most = 32'(waiting) < Packet ? 8'(waiting) : 8'(Packet);
      return 32'(room) < 32'(most) ? 8'(room) : most;
    endfunction

    assign grant[s] = begins && next == Index;

    tom_fifo #(
      .Width(WordBits),
      .Depth(Depth)
    ) u_fifo (
      .clk_i,
      .rst_i,
      .in_valid_i (in_valid_i[s]),
      .in_ready_o (in_ready_o[s]),
      .in_data_i  (in_data_i[s*WordBits+:WordBits]),
      .out_valid_o(valid[s]),
      .out_ready_i(moves && stream_q == Index),
      .out_data_o (data[s])
    );

    always_ff @(posedge clk_i) begin
      length_q[s] <= least(waiting_q, left);
      if (rst_i) begin
        waiting_q <= '0;
        sent_q    <= '0;
        passed_q  <= '0;
        open_q    <= 1'b0;
        some_q[s] <= 1'b0;
      end else begin
        waiting_q <= waiting_q + CountBits'(push) - (grant[s] ? CountBits'(length_q[s]) : '0);
        if (grant[s]) sent_q <= sent_q + 16'(length_q[s]);
        if (credit_valid_i && credit_data_i[7:0] == Me) begin
          passed_q <= credit_data_i[31:16];
          open_q   <= 1'b1;
        end
        some_q[s] <= open_q && waiting_q != '0 && left != '0 && !grant[s];
      end
    end

    `TOM_ALWAYS(credit, !credit_valid_i || credit_data_i[7:0] != Me || credit_data_i[31:16] - passed_q
                <= sent_q - passed_q, "more words were passed on than sent")
  end

  assign out_valid_o = valid_q;
  assign out_data_o  = data_q;
  assign out_last_o  = last_q;
  wire logic unused = &{1'b0, credit_data_i[15:8]};

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      valid_q  <= 1'b0;
      left_q   <= '0;
      number_q <= '0;
      stream_q <= '0;
    end else begin
      if (free) valid_q <= begins || moves;
      if (begins) begin
        stream_q <= next;
        left_q   <= length_q[next];
        number_q <= number_q + 1'b1;
      end else if (moves) begin
        left_q <= left_q - 1'b1;
      end
    end
    if (free) begin
      last_q <= moves && left_q == 8'd1;
      data_q <= left_q == 0 ? WordBits'({number_q, length_q[next], 8'(next)}) : data[stream_q];
    end
  end

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, {out_last_o, out_data_o})

endmodule

`default_nettype wire
