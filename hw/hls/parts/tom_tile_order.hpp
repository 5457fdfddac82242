// SPDX-License-Identifier: Apache-2.0
// The end of tom_fetched_fold: puts the results of tiles back in order.
//
// They come fold by fold, of each all pixels of a tile, and leave pixel by pixel. The results of tiles of one pixel leave as they come.

#ifndef TOM_TILE_ORDER_HPP
#define TOM_TILE_ORDER_HPP

#include "tom_codes.hpp"
#include "tom_memory.hpp"

#include "hls_stream.h"

template <
    unsigned Width,   // bits per result
    unsigned Folds,   // results of a pixel
    unsigned Tile,    // pixels of a tile
    unsigned Places,  // pixels that are kept
    unsigned Ram      // memory kind: 0 LUTRAM, 1 block RAM, 2 UltraRAM
    >
class tom_tile_order {
 public:
  typedef ap_uint<Width> beat_type;

  tom_tile_order()
      : pixel(0), fold(0), place(0), tile_place(0), offset(0), kept(0), whole(0), out_fold(0), out_place(0), out_at(0) {
#pragma HLS INLINE
#pragma HLS DEPENDENCE variable = results intra false
    tom_memory<Ram>::bind(results);
  }

  // Whether there is room for one more pixel.
  bool room() const {
#pragma HLS INLINE
    return Tile == 1 || kept != Places;
  }

  // One step: a pixel takes its place, or none, a result comes, or none, and a beat leaves if its pixel is whole.
  // Returns whether.
  bool step(bool takes, bool comes, const beat_type &data, hls::stream<beat_type> &out) {
#pragma HLS INLINE
    if (Tile == 1) {
      if (comes) out.write(data);
      return comes;
    }
    const bool leaves = whole != 0, ends = leaves && out_fold == Folds - 1;
    if (leaves) {
      out.write(results[out_at]);
      const tom_count<Places> next = tom_next<Places>(out_place);
      out_at = ends ? tom_count<Folds * Places>(next) : tom_count<Folds * Places>(out_at + Places);
      out_fold = tom_next<Folds>(out_fold);
      if (ends) out_place = next;
    }
    const bool last_pixel = pixel == Tile - 1, last_fold = fold == Folds - 1;
    if (comes) {
      const tom_count<Places> next = tom_next<Places>(place);
      results[offset + place] = data;
      place = last_pixel && !last_fold ? tile_place : next;
      if (last_pixel && last_fold) tile_place = next;
      pixel = tom_next<Tile>(pixel);
      if (last_pixel) {
        offset = last_fold ? tom_count<Folds * Places>(0) : tom_count<Folds * Places>(offset + Places);
        fold = tom_next<Folds>(fold);
      }
    }
    whole = whole + (comes && last_fold) - ends;
    kept = kept + takes - ends;
    return leaves;
  }

 private:
  beat_type results[Folds * Places];  // a fold's side by side
  tom_count<Tile> pixel;
  tom_count<Folds> fold;
  tom_count<Places> place, tile_place;  // tile_place: of the tile's first pixel
  tom_count<Folds * Places> offset;     // of the fold
  tom_count<Places> kept, whole;        // pixels that have a place, and those of which all results are there
  tom_count<Folds> out_fold;
  tom_count<Places> out_place;
  tom_count<Folds * Places> out_at;
};

#endif
