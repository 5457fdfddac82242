// SPDX-License-Identifier: Apache-2.0
// Which groups of channels a frame computes: reads its gates, lists the groups that are chosen. Part of tom_gated_fold.
//
// Gates come in order, one per step. A group is chosen while fewer than Keep are, if its gate is not Zero or all that
// are left are needed. There is room for two lists: one is read again and again, the next one written. One group alone
// has no gate, and is always there.

#ifndef TOM_GATE_LIST_HPP
#define TOM_GATE_LIST_HPP

#include "tom_codes.hpp"

#include "hls_stream.h"

template <
    unsigned Groups,  // gates of a frame
    unsigned Keep,    // of them are chosen
    unsigned Bits,    // width of a gate's code
    int Zero,         // the code of a group that is not needed
    unsigned Step,    // from the start of a group to that of the next
    unsigned Ends     // no start is greater
    >
class tom_gate_list {
 public:
  static const bool Chooses = Groups > 1;
  typedef hls::stream<ap_uint<Bits> > stream;

  tom_gate_list() : group(0), from(0), left(Keep), write_pos(0), write_bank(0), read_pos(0), read_bank(0), lists(0) {
#pragma HLS INLINE
#pragma HLS DEPENDENCE variable = groups intra false
#pragma HLS DEPENDENCE variable = starts intra false
  }

  // The next gate, if there is one and room for it.
  void take(stream &in) {
#pragma HLS INLINE
    if (lists == 2 || in.empty()) return;
    const ap_uint<Bits> code = in.read();
    const bool last = group == Groups - 1, needed = left == Groups - group;
    if (left != 0 && (code != ap_uint<Bits>(Zero) || needed)) {
      groups[write_bank][write_pos] = group;
      starts[write_bank][write_pos] = from;
      write_pos = tom_next<Keep>(write_pos);
      --left;
    }
    group = tom_next<Groups>(group);
    from = last ? tom_count<Ends>(0) : tom_count<Ends>(from + Step);
    if (last) {
      left = Keep;
      write_bank ^= 1;
      ++lists;
    }
  }

  // Whether the list of the frame is there, and the entry that is read.
  bool there() const {
#pragma HLS INLINE
    return !Chooses || lists != 0;
  }

  tom_count<Groups> chosen() const {
#pragma HLS INLINE
    return Chooses ? groups[read_bank][read_pos] : tom_count<Groups>(0);
  }

  tom_count<Ends> start() const {
#pragma HLS INLINE
    return Chooses ? starts[read_bank][read_pos] : tom_count<Ends>(0);
  }

  // The next entry, behind the last one the first again.
  void next() {
#pragma HLS INLINE
    read_pos = tom_next<Keep>(read_pos);
  }

  // The next list.
  void done() {
#pragma HLS INLINE
    if (!Chooses) return;
    read_bank ^= 1;
    --lists;
  }

 private:
  tom_count<Groups> group;  // whose gate comes next
  tom_count<Ends> from;     // its start
  tom_count<Keep> left;     // groups that are to be chosen
  tom_count<Keep> write_pos;
  ap_uint<1> write_bank;
  tom_count<Keep> read_pos;
  ap_uint<1> read_bank;
  ap_uint<2> lists;         // complete lists, the one that is read among them
  tom_count<Groups> groups[2][Keep];
  tom_count<Ends> starts[2][Keep];
};

// The gates of a step: of the result, of the input, or of both.
template <bool Both, bool Out>
struct tom_gates {
  template <typename Result, typename Input>
  static void take(Result &result, Input &input, typename Result::stream &gate, typename Input::stream &gate_in) {
#pragma HLS INLINE
    result.take(gate);
    input.take(gate_in);
  }
};

template <>
struct tom_gates<false, true> {
  template <typename Result, typename Input>
  static void take(Result &result, Input &, typename Result::stream &gate) {
#pragma HLS INLINE
    result.take(gate);
  }
};

template <>
struct tom_gates<false, false> {
  template <typename Result, typename Input>
  static void take(Result &, Input &input, typename Input::stream &gate_in) {
#pragma HLS INLINE
    input.take(gate_in);
  }
};

#endif
