// SPDX-License-Identifier: Apache-2.0
// The exact sum of every channel over all pixels of a frame.
//
// Bit-exact with GlobalSum of tomato/ops/pool.py; OutBits hold every sum. One input beat per cycle,
// latency 4 from the beats of the last pixel.

`include "tom_assert.svh"
`default_nettype none

module tom_global_sum #(
  parameter int unsigned Lanes    = 1,  // codes per beat
  parameter int unsigned Beats    = 2,  // beats per pixel
  parameter int unsigned Pixels   = 4,  // pixels per frame
  parameter int unsigned InBits   = 8,  // width of an input code
  parameter bit          InSigned = 1,  // inputs are two's complement
  parameter int unsigned OutBits  = 10, // width of a sum

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

  `TOM_REQUIRE(bits, OutBits >= InBits, "OutBits must not be less than InBits")

  localparam int unsigned Latency = 2;
  localparam int unsigned BeatBits = tom_pkg::idx_width(Beats);
  localparam int unsigned PixelBits = tom_pkg::idx_width(Pixels);

  wire logic available;
  wire logic fire = in_valid_i && available;
  assign in_ready_o = available;

  logic [BeatBits-1:0]  next_beat_q, beat_q;
  logic [PixelBits-1:0] pixel_q;
  logic                 first_pixel_q, last_pixel_q;        // of the beat at the input
  logic                 valid_q, first_q, last_q, done_q;   // of the beat in data_q; done_q: of result_q
  logic [InW-1:0]       data_q;
  logic [OutW-1:0]      sum, result_q;

  (* ram_style = "distributed" *) logic [OutW-1:0] sums[Beats];

  wire logic pixel_end = next_beat_q == BeatBits'(Beats - 1);
  wire logic [OutW-1:0] old = sums[beat_q];

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      next_beat_q   <= '0;
      pixel_q       <= '0;
      first_pixel_q <= 1'b1;
      last_pixel_q  <= Pixels == 1;
      valid_q       <= 1'b0;
      done_q        <= 1'b0;
    end else begin
      valid_q <= fire;
      done_q  <= valid_q && last_q;
      if (fire) next_beat_q <= pixel_end ? '0 : next_beat_q + 1'b1;
      if (fire && pixel_end) begin
        pixel_q       <= last_pixel_q ? '0 : pixel_q + 1'b1;
        first_pixel_q <= last_pixel_q;
        last_pixel_q  <= Pixels == 1 || (Pixels > 1 && !last_pixel_q && pixel_q == PixelBits'(Pixels - 2));
      end
    end
  end

  always_ff @(posedge clk_i) begin
    data_q   <= in_data_i;
    beat_q   <= next_beat_q;
    first_q  <= first_pixel_q;
    last_q   <= last_pixel_q;
    result_q <= sum;
    if (valid_q) sums[beat_q] <= sum;
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    wire logic [InBits-1:0] code = data_q[l*InBits+:InBits];
    wire logic [OutBits-1:0] wide = InSigned ? OutBits'(signed'(code)) : OutBits'(code);
    assign sum[l*OutBits+:OutBits] = (first_q ? '0 : old[l*OutBits+:OutBits]) + wide;
  end

  tom_queue #(
    .Width(OutW),
    .Depth(Beats + Latency + 4)  // a whole result may wait while the next frame comes in
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (fire && last_pixel_q),
    .in_valid_i (done_q),
    .in_data_i  (result_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
