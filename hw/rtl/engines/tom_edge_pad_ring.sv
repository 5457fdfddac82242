// SPDX-License-Identifier: Apache-2.0
// Surrounds every frame with a border of its own pixels: a ring memory that is read where the border wants it.
//
// Bit-exact with EdgePad of tomato/ops/edge_pad.py. One output beat per cycle, no bubble between frames, latency 5
// from the beat that is wanted. Beats are written in order; the place of one is free when nothing that comes shows
// it or what came before it. Two counts guard the ring: beats that came less those that the beat to read wants
// (never negative when it is read), and places that are free. The beat to read is found one cycle ahead.

`include "tom_assert.svh"
`default_nettype none

module tom_edge_pad_ring #(
  parameter int unsigned Lanes    = 1,   // codes per beat
  parameter int unsigned Bits     = 8,   // width of a code
  parameter int unsigned Height   = 4,   // rows of the input
  parameter int unsigned Width    = 4,   // columns of the input
  parameter int unsigned Beats    = 1,   // beats per pixel
  parameter int unsigned Top      = 1,   // rows of border above
  parameter int unsigned Left     = 1,   // columns of border before
  parameter int unsigned Bottom   = 1,   // rows of border below
  parameter int unsigned Right    = 1,   // columns of border behind
  parameter bit          Mirrored = 1,   // the border mirrors the frame at its edge, which it repeats otherwise
  parameter int unsigned Pixels   = 12,  // pixels of the ring
  parameter int unsigned Ram      = 0,   // memory kind: 0 LUTRAM, 1 block RAM, 2 UltraRAM

  localparam int unsigned DataW = Lanes * Bits
) (
  input  wire logic             clk_i,
  input  wire logic             rst_i,

  input  wire logic             in_valid_i,
  output wire logic             in_ready_o,
  input  wire logic [DataW-1:0] in_data_i,

  output wire logic             out_valid_o,
  input  wire logic             out_ready_i,
  output wire logic [DataW-1:0] out_data_o
);

  // Pixels that the first of a row, and of a frame, show at once; and that the last of a row, and of a frame, leave.
  localparam int unsigned ColAhead = Mirrored ? Left : 0;
  localparam int unsigned RowAhead = Mirrored ? Top * Width : 0;
  localparam int unsigned ColAfter = Mirrored ? Right : 0;
  localparam int unsigned RowAfter = Mirrored ? Bottom * Width : 0;

  `TOM_REQUIRE(places, Pixels >= RowAhead + ColAhead + RowAfter + ColAfter + 2, "Pixels must hold what is mirrored")
  `TOM_REQUIRE(above, Top == 0 || Pixels >= RowAhead + Width, "Pixels must hold the rows that are repeated above")
  `TOM_REQUIRE(below, Bottom == 0 || Pixels >= RowAfter + Width, "Pixels must hold the rows that are repeated below")
  `TOM_REQUIRE(kind, Ram <= 2, "Ram must be 0, 1 or 2")

  localparam int unsigned Latency = 2;
  localparam int unsigned Depth = Pixels * Beats;
  localparam int unsigned AddrBits = tom_pkg::idx_width(Depth);
  localparam int unsigned CountBits = tom_pkg::count_width(Depth) + 1;

  // Distances in the ring from the last beat of a pixel to the first of the next one, modulo Depth.
  function automatic logic [AddrBits-1:0] jump(int pixels);
    return AddrBits'(unsigned'((pixels * int'(Beats) - int'(Beats) + 1 + 2 * int'(Depth)) % int'(Depth)));
  endfunction

  localparam int ToRow = int'(ColAhead + ColAfter + 1) - int'(Width);  // from the end of a row to its own beginning

  wire logic available, pixel_first, pixel_end, unused_pass;
  wire logic col_first, col_last, col_fresh, col_leaves, col_forward, col_back;
  wire logic row_first, row_last, row_fresh, row_leaves, row_forward, row_back;

  logic [AddrBits-1:0]  write_addr_q, read_addr_q, step_q;
  logic [CountBits-1:0] spare_q, free_q;  // beats that came and are not wanted; places that are free, less 1
  logic [CountBits-1:0] wants, leaves, leaves_q;
  logic                 known_q;          // read_addr_q, leaves_q and spare_q are of the beat to read
  logic [Latency-1:0]   valid_q;
  logic [DataW-1:0]     read, data_q;

  wire logic write = in_valid_i && in_ready_o;
  wire logic fire = known_q && !spare_q[CountBits-1] && available;
  wire logic load = fire || !known_q;
  wire logic [AddrBits:0] next = {1'b0, read_addr_q} + {1'b0, step_q};
  wire logic wraps = next >= (AddrBits + 1)'(Depth);

  assign in_ready_o = !free_q[CountBits-1];

  tom_slice_count #(
    .Size (Beats),
    .Begin(0),
    .End  (1),
    .Step (1)
  ) u_beat (
    .clk_i,
    .rst_i,
    .step_i(load),
    .pass_o(pixel_first),
    .last_o(pixel_end)
  );

  tom_edge_count #(
    .Size    (Width),
    .Before  (Left),
    .Behind  (Right),
    .Mirrored(Mirrored)
  ) u_col (
    .clk_i,
    .rst_i,
    .step_i   (load && pixel_end),
    .first_o  (col_first),
    .last_o   (col_last),
    .fresh_o  (col_fresh),
    .leaves_o (col_leaves),
    .forward_o(col_forward),
    .back_o   (col_back)
  );

  tom_edge_count #(
    .Size    (Height),
    .Before  (Top),
    .Behind  (Bottom),
    .Mirrored(Mirrored)
  ) u_row (
    .clk_i,
    .rst_i,
    .step_i   (load && pixel_end && col_last),
    .first_o  (row_first),
    .last_o   (row_last),
    .fresh_o  (row_fresh),
    .leaves_o (row_leaves),
    .forward_o(row_forward),
    .back_o   (row_back)
  );

  // Of the beat that is found now: how many more it wants than the one before it, and how many places it leaves.
  always_comb begin
    wants  = '0;
    leaves = '0;
    if (row_fresh && col_fresh) begin
      wants = CountBits'(1);
      if (pixel_first && col_first) wants = CountBits'(ColAhead * Beats + 1);
      if (pixel_first && col_first && row_first) wants = CountBits'((RowAhead + ColAhead) * Beats + 1);
    end
    if (row_leaves && col_leaves) begin
      leaves = CountBits'(1);
      if (pixel_end && col_last) leaves = CountBits'(ColAfter * Beats + 1);
      if (pixel_end && col_last && row_last) leaves = CountBits'((RowAfter + ColAfter) * Beats + 1);
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      write_addr_q <= '0;
      spare_q      <= '0;
      free_q       <= CountBits'(Depth - 1);
      known_q      <= 1'b0;
      valid_q      <= '0;
    end else begin
      valid_q <= {valid_q[Latency-2:0], fire};
      known_q <= 1'b1;
      spare_q <= spare_q + CountBits'(write) - (load ? wants : '0);
      free_q  <= free_q - CountBits'(write) + (fire ? leaves_q : '0);
      if (write) write_addr_q <= write_addr_q == AddrBits'(Depth - 1) ? '0 : write_addr_q + 1'b1;
    end
  end

  // A new sequence reads the pixel in the corner of its first frame; then each beat knows the way to the next.
  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      read_addr_q <= AddrBits'((RowAhead + ColAhead) * Beats);
      step_q      <= '0;
    end else if (load) begin
      read_addr_q <= AddrBits'(wraps ? next - (AddrBits + 1)'(Depth) : next);
      leaves_q    <= leaves;
      if (!pixel_end) step_q <= AddrBits'(1);
      else if (!col_last) step_q <= col_forward ? jump(1) : col_back ? jump(-1) : jump(0);
      else if (row_last) step_q <= jump(int'(RowAhead + ColAhead + RowAfter + ColAfter) + 1);
      else step_q <= row_forward ? jump(int'(Width) + ToRow) : row_back ? jump(ToRow - int'(Width)) : jump(ToRow);
    end
  end

  tom_ram #(
    .Width(DataW),
    .Depth(Depth),
    .Ram  (Ram)
  ) u_ram (
    .clk_i,
    .write_i     (write),
    .write_addr_i(write_addr_q),
    .write_data_i(in_data_i),
    .read_i      (fire),
    .read_addr_i (read_addr_q),
    .read_data_o (read)
  );

  always_ff @(posedge clk_i) data_q <= read;

  tom_queue #(
    .Width(DataW),
    .Depth(Latency + 4)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (fire),
    .in_valid_i (valid_q[Latency-1]),
    .in_data_i  (data_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
