// SPDX-License-Identifier: Apache-2.0
// Line buffer of pixels: turns a stream of pixels into reads of windows, tap by tap, with as little memory as they allow.
//
// Keeps `Places` pixels, one behind the other in one memory. For every output pixel (row-major) and every beat of it the
// window is read once: kernel rows, kernel columns, the last fastest. These reads are a pass. Behind the last read of an
// output pixel all input pixels in front of the first one that is still needed leave the ring, row-major.
//
// One call of step() is one clock cycle of a loop with II = 1, as in tom_window.hpp: it reads a tap when its pixel has
// come, and takes an input beat when one has come and there is room for it; both see what earlier steps have left. A
// frame takes Cycles steps, and with few Places as many more as the reads have waited for pixels: at most InBeats. The
// first one takes as many more as pass from a pixel to its windows. Simulation checks that.

#ifndef TOM_PIXEL_RING_HPP
#define TOM_PIXEL_RING_HPP

#include <cassert>

#include "tom_codes.hpp"
#include "tom_countdown.hpp"
#include "tom_window.hpp"

#include "hls_stream.h"
#include "tom_memory.hpp"

template <
    unsigned Lanes,   // codes per beat
    unsigned Bits,    // bits per code
    unsigned Beats,   // beats per pixel
    unsigned Height,  // input rows
    unsigned Width,   // input columns
    unsigned OutHeight, unsigned OutWidth, unsigned KernelH, unsigned KernelW, unsigned StrideH, unsigned StrideW,
    unsigned DilationH, unsigned DilationW, unsigned PadTop, unsigned PadLeft,
    int PadValue,     // code of the border
    unsigned Places,  // pixels in the ring
    unsigned Ram      // memory kind of the ring: 0 LUTRAM, 1 block RAM, 2 UltraRAM
    >
class tom_pixel_ring {
 public:
  static const unsigned Reads = KernelH * KernelW;             // per pass
  static const unsigned InBeats = Height * Width * Beats;      // per frame
  static const unsigned Work = OutHeight * OutWidth * Beats * Reads;
  static const unsigned Cycles = tom_max(Work, InBeats);

  typedef ap_uint<Lanes * Bits> beat_type;

  explicit tom_pixel_ring(unsigned frames)
      : to_come(frames), to_read(frames), write(0), w_beat(0), room(Places),
        surplus(-(bottom(-Pad0, OutHeight == 1) * static_cast<int>(Width) + right(-Pad1, OutWidth == 1) + 1)), kw(0),
        kh(0), beat(0), col(0), row(0), top(-Pad0), left(-Pad1), tap(around(FirstTap)) {
#pragma HLS INLINE
#pragma HLS DEPENDENCE variable = ring intra false
    tom_memory<Ram>::bind(ring);
#ifndef __SYNTHESIS__
    steps_left = tom_piece(frames) * (Work + InBeats) + Places * tom_ceil_div(Cycles, Height * Width) + Reads;
#endif
  }

  // Whether reads are to come.
  bool busy() const {
#pragma HLS INLINE
    return to_read.any();
  }

  // One cycle.
  tom_read step(hls::stream<beat_type> &in, ap_uint<Bits> (&codes)[Lanes]) {
#pragma HLS INLINE
#ifndef __SYNTHESIS__
    assert(steps_left-- != 0 && "slower than the closed form, or an input stream lacks beats");
#endif
    const bool takes = to_come.any() && room != 0 && !in.empty();
    const tom_read read = {surplus >= 0, kh == 0 && kw == 0, kh == KernelH - 1 && kw == KernelW - 1};
    tom_moved moved = {0, 0};
    if (read.valid) {
      select(codes);
      moved = advance();
    }
    bool pixel_came = false;
    if (takes) pixel_came = take(in.read());
    room = room - pixel_came + moved.freed;
    surplus = surplus + pixel_came - moved.awaited;
    return read;
  }

