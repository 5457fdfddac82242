// SPDX-License-Identifier: Apache-2.0
// Line buffer: turns a stream of pixels into a sequence of sliding-window reads.
//
// Keeps `Rows` rows in a ring. For every output pixel (row-major), every group of channels and every fold it
// reads the window once: kernel rows, kernel columns, beats of the group, the last fastest; ParallelH /
// ParallelW read all kernel rows / columns at once. A read of one fold of one group is a pass.
//
// One call of step() is one clock cycle of a loop with II = 1: it reads a tap when its pixel has come, and takes an
// input beat when one has come and there is room for it. Both see what earlier steps have left, as registers do:
// neither waits for the other within a cycle, and they never meet in a word of the ring. A step never waits for a
// beat that it can do without, so streams beside it need no more room than in the Verilog. Rows of the next frame
// are taken while windows of this one are read, the border costs nothing, and frames follow each other without a
// gap: a frame takes Cycles steps, the first one as many more as pass from a pixel to its windows, for which the
// depth of the ring is a bound. Simulation checks that.

#ifndef TOM_WINDOW_HPP
#define TOM_WINDOW_HPP

#include <cassert>

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"
#include "tom_memory.hpp"

// Kernel taps per read, and reads per pass.
constexpr unsigned tom_taps(unsigned kernel_h, unsigned kernel_w, bool parallel_h, bool parallel_w) {
  return (parallel_h ? kernel_h : 1) * (parallel_w ? kernel_w : 1);
}

constexpr unsigned tom_window_reads(unsigned kernel_h, unsigned kernel_w, bool parallel_h, bool parallel_w,
                                    unsigned beats) {
  return kernel_h * kernel_w / tom_taps(kernel_h, kernel_w, parallel_h, parallel_w) * beats;
}

// Bits of a number less than n, and of what a list says of a group of lanes: the part of a beat, the beat, the taps.
constexpr unsigned tom_number_bits(unsigned n) { return n > 1 ? tom_clog2(n) : 1; }

constexpr unsigned tom_place_bits(unsigned parts, unsigned beats, unsigned steps_w, unsigned steps_h) {
  return tom_number_bits(parts) + tom_number_bits(beats) + tom_number_bits(steps_w) + tom_number_bits(steps_h);
}

// What a step has read.
struct tom_read {
  bool valid;        // a tap was read
  bool first, last;  // it is the first, the last of its pass
};

template <
    unsigned Lanes,    // codes per beat
    unsigned Bits,     // bits per code
    unsigned Beats,    // beats per pixel
    unsigned Groups,   // groups of beats that are read separately
    unsigned Folds,    // how often each window of a group is read
    unsigned Height,   // input rows
    unsigned Width,    // input columns
    unsigned OutHeight, unsigned OutWidth, unsigned KernelH, unsigned KernelW, unsigned StrideH, unsigned StrideW,
    unsigned DilationH, unsigned DilationW, unsigned PadTop, unsigned PadLeft,
    int PadValue,      // code of the border
    bool ParallelH,    // read all kernel rows at once
    bool ParallelW,    // read all kernel columns at once
    unsigned Rows,     // rows in the ring
    unsigned Columns,  // column banks if ParallelW, else 1
    unsigned Pixels,   // neighbouring columns per input beat, the first in the low bits
    unsigned Ram,      // memory kind of the ring: 0 LUTRAM, 1 block RAM, 2 UltraRAM
    unsigned Images = 1,  // images per frame: dense_fold makes one of every pixel
    unsigned Kept = 0,    // reads of an output pixel that a list names; 0: all, in order
    unsigned Lists = 1,   // groups of lanes that read what the list names for each
    unsigned Parts = 1,   // a read takes one of so many parts of a beat, which the list names
    unsigned Waits = 0    // steps that a frame may wait for the caller
    >
class tom_window {
 public:
  static const unsigned TapsH = ParallelH ? KernelH : 1;
  static const unsigned TapsW = ParallelW ? KernelW : 1;
  static const unsigned PartLanes = Lanes / Parts;
  static const unsigned Codes = TapsH * TapsW * PartLanes;  // per read
  static const unsigned GroupBeats = Beats / Groups;
  static const unsigned StepsH = ParallelH ? 1 : KernelH;
  static const unsigned StepsW = ParallelW ? 1 : KernelW;
  static const unsigned Reads = StepsH * StepsW * GroupBeats;  // per pass
  static const unsigned InBeats = Images * Height * Width * Beats / Pixels;  // per frame
  static const unsigned Work = Images * OutHeight * OutWidth * (Kept == 0 ? Groups * Folds * Reads : Kept);
  static const unsigned Cycles = tom_max(Work, InBeats);

