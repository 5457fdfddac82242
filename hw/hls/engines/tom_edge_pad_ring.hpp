// SPDX-License-Identifier: Apache-2.0
// Surrounds every frame with a border of its own pixels: a ring memory that is read where the border wants it.
//
// Bit-exact with EdgePad of tomato/ops/edge_pad.py and tom_edge_pad_ring.sv. One output beat per cycle:
// (Top + Height + Bottom) * (Left + Width + Right) * Beats cycles a frame, and what the first frame's first beat wants
// in front of it. The place of a beat is free when nothing that comes shows it or what came before it. It never waits
// for a beat while it has one to write.

#ifndef TOM_EDGE_PAD_RING_HPP
#define TOM_EDGE_PAD_RING_HPP

#include <cassert>

#include "tom_codes.hpp"
#include "tom_countdown.hpp"

#include "hls_stream.h"
#include "tom_edge_count.hpp"
#include "tom_memory.hpp"

template <
    unsigned Lanes,   // codes per beat
    unsigned Bits,    // width of a code
    unsigned Height,  // rows of the input
    unsigned Width,   // columns of the input
    unsigned Beats,   // beats per pixel
    unsigned Top,     // rows of border above
    unsigned Left,    // columns of border before
    unsigned Bottom,  // rows of border below
    unsigned Right,   // columns of border behind
    bool Mirrored,    // the border mirrors the frame at its edge, which it repeats otherwise
    unsigned Pixels,  // pixels of the ring
    unsigned Ram      // memory kind: 0 LUTRAM, 1 block RAM, 2 UltraRAM
    >
void tom_edge_pad_ring(const unsigned frames, hls::stream<ap_uint<Lanes * Bits> > &in,
                       hls::stream<ap_uint<Lanes * Bits> > &out) {
  typedef tom_edge_count<Height, Top, Bottom, Mirrored> rows;
  typedef tom_edge_count<Width, Left, Right, Mirrored> columns;
  const unsigned Cycles = (Top + Height + Bottom) * (Left + Width + Right) * Beats;
  const unsigned Depth = Pixels * Beats;
  const unsigned Ahead = (rows::Ahead * Width + columns::Ahead) * Beats;  // beats that the first one wants besides
  const unsigned After = (rows::After * Width + columns::After) * Beats;  // beats that the last one leaves besides
  const int Back = static_cast<int>(columns::Ahead + columns::After + 1) - static_cast<int>(Width);
  static_assert(Pixels * Beats >= Ahead + After + 2 * Beats, "Pixels must hold what is mirrored");
  static_assert(Top == 0 || Pixels >= (rows::Ahead + 1) * Width, "Pixels must hold the rows repeated above");
  static_assert(Bottom == 0 || Pixels >= (rows::After + 1) * Width, "Pixels must hold the rows repeated below");

  ap_uint<Lanes * Bits> ring[Depth];
  tom_memory<Ram>::bind(ring);
// A step never reads the place that it writes.
#pragma HLS DEPENDENCE variable = ring intra false

  rows row;
  columns col;
  tom_count<Beats> beat = 0;
  tom_countdown<Height * Width * Beats> to_come(frames);
  tom_countdown<Cycles> to_leave(frames);
  tom_count<Depth> spare = 0;    // beats that came and were not wanted
  tom_count<Depth> room = Depth;  // places that are free
  tom_count<Depth> write = 0, read = Ahead;
#ifndef __SYNTHESIS__
  tom_piece steps_left = tom_piece(frames) * Cycles + Ahead + 1;
#endif

  while (to_leave.any()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
#ifndef __SYNTHESIS__
    assert(steps_left-- != 0 && "slower than the closed form, or the input stream lacks beats");
#endif
    const bool begins = beat == 0 && col.first(), ends = beat == Beats - 1 && col.last();
    tom_count<Depth> wants = 0, leaves = 0;
    if (row.fresh() && col.fresh()) {
      wants = begins ? (row.first() ? Ahead : columns::Ahead * Beats) + 1 : 1;
    }
    if (row.leaves() && col.leaves()) {
      leaves = ends ? (row.last() ? After : columns::After * Beats) + 1 : 1;
    }
    const bool reads = spare >= wants, writes = to_come.any() && room != 0 && !in.empty();
    if (reads) {
      out.write(ring[read]);
      int pixels = col.step();
      if (col.last()) pixels = row.step() * int(Width) + Back;
      if (col.last() && row.last()) pixels = int((Ahead + After) / Beats + 1);
      const int step = beat == Beats - 1 ? (pixels - 1) * int(Beats) + 1 : 1;
      const int next = int(read) + step;
      read = next < 0 ? next + int(Depth) : next >= int(Depth) ? next - int(Depth) : next;
      if (beat == Beats - 1) {
        if (col.last()) row.advance();
        col.advance();
      }
      beat = tom_next<Beats>(beat);
      to_leave.step();
    }
    if (writes) {
      ring[write] = in.read();
      write = tom_next<Depth>(write);
      to_come.step();
    }
    spare = spare + (writes ? 1 : 0) - (reads ? unsigned(wants) : 0);
    room = room - (writes ? 1 : 0) + (reads ? unsigned(leaves) : 0);
  }
}

#endif
