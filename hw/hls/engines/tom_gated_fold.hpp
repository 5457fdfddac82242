// SPDX-License-Identifier: Apache-2.0
// Convolution of which gates choose, frame by frame, the groups of channels that are computed and that are read.
//
// A line buffer (tom_window) in front of an array of multipliers (tom_dot), as tom_conv2d_window, but its loops run over
// chosen groups only. Bit-exact with tomato/ops/gated_conv2d.py and tom_gated_fold.sv. Any kernel, stride, dilation,
// padding. Streams: the result, x, the gate of the result and that of the input, one code per beat; a side of one group
// has none. Cycles per output pixel: Keep * Folds * reads, of Lanes channels of a tap in the KeepIn groups of the input,
// but at least Groups * Folds, its beats; per frame at least one per beat of every input.

#ifndef TOM_GATED_FOLD_HPP
#define TOM_GATED_FOLD_HPP

#include "tom_countdown.hpp"
#include "tom_dot.hpp"
#include "tom_expand.hpp"
#include "tom_gate_list.hpp"
#include "tom_window.hpp"

#include "hls_stream.h"

// A stream of codes less Base.
template <unsigned Lanes, unsigned XBits, bool XSigned, int Base, unsigned InBits>
class tom_based {
 public:
  explicit tom_based(hls::stream<ap_uint<Lanes * XBits> > &stream) : x(stream) {
#pragma HLS INLINE
  }

  bool empty() {
#pragma HLS INLINE
    return x.empty();
  }

  ap_uint<Lanes * InBits> read() {
#pragma HLS INLINE
    ap_uint<XBits> codes[Lanes];
    ap_uint<Lanes * InBits> less = 0;
    tom_unpack<Lanes, XBits>(x.read(), codes);
    for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
      tom_put<InBits>(less, l, ap_uint<InBits>(tom_number<XSigned>(codes[l]) - Base));
    }
    return less;
  }

 private:
  hls::stream<ap_uint<Lanes * XBits> > &x;
};

template <
    unsigned Lanes,       // input codes per beat
    unsigned Outputs,     // output codes per beat: filters computed at once
    unsigned Beats,       // input beats per pixel
    unsigned Folds,       // output beats per group of the result
    unsigned Groups,      // groups of the result; 1: it has no gate
    unsigned Keep,        // of them are computed
    unsigned GateBits,    // width of a code of its gate
    int Zero,             // the code that stands for 0 there
    unsigned GroupsIn,    // groups of the input; 1: it has no gate
    unsigned KeepIn,      // of them are read
    unsigned GateInBits,  // width of a code of its gate
    int ZeroIn,           // the code that stands for 0 there
    unsigned XBits,       // width of an input code
    bool XSigned,         // input codes are two's complement
    int Base,             // what is subtracted from them
    unsigned Depth,       // results on their way or waiting
    unsigned Height,      // input rows
    unsigned Width,       // input columns
    unsigned OutHeight,   // output rows
    unsigned OutWidth,    // output columns
    unsigned KernelH, unsigned KernelW, unsigned StrideH, unsigned StrideW, unsigned DilationH, unsigned DilationW,
    unsigned PadTop, unsigned PadLeft,
    int PadValue,         // code of the border
    bool ParallelH,       // all kernel rows at once
    bool ParallelW,       // all kernel columns at once
    unsigned Rows,        // rows in the line buffer
    unsigned Columns,     // column banks of the line buffer
    unsigned Pixels,      // neighbouring columns per input beat
    unsigned RingRam,     // memory kind of the line buffer: 0 LUTRAM, 1 block RAM, 2 UltraRAM
    unsigned InBits,      // width of an input code less Base
    bool InSigned,        // these are two's complement
    unsigned Cell,        // what a weight is, see tom_dot.hpp
    unsigned FieldBits,   // stored width of a weight
    unsigned WeightBits,  // width of its value, two's complement
    typename Constants,   // tom_bits: what all weights share
    unsigned ProdBits,    // width of a product, or of the sum of a chain
    unsigned AccBits,     // width of an output code
    unsigned Pack,        // filters that share a DSP block; 0: multiply in LUTs
    unsigned Chain,       // products that are summed in a row of DSP blocks; 0: all are in LUTs
    unsigned WeightRam,   // memory kind of the weights: 0 LUT, 1 block RAM, 2 UltraRAM, bound by the caller
    unsigned LoadBits,    // bits per beat of the loader that fills UltraRAM
    unsigned FrameBeats,  // output beats per frame
    typename... Gates     // one or two streams
    >