 private:
  static const int Pad0 = static_cast<int>(PadTop), Pad1 = static_cast<int>(PadLeft);
  static const int SpanH = static_cast<int>((KernelH - 1) * DilationH + 1);
  static const int SpanW = static_cast<int>((KernelW - 1) * DilationW + 1);
  static const int ReachW = SpanW > static_cast<int>(StrideW) ? SpanW : static_cast<int>(StrideW);
  static const unsigned Words = Places * Beats;

  static_assert(Reads > 1, "a window must have several taps");
  static_assert(Pad0 < SpanH && Pad1 < SpanW, "the border must be less than the extent of the kernel");

  // Words of the ring from a read to the next.
  static const int RowWords = static_cast<int>(Width * Beats);
  static const int TapStep = static_cast<int>(DilationW * Beats);
  static const int RowExtent = static_cast<int>(KernelW - 1) * TapStep;
  static const int RowStep = static_cast<int>(DilationH) * RowWords - RowExtent;
  static const int Extent = RowExtent + static_cast<int>((KernelH - 1) * DilationH) * RowWords;
  static const int PixelStep = static_cast<int>(StrideW * Beats) - static_cast<int>(Beats - 1) - Extent;
  static const int LineExtent = static_cast<int>((OutWidth - 1) * StrideW * Beats + Beats - 1) + Extent;
  static const int LineStep = static_cast<int>(StrideH) * RowWords - LineExtent;
  static const int FrameStep =
      (static_cast<int>(Height) - static_cast<int>((OutHeight - 1) * StrideH)) * RowWords - LineExtent;
  static const int FirstTap = -(Pad0 * RowWords + Pad1 * static_cast<int>(Beats));

  typedef ap_int<tom_clog2(Height + SpanH + StrideH) + 2> row_type;
  typedef ap_int<tom_clog2(Width + SpanW + StrideW) + 2> col_type;
  typedef ap_int<tom_clog2(2 * Places + 2) + 2> pixels_type;

  // What an output pixel's end changes: pixels that leave, and by how many more the next one waits for.
  struct tom_moved {
    tom_count<Places> freed;
    pixels_type awaited;
  };

  beat_type ring[Words];

  tom_countdown<InBeats> to_come;  // input beats
  tom_countdown<Work> to_read;     // reads

  // Writer.
  tom_count<Words> write;
  tom_count<Beats> w_beat;
  tom_count<Places> room;  // free places
  pixels_type surplus;     // pixels that have come beyond those that the output pixel waits for
#ifndef __SYNTHESIS__
  tom_piece steps_left;  // of the closed form
#endif

  // Reader: the loops, and where the window lies.
  tom_count<KernelW> kw;
  tom_count<KernelH> kh;
  tom_count<Beats> beat;
  tom_count<OutWidth> col;
  tom_count<OutHeight> row;
  row_type top;           // input row of the window's corner
  col_type left;          // its input column
  tom_count<Words> tap;   // where the next read lies

  // So many words further in the ring.
  static constexpr unsigned around(int words) {
    return static_cast<unsigned>(tom_modulo(words, static_cast<int>(Words)));
  }

  // The first input row that windows need, and the last that they wait for: the last that they see, or free.
  static constexpr int base(int window_top) { return window_top < 0 ? 0 : window_top; }

  static constexpr int at_most(int value, int most) { return value < most ? value : most; }

  static constexpr int at_least(int value, int least) { return value > least ? value : least; }

  static constexpr int bottom(int window_top, bool is_last) {
    return is_last ? static_cast<int>(Height) - 1
                   : at_least(at_most(window_top + SpanH, static_cast<int>(Height)),
                              base(window_top + static_cast<int>(StrideH))) - 1;
  }

  // The last input column that a window waits for.
  static constexpr int right(int window_left, bool is_last) {
    return is_last ? static_cast<int>(Width) - 1 : at_most(window_left + ReachW, static_cast<int>(Width)) - 1;
  }

