// SPDX-License-Identifier: Apache-2.0
// What both ends of the serial line agree on; tomato/runtime/serial_link.py is the other end.
//
// A packet: two bytes of magic, kind, tag, length (four bytes, low first), payload, CRC-32 (four bytes, low first) of
// all from the kind on. Answers have the kind and tag of what they answer, or the kind of an error and its code.

`default_nettype none

package tom_serial_pkg;

  // Each of the modules that import them needs some.
  /* verilator lint_off UNUSEDPARAM */
  localparam logic [7:0] Magic0 = 8'h54;
  localparam logic [7:0] Magic1 = 8'h6d;
  localparam int unsigned HeaderBytes = 8;

  localparam logic [7:0] KindFrame   = 8'h46;  // F: the inputs of a frame; answered by its outputs
  localparam logic [7:0] KindInfo    = 8'h49;  // I: answered by InfoWords words
  localparam logic [7:0] KindReset   = 8'h52;  // R: resets the accelerator and the counters
  localparam logic [7:0] KindWeights = 8'h57;  // W: a part of what the loader takes
  localparam logic [7:0] KindError   = 8'h45;  // E: an answer alone

  localparam logic [7:0] ErrorCrc     = 8'd1;
  localparam logic [7:0] ErrorLength  = 8'd2;  // or a kind that is not known
  localparam logic [7:0] ErrorTimeout = 8'd3;  // no byte came in the middle of a packet
  localparam logic [7:0] ErrorLine    = 8'd4;  // a byte without its stop bit
  localparam logic [7:0] ErrorBusy    = 8'd5;  // the frame before is not answered yet

  localparam logic [31:0] Version = 32'd1;
  localparam int unsigned InfoWords = 12;
  /* verilator lint_on UNUSEDPARAM */

  // The state of a CRC-32 (polynomial 0x04C11DB7, reflected) after one more byte.
  function automatic logic [31:0] crc32(logic [31:0] state, logic [7:0] data);
    logic [31:0] next = state ^ {24'd0, data};
    for (int i = 0; i < 8; i++) next = next[0] ? (next >> 1) ^ 32'hedb88320 : next >> 1;
    return next;
  endfunction

endpackage

`default_nettype wire
