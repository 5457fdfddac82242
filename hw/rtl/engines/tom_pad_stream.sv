// SPDX-License-Identifier: Apache-2.0
// Surrounds every frame with a border of one code.
//
// Bit-exact with Pad of tomato/ops/move.py. One output beat per cycle, latency 4: input beats wait while
// border passes. A frame starts when its first beat has come.

`include "tom_assert.svh"
`default_nettype none

module tom_pad_stream #(
  parameter int unsigned Lanes    = 1,  // codes per beat
  parameter int unsigned InBits   = 8,  // width of an input code
  parameter bit          InSigned = 1,  // inputs are two's complement
  parameter int unsigned OutBits  = 8,  // width of an output code
  parameter int unsigned Height   = 2,  // rows of the input
  parameter int unsigned Width    = 2,  // columns of the input
  parameter int unsigned Beats    = 1,  // beats per pixel
  parameter int unsigned Top      = 1,  // rows of border above
  parameter int unsigned Left     = 1,  // columns of border before
  parameter int unsigned Bottom   = 1,  // rows of border below
  parameter int unsigned Right    = 1,  // columns of border behind
  parameter int signed   Value    = 0,  // code of the border

  localparam int unsigned InW  = Lanes * InBits,
  localparam int unsigned OutW = Lanes * OutBits
) (
  input  wire logic            clk_i,
  input  wire logic            rst_i,

  input  wire logic            in_valid_i,
  output wire logic            in_ready_o,
  input  wire logic [InW-1:0]  in_data_i,

  output wire logic            out_valid_o,
  input  wire logic            out_ready_i,
  output wire logic [OutW-1:0] out_data_o
);

  localparam int unsigned Latency = 2;

  wire logic available, pixel_end, row_end, frame_end, row_inner, col_inner, unused_pass;

  logic start_q;  // the next beat is the first of a frame
  logic valid_q, inner_q;
  logic [InW-1:0]  data_q;
  logic [OutW-1:0] result_q;
  logic            result_valid_q;

  wire logic inner = row_inner && col_inner;
  wire logic fire = available && (in_valid_i || !(inner || start_q));

  assign in_ready_o = available && inner;

  tom_slice_count #(
    .Size (Beats),
    .Begin(0),
    .End  (Beats),
    .Step (1)
  ) u_beat (
    .clk_i,
    .rst_i,
    .step_i(fire),
    .pass_o(unused_pass),
    .last_o(pixel_end)
  );

  tom_slice_count #(
    .Size (Left + Width + Right),
    .Begin(Left),
    .End  (Left + Width),
    .Step (1)
  ) u_col (
    .clk_i,
    .rst_i,
    .step_i(fire && pixel_end),
    .pass_o(col_inner),
    .last_o(row_end)
  );

  tom_slice_count #(
    .Size (Top + Height + Bottom),
    .Begin(Top),
    .End  (Top + Height),
    .Step (1)
  ) u_row (
    .clk_i,
    .rst_i,
    .step_i(fire && pixel_end && row_end),
    .pass_o(row_inner),
    .last_o(frame_end)
  );

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      start_q        <= 1'b1;
      valid_q        <= 1'b0;
      result_valid_q <= 1'b0;
    end else begin
      valid_q        <= fire;
      result_valid_q <= valid_q;
      if (fire) start_q <= pixel_end && row_end && frame_end;
    end
  end

  always_ff @(posedge clk_i) begin
    data_q  <= in_data_i;
    inner_q <= inner;
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    wire logic [InBits-1:0] code = data_q[l*InBits+:InBits];
    always_ff @(posedge clk_i) begin
      if (!inner_q) result_q[l*OutBits+:OutBits] <= OutBits'(Value);
      else result_q[l*OutBits+:OutBits] <= InSigned ? OutBits'(signed'(code)) : OutBits'(code);
    end
  end

  tom_queue #(
    .Width(OutW),
    .Depth(Latency + 4)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (fire),
    .in_valid_i (result_valid_q),
    .in_data_i  (result_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