  // Returns whether a pixel is complete.
  bool take(const beat_type &data) {
#pragma HLS INLINE
    const bool pixel_end = w_beat == Beats - 1;
    ring[write] = data;
    to_come.step();
    write = tom_next<Words>(write);
    w_beat = tom_next<Beats>(w_beat);
    return pixel_end;
  }

  void select(ap_uint<Bits> (&codes)[Lanes]) const {
#pragma HLS INLINE
    const beat_type data = ring[tap];
    const row_type y = top + static_cast<int>(kh.to_uint() * DilationH);
    const col_type x = left + static_cast<int>(kw.to_uint() * DilationW);
    const bool inside = y >= 0 && y < static_cast<int>(Height) && x >= 0 && x < static_cast<int>(Width);
    for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
      codes[l] = inside ? ap_uint<Bits>(data.range(static_cast<int>((l + 1) * Bits - 1), static_cast<int>(l * Bits)))
                        : ap_uint<Bits>(PadValue);
    }
  }

  // The loops around a read, the innermost first.
  tom_moved advance() {
#pragma HLS INLINE
    const bool row_end = kw == KernelW - 1;  // of the kernel
    const bool pass_end = row_end && kh == KernelH - 1;
    const bool pixel_end = pass_end && beat == Beats - 1;
    const bool line_end = col == OutWidth - 1, frame_end = row == OutHeight - 1;
    const unsigned ahead = !row_end     ? around(TapStep)
                           : !pass_end  ? around(RowStep)
                           : !pixel_end ? around(1 - Extent)
                           : !line_end  ? around(PixelStep)
                           : !frame_end ? around(LineStep)
                                        : around(FrameStep);
    const unsigned sum = tap.to_uint() + ahead;
    to_read.step();
    tap = sum >= Words ? sum - Words : sum;
    kw = tom_next<KernelW>(kw);
    if (row_end) kh = tom_next<KernelH>(kh);
    if (pass_end) beat = tom_next<Beats>(beat);
    const tom_moved none = {0, 0};
    if (!pixel_end) return none;
    return line_end ? next_line(frame_end) : next_pixel();
  }

  // Whether pixels of the window's top row leave with its windows: no later output row sees them.
  bool leaves(bool frame_end) const {
#pragma HLS INLINE
    return frame_end || base(top.to_int() + static_cast<int>(StrideH)) > base(top.to_int());
  }

  // The window moves to the right.
  tom_moved next_pixel() {
#pragma HLS INLINE
    const int next = left.to_int() + static_cast<int>(StrideW);
    const bool is_last = OutWidth == 1 || col == OutWidth - 2;
    const int freed = leaves(row == OutHeight - 1) ? base(next) - base(left.to_int()) : 0;
    const tom_moved moved = {tom_count<Places>(freed), pixels_type(right(next, is_last) - right(left.to_int(), false))};
    left = next;
    col = tom_next<OutWidth>(col);
    return moved;
  }

  // The window moves to the start of the next output row, which may be the first of the next frame.
  tom_moved next_line(bool frame_end) {
#pragma HLS INLINE
    const bool is_last = OutHeight == 1 || row == OutHeight - 2;
    const int next = frame_end ? -Pad0 : top.to_int() + static_cast<int>(StrideH);
    const int frame = frame_end ? static_cast<int>(Height) : 0;  // rows from this frame to that of `next`
    const int rows_freed = base(next) + frame - base(top.to_int());
    const int rows_awaited = bottom(next, is_last) + frame - bottom(top.to_int(), frame_end);
    const int freed = rows_freed * static_cast<int>(Width) - (leaves(frame_end) ? base(left.to_int()) : 0);
    const int awaited =
        rows_awaited * static_cast<int>(Width) + right(-Pad1, OutWidth == 1) - static_cast<int>(Width - 1);
    const tom_moved moved = {tom_count<Places>(freed), pixels_type(awaited)};
    left = -Pad1;
    top = next;
    col = 0;
    row = tom_next<OutHeight>(row);
    return moved;
  }
};

#endif
