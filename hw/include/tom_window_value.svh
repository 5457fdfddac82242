// SPDX-License-Identifier: Apache-2.0
// The window of a module that has the parameters of tom_window_parameters.svh.
  localparam tom_window_pkg::window_t Window = '{
    height:     Height,
    width:      Width,
    out_height: OutHeight,
    out_width:  OutWidth,
    kernel_h:   KernelH,
    kernel_w:   KernelW,
    stride_h:   StrideH,
    stride_w:   StrideW,
    dilation_h: DilationH,
    dilation_w: DilationW,
    pad_top:    PadTop,
    pad_left:   PadLeft,
    pad_value:  PadValue,
    parallel_h: ParallelH,
    parallel_w: ParallelW
  };
