// SPDX-License-Identifier: Apache-2.0
// The board's end of a serial line: takes frames, has them computed, answers, see tom_serial_pkg.
//
// A frame enters the accelerator only when all of it has come and its CRC is right. A packet that is the very one before,
// its tag included, is not computed again: its answer got lost and is sent once more. Wrong packets are answered by an
// error.

`include "tom_assert.svh"
`default_nettype none

module tom_serial #(
  parameter int unsigned BitClocks   = 25,   // clock cycles of a bit
  parameter int unsigned FrameBytes  = 1,    // of all inputs
  parameter int unsigned AnswerBytes = 1,    // of all outputs
  parameter int unsigned WeightBytes = 0,    // of a part of the weights; 0: there is no loader
  parameter int unsigned Timeout     = 1000, // cycles without a byte after which a packet is given up
  parameter int unsigned BlinkBits   = 25,   // of the counter that shows that the clock runs
  parameter int unsigned Build       = 0     // the number of this design
) (
  input  wire logic       clk_i,
  input  wire logic       rst_i,

  input  wire logic       rxd_i,
  output wire logic       txd_o,

  output wire logic       reset_o,  // for the accelerator and the stores
  output wire logic       start_frame_o,
  output wire logic       start_weights_o,
  output wire logic       frame_valid_o,
  output wire logic       weight_valid_o,
  output wire logic [7:0] data_o,
  output wire logic       play_o,
  output wire logic       play_weights_o,
  output wire logic       rewind_o,
  input  wire logic       finished_i,  // the stores are played, and full of outputs
  input  wire logic       torn_i,      // an output has lost its frames

  input  wire logic       answer_valid_i,
  output wire logic       answer_ready_o,
  input  wire logic [7:0] answer_data_i,

  output wire logic [3:0] leds_o  // blinks, fast after an error; computes; changes with every frame; an error
);

  import tom_serial_pkg::*;

  localparam int unsigned ResetCycles = 16;
  localparam int unsigned ResetBits = tom_pkg::count_width(ResetCycles);
  localparam int unsigned InfoBytes = 4 * InfoWords;

  wire logic       rx_valid, rx_error;
  wire logic [7:0] rx_data;

  tom_uart_rx #(
    .BitClocks(BitClocks)
  ) u_uart_rx (
    .clk_i,
    .rst_i,
    .rxd_i,
    .valid_o(rx_valid),
    .error_o(rx_error),
    .data_o (rx_data)
  );

  logic        playing_q, answered_q, failed_q;
  wire logic   verdict, take;
  wire logic [7:0] kind, tag, code;
  wire logic [31:0] crc;

  tom_packet_rx #(
    .FrameBytes (FrameBytes),
    .WeightBytes(WeightBytes),
    .Timeout    (Timeout)
  ) u_packet_rx (
    .clk_i,
    .rst_i,
    .byte_valid_i   (rx_valid),
    .byte_error_i   (rx_error),
    .byte_data_i    (rx_data),
    .busy_i         (playing_q),
    .start_frame_o,
    .start_weights_o,
    .frame_valid_o,
    .weight_valid_o,
    .data_o,
    .verdict_valid_o(verdict),
    .verdict_ready_i(take),
    .kind_o         (kind),
    .tag_o          (tag),
    .crc_o          (crc),
    .code_o         (code)
  );

  // What a packet asks for, once the line is free for its answer.
  logic [ResetBits-1:0] reset_q;
  logic [7:0]           last_tag_q;
  logic [31:0]          last_crc_q, last_part_q;  // of the last frame, and part of the weights
  logic                 part_q;  // a part of the weights came since the reset
  logic                 resetting_q;  // reset_q is not 0
  logic                 finished_q;
  wire logic            tx_ready;

  // What is compared of a verdict, which waits: a cycle behind it, as seen_q is.
  logic seen_q, wrong_q, frame_q, info_asked_q, reset_asked_q, weights_q, same_q, same_part_q;

  always_ff @(posedge clk_i) begin
    seen_q        <= verdict && !take && !rst_i;
    wrong_q       <= code != '0;
    frame_q       <= kind == KindFrame;
    info_asked_q  <= kind == KindInfo;
    reset_asked_q <= kind == KindReset;
    weights_q     <= kind == KindWeights;
    same_q        <= answered_q && crc == last_crc_q;
    same_part_q   <= part_q && crc == last_part_q;
    finished_q    <= playing_q && finished_i;
  end

  wire logic ending = playing_q && finished_q;
  wire logic right = take && !wrong_q;
  wire logic wrong = take && wrong_q;
  wire logic asked_frame = right && frame_q;
  wire logic again = asked_frame && same_q;
  wire logic asked_info = right && info_asked_q;
  wire logic asked_reset = right && reset_asked_q;
  wire logic asked_weights = right && weights_q;
  wire logic answer_new = ending && tx_ready && !resetting_q;
  wire logic answer_frame = answer_new || again;

  assign take = seen_q && tx_ready && !resetting_q && !ending;
  assign play_o = asked_frame && !again;
  assign play_weights_o = asked_weights && !same_part_q;
  assign rewind_o = answer_frame;
  assign reset_o = rst_i || resetting_q;

  always_ff @(posedge clk_i) begin
    if (play_o) {last_tag_q, last_crc_q} <= {tag, crc};
    if (play_weights_o) last_part_q <= crc;
    if (rst_i || asked_reset) begin
      reset_q   <= ResetBits'(ResetCycles);
      resetting_q <= 1'b1;
      playing_q <= 1'b0;
      answered_q  <= 1'b0;
      part_q    <= 1'b0;
      failed_q  <= 1'b0;
    end else begin
      if (resetting_q) reset_q <= reset_q - 1'b1;
      resetting_q <= reset_q > ResetBits'(1'b1);
      if (play_o) {playing_q, answered_q} <= 2'b10;
      else if (answer_frame) {playing_q, answered_q} <= 2'b01;
      part_q <= part_q || play_weights_o;
      if (wrong) failed_q <= 1'b1;
      else if (right) failed_q <= 1'b0;
    end
  end

  // Counters change while nothing is sent, so that what is told is of one moment.
  logic [31:0] frames_q, cycles_q, last_q, least_q, most_q;
  logic [31:0] crc_errors_q, length_errors_q, timeouts_q, line_errors_q, refused_q;

  always_ff @(posedge clk_i) begin
    cycles_q <= play_o ? '0 : cycles_q + 32'(!ending);
    if (rst_i || asked_reset) begin
      frames_q        <= '0;
      last_q          <= '0;
      least_q         <= '1;
      most_q          <= '0;
      crc_errors_q    <= '0;
      length_errors_q <= '0;
      timeouts_q      <= '0;
      line_errors_q   <= '0;
      refused_q       <= '0;
    end else begin
      if (answer_new) begin
        frames_q <= frames_q + 1'b1;
        last_q   <= cycles_q;
        if (cycles_q < least_q) least_q <= cycles_q;
        if (cycles_q > most_q) most_q <= cycles_q;
      end
      crc_errors_q    <= crc_errors_q + 32'(wrong && code == ErrorCrc);
      length_errors_q <= length_errors_q + 32'(wrong && code == ErrorLength);
      timeouts_q      <= timeouts_q + 32'(wrong && code == ErrorTimeout);
      line_errors_q   <= line_errors_q + 32'(wrong && code == ErrorLine);
      refused_q       <= refused_q + 32'(wrong && code == ErrorBusy);
    end
  end

  wire logic [31:0] state = {28'd0, part_q, torn_i, failed_q, playing_q};
  wire logic [8*InfoBytes-1:0] info = {
    refused_q, line_errors_q, timeouts_q, length_errors_q, crc_errors_q,
    most_q, least_q, last_q, frames_q, state, 32'(Build), Version
  };

  // The answer.
  typedef enum logic [1:0] {Nothing, Outputs, Counters, Code} source_e;

  source_e     source_q;
  logic [5:0]  info_q;
  logic [7:0]  code_q, told_q;  // told_q: of the counters, there long before the line takes it
  wire logic   payload_ready, tx_valid, tx_taken;
  wire logic [7:0] tx_data;

  assign answer_ready_o = payload_ready && source_q == Outputs;

  always_ff @(posedge clk_i) begin
    told_q <= info[8*info_q+:8];
    if (tx_ready) begin
      source_q <= answer_frame ? Outputs : asked_info ? Counters : wrong ? Code : Nothing;
      code_q <= code;
      info_q <= '0;
    end else if (payload_ready) begin
      info_q <= info_q + 1'b1;
    end
  end

  tom_packet_tx u_packet_tx (
    .clk_i,
    .rst_i,
    .send_i         ((take && !play_o) || answer_frame),
    .ready_o        (tx_ready),
    .kind_i         (wrong ? KindError : answer_frame ? KindFrame : kind),
    .tag_i          (answer_new ? last_tag_q : tag),
    .length_i       (answer_frame ? AnswerBytes : asked_info ? InfoBytes : 32'(wrong)),
    .payload_valid_i(source_q == Outputs ? answer_valid_i : 1'b1),
    .payload_ready_o(payload_ready),
    .payload_data_i (source_q == Outputs ? answer_data_i : source_q == Code ? code_q : told_q),
    .out_valid_o    (tx_valid),
    .out_ready_i    (tx_taken),
    .out_data_o     (tx_data)
  );

  tom_uart_tx #(
    .BitClocks(BitClocks)
  ) u_uart_tx (
    .clk_i,
    .rst_i,
    .in_valid_i(tx_valid),
    .in_ready_o(tx_taken),
    .in_data_i (tx_data),
    .txd_o
  );

  logic [BlinkBits-1:0] blink_q;

  always_ff @(posedge clk_i) blink_q <= rst_i ? '0 : blink_q + 1'b1;

  assign leds_o = {failed_q || torn_i, frames_q[0], playing_q, blink_q[BlinkBits-1-(failed_q ? 2 : 0)]};

endmodule

`default_nettype wire
