// SPDX-License-Identifier: Apache-2.0
//
// ap_axis and ap_axiu, the beats of an AXI4-Stream port, for simulating HLS C++ with a plain compiler.
//
// Stands in for the header of the same name that AMD's HLS tools bring (UG1399, "How AXI4-Stream is
// Implemented"). <ap_int.h> is sought along the include path, so this header also serves AMD's.
#ifndef TOMATO_AP_AXI_SDATA_H
#define TOMATO_AP_AXI_SDATA_H

#include <ap_int.h>

#include <cstddef>

namespace hls {

// A side channel of 0 bits has no signal and no value.
template <std::size_t Width>
struct axis_side_channel { using type = ap_uint<static_cast<int>(Width)>; };
template <>
struct axis_side_channel<0> { struct type {}; };

// One transfer: T on TDATA, one TKEEP and TSTRB bit per byte of it, and the side channels TUSER, TID, TDEST.
template <class T, std::size_t WUser, std::size_t WId, std::size_t WDest>
struct axis {
  static constexpr int bytes = (static_cast<int>(T::width) + 7) / 8;

  T data;
  ap_uint<bytes> keep;
  ap_uint<bytes> strb;
  typename axis_side_channel<WUser>::type user;
  ap_uint<1> last;
  typename axis_side_channel<WId>::type id;
  typename axis_side_channel<WDest>::type dest;
};

}  // namespace hls

template <std::size_t WData, std::size_t WUser, std::size_t WId, std::size_t WDest>
using ap_axis = hls::axis<ap_int<static_cast<int>(WData)>, WUser, WId, WDest>;
template <std::size_t WData, std::size_t WUser, std::size_t WId, std::size_t WDest>
using ap_axiu = hls::axis<ap_uint<static_cast<int>(WData)>, WUser, WId, WDest>;

#endif
