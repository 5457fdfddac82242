// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution, tap by tap: a ring of pixels (tom_pixel_ring) and a multiplier for every lane (tom_dot).
//
// Bit-exact with tomato/ops/conv2d.py, one filter per channel, and tom_depthwise_ring.sv. Any kernel of several taps,
// stride, dilation, padding. Cycles per frame: OutHeight * OutWidth * Beats * KernelH * KernelW, at least one cycle
// per input beat; with few Places those in which reads wait for pixels are added. Output beats carry Lanes channels.

#ifndef TOM_DEPTHWISE_RING_HPP
#define TOM_DEPTHWISE_RING_HPP

#include "tom_dot.hpp"
#include "tom_pixel_ring.hpp"

#include "hls_stream.h"

template <
    unsigned Lanes,       // codes per beat, in and out: channels computed at once
    unsigned Beats,       // beats per pixel, in and out
    unsigned Height,      // input rows
    unsigned Width,       // input columns
    unsigned OutHeight,   // output rows
    unsigned OutWidth,    // output columns
    unsigned KernelH, unsigned KernelW, unsigned StrideH, unsigned StrideW, unsigned DilationH, unsigned DilationW,
    unsigned PadTop, unsigned PadLeft,
    int PadValue,         // code of the border
    unsigned Places,      // pixels in the ring
    unsigned RingRam,     // memory kind of the ring: 0 LUTRAM, 1 block RAM, 2 UltraRAM
    unsigned InBits,      // width of an input code
    bool InSigned,        // inputs are two's complement
    unsigned Cell,        // what a weight is, see tom_dot.hpp
    unsigned FieldBits,   // stored width of a weight
    unsigned WeightBits,  // width of its value, two's complement
    typename Constants,   // tom_bits: what all weights share
    unsigned ProdBits,    // width of a product, or of the sum of a chain
    unsigned AccBits,     // width of an output code
    unsigned Pack,        // 1: multiply in DSP blocks; 0: multiply in LUTs
    unsigned Chain,       // products that are summed in a row of DSP blocks; 0: all are in LUTs
    unsigned WeightRam,   // memory kind of the weights: 0 LUT, 1 block RAM, 2 UltraRAM, bound by the caller
    unsigned LoadBits     // bits per beat of the loader that fills UltraRAM
    >
void tom_depthwise_ring(
    const unsigned frames,
    const tom_piece (&mem_file)[Beats * KernelH * KernelW][tom_pieces(Lanes * FieldBits)],
    hls::stream<ap_uint<Lanes * InBits> > &in,
    hls::stream<ap_uint<Lanes * AccBits> > &out) {
  typedef tom_pixel_ring<Lanes, InBits, Beats, Height, Width, OutHeight, OutWidth, KernelH, KernelW, StrideH, StrideW,
                         DilationH, DilationW, PadTop, PadLeft, PadValue, Places, RingRam> buffer;
  const unsigned Words = Beats * buffer::Reads, Cycles = buffer::Cycles;
  (void)Cycles;  // only a directive names it

  buffer ring(frames);
  tom_dot<1, Lanes, false, InBits, InSigned, Cell, FieldBits, WeightBits, Constants, ProdBits, AccBits, Pack, Chain,
          Words> dot;

  while (ring.busy()) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = Cycles max = Cycles
    ap_uint<InBits> codes[Lanes];
#pragma HLS ARRAY_PARTITION variable = codes complete
    const tom_read read = ring.step(in, codes);
    if (read.valid) {
      dot.step(mem_file, codes, read.first);
      if (read.last) out.write(dot.results());
    }
  }
}

#endif
