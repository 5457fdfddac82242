// SPDX-License-Identifier: Apache-2.0
// Watches a stream that comes in: whether its tlast marks every Beats-th beat, and no other.
//
// A source that loses a beat, or sends one too many, shifts all later frames. The error stays until a reset, which is
// what begins frames anew.

`default_nettype none

module tom_frame_check #(
  parameter int unsigned Beats = 1  // beats per frame
) (
  input  wire logic clk_i,
  input  wire logic rst_i,

  input  wire logic valid_i,
  input  wire logic ready_i,
  input  wire logic last_i,
  output wire logic error_o
);

  localparam int unsigned CountBits = tom_pkg::idx_width(Beats);

  logic [CountBits-1:0] beat_q;
  logic                 error_q;
  wire logic            moves = valid_i && ready_i;
  wire logic            last = beat_q == CountBits'(Beats - 1);

  assign error_o = error_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      beat_q  <= '0;
      error_q <= 1'b0;
    end else if (moves) begin
      beat_q  <= last ? '0 : beat_q + 1'b1;
      error_q <= error_q || last_i != last;
    end
  end

endmodule

`default_nettype wire
