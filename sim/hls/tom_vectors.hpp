// SPDX-License-Identifier: Apache-2.0
// The testbench's side of an accelerator: reads vectors, plays them, compares what comes out. Not for synthesis.

#ifndef TOM_VECTORS_HPP
#define TOM_VECTORS_HPP

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "tom_axis.hpp"

// Frames of a port: rows, columns, channels; a beat carries `lanes` codes of `bits` bits of one pixel.
struct tom_port {
  const char *layer;
  unsigned height, width, channels, lanes, bits;
  bool is_signed;

  unsigned pixel_beats() const { return tom_ceil_div(channels, lanes); }
  unsigned frame_beats() const { return height * width * pixel_beats(); }
};

// A number of hexadecimal digits, the highest first.
template <unsigned Width>
ap_uint<Width> tom_hexadecimal(const std::string &digits) {
  ap_uint<Width> value = 0;
  for (unsigned low = 0; low < Width && low / 4 < digits.size(); low += 4) {
    const char digit = digits[digits.size() - 1 - low / 4];
    const int number = digit <= '9' ? digit - '0' : digit - 'a' + 10;
    const unsigned high = low + 3 < Width ? low + 3 : Width - 1;
    value.range(static_cast<int>(high), static_cast<int>(low)) = number;
  }
  return value;
}

// The beats of a file, one a line.
template <unsigned Width>
std::vector<ap_uint<Width> > tom_vectors(const std::string &path) {
  std::ifstream file(path.c_str());
  std::vector<ap_uint<Width> > beats;
  std::string line;
  while (std::getline(file, line)) beats.push_back(tom_hexadecimal<Width>(line));
  if (beats.empty()) {
    std::cerr << "error: no vectors in " << path << std::endl;
    std::exit(2);
  }
  return beats;
}

// Writes the beats of a file to a port, again from the first as often as needed.
template <unsigned Width>
void tom_play(const std::string &path, unsigned count, hls::stream<tom_axis_beat<Width> > &port) {
  const std::vector<ap_uint<Width> > beats = tom_vectors<Width>(path);
  for (unsigned i = 0; i < count; ++i) {
    tom_axis_beat<Width> packet;
    packet.data = beats[i % beats.size()];
    packet.keep = -1;
    packet.strb = -1;
    packet.last = 0;
    port.write(packet);
  }
}

// Lane `l` of a beat as a number.
template <unsigned Width>
long long tom_code(const ap_uint<Width> &beat, const tom_port &port, unsigned l) {
  const ap_uint<64> code = beat.range(static_cast<int>((l + 1) * port.bits - 1), static_cast<int>(l * port.bits));
  const long long value = static_cast<long long>(code.to_uint64());
  return port.is_signed && value >> (port.bits - 1) & 1 ? value - (1LL << port.bits) : value;
}

// Whether a port yields the beats of a file and nothing more, tlast at the end of each frame; says what differs.
template <unsigned Width>
bool tom_check(const tom_port &port, const std::string &path, unsigned frames,
               hls::stream<tom_axis_beat<Width> > &got) {
  const std::vector<ap_uint<Width> > golden = tom_vectors<Width>(path);
  const unsigned count = frames * port.frame_beats();
  unsigned wrong = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (got.empty()) {
      std::cerr << "ended early: layer " << port.layer << ": " << i << " beats came, expected " << count << std::endl;
      return false;
    }
    const tom_axis_beat<Width> packet = got.read();
    const ap_uint<Width> beat = packet.data, want = golden[i % golden.size()];
    const unsigned pixel = i % port.frame_beats() / port.pixel_beats(), part = i % port.pixel_beats();
    for (unsigned l = 0; l < port.lanes && part * port.lanes + l < port.channels; ++l) {
      const long long ours = tom_code<Width>(beat, port, l), theirs = tom_code<Width>(want, port, l);
      if (ours == theirs) continue;
      if (wrong++ == 0)
        std::cerr << "difference: layer " << port.layer << ", frame " << i / port.frame_beats() << ", row "
                  << pixel / port.width << ", column " << pixel % port.width << ", channel " << part * port.lanes + l
                  << ": got " << ours << ", expected " << theirs << std::endl;
      break;
    }
    if (packet.last != (i % port.frame_beats() == port.frame_beats() - 1)) {
      std::cerr << "tlast is wrong: layer " << port.layer << ", beat " << i << std::endl;
      return false;
    }
  }
  if (!got.empty()) {
    std::cerr << "too many beats: layer " << port.layer << ": more than " << count << std::endl;
    return false;
  }
  if (wrong != 0) {
    std::cerr << "differs: layer " << port.layer << ": " << wrong << " of " << count << " beats" << std::endl;
    return false;
  }
  std::cout << port.layer << ": " << frames << " frames, every beat equal to the golden model" << std::endl;
  return true;
}

#endif
