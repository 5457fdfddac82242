// SPDX-License-Identifier: Apache-2.0
// Which groups of channels a frame computes: reads its gates, lists the groups that are chosen. Part of tom_gated_fold.
//
// A frame's gates come in order, one per beat. Bit-exact with `chosen` of tomato/ops/gated_conv2d.py: a group is chosen
// while fewer than Keep are, if its gate is not Zero or all that are left are needed. There is room for two lists: one
// is read again and again, the next one written.
//
// entry_o is the next entry: behind the last one the first again, or, in the last round of a frame, the first of the
// next list, which is the current one from done_i on. there_o says while waits_i whether the current list is there, else
// whether the next one is. A gate counts in the cycle in which it comes.

`include "tom_assert.svh"
`default_nettype none

module tom_gate_list #(
  parameter int unsigned Groups    = 2,  // gates of a frame
  parameter int unsigned Keep      = 1,  // of them are chosen
  parameter int unsigned Bits      = 8,  // width of a gate's code
  parameter int signed   Zero      = 0,  // the code of a group that is not needed
  parameter int unsigned Step      = 1,  // from the start of a group to that of the next
  parameter int unsigned StartBits = 8,  // width of a start

  localparam int unsigned GroupBits = tom_pkg::idx_width(Groups)
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_i,

  input  wire logic                 in_valid_i,
  output wire logic                 in_ready_o,
  input  wire logic [Bits-1:0]      in_data_i,

  input  wire logic                 next_i,   // entry_o is taken
  input  wire logic                 last_i,   // the round of the entry taken last is the last of the frame
  input  wire logic                 done_i,   // its list is not needed any more
  input  wire logic                 waits_i,  // nothing of the current list has been taken
  output wire logic                 there_o,
  output wire logic [GroupBits-1:0] group_o,  // the next entry
  output wire logic [StartBits-1:0] start_o   // Step times that
);

  `TOM_REQUIRE(keep, Keep >= 1 && Keep < Groups, "some groups must be chosen, and not all")

  localparam int unsigned PosBits = tom_pkg::idx_width(Keep);
  localparam int unsigned LeftBits = tom_pkg::count_width(Keep);
  localparam int unsigned SpareBits = tom_pkg::count_width(Groups - Keep);

  typedef struct packed {
    logic [GroupBits-1:0] group;
    logic [StartBits-1:0] start;
  } entry_t;

  // ---------------------------------------------------------------- gates come

  entry_t               group_q;  // the group whose gate comes next
  logic                 last_q;   // it is the last one
  logic [LeftBits-1:0]  left_q;   // groups that are to be chosen
  logic [SpareBits-1:0] spare_q;  // of those that come, the ones that need not be
  logic [PosBits-1:0]   write_pos_q;
  logic                 write_bank_q;
  logic [1:0]           lists_q;  // complete lists, the one that is read among them

  assign in_ready_o = lists_q != 2'd2;

  wire logic fire = in_valid_i && in_ready_o;
  wire logic pick = left_q != '0 && (in_data_i != Bits'(Zero) || spare_q == '0);
  wire logic write = fire && pick;
  wire logic full = fire && last_q;
  wire logic [GroupBits-1:0] next_group = last_q ? '0 : group_q.group + 1'b1;

  assign there_o = waits_i ? lists_q != '0 || full : lists_q == 2'd2 || (lists_q == 2'd1 && full);

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      group_q      <= '0;
      last_q       <= 1'b0;
      left_q       <= LeftBits'(Keep);
      spare_q      <= SpareBits'(Groups - Keep);
      write_pos_q  <= '0;
      write_bank_q <= 1'b0;
      lists_q      <= '0;
    end else begin
      lists_q <= lists_q + 2'(full) - 2'(done_i);
      if (fire) begin
        group_q.group <= next_group;
        group_q.start <= last_q ? '0 : group_q.start + StartBits'(Step);
        last_q        <= next_group == GroupBits'(Groups - 1);
        left_q        <= last_q ? LeftBits'(Keep) : left_q - LeftBits'(pick);
        spare_q       <= last_q ? SpareBits'(Groups - Keep) : spare_q - SpareBits'(!pick);
        write_pos_q   <= last_q ? '0 : write_pos_q + PosBits'(pick);
        write_bank_q  <= write_bank_q ^ last_q;
      end
    end
  end

  // ---------------------------------------------------------------- lists are read

  (* ram_style = "distributed" *) entry_t list[1<<(PosBits+1)];
  logic [PosBits-1:0] read_pos_q;
  logic               read_bank_q;

  wire logic [PosBits:0] write_addr = {write_bank_q, write_pos_q};
  wire logic [PosBits:0] read_addr = {read_bank_q ^ (last_i && read_pos_q == '0), read_pos_q};

  always_ff @(posedge clk_i) begin
    if (write) list[write_addr] <= group_q;
    if (rst_i) begin
      read_pos_q  <= '0;
      read_bank_q <= 1'b0;
    end else begin
      if (next_i) read_pos_q <= read_pos_q == PosBits'(Keep - 1) ? '0 : read_pos_q + 1'b1;
      read_bank_q <= read_bank_q ^ done_i;
    end
  end

  // What is written now may be the first entry, but not of a list that waits for its room. If no gate comes or it is not
  // picked, it is asked for again.
  wire entry_t entry = in_ready_o && left_q != '0 && write_addr == read_addr ? group_q : list[read_addr];
  assign group_o = entry.group;
  assign start_o = entry.start;

  `TOM_ALWAYS(done, !done_i || lists_q != '0, "%m is done with a list that is not there")

endmodule

`default_nettype wire