  typedef ap_uint<Lanes * Bits> beat_type;
  typedef ap_uint<Pixels * Lanes * Bits> input_type;

  explicit tom_window(unsigned frames)
      : to_come(frames), to_read(frames), w_beat(0), w_bank(0), w_word(0), w_slot(0), cols_in(0), held(0),
        surplus(-last_row(-Pad0, OutHeight == 1)), beat(0), kw(0), kh(0), fold(0), group(0), entry(0),
        begins(true), col(0), row(0), top(-Pad0),
        left(-Pad1), right(SpanW - Pad1), slot(FirstSlot), bank(FirstBank), word(FirstWord) {
#pragma HLS INLINE
#pragma HLS ARRAY_PARTITION variable = ring dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = ring dim = 2 complete
#pragma HLS DEPENDENCE variable = ring intra false
    tom_memory<Ram>::bind(ring);
#ifndef __SYNTHESIS__
    steps_left = tom_piece(frames) * Cycles + Rows * tom_ceil_div(Cycles, Images * Height) + Reads +
                 (tom_piece(frames) + 1) * Waits;
#endif
  }

  // Whether reads are to come.
  bool busy() const {
#pragma HLS INLINE
    return to_read.any();
  }

  // One cycle. `codes`: kernel row, kernel column, lane; the last fastest.
  tom_read step(hls::stream<input_type> &in, ap_uint<Bits> (&codes)[Codes]) {
#pragma HLS INLINE
    const bool takes = begin(in);
    const tom_read read = {arrived(), kh == 0 && kw == 0 && beat == 0,
                           kh == StepsH - 1 && kw == StepsW - 1 && beat == GroupBeats - 1};
    tom_moved moved = {0, 0};
    if (read.valid) {
      tom_place places[Lists];
      for (unsigned l = 0; l < Lists; ++l) {
#pragma HLS UNROLL
        places[l].part = 0;
        places[l].beat = group * GroupBeats + beat;
        places[l].kw = kw;
        places[l].kh = kh;
      }
      select(places, codes);
      moved = advance();
    }
    end(in, takes, moved);
    return read;
  }

  // One cycle of the reads that a list names. A word of it, low bits first: the read ends a pass, the pixel; for each
  // group of lanes the part of a beat, the beat of the pixel, its kernel column and kernel row.
  static const unsigned PartBits = tom_number_bits(Parts), BeatBits = tom_number_bits(Beats);
  static const unsigned KwBits = tom_number_bits(StepsW), KhBits = tom_number_bits(StepsH);
  static const unsigned PlaceBits = tom_place_bits(Parts, Beats, StepsW, StepsH);
  static const unsigned ListPieces = tom_pieces(2 + Lists * PlaceBits);

  tom_read step(const tom_piece (&list)[tom_max(Kept, 1)][ListPieces], hls::stream<input_type> &in,
                ap_uint<Bits> (&codes)[Codes]) {
#pragma HLS INLINE
    const tom_piece (&word)[ListPieces] = list[entry];
    const bool takes = begin(in), ends_pass = tom_field<1>(word, 0)[0], ends_pixel = tom_field<1>(word, 1)[0];
    const tom_read read = {arrived(), begins, ends_pass};
    tom_moved moved = {0, 0};
    if (read.valid) {
      tom_place places[Lists];
      for (unsigned l = 0; l < Lists; ++l) {
#pragma HLS UNROLL
        const unsigned from = 2 + l * PlaceBits;
        places[l].part = tom_field<PartBits>(word, from);
        places[l].beat = tom_field<BeatBits>(word, from + PartBits);
        places[l].kw = tom_field<KwBits>(word, from + PartBits + BeatBits);
        places[l].kh = tom_field<KhBits>(word, from + PartBits + BeatBits + KwBits);
      }
      select(places, codes);
      to_read.step();
      entry = tom_next<tom_max(Kept, 1)>(entry);
      begins = ends_pass;
      if (ends_pixel) moved = pixel_step();
    }
    end(in, takes, moved);
    return read;
  }

  // What a group of lanes reads.
  struct tom_place {
    tom_count<Parts> part;
    tom_count<Beats> beat;
    tom_count<StepsW> kw;
    tom_count<StepsH> kh;
  };

