// SPDX-License-Identifier: Apache-2.0
// Simulation only: a memory behind AXI4 that is written and read, as slow and as unsteady as it is told to be.
//
// Bursts are taken and answered in order, INCR only. What is written is there when its answer is given, Latency cycles
// behind its last beat; what is read comes Latency cycles behind its address. Beats of both together come and go PerMille
// times in a thousand cycles. With +tom_pauses=N a port pauses in N of a thousand cycles, at random.

`default_nettype none

module tom_store #(
  parameter int unsigned DataBytes = 16,    // bytes of a beat, a power of two
  parameter int unsigned Words     = 1024,  // beats
  parameter bit [63:0]   Base      = '0,    // address of the first byte
  parameter int unsigned Latency   = 100,   // cycles, at least 2
  parameter int unsigned PerMille  = 1000,  // beats, of both directions, in a thousand cycles
  parameter bit [31:0]   Seed      = 1,     // of the pauses
  localparam int unsigned Bits = DataBytes * 8
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_i,

  input  wire logic                 awvalid_i,
  output wire logic                 awready_o,
  input  wire logic [63:0]          awaddr_i,
  input  wire logic [7:0]           awlen_i,
  input  wire logic                 wvalid_i,
  output wire logic                 wready_o,
  input  wire logic [Bits-1:0]      wdata_i,
  input  wire logic [DataBytes-1:0] wstrb_i,
  input  wire logic                 wlast_i,
  output wire logic                 bvalid_o,
  input  wire logic                 bready_i,
  output wire logic [1:0]           bresp_o,

  input  wire logic                 arvalid_i,
  output wire logic                 arready_o,
  input  wire logic [63:0]          araddr_i,
  input  wire logic [7:0]           arlen_i,
  output wire logic                 rvalid_o,
  input  wire logic                 rready_i,
  output wire logic [Bits-1:0]      rdata_o,
  output wire logic                 rlast_o,
  output wire logic [1:0]           rresp_o
);

  localparam int unsigned Full = 1000, Bursts = 64;
  localparam int unsigned IndexBits = Words > 1 ? $clog2(Words) : 1;

  typedef struct packed {
    logic [63:0] beat;  // the first one's index
    logic [7:0]  len;   // beats, less one
    logic [63:0] due;   // when it may be answered
  } burst_t;

  logic [Bits-1:0] mem[Words];
`ifdef TOM_ASSERTIONS
  logic [63:0] there[Words];  // the cycle in which it may be said to be written
  initial for (int unsigned i = 0; i < Words; i++) there[i] = '0;
