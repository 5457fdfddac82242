// SPDX-License-Identifier: Apache-2.0
// Which memory holds an array, and what makes a product: directives want literals, so each kind has its own.
//
// The tools spell these directives differently: Vivado HLS names a core, such as RAM_S2P_BRAM (UG902). Macros choose,
// as UG1399 describes ("Using #define with Pragma Directives").

#ifndef TOM_MEMORY_HPP
#define TOM_MEMORY_HPP

#include "tom_codes.hpp"

#define TOM_PRAGMA_TEXT(text) _Pragma(#text)
#define TOM_PRAGMA(text) TOM_PRAGMA_TEXT(text)

// Kinds: ROM_1P, ROM_nP, RAM_S2P (a port that reads, one that writes), FIFO. Memories: LUTRAM, BRAM, URAM.
#ifdef TOM_VIVADO_HLS
#define TOM_STORE(array, kind, memory) TOM_PRAGMA(HLS RESOURCE variable = array core = kind##_##memory)
#define TOM_IN_DSP(product) TOM_PRAGMA(HLS RESOURCE variable = product core = DSP48)
#define TOM_IN_LUTS(product) TOM_PRAGMA(HLS RESOURCE variable = product core = Mul_LUT)
#else
#define TOM_STORE(array, kind, memory) TOM_PRAGMA(HLS BIND_STORAGE variable = array type = kind impl = memory)
#define TOM_IN_DSP(product) TOM_PRAGMA(HLS BIND_OP variable = product op = mul impl = dsp)
#define TOM_IN_LUTS(product) TOM_PRAGMA(HLS BIND_OP variable = product op = mul impl = fabric)
#endif

// Kinds of memory, as everywhere in the library: 0 LUTRAM, 1 block RAM, 2 UltraRAM.
template <unsigned Ram>
struct tom_memory;

template <>
struct tom_memory<0> {
  template <typename Array>
  static void bind(Array &array) {
#pragma HLS INLINE
    TOM_STORE(array, RAM_S2P, LUTRAM)
    (void)array;
  }
};

template <>
struct tom_memory<1> {
  template <typename Array>
  static void bind(Array &array) {
#pragma HLS INLINE
    TOM_STORE(array, RAM_S2P, BRAM)
    (void)array;
  }
};

template <>
struct tom_memory<2> {
  template <typename Array>
  static void bind(Array &array) {
#pragma HLS INLINE
    TOM_STORE(array, RAM_S2P, URAM)
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
    TOM_IN_DSP(product)
    return product;
  }
};

template <>
struct tom_multiply<false> {
  template <int A, int B>
  static ap_int<A + B> product(const ap_int<A> &a, const ap_int<B> &b) {
#pragma HLS INLINE
    ap_int<A + B> product = a * b;
    TOM_IN_LUTS(product)
    return product;
  }
};

#endif