  // One cycle of the read that the caller tells of, which is made if `told.valid` and its pixel has come. Stream: what
  // the beats come from.
  template <typename Stream>
  tom_read step(const tom_place &place, const tom_read &told, bool ends_pixel, Stream &in,
                ap_uint<Bits> (&codes)[Codes]) {
#pragma HLS INLINE
    const bool takes = begin(in);
    const tom_read read = {told.valid && arrived(), told.first, told.last};
    tom_moved moved = {0, 0};
    if (read.valid) {
      const tom_place places[Lists] = {place};
      select(places, codes);
      if (ends_pixel) moved = pixel_step();
    }
    end(in, takes, moved);
    return read;
  }

 private:
  static const int Pad0 = static_cast<int>(PadTop), Pad1 = static_cast<int>(PadLeft);
  static const int SpanH = static_cast<int>((KernelH - 1) * DilationH + 1);
  static const int SpanW = static_cast<int>((KernelW - 1) * DilationW + 1);
  static const unsigned RowBanks = ParallelH ? Rows : 1;
  static const unsigned RowWords = tom_ceil_div(Width, Columns) * Beats;  // of a row, in a bank
  static const unsigned RingWords = ParallelH ? RowWords : Rows * RowWords;

  static_assert(Beats % Groups == 0, "Groups must divide Beats");
  static_assert(Pad0 < SpanH && Pad1 < SpanW, "the border must be less than the extent of the kernel");
  static_assert(static_cast<int>(Rows) >= SpanH + static_cast<int>(StrideH),
                "Rows must hold a window and the rows of the next one");
  static_assert(ParallelW || Columns == 1, "column banks are for ParallelW");
  static_assert(Columns % Pixels == 0, "the pixels of a beat must go to different column banks");
  static_assert(Pixels == 1 || (Beats == 1 && Width % Pixels == 0),
                "several pixels per beat need all channels in a beat, and must divide Width");

  // Where the window of a frame's first output pixel lies, and how far it moves.
  static const unsigned FirstSlot = static_cast<unsigned>(tom_modulo(-Pad0, Rows));
  static const unsigned StepSlot = StrideH % Rows;
  static const unsigned StepFrame = static_cast<unsigned>(
      tom_modulo(static_cast<int>(Height) - static_cast<int>((OutHeight - 1) * StrideH), Rows));
  static const unsigned FirstBank = static_cast<unsigned>(tom_modulo(-Pad1, Columns));
  static const int FirstWord = (-Pad1 - static_cast<int>(FirstBank)) / static_cast<int>(Columns);
  static const unsigned StepBank = StrideW % Columns;
  static const unsigned StepWord = StrideW / Columns;

  static const unsigned GroupLanes = Lanes / Lists;
  static const unsigned GroupPart = GroupLanes / Parts;
  static_assert(Lanes % (Lists * Parts) == 0 && (Pixels == 1 || Lists == 1), "groups of lanes are whole");
  typedef ap_uint<GroupLanes * Bits> group_type;

  group_type ring[Lists * RowBanks][Columns][RingWords];

  typedef ap_int<tom_clog2(Height + SpanH + StrideH + Rows) + 2> row_type;
  typedef ap_int<tom_clog2(Width + SpanW + StrideW) + 2> col_type;

  // What a read changes for the rows: how many it frees, and how many more the next one waits for.
  struct tom_moved {
    tom_count<Rows> freed;
    row_type awaited;
  };

  tom_countdown<InBeats> to_come;  // input beats
  tom_countdown<Work> to_read;     // reads

  // Writer.
  tom_count<Beats> w_beat;
  tom_count<Columns> w_bank;
  tom_count<Width> w_word;        // pixel in its bank
  tom_count<Rows> w_slot;         // place of the row in the ring
  tom_count<Width> cols_in;       // complete columns of the row
  tom_count<Rows> held;           // complete rows that are still needed
  row_type surplus;               // of them beyond those above the last row that the window waits for
#ifndef __SYNTHESIS__
  tom_piece steps_left;           // of the closed form
#endif

  // Reader: the loops, and where the window lies.
  tom_count<GroupBeats> beat;
  tom_count<StepsW> kw;
  tom_count<StepsH> kh;
  tom_count<Folds> fold;
  tom_count<Groups> group;
  tom_count<tom_max(Kept, 1)> entry;  // of the list
  bool begins;                    // a pass
  tom_count<OutWidth> col;
  tom_count<OutHeight> row;
  row_type top;                   // input row of the window's corner
  col_type left;                  // its input column
  col_type right;                 // the first column behind the window
  tom_count<Rows> slot;           // place of row `top` in the ring
  tom_count<Columns> bank;        // column bank of column `left`
  col_type word;                  // its pixel in that bank

