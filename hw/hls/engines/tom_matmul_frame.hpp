// SPDX-License-Identifier: Apache-2.0
// The product of two streams: for every pixel of a, Groups products of a vector and a matrix made of a frame of b.
//
// Bit-exact with tomato/ops/matmul.py and tom_matmul_frame.sv: y = (a - ZeroA) (b - ZeroB)^T if Transposed, else
// (a - ZeroA) (b - ZeroB). A ring of a few pixels of a and two frames of b; a beat of b has Lanes codes if Transposed,
// else Outputs.
//
// A step of the loop is a clock cycle: a read of both memories where a pixel and a frame are there, and a beat of
// each argument where one has come and there is room. Cycles per pixel of a: Groups * Folds * Beats; at least one cycle
// per beat of b.

#ifndef TOM_MATMUL_FRAME_HPP
#define TOM_MATMUL_FRAME_HPP

#include <cassert>

#include "tom_cells_multiply.hpp"
#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"
#include "tom_memory.hpp"

template <
    unsigned Lanes,      // codes of a per beat
    unsigned Outputs,    // output codes per beat
    unsigned Groups,     // products of a pixel
    unsigned Beats,      // beats of a per group
    unsigned Folds,      // output beats per group
    unsigned Terms,      // terms of a sum: channels of a per group
    bool Transposed,     // the pixels of b are the results, else the terms
    unsigned APixels,    // pixels of a frame of a
    unsigned BPixels,    // pixels of a frame of b
    unsigned ABits,      // width of a code of a
    bool ASigned,        // a is two's complement
    int ZeroA,           // zero point of a
    unsigned ADiffBits,  // width of a - ZeroA
    bool ADiffSigned,    // a - ZeroA is two's complement
    unsigned BBits,      // width of a code of b
    bool BSigned,        // b is two's complement
    int ZeroB,           // zero point of b
    unsigned BDiffBits,  // width of b - ZeroB, two's complement
    unsigned FieldBits,  // width of a factor, two's complement
    unsigned ProdBits,   // width of a product, two's complement
    unsigned AccBits,    // width of an output code
    unsigned Pack,       // results that share a DSP block; 0: multiply in LUTs
    unsigned Pixels,     // pixels of a in the ring
    unsigned RingRam,    // memory kind of the ring: 0 LUTRAM, 1 block RAM, 2 UltraRAM
    unsigned StoreRam,   // memory kind of the frames of b
    unsigned FrameBeats  // output beats per frame
    >
