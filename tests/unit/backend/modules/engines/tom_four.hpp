// SPDX-License-Identifier: Apache-2.0
// The twin of tom_four.sv.
#ifndef TOM_FOUR_HPP
#define TOM_FOUR_HPP

#include <ap_int.h>
#include <hls_stream.h>

template <unsigned Width, unsigned Beats>
void tom_four(const unsigned frames, const ap_uint<Width> *mem, hls::stream<ap_uint<8> > &in,
               hls::stream<ap_uint<Width> > &out) {
  for (unsigned frame = 0; frame < frames; ++frame) {
    in.read();
    for (unsigned beat = 0; beat < Beats; ++beat) out.write(mem[beat]);
  }
}

#endif