  // What a cycle begins with: whether a beat is taken.
  template <typename Stream>
  bool begin(Stream &in) {
#pragma HLS INLINE
#ifndef __SYNTHESIS__
    assert(steps_left-- != 0 && "slower than the closed form, or an input stream lacks beats");
#endif
    return to_come.any() && held != Rows && !in.empty();
  }

  // What it ends with.
  template <typename Stream>
  void end(Stream &in, bool takes, const tom_moved &moved) {
#pragma HLS INLINE
    bool row_came = false;
    if (takes) row_came = take(in.read());
    held = held + row_came - moved.freed;
    surplus = surplus + row_came - moved.awaited;
  }

  // Every bank is written in one place, so that one port is enough. Returns whether a row is complete.
  bool take(const input_type &data) {
#pragma HLS INLINE
    const tom_count<RingWords> address = (ParallelH ? 0u : w_slot.to_uint() * RowWords) + w_word * Beats + w_beat;
    for (unsigned b = 0; b < Lists * RowBanks; ++b) {
#pragma HLS UNROLL
      for (unsigned c = 0; c < Columns; ++c) {
#pragma HLS UNROLL
        const unsigned r = b % RowBanks, p = c % Pixels;
        group_type group_data = 0;
        for (unsigned q = 0; q < Parts; ++q) {
#pragma HLS UNROLL
          const unsigned first = p * Lanes + (q * Lists + b / RowBanks) * GroupPart;
          group_data.range(static_cast<int>((q + 1) * GroupPart * Bits - 1), static_cast<int>(q * GroupPart * Bits)) =
              data.range(static_cast<int>((first + GroupPart) * Bits - 1), static_cast<int>(first * Bits));
        }
        if ((!ParallelH || w_slot == r) && w_bank == c - p) ring[b][c][address] = group_data;
      }
    }

    const bool pixel_end = w_beat == Beats - 1;
    const bool bank_end = pixel_end && w_bank == Columns - Pixels;
    const bool row_end = pixel_end && cols_in == Width - Pixels;
    to_come.step();
    w_beat = tom_next<Beats>(w_beat);
    if (row_end) {
      cols_in = 0;
      w_bank = 0;
      w_word = 0;
      w_slot = tom_next<Rows>(w_slot);
    } else if (pixel_end) {
      cols_in += Pixels;
      w_bank = bank_end ? tom_count<Columns>(0) : tom_count<Columns>(w_bank + Pixels);
      w_word += bank_end ? 1 : 0;
    }
    return row_end;
  }

  // Whether the window's last row has come as far as it needs it, and with the last window of a row the rows
  // that it frees.
  bool arrived() const {
#pragma HLS INLINE
    const bool whole = col == OutWidth - 1 || right >= static_cast<int>(Width);
    return surplus > 0 || (surplus == 0 && !whole && right <= cols_in);
  }

  // The first input row that the windows of an output row need.
  static row_type base(const row_type &window_top) {
#pragma HLS INLINE
    return window_top < 0 ? row_type(0) : window_top;
  }

  // The last input row that they wait for: the last that they see, or free.
  static row_type last_row(const row_type &window_top, bool is_last) {
#pragma HLS INLINE
    const row_type last = window_top + (SpanH > static_cast<int>(StrideH) ? SpanH : static_cast<int>(StrideH)) - 1;
    return is_last || last >= static_cast<int>(Height) ? row_type(Height - 1) : last;
  }