void tom_matmul_frame(
    const unsigned frames,
    hls::stream<ap_uint<Outputs * AccBits> > &out,
    hls::stream<ap_uint<Lanes * ABits> > &a,
    hls::stream<ap_uint<(Transposed ? Lanes : Outputs) * BBits> > &b) {
  const unsigned BLanes = Transposed ? Lanes : Outputs, Banks = Transposed ? Outputs : Lanes;
  const unsigned PixelBeats = Groups * Beats, Words = Groups * Folds * Beats;
  const unsigned Inner = Transposed ? Beats : Folds;                      // beats of a group of a pixel of b
  const unsigned BankStep = Transposed ? Beats : 1;                       // words to the next row of banks
  const unsigned BeatStep = Transposed ? 1 : Beats;                       // words to the next beat of a pixel
  const unsigned GroupStep = Transposed ? (Folds - 1) * Beats + 1 : Beats;  // the same, to the next group
  const unsigned Work = APixels * Words, BBeats = BPixels * Groups * Inner;
  const unsigned Cycles = tom_max(Work, BBeats);
  const unsigned Rest = Terms - (Beats - 1) * Lanes;
  typedef tom_cells_multiply<Lanes, Outputs, true, ADiffBits, ADiffSigned, FieldBits, FieldBits, ProdBits, false,
                             tom_bits<>, Pack> cells;

  ap_uint<Lanes * ADiffBits> ring[Pixels * PixelBeats];
  ap_uint<BLanes * BDiffBits> store[Banks][2 * Words];
#pragma HLS ARRAY_PARTITION variable = store dim = 1 complete
#pragma HLS DEPENDENCE variable = ring intra false
#pragma HLS DEPENDENCE variable = store intra false
  tom_memory<RingRam>::bind(ring);
  tom_memory<StoreRam>::bind(store);
  ap_int<AccBits> sums[Outputs];
#pragma HLS ARRAY_PARTITION variable = sums complete

  tom_countdown<APixels * PixelBeats> a_to_come(frames);
  tom_countdown<BBeats> b_to_come(frames);
  tom_countdown<Work> to_read(frames);
  tom_count<Pixels> held = 0;                    // pixels of a that are there
  ap_uint<2> filled = 0;                         // frames of b that are there
  tom_count<Pixels * PixelBeats> a_write = 0, pixel = 0;  // where a is written; where the pixel begins that is read
  tom_count<PixelBeats> a_beat = 0;
  tom_count<Inner> inner = 0;
  tom_count<Groups> b_group = 0, group = 0;
  tom_count<Banks> bank = 0;
  tom_count<BPixels> b_pixel = 0;
  tom_count<2 * Words> base = 0, b_write = 0, b_read = 0;
  tom_count<Words> word = 0;
  tom_count<APixels> a_pixel = 0;
  tom_count<Beats> beat = 0;
  tom_count<Folds> fold = 0;
  bool half = false, read_half = false;
#ifndef __SYNTHESIS__
  tom_piece steps_left = tom_piece(frames) * Cycles + BBeats + Pixels * Words + PixelBeats;
#endif

  while (to_read.any()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
#ifndef __SYNTHESIS__
    assert(steps_left-- != 0 && "slower than the closed form, or an input stream lacks beats");
#endif
    const bool reads = held != 0 && filled != 0;
    const bool a_comes = a_to_come.any() && held != Pixels && !a.empty();
    const bool b_comes = b_to_come.any() && filled != 2 && !b.empty();
    bool pixel_left = false, frame_left = false, pixel_came = false, frame_came = false;

    if (reads) {
      const bool last_beat = beat == Beats - 1, last_fold = fold == Folds - 1;
      ap_uint<ADiffBits> codes[Lanes];
      tom_unpack<Lanes, ADiffBits>(ring[pixel + group * Beats + beat], codes);
      ap_uint<Lanes * Outputs * FieldBits> fields = 0;
      for (unsigned i = 0; i < Lanes; ++i) {
#pragma HLS UNROLL
        bool borrow = false;
        for (unsigned o = 0; o < Outputs; ++o) {
#pragma HLS UNROLL
          const unsigned place = Transposed ? i : o;
          const ap_uint<BLanes * BDiffBits> line = store[Transposed ? o : i][b_read];
          const ap_uint<BDiffBits> code =
              line.range(static_cast<int>((place + 1) * BDiffBits - 1), static_cast<int>(place * BDiffBits));
          ap_int<FieldBits> factor = ap_int<BDiffBits>(code);
          if (i >= Rest && last_beat) factor = 0;
          if (Pack > 1 && o % tom_max(Pack, 1) != 0 && borrow) factor = ap_int<FieldBits>(factor - 1);
          borrow = factor < 0;
          tom_put<FieldBits>(fields, o * Lanes + i, ap_uint<FieldBits>(factor));
        }
      }
      tom_piece pieces[tom_pieces(Lanes * Outputs * FieldBits)];
#pragma HLS ARRAY_PARTITION variable = pieces complete
      for (unsigned p = 0; p < tom_pieces(Lanes * Outputs * FieldBits); ++p) {
#pragma HLS UNROLL
        pieces[p] = ap_uint<64>(fields >> static_cast<int>(64 * p)).to_uint64();
      }
      typename cells::term terms[cells::Sums][cells::Terms];
#pragma HLS ARRAY_PARTITION variable = terms dim = 0 complete
      cells::products(pieces, codes, terms);
      ap_uint<Outputs * AccBits> results = 0;
      for (unsigned o = 0; o < Outputs; ++o) {
#pragma HLS UNROLL
        ap_int<AccBits> sum = 0;
        for (unsigned i = 0; i < Lanes; ++i) {
#pragma HLS UNROLL
          sum += terms[o][i];
        }
        sums[o] = beat == 0 ? sum : ap_int<AccBits>(sums[o] + sum);
        tom_put<AccBits>(results, o, ap_uint<AccBits>(sums[o]));
      }
      if (last_beat) out.write(results);

      pixel_left = word == Words - 1;
      frame_left = pixel_left && a_pixel == APixels - 1;
      if (frame_left) read_half = !read_half;
      b_read = pixel_left ? tom_count<2 * Words>(read_half ? Words : 0) : tom_count<2 * Words>(b_read + 1);
      beat = tom_next<Beats>(beat);
      if (last_beat) fold = tom_next<Folds>(fold);
      if (last_beat && last_fold) group = tom_next<Groups>(group);
      word = tom_next<Words>(word);
      if (pixel_left) {
        a_pixel = tom_next<APixels>(a_pixel);
        pixel = pixel == (Pixels - 1) * PixelBeats ? tom_count<Pixels * PixelBeats>(0)
                                                   : tom_count<Pixels * PixelBeats>(pixel + PixelBeats);
      }
      to_read.step();
    }

    if (a_comes) {
      ap_uint<ABits> codes[Lanes];
      ap_uint<Lanes * ADiffBits> less = 0;
      tom_unpack<Lanes, ABits>(a.read(), codes);
      for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
        tom_put<ADiffBits>(less, l, ap_uint<ADiffBits>(tom_number<ASigned>(codes[l]) - ZeroA));
      }
      ring[a_write] = less;
      pixel_came = a_beat == PixelBeats - 1;
      a_beat = tom_next<PixelBeats>(a_beat);
      a_write = tom_next<Pixels * PixelBeats>(a_write);
      a_to_come.step();
    }

    if (b_comes) {
      ap_uint<BBits> codes[BLanes];
      ap_uint<BLanes * BDiffBits> less = 0;
      tom_unpack<BLanes, BBits>(b.read(), codes);
      for (unsigned l = 0; l < BLanes; ++l) {
#pragma HLS UNROLL
        tom_put<BDiffBits>(less, l, ap_uint<BDiffBits>(tom_number<BSigned>(codes[l]) - ZeroB));
      }
      store[bank][b_write] = less;
      const bool last_inner = inner == Inner - 1, last_pixel = b_pixel == BPixels - 1, last_bank = bank == Banks - 1;
      inner = tom_next<Inner>(inner);
      if (last_inner && b_group == Groups - 1) {
        frame_came = last_pixel;
        if (last_pixel) half = !half;
        base = last_pixel ? tom_count<2 * Words>(half ? Words : 0)
                          : tom_count<2 * Words>(base + (last_bank ? BankStep : 0));
        b_write = base;
        bank = last_pixel ? tom_count<Banks>(0) : tom_next<Banks>(bank);
        b_pixel = tom_next<BPixels>(b_pixel);
      } else {
        b_write += last_inner ? GroupStep : BeatStep;
      }
      if (last_inner) b_group = tom_next<Groups>(b_group);
      b_to_come.step();
    }

    held = held + (pixel_came ? 1 : 0) - (pixel_left ? 1 : 0);
    filled = filled + (frame_came ? 1 : 0) - (frame_left ? 1 : 0);
  }
}

#endif
