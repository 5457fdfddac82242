// SPDX-License-Identifier: Apache-2.0
// The end of tom_gated_fold: results of the chosen groups wait for their pixel, which leaves whole, zeros for the others.
//
// As tom_queue: work starts only while available_o, says so with take_i and for which group it is, and its result comes
// with in_valid_i any number of cycles later. A pixel leaves from three cycles behind its last result on, at once or
// behind the pixel before, one beat per cycle: whichever its groups are, it takes Groups * Folds cycles.

`include "tom_assert.svh"
`default_nettype none

module tom_expand #(
  parameter int unsigned Width  = 8,  // bits per result
  parameter int unsigned Groups = 2,  // groups of a pixel
  parameter int unsigned Keep   = 1,  // of them are chosen
  parameter int unsigned Folds  = 1,  // results of each
  parameter int unsigned Depth  = 8,  // results that may be on their way or waiting

  localparam int unsigned GroupBits = tom_pkg::idx_width(Groups)
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_i,

  output wire logic                 available_o,
  input  wire logic                 take_i,
  input  wire logic [GroupBits-1:0] group_i,

  input  wire logic                 in_valid_i,
  input  wire logic [Width-1:0]     in_data_i,

  output wire logic                 out_valid_o,
  input  wire logic                 out_ready_i,
  output wire logic [Width-1:0]     out_data_o
);

  `TOM_REQUIRE(depth, Depth >= 2 * Keep * Folds, "one pixel leaves while results of the next one come")

  localparam int unsigned FoldBits = tom_pkg::idx_width(Folds);
  localparam int unsigned ResultBits = tom_pkg::idx_width(Keep * Folds);
  localparam int unsigned LeftBits = tom_pkg::count_width(Keep * Folds);
  localparam int unsigned PixelBits = tom_pkg::count_width(Depth);

  // ---------------------------------------------------------------- results come

  wire logic                 pop;
  wire logic                 unused_valid, unused_group_valid, unused_group_room;  // only assertions read them
  wire logic [Width-1:0]     data;
  wire logic [GroupBits-1:0] group;

  tom_queue #(
    .Width(Width),
    .Depth(Depth)
  ) u_results (
    .clk_i,
    .rst_i,
    .available_o,
    .take_i,
    .in_valid_i,
    .in_data_i,
    .out_valid_o(unused_valid),
    .out_ready_i(pop),
    .out_data_o (data)
  );

  tom_fifo #(
    .Width(GroupBits),
    .Depth(Depth),
    .Ram  (0)
  ) u_groups (
    .clk_i,
    .rst_i,
    .in_valid_i (take_i),
    .in_ready_o (unused_group_room),
    .in_data_i  (group_i),
    .out_valid_o(unused_group_valid),
    .out_ready_i(pop),
    .out_data_o (group)
  );

  logic [ResultBits-1:0] result_q;
  logic                  whole_q;  // all results of a pixel are there
  wire logic             last_result = result_q == ResultBits'(Keep * Folds - 1);

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      result_q <= '0;
      whole_q  <= 1'b0;
    end else begin
      if (in_valid_i) result_q <= last_result ? '0 : result_q + 1'b1;
      whole_q <= in_valid_i && last_result;
    end
  end

  // ---------------------------------------------------------------- pixels leave

  logic [PixelBits-1:0] pixels_q;  // that may leave
  logic [GroupBits-1:0] group_q;
  logic [FoldBits-1:0]  fold_q;
  logic [LeftBits-1:0]  left_q;    // results of this one that have not left

  wire logic ready;
  wire logic leaves = pixels_q != '0;
  wire logic emit = leaves && ready;
  wire logic hit = left_q != '0 && group == group_q;
  wire logic last_fold = fold_q == FoldBits'(Folds - 1);
  wire logic ends_pixel = last_fold && group_q == GroupBits'(Groups - 1);

  assign pop = emit && hit;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      pixels_q <= '0;
      group_q  <= '0;
      fold_q   <= '0;
      left_q   <= LeftBits'(Keep * Folds);
    end else begin
      pixels_q <= pixels_q + PixelBits'(whole_q) - PixelBits'(emit && ends_pixel);
      if (emit) begin
        fold_q <= last_fold ? '0 : fold_q + 1'b1;
        if (last_fold) group_q <= ends_pixel ? '0 : group_q + 1'b1;
        left_q <= ends_pixel ? LeftBits'(Keep * Folds) : left_q - LeftBits'(hit);
      end
    end
  end

  tom_register #(
    .Width(Width)
  ) u_out (
    .clk_i,
    .rst_i,
    .in_valid_i (leaves),
    .in_ready_o (ready),
    .in_data_i  (hit ? data : '0),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

  `TOM_ALWAYS(there, !pop || (unused_valid && unused_group_valid), "%m lets a result leave that is not there")
  `TOM_ALWAYS(group, !take_i || unused_group_room, "%m has no room for a group")

endmodule

`default_nettype wire
