// SPDX-License-Identifier: Apache-2.0
// Frames to memory: takes them as a stream and writes them with bursts of AXI4, wherever they shall begin.
//
// A frame is Beats beats of BeatBytes bytes; frames lie one behind the other, and no byte beside them is touched. A job
// may wait behind another; it begins when the slave has answered for all of the one before. Errors of the slave are
// told, and the run comes to its end.

`include "tom_assert.svh"
`default_nettype none

module tom_axi_write #(
  parameter int unsigned DataBytes = 8,   // bytes of a beat of AXI4, a power of two
  parameter int unsigned BeatBytes = 1,   // bytes of a beat of the stream
  parameter int unsigned Beats     = 64,  // beats of a frame of the stream
  parameter int unsigned MaxBeats  = 16,  // beats of a burst
  parameter int unsigned Depth     = 64   // beats of AXI4 that wait, at least MaxBeats
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_i,

  input  wire logic                   job_valid_i,
  output wire logic                   job_ready_o,
  input  wire logic [63:0]            job_address_i,
  input  wire logic [31:0]            job_frames_i,   // at least one

  input  wire logic                   in_valid_i,
  output wire logic                   in_ready_o,
  input  wire logic [BeatBytes*8-1:0] in_data_i,

  output wire logic                   awvalid_o,
  input  wire logic                   awready_i,
  output wire logic [63:0]            awaddr_o,
  output wire logic [7:0]             awlen_o,
  output wire logic                   wvalid_o,
  input  wire logic                   wready_i,
  output wire logic [DataBytes*8-1:0] wdata_o,
  output wire logic [DataBytes-1:0]   wstrb_o,
  output wire logic                   wlast_o,
  input  wire logic                   bvalid_i,
  output wire logic                   bready_o,
  input  wire logic [1:0]             bresp_i,

  output wire logic                   frame_o,        // a frame's last beat is taken
  output wire logic                   done_o,         // a run is in memory
  output wire logic                   error_o         // the slave answered with an error
);

  localparam int unsigned OffsetBits = tom_pkg::idx_width(DataBytes);
  localparam int unsigned IndexBits = tom_pkg::idx_width(Beats);
  localparam int unsigned BytesBits = tom_pkg::count_width(DataBytes);
  localparam int unsigned CountBits = tom_pkg::count_width(Depth + 1);  // one is in the queue's output register

  `TOM_REQUIRE(depth, Depth >= MaxBeats, "Depth must hold a burst")

  // The run: idle, or under way until its last beat is taken and everything behind it has been answered.
  logic                  busy_q, closed_q;
  logic [OffsetBits-1:0] offset_q;
  logic [31:0]           left_q;   // frames
  logic [IndexBits-1:0]  index_q;

  wire logic job_valid, begin_;
  wire logic [63:0] address;
  wire logic [31:0] frames;

  assign begin_ = job_valid && !busy_q;

  tom_fifo #(
    .Width(96),
    .Depth(2)
  ) u_jobs (
    .clk_i,
    .rst_i,
    .in_valid_i (job_valid_i),
    .in_ready_o (job_ready_o),
    .in_data_i  ({job_address_i, job_frames_i}),
    .out_valid_o(job_valid),
    .out_ready_i(begin_),
    .out_data_o ({address, frames})
  );

  // Beats of the stream become words of memory.
  wire logic gear_ready;
  wire logic open = busy_q && !closed_q;
  wire logic last = index_q == IndexBits'(Beats - 1);
  wire logic end_ = last && left_q == 32'd1;

  assign in_ready_o = gear_ready && open;
  wire logic taken = in_valid_i && in_ready_o;
  assign frame_o = taken && last;

  wire logic word_valid, word_ready, word_last;
  wire logic [DataBytes*8-1:0] word;
  wire logic [BytesBits-1:0] word_bytes;

  tom_gear #(
    .InBytes (BeatBytes),
    .OutBytes(DataBytes)
  ) u_gear (
    .clk_i,
    .rst_i,
    .in_valid_i (in_valid_i && open),
    .in_ready_o (gear_ready),
    .in_data_i,
    .in_last_i  (end_),
    .out_valid_o(word_valid),
    .out_ready_i(word_ready),
    .out_data_o (word),
    .out_last_o (word_last),
    .out_bytes_o(word_bytes)
  );

  // Words move up by where the run begins; what does not fit any more is the beginning of the next.
  logic                   carried_q;  // what moved beyond the last word comes as one more
  logic [DataBytes*8-1:0] carry_q;
  logic [DataBytes-1:0]   carry_strb_q;
  wire logic queue_ready;
  wire logic [DataBytes-1:0] strb = ~({DataBytes{1'b1}} << word_bytes);
  wire logic [DataBytes*8-1:0] low, high;
  wire logic [DataBytes-1:0] low_strb, high_strb;

  assign {high, low} = {{DataBytes * 8{1'b0}}, word} << {offset_q, 3'b0};
  assign {high_strb, low_strb} = {{DataBytes{1'b0}}, strb} << offset_q;

  wire logic push_valid = word_valid || carried_q;
  wire logic push = push_valid && queue_ready;
  wire logic push_last = carried_q || (word_last && high_strb == '0);
  assign word_ready = queue_ready && !carried_q;

  always_ff @(posedge clk_i) begin
    if (rst_i || begin_) begin
      carried_q    <= 1'b0;
      carry_strb_q <= '0;
    end else if (push) begin
      carried_q    <= !carried_q && word_last && high_strb != '0;
      carry_strb_q <= high_strb;
    end
  end

  always_ff @(posedge clk_i) if (push) carry_q <= high;

  // A byte of the word, where it has one, else of what was carried.
  logic [DataBytes*8-1:0] joined;
  always_comb begin
    for (int unsigned i = 0; i < DataBytes; i++) begin
      joined[i*8+:8] = carry_strb_q[i] ? carry_q[i*8+:8] : low[i*8+:8];
    end
  end

  wire logic queued, pull;
  wire logic [DataBytes-1:0] push_strb = carried_q ? carry_strb_q : low_strb | carry_strb_q;

  tom_fifo #(
    .Width(DataBytes * 9),
    .Depth(Depth)
  ) u_words (
    .clk_i,
    .rst_i,
    .in_valid_i (push_valid),
    .in_ready_o (queue_ready),
    .in_data_i  ({push_strb, joined}),
    .out_valid_o(queued),
    .out_ready_i(pull),
    .out_data_o ({wstrb_o, wdata_o})
  );

  // Bursts are asked for when their words are there.
  logic [CountBits-1:0] available_q;  // words that no burst has yet
  logic                 final_q;
  logic [7:0]           open_q;       // bursts that have not been answered
  wire logic take, lengths_ready, length_valid;
  wire logic [CountBits-1:0] beats;
  wire logic [7:0] length;

  tom_axi_bursts #(
    .DataBytes(DataBytes),
    .MaxBeats (MaxBeats),
    .CountBits(CountBits)
  ) u_bursts (
    .clk_i,
    .rst_i,
    .start_i    (begin_),
    .address_i  (address),
    .available_i(available_q),
    .final_i    (final_q),
    .room_i     (lengths_ready && open_q != '1),
    .take_o     (take),
    .beats_o    (beats),
    .valid_o    (awvalid_o),
    .ready_i    (awready_i),
    .addr_o     (awaddr_o),
    .len_o      (awlen_o)
  );

  tom_fifo #(
    .Width(8),
    .Depth(4)
  ) u_lengths (
    .clk_i,
    .rst_i,
    .in_valid_i (take),
    .in_ready_o (lengths_ready),
    .in_data_i  (8'(beats - 1'b1)),
    .out_valid_o(length_valid),
    .out_ready_i(pull && wlast_o),
    .out_data_o (length)
  );

  logic [7:0] sent_q;  // beats of the burst

  assign wvalid_o = queued && length_valid;
  assign wlast_o  = sent_q == length;
  assign pull     = wvalid_o && wready_i;

  // A run is done when all is asked for and answered.
  assign bready_o = 1'b1;
  assign error_o  = bvalid_i && bresp_i[1];
  assign done_o   = busy_q && final_q && available_q == '0 && open_q == '0;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      busy_q      <= 1'b0;
      closed_q    <= 1'b0;
      final_q     <= 1'b0;
      available_q <= '0;
      open_q      <= '0;
      sent_q      <= '0;
    end else begin
      busy_q      <= begin_ || (busy_q && !done_o);
      closed_q    <= !begin_ && (closed_q || (taken && end_));
      final_q     <= !begin_ && (final_q || (push && push_last));
      available_q <= available_q + CountBits'(push) - (take ? beats : '0);
      open_q      <= open_q + 8'(take) - 8'(bvalid_i);
      if (pull) sent_q <= wlast_o ? '0 : sent_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (begin_) begin
      offset_q <= address[OffsetBits-1:0] & OffsetBits'(DataBytes - 1);
      left_q   <= frames;
      index_q  <= '0;
    end else if (taken) begin
      index_q <= last ? '0 : index_q + 1'b1;
      if (last) left_q <= left_q - 1'b1;
    end
  end

  wire logic unused_resp = &{1'b0, bresp_i[0]};

  `TOM_STREAM_STABLE(w, wvalid_o, wready_i, {wdata_o, wstrb_o, wlast_o})

endmodule

`default_nettype wire
