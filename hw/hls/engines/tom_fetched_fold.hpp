// SPDX-License-Identifier: Apache-2.0
// Matrix product or convolution whose weights come as a stream, from memory beside the chip.
//
// Bit-exact with tomato/ops/dense.py, tomato/ops/conv2d.py and tom_fetched_fold.sv, without groups. What a pixel sees is
// read once by a line buffer (tom_window) and kept, for Tile pixels and those behind them; each word that comes is
// multiplied by all pixels of the tile (tom_tile_loops), and results are put in order again (tom_tile_order). Streams: the
// result, x, the words: fold, kernel row, kernel column, beat; the last fastest. Cycles per pixel: Reads * Folds.

#ifndef TOM_FETCHED_FOLD_HPP
#define TOM_FETCHED_FOLD_HPP

#include "tom_countdown.hpp"
#include "tom_dot.hpp"
#include "tom_memory.hpp"
#include "tom_tile_loops.hpp"
#include "tom_tile_order.hpp"
#include "tom_window.hpp"

#include "hls_stream.h"

template <
    unsigned Lanes,       // input codes per beat
    unsigned Outputs,     // output codes per beat: filters computed at once
    unsigned Beats,       // input beats per pixel
    unsigned Folds,       // output beats per pixel
    unsigned Tile,        // pixels that a word is used for
    unsigned Places,      // pixels that wait for it, at least Tile
    unsigned TileRam,     // memory kind of what they see: 0 LUTRAM, 1 block RAM, 2 UltraRAM
    unsigned Words,       // words that wait for their pixels
    unsigned WordsRam,    // their memory kind
    unsigned OrderRam,    // memory kind of results that wait for their turn
    unsigned Height,      // input rows
    unsigned Width,       // input columns
    unsigned OutHeight,   // output rows
    unsigned OutWidth,    // output columns
    unsigned KernelH, unsigned KernelW, unsigned StrideH, unsigned StrideW, unsigned DilationH, unsigned DilationW,
    unsigned PadTop, unsigned PadLeft,
    int PadValue,         // code of the border
    bool ParallelH,       // all kernel rows at once: not here
    bool ParallelW,       // all kernel columns at once: not here
    unsigned Rows,        // rows in the line buffer
    unsigned Columns,     // column banks of the line buffer
    unsigned Pixels,      // neighbouring columns per input beat: one
    unsigned RingRam,     // memory kind of the line buffer: 0 LUTRAM, 1 block RAM, 2 UltraRAM
    unsigned InBits,      // width of an input code
    bool InSigned,        // inputs are two's complement
    unsigned Cell,        // what a weight is, see tom_dot.hpp
    unsigned FieldBits,   // stored width of a weight
    unsigned WeightBits,  // width of its value, two's complement
    typename Constants,   // tom_bits: what all weights share
    unsigned ProdBits,    // width of a product, or of the sum of a chain
    unsigned AccBits,     // width of an output code
    unsigned Pack,        // filters that share a DSP block; 0: multiply in LUTs
    unsigned Chain,       // products that are summed in a row of DSP blocks; 0: all are in LUTs
    unsigned FrameBeats   // output beats per frame
    >
