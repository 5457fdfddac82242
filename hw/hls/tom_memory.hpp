// SPDX-License-Identifier: Apache-2.0
// Which memory holds an array, and what makes a product: directives want literals, so each kind has its own.

#ifndef TOM_MEMORY_HPP
#define TOM_MEMORY_HPP

#include "tom_codes.hpp"

// Kinds of memory, as everywhere in the library: 0 LUTRAM, 1 block RAM, 2 UltraRAM.
template <unsigned Ram>
struct tom_memory;

template <>
struct tom_memory<0> {
  template <typename Array>
  static void bind(Array &array) {
#pragma HLS INLINE
#pragma HLS BIND_STORAGE variable = array type = ram_2p impl = lutram
    (void)array;
  }
};

template <>
struct tom_memory<1> {
  template <typename Array>
  static void bind(Array &array) {
#pragma HLS INLINE
#pragma HLS BIND_STORAGE variable = array type = ram_2p impl = bram
    (void)array;
  }
};

template <>
struct tom_memory<2> {
  template <typename Array>
  static void bind(Array &array) {
#pragma HLS INLINE
#pragma HLS BIND_STORAGE variable = array type = ram_2p impl = uram
    (void)array;
  }
};

// A product in a DSP block, or in LUTs.
template <bool Dsp>
struct tom_multiply;

template <>
struct tom_multiply<true> {
  template <int A, int B>
  static ap_int<A + B> product(const ap_int<A> &a, const ap_int<B> &b) {
#pragma HLS INLINE
    ap_int<A + B> product = a * b;
#pragma HLS BIND_OP variable = product op = mul impl = dsp
    return product;
  }
};

template <>
struct tom_multiply<false> {
  template <int A, int B>
  static ap_int<A + B> product(const ap_int<A> &a, const ap_int<B> &b) {
#pragma HLS INLINE
    ap_int<A + B> product = a * b;
#pragma HLS BIND_OP variable = product op = mul impl = fabric
    return product;
  }
};

#endif
