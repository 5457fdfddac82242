// SPDX-License-Identifier: Apache-2.0
// Records what a stream carries, to find the first layer that goes wrong. Not for synthesis.
//
// TOM_PROBE(s_x) writes the beats that wait in s_x to probes/x.hex, one a line, and leaves them there.

#ifndef TOM_PROBE_HPP
#define TOM_PROBE_HPP

#include <fstream>
#include <string>
#include <vector>

#include <hls_stream.h>
#include "tom_codes.hpp"

template <int Width>
void tom_probe(const std::string &name, hls::stream<ap_uint<Width> > &stream) {
  std::ofstream file(("probes/" + name.substr(2) + ".hex").c_str());
  std::vector<ap_uint<Width> > beats;
  while (!stream.empty()) beats.push_back(stream.read());
  for (std::size_t i = 0; i < beats.size(); ++i) {
    std::string digits;
    for (int low = 0; low < Width; low += 4) {
      const int high = low + 3 < Width ? low + 3 : Width - 1;
      digits.insert(digits.begin(), "0123456789abcdef"[ap_uint<4>(beats[i].range(high, low)).to_uint()]);
    }
    file << digits << '\n';
    stream.write(beats[i]);
  }
}

#define TOM_PROBE(stream) tom_probe(#stream, stream);

#endif
