// SPDX-License-Identifier: Apache-2.0
// The functions of a recurrent layer as one parameter.

`default_nettype none

package tom_recurrent_pkg;

  // Parameters of tom_piecewise; the greatest result is 1.
  typedef struct packed {
    int signed   lo;
    int unsigned shift;
    int unsigned offset_bits;
    int unsigned slope_bits;
    int unsigned rest_bits;
    int unsigned index_bits;
    int signed   first;
  } lines_t;

  typedef lines_t [2:0] functions_t;

  // Lines that any function may have.
  function automatic functions_t example();
    for (int unsigned i = 0; i < 3; i++) begin
      example[i].lo          = -4096;
      example[i].shift       = 10;
      example[i].offset_bits = 30;
      example[i].slope_bits  = 18;
      example[i].rest_bits   = 10;
      example[i].index_bits  = 6;
      example[i].first       = -32768;
    end
  endfunction

endpackage

`default_nettype wire