  void select(const tom_place (&places)[Lists], ap_uint<Bits> (&codes)[Codes]) const {
#pragma HLS INLINE
    for (unsigned l = 0; l < Lists; ++l) {
#pragma HLS UNROLL
      group_type banks[RowBanks][Columns];
#pragma HLS ARRAY_PARTITION variable = banks dim = 0 complete
      const tom_place &place = places[l];
      const tom_count<RingWords> tap_row =
          ParallelH ? 0u : wrapped(slot + place.kh * DilationH).to_uint() * RowWords;
      for (unsigned c = 0; c < Columns; ++c) {
#pragma HLS UNROLL
        col_type pixel = ParallelW ? word : col_type(left + (place.kw * DilationW).to_int());
        for (unsigned t = 0; t < TapsW; ++t) {
#pragma HLS UNROLL
          if (ParallelW && column_bank(t) == c) pixel = word + static_cast<int>(column_carry(t));
        }
        // In the border it lies outside: any word will do.
        const bool inside = pixel >= 0 && pixel < static_cast<int>(RowWords / Beats);
        const tom_count<RingWords> address = tap_row + (inside ? pixel.to_uint() : 0u) * Beats + place.beat;
        for (unsigned r = 0; r < RowBanks; ++r) {
#pragma HLS UNROLL
          banks[r][c] = ring[l * RowBanks + r][c][address];
        }
      }
      for (unsigned h = 0; h < TapsH; ++h) {
#pragma HLS UNROLL
        for (unsigned w = 0; w < TapsW; ++w) {
#pragma HLS UNROLL
          const row_type y = top + static_cast<int>((ParallelH ? h : place.kh.to_uint()) * DilationH);
          const col_type x = left + static_cast<int>((ParallelW ? w : place.kw.to_uint()) * DilationW);
          const bool inside = y >= 0 && y < static_cast<int>(Height) && x >= 0 && x < static_cast<int>(Width);
          const unsigned r = ParallelH ? wrapped(slot + h * DilationH).to_uint() : 0;
          const group_type data = banks[r][ParallelW ? column_bank(w) : 0];
          for (unsigned j = 0; j < GroupPart; ++j) {
#pragma HLS UNROLL
            const unsigned lane = place.part.to_uint() * GroupPart + j;
            codes[((h * TapsW + w) * Lists + l) * GroupPart + j] =
                inside ? ap_uint<Bits>(data.range(static_cast<int>((lane + 1) * Bits - 1), static_cast<int>(lane * Bits)))
                       : ap_uint<Bits>(PadValue);
          }
        }
      }
    }
  }

  // A place in the ring of rows: `place` is less than 2 * Rows.
  static tom_count<Rows> wrapped(const tom_count<2 * Rows> &place) {
#pragma HLS INLINE
    return place >= Rows ? tom_count<Rows>(place - Rows) : tom_count<Rows>(place);
  }

  // The bank of tap column t, and how many pixels further it lies than the window's left column in its bank.
  unsigned column_bank(unsigned t) const {
#pragma HLS INLINE
    const unsigned b = bank.to_uint() + t * DilationW % Columns;
    return b >= Columns ? b - Columns : b;
  }

  unsigned column_carry(unsigned t) const {
#pragma HLS INLINE
    return t * DilationW / Columns + (bank.to_uint() + t * DilationW % Columns >= Columns ? 1 : 0);
  }

  // The loops around a read, the innermost first.
  tom_moved advance() {
#pragma HLS INLINE
    const bool beats_end = beat == GroupBeats - 1;
    const bool row_end = beats_end && kw == StepsW - 1;  // of the kernel
    const bool pass_end = row_end && kh == StepsH - 1;
    const bool group_end = pass_end && fold == Folds - 1;
    const bool pixel_end = group_end && group == Groups - 1;
    to_read.step();
    beat = tom_next<GroupBeats>(beat);
    if (beats_end) kw = tom_next<StepsW>(kw);
    if (row_end) kh = tom_next<StepsH>(kh);
    if (pass_end) fold = tom_next<Folds>(fold);
    if (group_end) group = tom_next<Groups>(group);
    const tom_moved none = {0, 0};
    return pixel_end ? pixel_step() : none;
  }

  // The window moves to the next output pixel.
  tom_moved pixel_step() {
#pragma HLS INLINE
    const bool line_end = col == OutWidth - 1;
    col = tom_next<OutWidth>(col);
    if (line_end) return next_line();
    next_pixel();
    const tom_moved none = {0, 0};
    return none;
  }

  // The window moves to the right.
  void next_pixel() {
#pragma HLS INLINE
    const unsigned b = bank.to_uint() + StepBank;
    left += static_cast<int>(StrideW);
    right += static_cast<int>(StrideW);
    bank = b >= Columns ? b - Columns : b;
    word += static_cast<int>(StepWord + (b >= Columns ? 1 : 0));
  }

  // The window moves to the start of the next output row, which may be the first of the next frame.
  tom_moved next_line() {
#pragma HLS INLINE
    const bool frame_end = row == OutHeight - 1, last_next = OutHeight == 1 || row == OutHeight - 2;
    const row_type next = frame_end ? row_type(-Pad0) : row_type(top + static_cast<int>(StrideH));
    const int frame = frame_end ? static_cast<int>(Height) : 0;  // rows from this frame to that of `next`
    const tom_moved moved = {tom_count<Rows>(base(next) + frame - base(top)),
                             row_type(last_row(next, last_next) + frame - last_row(top, frame_end))};
    left = -Pad1;
    right = SpanW - Pad1;
    bank = FirstBank;
    word = FirstWord;
    row = tom_next<OutHeight>(row);
    top = next;
    slot = frame_end ? wrapped(slot + StepFrame) : wrapped(slot + StepSlot);
    return moved;
  }
};

#endif
