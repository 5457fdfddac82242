// SPDX-License-Identifier: Apache-2.0
// The largest channels of every pixel as they are, all others Zero.
//
// Bit-exact with KeepLargest of tomato/ops/keep_largest.py: of equals the first are kept. The codes of a pixel wait in
// a queue while a list in order, one cell for each, takes in those that are kept, or those that are not where they are
// fewer (Kept 0). The last of that list, the bound, and its place decide every code that leaves.
// One code per cycle, no bubbles; latency 6 from the last code of a pixel to its first result.

`include "tom_assert.svh"
`default_nettype none

module tom_largest_pixel #(
  parameter int unsigned Channels = 8,  // codes of a pixel
  parameter int unsigned InBits   = 8,  // width of an input code
  parameter bit          InSigned = 0,  // inputs are two's complement
  parameter bit          Kept     = 1,  // the list has what is kept; 0: what is not
  parameter int unsigned Cells    = 4,  // of the list
  parameter int signed   Zero     = 0,  // the code of all that is not kept
  parameter int unsigned OutBits  = 8,  // width of a result
  parameter int unsigned Depth    = 32, // codes that may wait: more than two pixels and the latency
  parameter int unsigned Ram      = 0   // memory of these: 0 LUTRAM, 1 block RAM
) (
  input  wire logic               clk_i,
  input  wire logic               rst_i,

  input  wire logic               in_valid_i,
  output wire logic               in_ready_o,
  input  wire logic [InBits-1:0]  in_data_i,

  output wire logic               out_valid_o,
  input  wire logic               out_ready_i,
  output wire logic [OutBits-1:0] out_data_o
);

  localparam int unsigned PlaceBits = tom_pkg::idx_width(Channels);
  localparam int unsigned BoundBits = InBits + PlaceBits;
  localparam int unsigned Latency   = 2;  // from the queue of codes to that of results

  `TOM_REQUIRE(cells, Cells >= 1 && Cells < Channels, "Cells must be 1 or more, and fewer than Channels")
  `TOM_REQUIRE(depth, Depth >= 2 * Channels + 8, "Depth must be two pixels and 8 codes or more")

  // A number that is unsigned, and greater where the code is.
  function automatic logic [InBits-1:0] rank(logic [InBits-1:0] code);
    rank = code;
    if (InSigned) rank[InBits-1] = !code[InBits-1];
  endfunction

  // Into the queue, and into the list.

  wire logic room;
  wire logic fire = in_valid_i && room;
  assign in_ready_o = room;

  wire logic              data_valid;
  wire logic [InBits-1:0] data;
  wire logic              go;

  tom_fifo #(
    .Width(InBits),
    .Depth(Depth),
    .Ram  (Ram)
  ) u_codes (
    .clk_i,
    .rst_i,
    .in_valid_i,
    .in_ready_o (room),
    .in_data_i,
    .out_valid_o(data_valid),
    .out_ready_i(go),
    .out_data_o (data)
  );

  logic [PlaceBits-1:0] place_q;
  logic                 made_q;  // the list is that of a whole pixel
  logic [Cells-1:0]     full_q;
  logic [BoundBits-1:0] cell_q[Cells];

  wire logic first = place_q == '0;
  wire logic last  = place_q == PlaceBits'(Channels - 1);
  wire logic [InBits-1:0] code = rank(in_data_i);
  wire logic [Cells-1:0] ahead;  // the code comes in front of what the cell holds

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      place_q <= '0;
      made_q  <= 1'b0;
    end else begin
      if (fire) place_q <= last ? '0 : place_q + 1'b1;
      made_q <= fire && last;
    end
  end

  // Of equals the first is kept: it comes first in a list of what is kept, and last in one of what is not.
  for (genvar c = 0; c < Cells; c++) begin : gen_cell
    wire logic [InBits-1:0] held = cell_q[c][PlaceBits+:InBits];
    wire logic moves;                  // what is in the cell in front comes here
    wire logic moves_full;
    wire logic [BoundBits-1:0] moved;
    if (c == 0) begin : gen_front
      assign {moves, moves_full, moved} = '0;
    end else begin : gen_behind
      assign moves      = ahead[c-1];
      assign moves_full = full_q[c-1] && !first;
      assign moved      = cell_q[c-1];
    end
    assign ahead[c] = first || !full_q[c] || (Kept ? code > held : code <= held);
    always_ff @(posedge clk_i) begin
      if (fire && ahead[c]) begin
        cell_q[c] <= moves ? moved : {code, place_q};
        full_q[c] <= !moves || moves_full;
      end
    end
  end

  wire logic                 bound_valid;
  wire logic                 unused_room;  // only the assertion reads it: as many pixels wait as have room
  wire logic [BoundBits-1:0] bound;
  logic [PlaceBits-1:0]      out_place_q;
  wire logic                 out_last = out_place_q == PlaceBits'(Channels - 1);

  tom_fifo #(
    .Width(BoundBits),
    .Depth((Depth + 1) / Channels + 2),  // the pixels of which codes wait
    .Ram  (0)
  ) u_bounds (
    .clk_i,
    .rst_i,
    .in_valid_i (made_q),
    .in_ready_o (unused_room),
    .in_data_i  (cell_q[Cells-1]),
    .out_valid_o(bound_valid),
    .out_ready_i(go && out_last),
    .out_data_o (bound)
  );

  `TOM_ALWAYS(bounds, !made_q || unused_room, "%m has no room for the bound of a pixel")

  // Out of the queue, code by code.

  wire logic available;
  assign go = data_valid && bound_valid && available;

  logic [Latency-1:0]   valid_q;
  logic [InBits-1:0]    data_q;
  logic [InBits-1:0]    bound_q;
  logic                 early_q;  // it came before the bound, or is it
  logic                 late_q;   // it came behind the bound, or is it
  logic [OutBits-1:0]   result_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      out_place_q <= '0;
      valid_q     <= '0;
    end else begin
      valid_q <= {valid_q[Latency-2:0], go};
      if (go) out_place_q <= out_last ? '0 : out_place_q + 1'b1;
    end
  end

  wire logic [InBits-1:0] out_code = rank(data_q);
  wire logic listed = Kept ? out_code > bound_q || (out_code == bound_q && early_q)
                           : out_code < bound_q || (out_code == bound_q && late_q);

  always_ff @(posedge clk_i) begin
    data_q   <= data;
    bound_q  <= bound[PlaceBits+:InBits];
    early_q  <= out_place_q <= bound[PlaceBits-1:0];
    late_q   <= out_place_q >= bound[PlaceBits-1:0];
    result_q <= listed == Kept ? (InSigned ? OutBits'(signed'(data_q)) : OutBits'(data_q)) : OutBits'(Zero);
  end

  tom_queue #(
    .Width(OutBits),
    .Depth(Latency + 4)
  ) u_queue (
    .clk_i,
    .rst_i,
    .available_o(available),
    .take_i     (go),
    .in_valid_i (valid_q[Latency-1]),
    .in_data_i  (result_q),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_STREAM_STABLE(out, out_valid_o, out_ready_i, out_data_o)

endmodule

`default_nettype wire
