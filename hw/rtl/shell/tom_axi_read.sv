// SPDX-License-Identifier: Apache-2.0
// Frames from memory: reads them with bursts of AXI4, wherever they begin, and gives them as a stream.
//
// A frame is Beats beats of BeatBytes bytes; frames lie one behind the other. A job is taken while another one is
// still on its way, so that starts follow each other without a gap. Errors of the slave are told, and the frames,
// whatever is in them, come to their end.

`include "tom_assert.svh"
`default_nettype none

module tom_axi_read #(
  parameter int unsigned DataBytes = 8,   // bytes of a beat of AXI4, a power of two
  parameter int unsigned BeatBytes = 1,   // bytes of a beat of the stream
  parameter int unsigned Beats     = 64,  // beats of a frame of the stream
  parameter int unsigned MaxBeats  = 16,  // beats of a burst
  parameter int unsigned Depth     = 64   // beats of AXI4 that are asked for or wait, at least MaxBeats
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_i,

  input  wire logic                   job_valid_i,
  output wire logic                   job_ready_o,
  input  wire logic [63:0]            job_address_i,
  input  wire logic [31:0]            job_frames_i,   // at least one

  output wire logic                   arvalid_o,
  input  wire logic                   arready_i,
  output wire logic [63:0]            araddr_o,
  output wire logic [7:0]             arlen_o,
  input  wire logic                   rvalid_i,
  output wire logic                   rready_o,
  input  wire logic [DataBytes*8-1:0] rdata_i,
  input  wire logic                   rlast_i,
  input  wire logic [1:0]             rresp_i,

  output wire logic                   out_valid_o,
  input  wire logic                   out_ready_i,
  output wire logic [BeatBytes*8-1:0] out_data_o,
  output wire logic                   out_last_o,     // last beat of a frame
  output wire logic                   idle_o,         // all frames that were asked for are given
  output wire logic                   error_o         // a beat came with an error
);

  localparam int unsigned OffsetBits = tom_pkg::idx_width(DataBytes);
  localparam int unsigned FrameBytes = Beats * BeatBytes;
  localparam int unsigned BurstBytes = MaxBeats * DataBytes;
  localparam int unsigned PendingBits = tom_pkg::count_width(FrameBytes + BurstBytes + DataBytes);
  localparam int unsigned CountBits = tom_pkg::count_width((FrameBytes + BurstBytes) / DataBytes + 2);
  localparam int unsigned RoomBits = tom_pkg::count_width(Depth);

  `TOM_REQUIRE(depth, Depth >= MaxBeats, "Depth must hold a burst")

  // Asking: the bytes of a frame are added to those pending until there are enough for a burst.
  logic [PendingBits-1:0] pending_q;
  logic [31:0]            frames_q;  // not pending yet
  logic                   more_q;    // there are such frames
  logic [RoomBits-1:0]    room_q;    // beats that may still be asked for
  wire logic [CountBits-1:0] available, beats;
  wire logic take, begin_, marks_ready, jobs_ready, jobs_valid, word_ready;
  wire logic [OffsetBits-1:0] offset;
  wire logic [31:0] frames;

  wire logic final_ = !more_q;
  wire logic add = !final_ && pending_q < PendingBits'(BurstBytes);
  wire logic [PendingBits-1:0] whole = pending_q + (final_ ? PendingBits'(DataBytes - 1) : '0);
  wire logic all = final_ && beats == available;
  wire logic [PendingBits-1:0] taken = all ? pending_q : PendingBits'(beats) * PendingBits'(DataBytes);

  assign available = CountBits'(whole / PendingBits'(DataBytes));
  assign job_ready_o = final_ && pending_q == '0 && jobs_ready;
  assign begin_ = job_valid_i && job_ready_o;

  tom_axi_bursts #(
    .DataBytes(DataBytes),
    .MaxBeats (MaxBeats),
    .CountBits(CountBits)
  ) u_bursts (
    .clk_i,
    .rst_i,
    .start_i    (begin_),
    .address_i  (job_address_i),
    .available_i(available),
    .final_i    (final_),
    .room_i     (room_q >= RoomBits'(MaxBeats) && marks_ready),
    .take_o     (take),
    .beats_o    (beats),
    .valid_o    (arvalid_o),
    .ready_i    (arready_i),
    .addr_o     (araddr_o),
    .len_o      (arlen_o)
  );

  wire logic word_valid;
  wire logic pulled = word_valid && word_ready;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      pending_q <= '0;
      frames_q  <= '0;
      more_q    <= 1'b0;
      room_q    <= RoomBits'(Depth);
    end else begin
      if (begin_) begin
        pending_q <= PendingBits'(job_address_i[OffsetBits-1:0]) & PendingBits'(DataBytes - 1);
        frames_q  <= job_frames_i;
        more_q    <= 1'b1;
      end else begin
        pending_q <= pending_q + (add ? PendingBits'(FrameBytes) : '0) - (take ? taken : '0);
        if (add) begin
          frames_q <= frames_q - 1'b1;
          more_q   <= frames_q != 32'd1;
        end
      end
      room_q <= room_q - (take ? RoomBits'(beats) : '0) + RoomBits'(pulled);
    end
  end

  // Which bursts are the last of their run; a beat comes with the mark of its burst.
  wire logic mark_valid, mark;

  tom_fifo #(
    .Width(1),
    .Depth(16)
  ) u_marks (
    .clk_i,
    .rst_i,
    .in_valid_i (take),
    .in_ready_o (marks_ready),
    .in_data_i  (all),
    .out_valid_o(mark_valid),
    .out_ready_i(rvalid_i && rready_o && rlast_i),
    .out_data_o (mark)
  );

  wire logic [DataBytes*8-1:0] word;
  wire logic word_last, place;

  assign rready_o = mark_valid && place;
  assign error_o = rvalid_i && rready_o && rresp_i[1];

  tom_fifo #(
    .Width(DataBytes * 8 + 1),
    .Depth(Depth)
  ) u_words (
    .clk_i,
    .rst_i,
    .in_valid_i (rvalid_i && mark_valid),
    .in_ready_o (place),
    .in_data_i  ({mark && rlast_i, rdata_i}),
    .out_valid_o(word_valid),
    .out_ready_i(word_ready),
    .out_data_o ({word_last, word})
  );

  // Giving: each run's words move down by where it begins, become beats, and are counted. The next run's wait meanwhile.
  logic closed_q;  // the last word of the run has come
  wire logic ended, open, align_ready;

  assign open = jobs_valid && !closed_q;
  assign idle_o = !jobs_valid;
  assign word_ready = open && align_ready;

  always_ff @(posedge clk_i) begin
    if (rst_i) closed_q <= 1'b0;
    else closed_q <= !ended && (closed_q || (word_valid && word_ready && word_last));
  end

  tom_fifo #(
    .Width(OffsetBits + 32),
    .Depth(2)
  ) u_jobs (
    .clk_i,
    .rst_i,
    .in_valid_i (begin_),
    .in_ready_o (jobs_ready),
    .in_data_i  ({job_address_i[OffsetBits-1:0], job_frames_i}),
    .out_valid_o(jobs_valid),
    .out_ready_i(ended),
    .out_data_o ({offset, frames})
  );

  wire logic moved_valid, moved_ready, moved_last;
  wire logic [DataBytes*8-1:0] moved;

  tom_axi_align #(
    .DataBytes(DataBytes)
  ) u_align (
    .clk_i,
    .rst_i,
    .offset_i   (offset),
    .in_valid_i (word_valid && open),
    .in_ready_o (align_ready),
    .in_data_i  (word),
    .in_last_i  (word_last),
    .out_valid_o(moved_valid),
    .out_ready_i(moved_ready),
    .out_data_o (moved),
    .out_last_o (moved_last)
  );

  wire logic beat_valid, beat_ready, beat_last;
  wire logic [BeatBytes*8-1:0] beat;
  wire logic [tom_pkg::count_width(BeatBytes)-1:0] unused_bytes;

  tom_gear #(
    .InBytes (DataBytes),
    .OutBytes(BeatBytes)
  ) u_gear (
    .clk_i,
    .rst_i,
    .in_valid_i (moved_valid),
    .in_ready_o (moved_ready),
    .in_data_i  (moved),
    .in_last_i  (moved_last),
    .out_valid_o(beat_valid),
    .out_ready_i(beat_ready),
    .out_data_o (beat),
    .out_last_o (beat_last),
    .out_bytes_o(unused_bytes)
  );

  // Behind the last beat of the last frame the rest of the run's last word is dropped.
  localparam int unsigned IndexBits = tom_pkg::idx_width(Beats);
  logic [IndexBits-1:0] index_q;
  logic [31:0]          number_q;  // of the frame, from 1 on
  logic                 drop_q;
  wire logic last = index_q == IndexBits'(Beats - 1);
  wire logic give = out_valid_o && out_ready_i;

  assign out_valid_o = beat_valid && !drop_q;
  assign out_data_o  = beat;
  assign out_last_o  = last;
  assign beat_ready  = drop_q || out_ready_i;
  assign ended       = beat_valid && beat_ready && beat_last;

  always_ff @(posedge clk_i) begin
    if (rst_i || ended) begin
      index_q  <= '0;
      number_q <= 32'd1;
      drop_q   <= 1'b0;
    end else if (give) begin
      index_q <= last ? '0 : index_q + 1'b1;
      drop_q  <= last && number_q == frames;
      if (last) number_q <= number_q + 1'b1;
    end
  end

  wire logic unused_resp = &{1'b0, rresp_i[0]};

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
