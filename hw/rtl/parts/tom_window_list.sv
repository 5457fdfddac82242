// SPDX-License-Identifier: Apache-2.0
// What tom_window reads of an output pixel: what a list names. Part of tom_window.
//
// A word of the list is a read, low bits first: whether it ends a pass, whether it ends the pixel, and for each of Lists
// groups of lanes which part of a beat it is about, the beat of the pixel, and, where those are not read at once, the
// kernel column and the kernel row. The list is read again for every pixel; loops_o tells of the next read from two
// cycles behind the reset on, and of no end before.

`default_nettype none

module tom_window_list #(
  parameter int unsigned Kept     = 1,   // words
  parameter int unsigned Lists    = 1,   // groups of lanes that read on their own
  parameter int unsigned PartBits = 1,   // bits of a part's number
  parameter int unsigned BeatBits = 1,   // bits of a beat's
  parameter int unsigned KwBits   = 1,   // of a kernel column's
  parameter int unsigned KhBits   = 1,   // of a kernel row's
  parameter int unsigned Ram      = 0,   // memory kind: 0 LUT, 1 block RAM
  parameter              ListFile = ""   // hexadecimal words
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_i,

  input  wire logic                   read_i,  // the read that is told of is made
  output wire tom_window_pkg::loops_t loops_o,
  output wire logic [PartBits-1:0]    part_o[Lists],
  output wire logic [BeatBits-1:0]    beat_o[Lists],
  output wire logic [KwBits-1:0]      kw_o[Lists],
  output wire logic [KhBits-1:0]      kh_o[Lists]
);

  typedef struct packed {
    logic [KhBits-1:0]   kh;
    logic [KwBits-1:0]   kw;
    logic [BeatBits-1:0] beat;
    logic [PartBits-1:0] part;
  } place_t;

  typedef struct packed {
    place_t [Lists-1:0] place;
    logic               ends_pixel;
    logic               ends_pass;
  } entry_t;

  wire entry_t fetched;  // the read after the next
  entry_t entry_q;       // the next read
  logic fetched_q, known_q;
  wire logic [1:0] unused_load;

  wire logic advance = read_i || !known_q;

  tom_rom #(
    .Width  ($bits(entry_t)),
    .Words  (Kept),
    .Ram    (Ram),
    .MemFile(ListFile)
  ) u_list (
    .clk_i,
    .rst_i,
    .load_i('0),
    .load_o(unused_load),
    .next_i(advance),
    .data_o(fetched)
  );

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      fetched_q <= 1'b0;
      known_q   <= 1'b0;
    end else begin
      fetched_q <= 1'b1;
      known_q   <= fetched_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_i || !fetched_q) entry_q <= '0;
    else if (advance) entry_q <= fetched;
  end

  assign loops_o = '{
    known:           known_q,
    ends_pass:       entry_q.ends_pass,
    ends_pixel:      entry_q.ends_pixel,
    next_ends_pixel: fetched_q && fetched.ends_pixel,
    default:         1'b0
  };
  for (genvar l = 0; l < Lists; l++) begin : gen_place
    assign part_o[l] = entry_q.place[l].part;
    assign beat_o[l] = entry_q.place[l].beat;
    assign kw_o[l] = entry_q.place[l].kw;
    assign kh_o[l] = entry_q.place[l].kh;
  end

endmodule

`default_nettype wire