`endif

  function automatic logic [31:0] following(logic [31:0] x);
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
  endfunction

  function automatic int unsigned behind(int unsigned at);
    return at == Bursts - 1 ? 0 : at + 1;
  endfunction

  int unsigned stall, seed;
  initial begin
    if (!$value$plusargs("tom_pauses=%d", stall)) stall = 0;
    if (!$value$plusargs("tom_pause_seed=%d", seed)) seed = 1;
  end

  burst_t      writes[Bursts], reads[Bursts];
  logic [63:0] answers[Bursts];
  int unsigned write_in_q, write_out_q, writes_q, read_in_q, read_out_q, reads_q, answer_in_q, answer_out_q, answers_q;
  logic [63:0] cycle_q;
  logic [31:0] random_q;
  logic [3:0]  go_q;         // which ports do not pause: AW, W, AR, R
  logic [7:0]  write_at_q, read_at_q;
  int unsigned allowed_q;
  logic        held_q;       // a beat that was offered stays

  wire burst_t write = writes[write_out_q];  // its due is that of an answer
  wire burst_t read = reads[read_out_q];
  wire logic [63:0] write_beat = write.beat + 64'(write_at_q);
  wire logic [63:0] read_beat = read.beat + 64'(read_at_q);

  assign awready_o = go_q[0] && writes_q < Bursts;
  assign arready_o = go_q[2] && reads_q < Bursts;
  assign rvalid_o  = held_q || (go_q[3] && reads_q != 0 && cycle_q >= read.due && allowed_q >= Full);
  assign wready_o  = go_q[1] && writes_q != 0 && answers_q < Bursts && allowed_q >= (rvalid_o ? 2 * Full : Full);
  assign rdata_o   = mem[read_beat[IndexBits-1:0]];
  assign rlast_o   = read_at_q == read.len;
  assign rresp_o   = read_beat >= 64'(Words) ? 2'b10 : 2'b00;
  assign bvalid_o  = answers_q != 0 && cycle_q >= answers[answer_out_q];
  assign bresp_o   = 2'b00;

  wire logic unused = &{1'b0, wstrb_i, wlast_i, write.due, write_beat};
  wire logic take = awvalid_i && awready_o;
  wire logic ask = arvalid_i && arready_o;
  wire logic store = wvalid_i && wready_o;
  wire logic give = rvalid_o && rready_i;
  wire logic answer = bvalid_o && bready_i;

  always_ff @(posedge clk_i) begin
    cycle_q   <= rst_i ? '0 : cycle_q + 1;
    random_q  <= rst_i ? following(following((Seed * 32'd2654435761 + seed) | 32'd1)) : following(random_q);
    held_q    <= !rst_i && rvalid_o && !rready_i;
    // What is not spent is lost, but for one beat: none comes much faster for having waited.
    allowed_q <= rst_i ? Full : allowed_q - 32'(store) * Full - 32'(give) * Full + (allowed_q < 2 * Full ? PerMille : 0);
    for (int i = 0; i < 4; i++) go_q[i] <= !rst_i && 32'(random_q[i*8+:8]) * 1000 / 256 >= stall;
    if (rst_i) begin
      {write_in_q, write_out_q, writes_q, read_in_q, read_out_q, reads_q} <= '0;
      {answer_in_q, answer_out_q, answers_q} <= '0;
      {write_at_q, read_at_q} <= '0;
    end else begin
      if (take) begin
        writes[write_in_q] <= '{beat: (awaddr_i - Base) / 64'(DataBytes), len: awlen_i, due: '0};
        write_in_q         <= behind(write_in_q);
      end
      if (ask) begin
        reads[read_in_q] <= '{beat: (araddr_i - Base) / 64'(DataBytes), len: arlen_i, due: cycle_q + 64'(Latency)};
        read_in_q        <= behind(read_in_q);
      end
      writes_q  <= writes_q + 32'(take) - 32'(store && write_at_q == write.len);
      reads_q   <= reads_q + 32'(ask) - 32'(give && rlast_o);
      answers_q <= answers_q + 32'(store && write_at_q == write.len) - 32'(answer);
      if (store) begin
        mem[write_beat[IndexBits-1:0]] <= wdata_i;
        write_at_q <= write_at_q == write.len ? '0 : write_at_q + 1'b1;
        if (write_at_q == write.len) begin
          write_out_q          <= behind(write_out_q);
          answers[answer_in_q] <= cycle_q + 64'(Latency);
          answer_in_q          <= behind(answer_in_q);
        end
`ifdef TOM_ASSERTIONS
        there[write_beat[IndexBits-1:0]] <= cycle_q + 64'(Latency);
        if (write_beat >= 64'(Words)) $fatal(1, "%m has no beat %0d", write_beat);
        if (wlast_i != (write_at_q == write.len)) $fatal(1, "%m got a burst that ends elsewhere");
        if (wstrb_i != '1) $fatal(1, "%m got part of a beat");
`endif
      end
`ifdef TOM_ASSERTIONS
      if (give && there[read_beat[IndexBits-1:0]] + 64'(Latency) > read.due) begin
        $fatal(1, "%m is read at beat %0d before it was said to be written", read_beat);
      end
`endif
      if (give) begin
        read_at_q <= rlast_o ? '0 : read_at_q + 1'b1;
        if (rlast_o) read_out_q <= behind(read_out_q);
      end
      if (answer) answer_out_q <= behind(answer_out_q);
    end
  end

endmodule

`default_nettype wire
