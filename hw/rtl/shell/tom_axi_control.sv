// SPDX-License-Identifier: Apache-2.0
// The registers of an accelerator: AXI4-Lite, laid out as HLS kernels have it, with counters for whoever debugs a board.
//
// Pointers of all masters, inputs first, then outputs, then the weights if there are any, then those of masters that are
// the accelerator's own and fetch weights all the time; the number of frames; from CountersAt what is only read. A start waits until every master takes a job, and then gives it to all of them at once;
// so a start may be written while the run before it is still on its way. A start of no frames is done at once.
// A start with bit 31 of the number of frames set begins a new sequence: when nothing runs any more, the accelerator is
// held in reset for 16 cycles, 16 more pass, and it is started; weights that a master reads are read again. Weights are
// fetched from the first start on; in front of that reset until no burst is on its way, and from the start behind it on.
// board/registers.json lists every register.

`include "tom_assert.svh"
`default_nettype none

module tom_axi_control #(
  parameter int unsigned Inputs     = 1,        // masters that read frames
  parameter int unsigned Outputs    = 1,        // masters that write frames
  parameter int unsigned Weights    = 0,        // 1 if a master reads weights, once, at the first start of a sequence
  parameter int unsigned Fetches    = 0,        // masters that fetch weights, which take no jobs
  parameter int unsigned FramesAt   = 'h28,     // address of the number of frames
  parameter int unsigned CountersAt = 'h100,    // address of the first counter, a multiple of 256
  parameter bit [31:0]   Build      = '0,       // what this accelerator was made from

  localparam int unsigned Masters = Inputs + Outputs + Weights,
  localparam int unsigned Pointers = Masters + Fetches
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_i,

  input  wire logic                  awvalid_i,
  output wire logic                  awready_o,
  input  wire logic [11:0]           awaddr_i,
  input  wire logic                  wvalid_i,
  output wire logic                  wready_o,
  input  wire logic [31:0]           wdata_i,
  input  wire logic [3:0]            wstrb_i,
  output wire logic                  bvalid_o,
  input  wire logic                  bready_i,
  output wire logic [1:0]            bresp_o,
  input  wire logic                  arvalid_i,
  output wire logic                  arready_o,
  input  wire logic [11:0]           araddr_i,
  output wire logic                  rvalid_o,
  input  wire logic                  rready_i,
  output wire logic [31:0]           rdata_o,
  output wire logic [1:0]            rresp_o,
  output wire logic                  interrupt_o,

  output wire logic                  start_o,      // a job for all inputs and outputs
  output wire logic                  load_o,       // a job for the weights
  input  wire logic [Masters-1:0]    job_ready_i,
  output wire logic [Pointers*64-1:0] address_o,
  output wire logic [31:0]           frames_o,
  output wire logic                  restart_o,    // the accelerator's reset, registered
  output wire logic                  fetch_o,      // addresses are there: weights may be fetched

  input  wire logic [Inputs+Weights-1:0] idle_i,   // a reader has given all that it was asked for
  input  wire logic [Masters-1:0]    error_i,
  input  wire logic                  fetch_idle_i,   // no burst of fetched weights is on its way
  input  wire logic                  fetch_error_i,  // some came with an error
  input  wire logic                  loaded_i,     // all weights are read
  input  wire logic                  shifted_i,    // an input's frames do not end where they should
  input  wire logic                  entered_i,    // an input gives a beat
  input  wire logic [Outputs-1:0]    frame_i,      // an output's frame ends
  input  wire logic [Outputs-1:0]    done_i,       // an output's run is in memory
  input  wire logic [Inputs-1:0]     starved_i,    // the accelerator waits for an input
  input  wire logic [Outputs-1:0]    blocked_i,    // the accelerator waits for an output
  output wire logic                  clear_o,      // a start while nothing runs: counts begin anew
  input  wire logic [Outputs*32-1:0] checksum_i
);

  localparam int unsigned PointersAt = 'h10;
  localparam int unsigned PointerStep = 'hC;
  localparam int unsigned StatusErrors = 8;  // first error bit of the status
  localparam int unsigned FetchError = 3;    // its error bit of all masters that fetch weights
  localparam int unsigned WaitsAt = 'h20;    // behind CountersAt
  localparam int unsigned SumsAt = WaitsAt + 4 * (Inputs + Outputs);
  localparam int unsigned RunBits = 3;       // of the number of runs that are on their way at a time
  localparam int unsigned FreshBit = 31;     // of the number of frames: the run begins a new sequence
  localparam int unsigned HoldBits = 5;      // the reset takes half of the cycles that they count, quiet follows

  `TOM_REQUIRE(masters, Masters <= 24, "the status has 24 error bits")
  `TOM_REQUIRE(pointers, FramesAt >= PointersAt + PointerStep * Pointers, "the number of frames lies on a pointer")
  `TOM_REQUIRE(counters, FramesAt + 4 <= CountersAt, "the counters lie on the arguments")

  // Writes: address and data may come in any order.
  logic        aw_q, w_q, b_q;
  logic [11:2] aw_addr_q;
  logic [31:0] w_data_q;
  logic [3:0]  w_strb_q;
  wire logic   write = aw_q && w_q && !b_q;

  assign awready_o = !aw_q;
  assign wready_o  = !w_q;
  assign bvalid_o  = b_q;
  assign bresp_o   = 2'b00;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      aw_q <= 1'b0;
      w_q  <= 1'b0;
      b_q  <= 1'b0;
    end else begin
      aw_q <= !write && (aw_q || awvalid_i);
      w_q  <= !write && (w_q || wvalid_i);
      b_q  <= write || (b_q && !bready_i);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!aw_q) aw_addr_q <= awaddr_i[11:2];
    if (!w_q) {w_strb_q, w_data_q} <= {wstrb_i, wdata_i};
  end

  function automatic logic [31:0] merged(logic [31:0] old, logic [31:0] data, logic [3:0] strobe);
    for (int unsigned i = 0; i < 4; i++) merged[i*8+:8] = strobe[i] ? data[i*8+:8] : old[i*8+:8];
  endfunction

  wire logic [11:0] write_at = {aw_addr_q, 2'b00};
  wire logic low_byte = write && w_strb_q[0];

  // Arguments.
  logic [Pointers*64-1:0] address_q;
  logic [31:0]            frames_q;
  assign address_o = address_q;
  assign frames_o  = {1'b0, frames_q[FreshBit-1:0]};

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      address_q <= '0;
      frames_q  <= '0;
    end else if (write) begin
      for (int unsigned i = 0; i < 2 * Pointers; i++) begin
        if (write_at == 12'(PointersAt + PointerStep * (i / 2) + 4 * (i % 2)))
          address_q[i*32+:32] <= merged(address_q[i*32+:32], w_data_q, w_strb_q);
      end
      if (write_at == 12'(FramesAt)) frames_q <= merged(frames_q, w_data_q, w_strb_q);
    end
  end

  // Runs: a start waits in start_q, runs_q are on their way.
  logic                        start_q, again_q, asked_q;  // asked_q: for the weights
  logic [RunBits-1:0]          runs_q;
  logic [Outputs*RunBits-1:0]  ended_q;                    // runs that each output has ended, and not yet all
  logic                        fresh_q, reset_q;         // fresh_q: the reset that the start asks for was given
  logic [HoldBits-1:0]         hold_q;
  wire logic                   none = frames_o == '0;
  wire logic                   busy = runs_q != '0;
  wire logic                   held = hold_q != '0 || (frames_q[FreshBit] && !fresh_q);
  wire logic                   waiting = start_q && !held;
  wire logic                   quiet = start_q && hold_q == '0 && held && !busy && &idle_i;
  wire logic                   still;  // no weights are fetched
  wire logic                   renew = quiet && still;
  wire logic                   nothing = waiting && none && !busy;
  wire logic                   accept = nothing || (waiting && !none && &job_ready_i && runs_q != '1);
  logic                        all_ended;
  wire logic                   done = all_ended || nothing;

  assign start_o = accept && !none;
  assign load_o  = start_o && !asked_q;
  assign clear_o = accept && !busy;
  assign restart_o = reset_q;

  always_comb begin
    all_ended = 1'b1;
    for (int unsigned i = 0; i < Outputs; i++) all_ended &= ended_q[i*RunBits+:RunBits] != '0;
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      start_q <= 1'b0;
      fresh_q <= 1'b0;
      hold_q  <= '0;
      reset_q <= 1'b0;
      again_q <= 1'b0;
      asked_q <= 1'b0;
      runs_q  <= '0;
      ended_q <= '0;
    end else begin
      start_q <= (start_q && (!accept || again_q)) || (low_byte && write_at == '0 && w_data_q[0]);
      if (low_byte && write_at == '0) again_q <= w_data_q[7];
      asked_q <= !renew && (asked_q || start_o);
      fresh_q <= !accept && (fresh_q || renew);
      hold_q  <= renew ? '1 : hold_q - HoldBits'(hold_q != '0);
      reset_q <= hold_q[HoldBits-1];
      runs_q  <= runs_q + RunBits'(start_o) - RunBits'(all_ended);
      for (int unsigned i = 0; i < Outputs; i++) begin
        ended_q[i*RunBits+:RunBits] <= ended_q[i*RunBits+:RunBits] + RunBits'(done_i[i]) - RunBits'(all_ended);
      end
    end
  end

  // Weights are fetched from a start on until a new sequence begins.
  wire logic [3:0] clears = write && write_at == 12'(CountersAt) ? w_strb_q : '0;
  wire logic       fetch_error;

  if (Fetches != 0) begin : gen_fetch
    logic go_q, error_q;
    assign fetch_o     = go_q;
    assign still       = fetch_idle_i && !go_q;
    assign fetch_error = error_q;

    always_ff @(posedge clk_i) begin
      go_q    <= !rst_i && !quiet && (go_q || start_o);
      error_q <= !rst_i && (fetch_error_i || (error_q && !(clears[0] && w_data_q[FetchError])));
    end
  end else begin : gen_none
    assign fetch_o     = 1'b0;
    assign still       = 1'b1;
    assign fetch_error = 1'b0;
    wire logic unused_fetch = &{1'b0, fetch_idle_i, fetch_error_i};
  end

  // What the processor is told: done and ready until they are read, interrupts until they are cleared.
  logic       done_q, ready_q, global_q;
  logic [1:0] enable_q, pending_q;
  wire logic  read = arvalid_i && arready_o;
  wire logic  read_control = read && araddr_i[11:2] == '0;
  wire logic [1:0] cleared = low_byte && write_at == 12'h00C ? w_data_q[1:0] : 2'b00;

  assign interrupt_o = global_q && pending_q != '0;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      done_q    <= 1'b0;
      ready_q   <= 1'b0;
      global_q  <= 1'b0;
      enable_q  <= '0;
      pending_q <= '0;
    end else begin
      done_q  <= done || (done_q && !read_control);
      ready_q <= accept || (ready_q && !read_control);
      if (low_byte && write_at == 12'h004) global_q <= w_data_q[0];
      if (low_byte && write_at == 12'h008) enable_q <= w_data_q[1:0];
      // As HLS has it: a one toggles. What happens in that cycle is not lost.
      pending_q <= (pending_q ^ cleared) | ({accept, done} & enable_q);
    end
  end

  // Counters. Frames are timed where those of the first output end.
  logic [Masters-1:0]               errors_q;
  logic [31:0]                      done_frames_q, done_runs_q, since_q, last_q, least_q, most_q, latency_q;
  logic [(Inputs+Outputs)*32-1:0]   waits_q;
  logic                             timed_q, armed_q, first_q;  // first_q: the first frame is on its way
  wire logic [31:0]                 next = since_q + 1'b1;
  wire logic [Inputs+Outputs-1:0]   waits = {blocked_i, starved_i};

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      errors_q      <= '0;
      done_frames_q <= '0;
      done_runs_q   <= '0;
    end else begin
      for (int unsigned i = 0; i < Masters; i++) begin
        errors_q[i] <= error_i[i] ||
          (errors_q[i] && !(clears[(StatusErrors + i) / 8] && w_data_q[StatusErrors+i]));
      end
      if (frame_i[0]) done_frames_q <= done_frames_q + 1'b1;
      if (done) done_runs_q <= done_runs_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_i || clear_o) begin
      since_q   <= '0;
      last_q    <= '0;
      least_q   <= '1;
      most_q    <= '0;
      latency_q <= '0;
      waits_q   <= '0;
      timed_q   <= 1'b0;
      armed_q   <= !rst_i;
      first_q   <= 1'b0;
    end else begin
      since_q <= frame_i[0] ? '0 : next;
      timed_q <= timed_q || frame_i[0];
      if (frame_i[0] && timed_q) begin
        last_q <= next;
        if (next < least_q) least_q <= next;
        if (next > most_q) most_q <= next;
      end
      if (armed_q && entered_i) armed_q <= 1'b0;
      first_q <= (first_q || (armed_q && entered_i)) && !frame_i[0];
      if (first_q || (armed_q && entered_i)) latency_q <= latency_q + 1'b1;
      for (int unsigned i = 0; i < Inputs + Outputs; i++) begin
        if (waits[i] && busy) waits_q[i*32+:32] <= waits_q[i*32+:32] + 1'b1;
      end
    end
  end

  // Reads.
  logic [31:0] found;
  wire logic [11:0] read_at = {araddr_i[11:2], 2'b00};
  wire logic idle = !busy && !start_q;

  always_comb begin
    unique0 case (read_at)
      12'h000: found = {24'b0, again_q, 3'b0, ready_q, idle, done_q, start_q};
      12'h004: found = {31'b0, global_q};
      12'h008: found = {30'b0, enable_q};
      12'h00C: found = {30'b0, pending_q};
      12'(FramesAt): found = frames_q;
      12'(CountersAt + 'h00): found = 32'({errors_q, 4'b0, fetch_error, shifted_i, loaded_i, busy});
      12'(CountersAt + 'h04): found = Build;
      12'(CountersAt + 'h08): found = done_frames_q;
      12'(CountersAt + 'h0C): found = done_runs_q;
      12'(CountersAt + 'h10): found = last_q;
      12'(CountersAt + 'h14): found = least_q;
      12'(CountersAt + 'h18): found = most_q;
      12'(CountersAt + 'h1C): found = latency_q;
      default: found = '0;
    endcase
    for (int unsigned i = 0; i < 2 * Pointers; i++) begin
      if (read_at == 12'(PointersAt + PointerStep * (i / 2) + 4 * (i % 2))) found = address_q[i*32+:32];
    end
    for (int unsigned i = 0; i < Inputs + Outputs; i++) begin
      if (read_at == 12'(CountersAt + WaitsAt + 4 * i)) found = waits_q[i*32+:32];
    end
    for (int unsigned i = 0; i < Outputs; i++) begin
      if (read_at == 12'(CountersAt + SumsAt + 4 * i)) found = checksum_i[i*32+:32];
    end
  end

  logic        r_q;
  logic [31:0] r_data_q;
  assign arready_o = !r_q;
  assign rvalid_o  = r_q;
  assign rdata_o   = r_data_q;
  assign rresp_o   = 2'b00;

  always_ff @(posedge clk_i) begin
    if (rst_i) r_q <= 1'b0;
    else r_q <= read || (r_q && !rready_i);
  end

  always_ff @(posedge clk_i) if (read) r_data_q <= found;

  wire logic unused_low = &{1'b0, awaddr_i[1:0], araddr_i[1:0]};

endmodule

`default_nettype wire