void tom_fetched_fold(
    const unsigned frames,
    hls::stream<ap_uint<Outputs * AccBits> > &out,
    hls::stream<ap_uint<Lanes * InBits> > &x,
    hls::stream<ap_uint<Lanes * Outputs * FieldBits> > &words) {
  static_assert(!ParallelH && !ParallelW && Pixels == 1, "taps are read one after the other");
  static_assert(Places >= Tile && (Tile == 1 || Words >= KernelH * KernelW * Beats), "a tile must find its place");
  const unsigned Reads = KernelH * KernelW * Beats, WordBits = Lanes * Outputs * FieldBits;
  const unsigned Images = FrameBeats / (Folds * OutHeight * OutWidth);
  const unsigned Waits = (2 * Tile + Places) * Reads * (Folds + 1) + 64;
  typedef tom_window<Lanes, InBits, Beats, 1, 1, Height, Width, OutHeight, OutWidth, KernelH, KernelW, StrideH, StrideW,
                     DilationH, DilationW, PadTop, PadLeft, PadValue, false, false, Rows, Columns, 1, RingRam, Images,
                     Reads * Folds, 1, 1, Waits> buffer;
  typedef tom_tile_order<Outputs * AccBits, Folds, Tile, Places, OrderRam> order;
  const unsigned Cycles = buffer::Cycles;
  (void)Cycles;  // only a directive names it

  ap_uint<Lanes * InBits> seen[Places * Reads];
  tom_piece kept[Words][tom_pieces(WordBits)];
#pragma HLS ARRAY_PARTITION variable = kept dim = 2 complete
#pragma HLS DEPENDENCE variable = seen inter false
#pragma HLS DEPENDENCE variable = kept inter false
  tom_memory<TileRam>::bind(seen);
  tom_memory<WordsRam>::bind(kept);

  buffer window(frames);
  tom_tile_loops<Reads, Folds, Tile, Places, Words> loops;
  tom_dot<Lanes, Outputs, true, InBits, InSigned, Cell, FieldBits, WeightBits, Constants, ProdBits, AccBits, Pack,
          Chain, Words> dot;
  order ends;
  tom_countdown<FrameBeats / Tile * Reads> words_to_come(frames);
  tom_countdown<FrameBeats / Folds * Reads> reads_to_come(frames);

  // What the line buffer reads next.
  tom_count<Beats> beat = 0;
  tom_count<KernelW> kw = 0;
  tom_count<KernelH> kh = 0;
  tom_count<Places * Reads> seen_at = 0;
  tom_count<Words> kept_at = 0;

  for (tom_countdown<FrameBeats> to_come(frames); to_come.any();) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
    ap_uint<InBits> tap[Lanes], codes[Lanes];
#pragma HLS ARRAY_PARTITION variable = tap complete
#pragma HLS ARRAY_PARTITION variable = codes complete
    const bool begins = beat == 0 && kw == 0 && kh == 0;
    const bool ends_pixel = beat == Beats - 1 && kw == KernelW - 1 && kh == KernelH - 1;
    const tom_read told = {reads_to_come.any() && (!begins || loops.pixel_room()), begins, ends_pixel};
    const typename buffer::tom_place place = {0, beat, kw, kh};
    const bool reads = loops.reads(ends.room()), first = loops.first(), last = loops.last();
    const bool takes = reads && loops.begins();

    // Products of what is there.
    if (reads) {
      tom_unpack<Lanes, InBits>(seen[loops.pixel_address()], codes);
      dot.step(kept, codes, first, loops.word_address());
    }

    // What comes.
    const tom_read read = window.step(place, told, ends_pixel, x, tap);
    if (read.valid) {
      ap_uint<Lanes * InBits> beat_seen = 0;
      for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
        tom_put<InBits>(beat_seen, l, tap[l]);
      }
      seen[seen_at] = beat_seen;
      seen_at = tom_next<Places * Reads>(seen_at);
      reads_to_come.step();
      const bool beats_end = beat == Beats - 1, row_end = beats_end && kw == KernelW - 1;
      beat = tom_next<Beats>(beat);
      if (beats_end) kw = tom_next<KernelW>(kw);
      if (row_end) kh = tom_next<KernelH>(kh);
    }
    const bool word = words_to_come.any() && loops.word_room() && !words.empty();
    if (word) {
      const ap_uint<WordBits> data = words.read();
      for (unsigned p = 0; p < tom_pieces(WordBits); ++p) {
#pragma HLS UNROLL
        const unsigned last = p * 64 + 63 < WordBits ? p * 64 + 63 : WordBits - 1;
        kept[kept_at][p] = ap_uint<64>(data.range(static_cast<int>(last), static_cast<int>(p * 64))).to_uint64();
      }
      kept_at = tom_next<Words>(kept_at);
      words_to_come.step();
    }
    loops.step(read.valid && begins, read.valid && ends_pixel, word, reads);
    if (ends.step(takes, reads && last, dot.results(), out)) to_come.step();
  }
}

#endif
