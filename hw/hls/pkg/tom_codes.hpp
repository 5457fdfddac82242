// SPDX-License-Identifier: Apache-2.0
// Codes, beats and memory words: what every engine of the library is made of.
//
// A beat is an ap_uint that carries lanes of codes, lane 0 in the low bits. A memory word is an array of
// 64-bit pieces, the lowest first: plain numbers, so that any compiler reads millions of them quickly.

#ifndef TOM_CODES_HPP
#define TOM_CODES_HPP

// Beats may be wider than the 1,024 bits that AMD's header allows by default, so this header comes first.
#ifndef AP_INT_MAX_W
#define AP_INT_MAX_W 16384
#endif
#include "ap_int.h"

typedef unsigned long long tom_piece;

// Pieces that hold a word of `width` bits.
constexpr unsigned tom_pieces(unsigned width) { return (width + 63) / 64; }

constexpr unsigned tom_max(unsigned a, unsigned b) { return a > b ? a : b; }

constexpr unsigned tom_ceil_div(unsigned a, unsigned b) { return (a + b - 1) / b; }

// Bits that count to n - 1: 0 for n = 1.
constexpr unsigned tom_clog2(unsigned n) { return n <= 1 ? 0 : 1 + tom_clog2((n + 1) / 2); }

// A counter that holds 0 to N.
template <unsigned N>
using tom_count = ap_uint<tom_max(tom_clog2(N + 1), 1)>;

// What follows in a count to N - 1 that starts again.
template <unsigned N, int Bits>
ap_uint<Bits> tom_next(const ap_uint<Bits> &count) {
#pragma HLS INLINE
  return count == N - 1 ? ap_uint<Bits>(0) : ap_uint<Bits>(count + 1);
}

// `value` modulo `m`, never negative.
constexpr int tom_modulo(int value, int m) { return (value % m + m) % m; }

// A parameter too wide for an integer, as 64-bit pieces, the lowest first: tom_bits<0x1234, 0x5678>.
template <tom_piece... Pieces>
struct tom_bits;

template <>
struct tom_bits<> {
  static constexpr tom_piece piece(unsigned) { return 0; }
};

template <tom_piece First, tom_piece... Rest>
struct tom_bits<First, Rest...> {
  static constexpr tom_piece piece(unsigned n) { return n == 0 ? First : tom_bits<Rest...>::piece(n - 1); }

  // Field `index` of fields of `bits` bits, a divisor of 64.
  static constexpr tom_piece field(unsigned index, unsigned bits) {
    return piece(index * bits / 64) >> (index * bits % 64) & (~tom_piece(0) >> (64 - bits));
  }

  // The same, two's complement.
  static constexpr int signed_field(unsigned index, unsigned bits) {
    return static_cast<int>(static_cast<long long>(field(index, bits) << (64 - bits)) >> (64 - bits));
  }
};

// Bits [from +: Bits] of a memory word; Bits is at most 64.
template <unsigned Bits, unsigned Pieces>
ap_uint<Bits> tom_field(const tom_piece (&word)[Pieces], unsigned from) {
#pragma HLS INLINE
  const unsigned piece = from / 64, offset = from % 64;
  tom_piece value = word[piece] >> offset;
  if (offset + Bits > 64) value |= word[piece + 1] << (64 - offset);
  return ap_uint<Bits>(value);
}

// The number that a code stands for: sign or zero extended to one width for both.
template <bool Signed, int Bits>
struct tom_value;

template <int Bits>
struct tom_value<true, Bits> {
  typedef ap_int<Bits> type;
};

template <int Bits>
struct tom_value<false, Bits> {
  typedef ap_int<Bits + 1> type;
};

template <bool Signed, int Bits>
typename tom_value<Signed, Bits>::type tom_number(const ap_uint<Bits> &code) {
#pragma HLS INLINE
  typedef typename tom_value<Signed, Bits>::type number;
  return Signed ? number(ap_int<Bits>(code)) : number(code);
}

// The codes of a beat, lane 0 first.
template <unsigned Lanes, unsigned Bits>
void tom_unpack(const ap_uint<Lanes * Bits> &beat, ap_uint<Bits> (&codes)[Lanes]) {
#pragma HLS INLINE
  for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
    codes[l] = beat.range(static_cast<int>((l + 1) * Bits - 1), static_cast<int>(l * Bits));
  }
}

// Lane `l` of a beat becomes `code`.
template <unsigned Bits, int Width>
void tom_put(ap_uint<Width> &beat, unsigned l, const ap_uint<Bits> &code) {
#pragma HLS INLINE
  beat.range(static_cast<int>((l + 1) * Bits - 1), static_cast<int>(l * Bits)) = code;
}

// The same codes in lanes of OutBits.
template <unsigned Lanes, unsigned Bits, bool Signed, unsigned OutBits>
ap_uint<Lanes * OutBits> tom_widen(const ap_uint<Lanes * Bits> &beat) {
#pragma HLS INLINE
  ap_uint<Bits> codes[Lanes];
  ap_uint<Lanes * OutBits> wide = 0;
  tom_unpack<Lanes, Bits>(beat, codes);
  for (unsigned l = 0; l < Lanes; ++l) {
#pragma HLS UNROLL
    tom_put<OutBits>(wide, l, ap_uint<OutBits>(tom_number<Signed>(codes[l])));
  }
  return wide;
}

#endif
