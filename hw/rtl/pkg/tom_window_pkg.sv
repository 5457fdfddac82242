// SPDX-License-Identifier: Apache-2.0
// What a sliding window is, for tom_window and the engines around it.

`default_nettype none

package tom_window_pkg;

  // The parameters of tom_window_parameters.svh as one value.
  typedef struct packed {
    int unsigned height;
    int unsigned width;
    int unsigned out_height;
    int unsigned out_width;
    int unsigned kernel_h;
    int unsigned kernel_w;
    int unsigned stride_h;
    int unsigned stride_w;
    int unsigned dilation_h;
    int unsigned dilation_w;
    int unsigned pad_top;
    int unsigned pad_left;
    int signed   pad_value;
    bit          parallel_h;
    bit          parallel_w;
  } window_t;

  // Every pixel is a frame of its own.
  function automatic window_t pixel();
    return '{
      height: 1, width: 1, out_height: 1, out_width: 1, kernel_h: 1, kernel_w: 1, stride_h: 1, stride_w: 1,
      dilation_h: 1, dilation_w: 1, pad_top: 0, pad_left: 0, pad_value: 0, parallel_h: 0, parallel_w: 0
    };
  endfunction

  // The loops around the next read of a pixel: a counter at its last value, or all counters up to that one. A list
  // of reads tells of the pass and the pixel only.
  typedef struct packed {
    logic known;            // false for a moment behind the reset
    logic last_beat;        // of a group of channels
    logic last_kw;          // tap of a kernel row
    logic last_kh;          // kernel row
    logic last_group;
    logic ends_row;         // of the kernel
    logic ends_pass;
    logic ends_group;
    logic ends_pixel;
    logic next_ends_pixel;  // that of the read behind it
  } loops_t;

  // A read of a window, and where it is in the output.
  typedef struct packed {
    loops_t loops;
    logic   read;
    logic   last_col;
    logic   last_row;
    logic   ends_line;
  } step_t;

  // Cycles from a read to its taps.
  function automatic int unsigned latency();
    return 3;
  endfunction

  // Rows or columns from the first tap to the last.
  function automatic int span(int unsigned kernel, int unsigned dilation);
    return (int'(kernel) - 1) * int'(dilation) + 1;
  endfunction

  // Kernel rows or columns of a read.
  function automatic int unsigned taps(bit parallel, int unsigned kernel);
    return parallel ? kernel : 1;
  endfunction

  // Words of a bank of the ring that holds a row, or `rows` of them.
  function automatic int unsigned words(
      int unsigned rows, int unsigned width, int unsigned columns, int unsigned beats);
    return rows * tom_pkg::ceil_div(width, columns) * beats;
  endfunction

endpackage

`default_nettype wire
