// SPDX-License-Identifier: Apache-2.0
// The loops of tom_fetched_fold: a tile of pixels is multiplied by every fold of weights, word by word.
//
// Loops over tiles, folds, pixels of the tile and reads of a pixel, the last fastest. Pixels and words lie in rings. A
// read waits for what is not there yet: in the first fold for its pixel, at the first pixel for its word. What is read
// for the last time is free again.

#ifndef TOM_TILE_LOOPS_HPP
#define TOM_TILE_LOOPS_HPP

#include "tom_codes.hpp"

template <
    unsigned Reads,   // words of a pixel, and of a fold
    unsigned Folds,
    unsigned Tile,    // pixels that a word is used for
    unsigned Places,  // pixels in their ring
    unsigned Words    // words in theirs
    >
class tom_tile_loops {
 public:
  tom_tile_loops()
      : read(0), pixel(0), fold(0), unread_pixels(0), unread_words(0), kept_pixels(0), kept_words(0), pixel_at(0),
        tile_at(0), word_at(0), fold_at(0) {
#pragma HLS INLINE
  }

  // Whether there is room for one more pixel, one more word.
  bool pixel_room() const {
#pragma HLS INLINE
    return kept_pixels != Places;
  }

  bool word_room() const {
#pragma HLS INLINE
    return kept_words != Words;
  }

  // Whether a read is made, where there is a place for results or none.
  bool reads(bool available) const {
#pragma HLS INLINE
    const bool needs_pixel = fold == 0 && read == 0, needs_place = read == 0 && (Tile == 1 || fold == 0);
    return (!needs_pixel || unread_pixels != 0) && (pixel != 0 || unread_words != 0) && (!needs_place || available);
  }

  // Where the read is, and whether it is the first, the last of a pass, and the first of all of its pixel.
  tom_count<Places * Reads> pixel_address() const {
#pragma HLS INLINE
    return pixel_at;
  }

  tom_count<Words> word_address() const {
#pragma HLS INLINE
    return word_at;
  }

  bool first() const {
#pragma HLS INLINE
    return read == 0;
  }

  bool last() const {
#pragma HLS INLINE
    return read == Reads - 1;
  }

  bool begins() const {
#pragma HLS INLINE
    return read == 0 && fold == 0;
  }

  // One step: whether a pixel begins to come into its ring, has come, a word has come, and a read is made.
  void step(bool pixel_begins, bool pixel_came, bool word_came, bool reads) {
#pragma HLS INLINE
    const bool pass_end = reads && read == Reads - 1, fold_end = pass_end && pixel == Tile - 1;
    const bool last_fold = fold == Folds - 1;
    unread_pixels = unread_pixels + pixel_came - (reads && begins());
    unread_words = unread_words + word_came - (reads && pixel == 0);
    kept_pixels = kept_pixels + pixel_begins - (pass_end && last_fold);
    kept_words = kept_words + word_came - (reads && pixel == Tile - 1);
    if (!reads) return;
    const tom_count<Places * Reads> next_pixel = tom_next<Places * Reads>(pixel_at);
    const tom_count<Words> next_word = tom_next<Words>(word_at);
    pixel_at = fold_end && !last_fold ? tile_at : next_pixel;
    word_at = pass_end && pixel != Tile - 1 ? fold_at : next_word;
    if (fold_end && last_fold) tile_at = next_pixel;
    if (fold_end) fold_at = next_word;
    read = tom_next<Reads>(read);
    if (pass_end) pixel = tom_next<Tile>(pixel);
    if (fold_end) fold = tom_next<Folds>(fold);
  }

 private:
  tom_count<Reads> read;
  tom_count<Tile> pixel;
  tom_count<Folds> fold;
  tom_count<Places> unread_pixels;  // that no fold has read
  tom_count<Words> unread_words;    // that no pixel has read
  tom_count<Places> kept_pixels;
  tom_count<Words> kept_words;
  tom_count<Places * Reads> pixel_at, tile_at;  // tile_at: of the tile's first word
  tom_count<Words> word_at, fold_at;            // fold_at: of the fold's
};

#endif
