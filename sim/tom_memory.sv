// SPDX-License-Identifier: Apache-2.0
// Simulation only: a memory behind a read port of AXI4, as slow and as unsteady as it is told to be.
//
// Bursts are answered in order, INCR only, from whole beats on. What lies beside the memory, or crosses 4 KB, stops a
// simulation that is checked; in others its beats come with an error.

`default_nettype none

module tom_memory #(
  parameter int unsigned DataBytes     = 8,     // bytes of a beat, a power of two
  parameter int unsigned Words         = 1024,  // beats
  parameter              File          = "",    // hexadecimal beats, one a line
  parameter bit [63:0]   Base          = '0,    // address of the first byte
  parameter int unsigned Latency       = 100,   // cycles from an address to its first beat, at least: no fewer than 2
  parameter int unsigned PerMille      = 1000,  // beats that come in a thousand cycles, spread evenly
  parameter int unsigned RefreshEvery  = 0,     // cycles from one pause to the next; 0: there is none
  parameter int unsigned RefreshFor    = 0,     // cycles of a pause
  parameter int unsigned Outstanding   = 32,    // bursts that it takes before it makes the master wait
  parameter int unsigned StallPerMille = 0,     // cycles of a thousand, at random, that AR and R pause
  parameter bit [31:0]   Seed          = 1,     // of those; not 0
  parameter int unsigned Broken        = '1     // the beat that comes with an error; all ones: none does
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_i,

  input  wire logic                   arvalid_i,
  output wire logic                   arready_o,
  input  wire logic [63:0]            araddr_i,
  input  wire logic [7:0]             arlen_i,

  output wire logic                   rvalid_o,
  input  wire logic                   rready_i,
  output wire logic [DataBytes*8-1:0] rdata_o,
  output wire logic                   rlast_o,
  output wire logic [1:0]             rresp_o
);

  localparam int unsigned Full = 1000;  // what a beat costs
  localparam int unsigned IndexBits = Words > 1 ? $clog2(Words) : 1;
  localparam bit [63:0] Size = 64'(Words) * 64'(DataBytes);
  localparam bit [1:0] Okay = 2'b00, SlvErr = 2'b10;

  typedef struct packed {
    logic [63:0] beat;   // index of the first one
    logic [7:0]  len;    // beats, less one
    logic [63:0] due;    // the cycle from which on it may come
    logic        wrong;  // it is not in this memory
  } burst_t;

  logic [DataBytes*8-1:0] mem[Words];
  initial if (File != "") $readmemh(File, mem);

  // Random numbers: two in a cycle, one for each channel.
  logic [31:0] random_q, other_q;

  function automatic logic [31:0] following(logic [31:0] x);
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
  endfunction

  wire logic stall_ar = int'(random_q % Full) < int'(StallPerMille);
  wire logic stall_r = int'(other_q % Full) < int'(StallPerMille);

  burst_t                 bursts[Outstanding];
  int unsigned            write_q, read_q, count_q;
  logic [63:0]            cycle_q;
  int unsigned            pause_q;    // cycles since the last pause began
  int unsigned            allowed_q;  // what may be spent on beats
  logic [7:0]             sent_q;     // beats of the burst that is answered
  logic                   valid_q, last_q, accepting_q;
  logic [1:0]             resp_q;
  logic [DataBytes*8-1:0] data_q;

  wire burst_t head = bursts[read_q];
  wire logic paused = RefreshEvery != 0 && int'(pause_q) < int'(RefreshFor);
  wire logic free = !valid_q || rready_i;
  wire logic give = free && count_q != 0 && cycle_q + 1 >= head.due && allowed_q >= Full && !paused && !stall_r;
  wire logic last = sent_q == head.len;
  wire logic take = arvalid_i && arready_o;
  wire logic [63:0] beat = head.beat + 64'(sent_q);

  wire logic [63:0] offset = araddr_i - Base;
  wire logic [63:0] bytes = (64'(arlen_i) + 1) * 64'(DataBytes);
  wire logic beside = offset > Size || bytes > Size - offset;  // an address below Base is a large offset
  wire logic wrong = beside || offset % 64'(DataBytes) != 0 || araddr_i % 4096 + bytes > 4096;

  assign arready_o = accepting_q && count_q < Outstanding;
  assign rvalid_o = valid_q;
  assign rdata_o = data_q;
  assign rlast_o = last_q;
  assign rresp_o = resp_q;

  always_ff @(posedge clk_i) begin
    random_q    <= rst_i ? Seed : following(random_q);
    other_q     <= rst_i ? following(~Seed) : following(other_q);
    cycle_q     <= rst_i ? '0 : cycle_q + 1;
    pause_q     <= rst_i || int'(pause_q) + 1 >= int'(RefreshEvery) ? 0 : pause_q + 1;
    // What is not spent is lost: no beat comes faster for having waited.
    allowed_q   <= rst_i ? Full : allowed_q - (give ? Full : 0) + (give || allowed_q < Full ? PerMille : 0);
    accepting_q <= !rst_i && !stall_ar;
    if (rst_i) begin
      write_q <= 0;
      read_q  <= 0;
      count_q <= 0;
      sent_q  <= '0;
      valid_q <= 1'b0;
    end else begin
      count_q <= count_q + 32'(take) - 32'(give && last);
      if (take) begin
        bursts[write_q] <= '{beat: offset / 64'(DataBytes), len: arlen_i, due: cycle_q + 64'(Latency), wrong: wrong};
        write_q         <= write_q == Outstanding - 1 ? 0 : write_q + 1;
`ifdef TOM_ASSERTIONS
        if (wrong) $fatal(1, "%m has no burst of %0d bytes at address 'h%h", bytes, araddr_i);
`endif
      end
      if (free) valid_q <= give;
      if (give) begin
        sent_q <= last ? '0 : sent_q + 1'b1;
        if (last) read_q <= read_q == Outstanding - 1 ? 0 : read_q + 1;
        last_q <= last;
        resp_q <= head.wrong || (Broken != '1 && beat == 64'(Broken)) ? SlvErr : Okay;
        data_q <= head.wrong ? '0 : mem[beat[IndexBits-1:0]];
      end
    end
  end

endmodule

`default_nettype wire
