// SPDX-License-Identifier: Apache-2.0
// What a layer is, for tom_shared_fold, tom_shared_fetched and their parts, which several layers share.

`default_nettype none

package tom_shared_pkg;

  // Sizes of a layer, and where it begins among those that share an engine.
  typedef struct packed {
    int unsigned height;      // input rows
    int unsigned width;       // input columns
    int unsigned channels;    // input codes per pixel
    int unsigned beats;       // words that hold them
    int unsigned kernel_h;
    int unsigned kernel_w;
    int unsigned stride_h;
    int unsigned stride_w;
    int unsigned pad_top;
    int unsigned pad_left;
    int signed   pad_value;   // code of the border
    int unsigned out_height;
    int unsigned out_width;
    int unsigned out_channels; // output codes per pixel
    int unsigned folds;       // passes that compute them
    int unsigned rows;        // input rows that are kept
    int unsigned in_bits;     // width of an input code on its stream
    bit [31:0]   in_signed;   // 1: two's complement
    int unsigned out_bits;    // width of an output code on its stream
    int signed   lo;          // smallest result
    int signed   hi;          // largest result
    int unsigned shift;       // right shift beyond that of all layers
    int unsigned ring;        // its first word in the memory of input rows
    int unsigned word;        // its first word of weights; of those in memory, the burst that they begin with
    int unsigned constant;    // its first word of constants, which has those of one result or of a beat of them
    int unsigned in_bit;      // where its stream begins among the inputs
    int unsigned out_bit;     // and among the outputs
    int unsigned tile;        // output pixels of a turn; a row has a multiple of them
    int unsigned place;       // its first word in a memory of results
  } layer_t;

  localparam int unsigned LayerBits = $bits(layer_t);

  localparam layer_t Example = '{
    height: 4, width: 4, channels: 1, beats: 1, kernel_h: 3, kernel_w: 3, stride_h: 1, stride_w: 1, pad_top: 1, pad_left: 1,
    pad_value: 0, out_height: 4, out_width: 4, out_channels: 1, folds: 1, rows: 5, in_bits: 8, in_signed: 1, out_bits: 8,
    lo: -128, hi: 127, shift: 0, ring: 0, word: 0, constant: 0, in_bit: 0, out_bit: 0,
    tile: 1, place: 0
  };
  localparam layer_t Other = '{
    height: 4, width: 4, channels: 1, beats: 1, kernel_h: 3, kernel_w: 3, stride_h: 1, stride_w: 1, pad_top: 1, pad_left: 1,
    pad_value: 0, out_height: 4, out_width: 4, out_channels: 1, folds: 1, rows: 5, in_bits: 8, in_signed: 1, out_bits: 8,
    lo: -128, hi: 127, shift: 0, ring: 20, word: 9, constant: 1, in_bit: 8, out_bit: 8,
    tile: 1, place: 1
  };
  /* verilator lint_off UNUSEDPARAM */ // of most modules
  localparam bit [2*LayerBits-1:0] Both = {Other, Example};
  /* verilator lint_on UNUSEDPARAM */

  // A word further down in a ring of `size` words.
  function automatic int unsigned further(int unsigned from, int unsigned by, int unsigned size);
    return from + by >= size ? from + by - size : from + by;
  endfunction

endpackage

`default_nettype wire
