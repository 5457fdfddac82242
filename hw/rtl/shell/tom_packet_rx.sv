// SPDX-License-Identifier: Apache-2.0
// Finds packets in a stream of bytes, see tom_serial_pkg, and judges them.
//
// The payload goes out as it comes, after start_o; whether it was right is known at the verdict. Bytes that come while
// a verdict waits are lost, as is all that does not begin with the magic: what follows is found again.

`include "tom_assert.svh"
`default_nettype none

module tom_packet_rx #(
  parameter int unsigned FrameBytes  = 1,    // payload of a frame
  parameter int unsigned WeightBytes = 0,    // payload of a part of the weights; 0: there is no loader
  parameter int unsigned Timeout     = 1000  // cycles without a byte after which a packet is given up
) (
  input  wire logic        clk_i,
  input  wire logic        rst_i,

  input  wire logic        byte_valid_i,
  input  wire logic        byte_error_i,
  input  wire logic [7:0]  byte_data_i,

  input  wire logic        busy_i,  // frames are refused
  output wire logic        start_frame_o,
  output wire logic        start_weights_o,
  output wire logic        frame_valid_o,
  output wire logic        weight_valid_o,
  output wire logic [7:0]  data_o,

  output wire logic        verdict_valid_o,
  input  wire logic        verdict_ready_i,
  output wire logic [7:0]  kind_o,
  output wire logic [7:0]  tag_o,
  output wire logic [31:0] crc_o,
  output wire logic [7:0]  code_o  // what is wrong; 0: nothing
);

  import tom_serial_pkg::*;

  typedef enum logic [3:0] {Hunt, Magic, Header, Compare, Check, Payload, Crc, Judge, Verdict} state_e;

  localparam logic [31:0] Residue = 32'hdebb20e3;  // the state of a right CRC behind its own bytes
  localparam int unsigned TimeBits = tom_pkg::count_width(Timeout);

  state_e              state_q;
  logic [47:0]         header_q;  // kind, tag, length; the first byte lowest
  logic [31:0]         left_q;    // bytes left of this part, less one
  logic [31:0]         crc_q;
  logic [TimeBits-1:0] time_q;
  logic [31:0]         sent_q;    // the CRC as it came
  logic [7:0]          code_q;
  logic                known_q;   // the header is one that may come, since Compare

  wire logic [7:0]  kind = header_q[7:0];
  wire logic [31:0] length = header_q[47:16];
  wire logic        is_frame = kind == KindFrame;
  wire logic        is_weights = kind == KindWeights && WeightBytes != 0;
  wire logic        is_bare = kind == KindInfo || kind == KindReset;
  wire logic [31:0] due = is_frame ? FrameBytes : is_weights ? WeightBytes : 32'd0;
  wire logic        running = state_q == Header || state_q == Payload || state_q == Crc;
  wire logic        accepted = state_q == Check && known_q && !(is_frame && busy_i);

  assign start_frame_o = accepted && is_frame;
  assign start_weights_o = accepted && is_weights;
  assign frame_valid_o = byte_valid_i && state_q == Payload && is_frame;
  assign weight_valid_o = byte_valid_i && state_q == Payload && is_weights;
  assign data_o = byte_data_i;
  assign verdict_valid_o = state_q == Verdict;
  assign kind_o = kind;
  assign tag_o = header_q[15:8];
  assign crc_o = sent_q;
  assign code_o = code_q;

  always_ff @(posedge clk_i) begin
    known_q <= (is_frame || is_weights || is_bare) && length == due;
    time_q <= running && !byte_valid_i ? time_q + 1'b1 : '0;
    if (state_q == Magic) crc_q <= '1;
    else if (running && byte_valid_i) crc_q <= crc32(crc_q, byte_data_i);
    if (state_q == Crc && byte_valid_i) sent_q <= {byte_data_i, sent_q[31:8]};
    if (state_q == Header && byte_valid_i) header_q <= {byte_data_i, header_q[47:8]};
    if (rst_i) begin
      state_q <= Hunt;
      left_q  <= '0;
      code_q  <= '0;
    end else if (running && byte_error_i) begin
      state_q <= Verdict;
      code_q  <= ErrorLine;
    end else if (running && time_q == TimeBits'(Timeout)) begin
      state_q <= Verdict;
      code_q  <= ErrorTimeout;
    end else begin
      unique case (state_q)
        Hunt: if (byte_valid_i && byte_data_i == Magic0) state_q <= Magic;
        Magic: begin
          left_q <= 32'(HeaderBytes - 3);
          if (byte_valid_i) state_q <= byte_data_i == Magic1 ? Header : byte_data_i == Magic0 ? Magic : Hunt;
        end
        Header: if (byte_valid_i) begin
          left_q <= left_q - 1'b1;
          if (left_q == '0) state_q <= Compare;
        end
        Compare: state_q <= Check;
        Check: begin
          code_q  <= !known_q ? ErrorLength : !accepted ? ErrorBusy : '0;
          left_q  <= due == '0 ? 32'd3 : due - 1'b1;
          state_q <= !accepted ? Verdict : due == '0 ? Crc : Payload;
        end
        Payload: if (byte_valid_i) begin
          left_q <= left_q == '0 ? 32'd3 : left_q - 1'b1;
          if (left_q == '0) state_q <= Crc;
        end
        Crc: if (byte_valid_i) begin
          left_q <= left_q - 1'b1;
          if (left_q == '0) state_q <= Judge;
        end
        Judge: begin
          state_q <= Verdict;
          code_q  <= crc_q == Residue ? '0 : ErrorCrc;
        end
        Verdict: if (verdict_ready_i) state_q <= Hunt;
      endcase
    end
  end

endmodule

`default_nettype wire
