// SPDX-License-Identifier: Apache-2.0
// Sends a packet, see tom_serial_pkg: what send_i asks for, and the bytes of its payload as they come.
//
// The CRC takes a byte in the cycle after it has left: the first byte of the CRC waits for that.

`default_nettype none

module tom_packet_tx (
  input  wire logic        clk_i,
  input  wire logic        rst_i,

  input  wire logic        send_i,   // with kind_i, tag_i and length_i
  output wire logic        ready_o,  // to send
  input  wire logic [7:0]  kind_i,
  input  wire logic [7:0]  tag_i,
  input  wire logic [31:0] length_i,

  input  wire logic        payload_valid_i,
  output wire logic        payload_ready_o,
  input  wire logic [7:0]  payload_data_i,

  output wire logic        out_valid_o,
  input  wire logic        out_ready_i,
  output wire logic [7:0]  out_data_o
);

  import tom_serial_pkg::*;

  typedef enum logic [1:0] {Idle, Header, Payload, Crc} state_e;

  localparam int unsigned Rest = 8 * HeaderBytes;

  state_e            state_q;
  logic [Rest-1:0]   header_q;  // what is left of the header, the next byte lowest
  logic [31:0]       length_q;
  logic [31:0]       left_q;    // bytes left of this part, less one
  logic [31:0]       crc_q;
  logic              summed_q;  // the CRC has what has left
  logic [7:0]        sent_q;    // else this is missing

  wire logic magic = state_q == Header && left_q >= 32'(HeaderBytes - 2);
  wire logic moved = out_valid_o && out_ready_i;

  assign ready_o = state_q == Idle;
  assign out_valid_o = state_q == Payload ? payload_valid_i : state_q == Crc ? summed_q : state_q == Header;
  assign out_data_o = state_q == Header ? header_q[7:0] : state_q == Payload ? payload_data_i : ~crc_q[7:0];
  assign payload_ready_o = state_q == Payload && out_ready_i;

  always_ff @(posedge clk_i) begin
    if (state_q == Idle) begin
      header_q <= {length_i, tag_i, kind_i, Magic1, Magic0};
      length_q <= length_i;
    end else if (moved) begin
      header_q <= header_q >> 8;
    end
    sent_q <= out_data_o;
    summed_q <= !moved || magic || state_q == Crc;
    if (state_q == Idle) crc_q <= '1;
    else if (!summed_q) crc_q <= crc32(crc_q, sent_q);
    else if (moved && state_q == Crc) crc_q <= crc_q >> 8;
    if (rst_i) begin
      state_q <= Idle;
      left_q  <= '0;
    end else if (state_q == Idle) begin
      left_q <= 32'(HeaderBytes - 1);
      if (send_i) state_q <= Header;
    end else if (moved) begin
      left_q <= left_q - 1'b1;
      if (left_q == '0) begin
        left_q <= state_q == Header && length_q != '0 ? length_q - 1'b1 : 32'd3;
        state_q <= state_q == Crc ? Idle : state_q == Header && length_q != '0 ? Payload : Crc;
      end
    end
  end

endmodule

`default_nettype wire
