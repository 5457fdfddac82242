// SPDX-License-Identifier: Apache-2.0
// Simulation only: one direction of a link between two boards, as long, as slow and as unsteady as it is told to be.
//
// It takes a word wherever its rate allows, and gives it Latency cycles later to an end that cannot make it wait. With
// +tom_pauses=N it takes none in N of a thousand cycles, at random; +tom_pause_seed=N says in which.

`default_nettype none

module tom_link #(
  parameter int unsigned WordBits = 64,
  parameter int unsigned Latency  = 100,   // cycles from one end to the other, at least 1
  parameter int unsigned PerMille = 1000,  // words that it carries in a thousand cycles, spread evenly
  parameter bit [31:0]   Seed     = 1,     // of the pauses, beside the one that is asked for
  parameter int unsigned Lost     = '1     // the word that gets lost on the way; all ones: none does
) (
  input  wire logic                clk_i,
  input  wire logic                rst_i,

  input  wire logic                in_valid_i,
  output wire logic                in_ready_o,
  input  wire logic [WordBits-1:0] in_data_i,
  input  wire logic                in_last_i,

  output wire logic                out_valid_o,
  output wire logic [WordBits-1:0] out_data_o,
  output wire logic                out_last_o
);

  localparam int unsigned Full = 1000;  // what a word costs

  typedef struct packed {
    logic [63:0]         due;  // the cycle in which it comes
    logic [WordBits-1:0] data;
    logic                last;
  } word_t;

  function automatic logic [31:0] following(logic [31:0] x);
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
  endfunction

  int unsigned stall, seed;
  initial begin
    if (!$value$plusargs("tom_pauses=%d", stall)) stall = 0;
    if (!$value$plusargs("tom_pause_seed=%d", seed)) seed = 1;
  end

  word_t       words[Latency+1];
  int unsigned write_q, read_q, count_q, allowed_q, taken_q;
  logic [63:0] cycle_q;
  logic [31:0] random_q;
  logic        pause_q;

  wire word_t head = words[read_q];
  wire logic take = in_valid_i && in_ready_o;
  wire logic keep = take && taken_q != Lost;

  assign in_ready_o  = !pause_q && allowed_q >= Full;
  assign out_valid_o = count_q != 0 && cycle_q >= head.due;
  assign out_data_o  = head.data;
  assign out_last_o  = head.last;

  always_ff @(posedge clk_i) begin
    cycle_q  <= rst_i ? '0 : cycle_q + 1;
    random_q <= rst_i ? following(following((Seed * 32'd2654435761 + seed) | 32'd1)) : following(random_q);
    pause_q  <= rst_i || random_q % Full < stall;
    // What is not spent is lost: no word goes faster for having waited.
    allowed_q <= rst_i ? Full : allowed_q - (take ? Full : 0) + (take || allowed_q < Full ? PerMille : 0);
    if (rst_i) begin
      write_q <= 0;
      read_q  <= 0;
      count_q <= 0;
      taken_q <= 0;
    end else begin
      count_q <= count_q + 32'(keep) - 32'(out_valid_o);
      taken_q <= taken_q + 32'(take);
      if (keep) begin
        words[write_q] <= '{due: cycle_q + 64'(Latency), data: in_data_i, last: in_last_i};
        write_q        <= write_q == Latency ? 0 : write_q + 1;
      end
      if (out_valid_o) read_q <= read_q == Latency ? 0 : read_q + 1;
    end
  end

endmodule

`default_nettype wire
