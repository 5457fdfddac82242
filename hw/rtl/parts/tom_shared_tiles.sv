// SPDX-License-Identifier: Apache-2.0
// Reads of the layers that share an engine whose weights are fetched: each word of weights meets all pixels of a turn.
//
// Fold, kernel row, kernel column, beat, pixel; the last fastest. A word takes as many cycles as a turn has pixels, and at
// least Again, in which a sum is there to be added to. A word begins once it is there; a fold once its sums have a place.

`default_nettype none

module tom_shared_tiles #(
  parameter int unsigned Members    = 2,   // layers
  parameter bit [Members*tom_shared_pkg::LayerBits-1:0] Layers = tom_shared_pkg::Both,  // their sizes, the first in the low bits
  parameter int unsigned Again      = 4,   // cycles from a read of a pixel to the next one of it, at least
  parameter int unsigned Tile       = 1,   // pixels of a turn, at most
  parameter int unsigned Words      = 40,  // of all rings
  parameter int unsigned Chunks     = 2,   // words of constants, of all layers
  parameter int unsigned Results    = 2,   // words of results of a turn, of all layers
  parameter int unsigned Outputs    = 1,   // filters of a fold
  parameter int unsigned Codes      = 1,   // results of a word
  parameter int unsigned RowBits    = 4,   // of a count of rows
  parameter int unsigned HeightBits = 6,   // of any number of rows, two's complement
  parameter int unsigned WidthBits  = 6,   // of any number of columns, two's complement
  parameter int unsigned OffsetBits = 7,   // of a word in a ring or left of it, two's complement, and of a sum of two
  parameter int unsigned StepBits   = 2,   // of beats, folds, kernel rows and columns

  localparam int unsigned MemberBits = tom_pkg::idx_width(Members),
  localparam int unsigned TileBits = tom_pkg::idx_width(Tile),
  localparam int unsigned WordBits = tom_pkg::idx_width(Words),
  localparam int unsigned ChunkBits = tom_pkg::idx_width(Chunks),
  localparam int unsigned ResultBits = tom_pkg::idx_width(Results)
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_i,

  input  wire logic                  turn_valid_i,  // the next turn, see tom_shared_pick
  output wire logic                  turn_ready_o,
  input  wire logic [MemberBits-1:0] member_i,
  input  wire logic signed [HeightBits-1:0] top_i,
  input  wire logic signed [WidthBits-1:0]  left_i,
  input  wire logic [OffsetBits-1:0] at_i,
  input  wire logic [OffsetBits-1:0] from_i,
  input  wire logic                  frees_i,
  input  wire logic [RowBits-1:0]    base_i,

  input  wire logic                  word_valid_i,  // the next word of weights is there
  input  wire logic                  room_i,        // the sums of a fold have a place
  output wire logic                  fold_o,        // which is taken; what is told of the fold is on the next lines
  output wire logic [MemberBits-1:0] fold_member_o,
  output wire logic [ChunkBits-1:0]  fold_chunk_o,  // of its first constants
  output wire logic [ResultBits-1:0] fold_place_o,  // of its first result
  output wire logic                  fold_last_o,   // it is the turn's last

  output wire logic                  free_o,        // input rows of a layer are no longer needed
  output wire logic [MemberBits-1:0] free_member_o,
  output wire logic [RowBits-1:0]    free_rows_o,   // all that are not since the reset

  output wire logic                  read_o,
  output wire logic                  word_o,        // the first read with a word
  output wire logic                  first_o,       // word of a fold
  output wire logic                  last_o,
  output wire logic                  final_o,       // read of a fold
  output wire logic                  inside_o,      // the frame, else the border is read
  output wire logic [MemberBits-1:0] turn_o,        // whose read it is
  output wire logic [TileBits-1:0]   pixel_o,       // of the turn
  output wire logic [WordBits-1:0]   addr_o         // in the rings
);

  import tom_shared_pkg::*;

  localparam int unsigned MostBits = tom_pkg::idx_width(Tile > Again ? Tile : Again);  // of a cycle with a word
  localparam int unsigned FoldChunks = Outputs / Codes;

  // What a layer's reads go by: constants.
  typedef struct packed {
    logic signed [HeightBits-1:0] height;
    logic signed [WidthBits-1:0]  width;
    logic signed [WidthBits-1:0]  stride;       // columns from a pixel to the next
    logic [OffsetBits-1:0]        step;         // and words
    logic [OffsetBits-1:0]        row;          // words of a row
    logic [OffsetBits-1:0]        size;         // of the ring
    logic [WordBits-1:0]          ring;
    logic [ChunkBits-1:0]         chunk;
    logic [ResultBits-1:0]        place;
    logic [MostBits-1:0]          last_cycle;   // with a word
    logic [MostBits-1:0]          last_pixel;
    logic [StepBits-1:0]          last_beat;
    logic [StepBits-1:0]          last_kw;
    logic [StepBits-1:0]          last_kh;
    logic [StepBits-1:0]          last_fold;
  } sizes_t;

  wire sizes_t [Members-1:0] sizes;
  for (genvar m = 0; m < Members; m++) begin : gen_member
    localparam layer_t Layer = layer_t'(Layers[m*LayerBits+:LayerBits]);
    localparam int unsigned Row = Layer.width * Layer.beats;  // words
    assign sizes[m] = '{
      height:      HeightBits'(Layer.height),
      width:       WidthBits'(Layer.width),
      stride:      WidthBits'(Layer.stride_w),
      step:        OffsetBits'(Layer.stride_w * Layer.beats),
      row:         OffsetBits'(Row),
      size:        OffsetBits'(Layer.rows * Row),
      ring:        WordBits'(Layer.ring),
      chunk:       ChunkBits'(Layer.constant),
      place:       ResultBits'(Layer.place),
      last_cycle:  MostBits'((Layer.tile > Again ? Layer.tile : Again) - 1),
      last_pixel:  MostBits'(Layer.tile - 1),
      last_beat:   StepBits'(Layer.beats - 1),
      last_kw:     StepBits'(Layer.kernel_w - 1),
      last_kh:     StepBits'(Layer.kernel_h - 1),
      last_fold:   StepBits'(Layer.folds - 1)
    };
  end

  // ---------------------------------------------------------------- the turn

  logic                  turn_q;
  logic [MemberBits-1:0] member_q;
  logic                  frees_q;
  logic [RowBits-1:0]    base_q;
  logic [OffsetBits-1:0] at_q, from_q;
  logic signed [HeightBits-1:0] top_q;
  logic signed [WidthBits-1:0]  left_q;

  logic [StepBits-1:0]   beat_q, kw_q, kh_q, fold_q;
  logic [OffsetBits-1:0] row_q, word_q, reach_q;  // where the row of the kernel lies, the word in it, and from there to the pixel's
  logic signed [HeightBits-1:0] line_q;           // input row and column of the first pixel
  logic signed [WidthBits-1:0]  column_q, shift_q;  // and from there to the pixel's
  logic [MostBits-1:0]   cycle_q;
  logic [ChunkBits-1:0]  chunk_q;
  logic [ResultBits-1:0] place_q;

  /* verilator lint_off UNUSEDSIGNAL */ // some of the sizes
  wire sizes_t here = sizes[member_q];
  wire sizes_t soon = sizes[member_i];
  /* verilator lint_on UNUSEDSIGNAL */

  wire logic begins_word = cycle_q == '0;
  wire logic ends_word = cycle_q == here.last_cycle;
  wire logic first_word = beat_q == '0 && kw_q == '0 && kh_q == '0;
  wire logic last_beat = beat_q == here.last_beat;
  wire logic last_kw = kw_q == here.last_kw;
  wire logic last_kh = kh_q == here.last_kh;
  wire logic last_fold = fold_q == here.last_fold;
  wire logic ends_line = last_beat && last_kw;
  wire logic last_word = ends_line && last_kh;
  wire logic begins_fold = begins_word && first_word;
  wire logic go = turn_q && (!begins_word || word_valid_i) && (!begins_fold || room_i);
  wire logic step = go && ends_word;
  wire logic ends_turn = step && last_word && last_fold;

  assign turn_ready_o = !turn_q || ends_turn;
  wire logic taken = turn_valid_i && turn_ready_o;

  always_ff @(posedge clk_i) begin
    if (rst_i) turn_q <= 1'b0;
    else if (turn_ready_o) turn_q <= turn_valid_i;
  end

  always_ff @(posedge clk_i) begin
    if (taken) begin
      member_q <= member_i;
      top_q    <= top_i;
      left_q   <= left_i;
      at_q     <= at_i;
      from_q   <= from_i;
      frees_q  <= frees_i;
      base_q   <= base_i;
      cycle_q  <= '0;
      reach_q  <= '0;
      shift_q  <= '0;
      beat_q   <= '0;
      kw_q     <= '0;
      kh_q     <= '0;
      fold_q   <= '0;
      row_q    <= at_i;
      word_q   <= from_i;
      line_q   <= top_i;
      column_q <= left_i;
      chunk_q  <= soon.chunk;
      place_q  <= soon.place;
    end else if (go) begin
      cycle_q <= ends_word ? '0 : cycle_q + 1'b1;
      reach_q <= ends_word ? '0 : reach_q + here.step;
      shift_q <= ends_word ? '0 : shift_q + here.stride;
      if (ends_word) begin
        beat_q <= last_beat ? '0 : beat_q + 1'b1;
        word_q <= ends_line ? from_q : word_q + 1'b1;
        if (last_beat) begin
          kw_q     <= last_kw ? '0 : kw_q + 1'b1;
          column_q <= last_kw ? left_q : column_q + 1'b1;
        end
        if (ends_line) begin
          kh_q   <= last_kh ? '0 : kh_q + 1'b1;
          row_q  <= last_kh ? at_q : OffsetBits'(further(32'(row_q), 32'(here.row), 32'(here.size)));
          line_q <= last_kh ? top_q : line_q + 1'b1;
        end
        if (last_word) begin
          fold_q  <= fold_q + 1'b1;
          chunk_q <= chunk_q + ChunkBits'(FoldChunks);
          place_q <= place_q + ResultBits'(FoldChunks);
        end
      end
    end
  end

  assign fold_o        = go && begins_fold;
  assign fold_member_o = member_q;
  assign fold_chunk_o  = chunk_q;
  assign fold_place_o  = place_q;
  assign fold_last_o   = last_fold;

  // ---------------------------------------------------------------- the read, in two steps

  wire logic signed [WidthBits-1:0] x = column_q + shift_q;

  logic [1:0]                 read_q, free_q, first_q, last_q, begins_q, final_q, inside_q;
  logic [1:0][MemberBits-1:0] whose_q;
  logic [1:0][MostBits-1:0]   pixel_q;
  logic [1:0][RowBits-1:0]    rows_q;
  logic [WordBits-1:0]        in_ring_q, ring_q, addr_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      read_q <= '0;
      free_q <= '0;
    end else begin
      read_q <= {read_q[0], go && cycle_q <= here.last_pixel};
      free_q <= {free_q[0], ends_turn && frees_q};
    end
    begins_q  <= {begins_q[0], begins_word};
    first_q   <= {first_q[0], first_word};
    last_q    <= {last_q[0], last_word};
    final_q   <= {final_q[0], last_word && cycle_q == here.last_pixel};
    inside_q  <= {inside_q[0], line_q >= 0 && line_q < here.height && x >= 0 && x < here.width};
    whose_q   <= {whose_q[0], member_q};
    pixel_q   <= {pixel_q[0], cycle_q};
    rows_q    <= {rows_q[0], base_q};
    in_ring_q <= WordBits'(signed'(row_q + word_q));  // left of the frame it is negative
    ring_q    <= here.ring + WordBits'(reach_q);
    addr_q    <= ring_q + in_ring_q;
  end

  assign read_o        = read_q[1];
  assign word_o        = read_q[1] && begins_q[1];
  assign first_o       = first_q[1];
  assign last_o        = last_q[1];
  assign final_o       = final_q[1];
  assign inside_o      = inside_q[1];
  assign turn_o        = whose_q[1];
  assign pixel_o       = TileBits'(pixel_q[1]);
  assign addr_o        = addr_q;
  assign free_o        = free_q[1];
  assign free_member_o = whose_q[1];
  assign free_rows_o   = rows_q[1];

endmodule

`default_nettype wire