void tom_gated_fold(
    const unsigned frames,
    const tom_piece (&mem_file)[Groups * Folds * tom_window_reads(KernelH, KernelW, ParallelH, ParallelW, Beats)]
                               [tom_pieces(tom_taps(KernelH, KernelW, ParallelH, ParallelW) * Lanes * Outputs *
                                           FieldBits)],
    hls::stream<ap_uint<Outputs * AccBits> > &out,
    hls::stream<ap_uint<Lanes * XBits> > &x,
    Gates &...gates) {
  static_assert(sizeof...(Gates) == (Groups > 1) + (GroupsIn > 1), "a stream for each gate");
  static_assert(Beats % GroupsIn == 0, "groups of the input must be whole beats");
  const unsigned Words = Groups * Folds * tom_window_reads(KernelH, KernelW, ParallelH, ParallelW, Beats);
  const unsigned PartBeats = Beats / GroupsIn;  // of a group of the input
  const unsigned PixelCycles = tom_max(
      Keep * Folds * tom_window_reads(KernelH, KernelW, ParallelH, ParallelW, KeepIn * PartBeats), Groups * Folds);
  const unsigned Waits = tom_max(Groups, GroupsIn) + 2 * Groups * Folds;
  typedef tom_window<Lanes, InBits, Beats, 1, 1, Height, Width, OutHeight, OutWidth, KernelH, KernelW, StrideH, StrideW,
                     DilationH, DilationW, PadTop, PadLeft, PadValue, ParallelH, ParallelW, Rows, Columns, Pixels,
                     RingRam, 1, PixelCycles, 1, 1, Waits> buffer;
  typedef tom_expand<Outputs * AccBits, Groups, Keep, Folds, Depth> expander;
  const unsigned Inputs = buffer::Codes;
  const unsigned Cycles = tom_max(buffer::Cycles, tom_max(Groups, GroupsIn));
  (void)Cycles;  // only a directive names it

  buffer window(frames);
  tom_based<Lanes, XBits, XSigned, Base, InBits> in(x);
  tom_gate_list<Groups, Keep, GateBits, Zero, Words / Groups, Words> result;
  tom_gate_list<GroupsIn, KeepIn, GateInBits, ZeroIn, PartBeats, Beats> input;
  tom_dot<Inputs, Outputs, true, InBits, InSigned, Cell, FieldBits, WeightBits, Constants, ProdBits, AccBits, Pack,
          Chain, Words> dot;
  expander ends;

  // The loops, the innermost first.
  tom_count<PartBeats> part = 0;
  tom_count<KeepIn> group_in = 0;
  tom_count<buffer::StepsW> kw = 0;
  tom_count<buffer::StepsH> kh = 0;
  tom_count<Folds> fold = 0;
  tom_count<Keep> group = 0;
  tom_count<OutHeight * OutWidth> pixel = 0;
  tom_count<Words> tap = 0;  // words from the group's first to those of the tap

  for (tom_countdown<FrameBeats> to_come(frames); to_come.any();) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
    ap_uint<InBits> codes[buffer::Codes];
#pragma HLS ARRAY_PARTITION variable = codes complete
    tom_gates<sizeof...(Gates) == 2, (Groups > 1)>::take(result, input, gates...);

    const bool ends_part = part == PartBeats - 1;
    const bool ends_tap = ends_part && group_in == KeepIn - 1;
    const bool ends_row = ends_tap && kw == buffer::StepsW - 1;
    const bool ends_pass = ends_row && kh == buffer::StepsH - 1;
    const bool ends_group = ends_pass && fold == Folds - 1;
    const bool ends_pixel = ends_group && group == Keep - 1;
    const bool ends_frame = ends_pixel && pixel == OutHeight * OutWidth - 1;
    const bool begins = part == 0 && group_in == 0 && kw == 0 && kh == 0;
    const tom_read told = {result.there() && input.there() && (!begins || ends.room()), begins, ends_pass};
    const typename buffer::tom_place place = {0, tom_count<Beats>(input.start() + part), kw, kh};
    const tom_count<Groups> chosen = result.chosen();
    const tom_read read = window.step(place, told, ends_pixel, in, codes);
    if (read.valid) {
      dot.step(mem_file, codes, read.first, tom_count<Words>(result.start() + tap + place.beat));
      part = tom_next<PartBeats>(part);
      if (ends_part) {
        group_in = tom_next<KeepIn>(group_in);
        input.next();
      }
      if (ends_tap) {
        kw = tom_next<buffer::StepsW>(kw);
        tap = ends_group ? tom_count<Words>(0) : tom_count<Words>(tap + Beats);
      }
      if (ends_row) kh = tom_next<buffer::StepsH>(kh);
      if (ends_pass) fold = tom_next<Folds>(fold);
      if (ends_group) {
        group = tom_next<Keep>(group);
        result.next();
      }
      if (ends_pixel) pixel = tom_next<OutHeight * OutWidth>(pixel);
      if (ends_frame) {
        result.done();
        input.done();
      }
    }
    if (ends.step(read.valid && read.last, dot.results(), chosen, out)) to_come.step();
  }
}

#endif
