// SPDX-License-Identifier: Apache-2.0
// Arithmetic on parameters that all modules share. Constant functions: no logic.

`default_nettype none

package tom_pkg;

  // Bits of an index from 0 to n - 1, at least 1.
  function automatic int unsigned idx_width(int unsigned n);
    return n > 1 ? $clog2(n) : 1;
  endfunction

  // Bits of a number from 0 to n.
  function automatic int unsigned count_width(int unsigned n);
    return $clog2(n + 1);
  endfunction

  // a / b, rounded up.
  function automatic int unsigned ceil_div(int unsigned a, int unsigned b);
    return (a + b - 1) / b;
  endfunction

  // The remainder of value / m from 0 to m - 1, of negative values, too.
  function automatic int unsigned modulo(int value, int unsigned m);
    return unsigned'(((value % int'(m)) + int'(m)) % int'(m));
  endfunction

  // The greatest number that divides both.
  function automatic int unsigned gcd(int unsigned a, int unsigned b);
    return b == 0 ? a : gcd(b, a % b);
  endfunction

  // Stages of a tree that joins four terms to one in each.
  function automatic int unsigned quad_stages(int unsigned terms);
    return ($clog2(terms) + 1) / 2;
  endfunction

  // Cycles of tom_dot from the last read of a pass to its result, for so many terms of a sum, of which each `chain` are
  // summed in a row of DSP blocks; 0: none are.
  function automatic int unsigned dot_latency(int unsigned terms, int unsigned chain = 0);
    return 4 + chain + quad_stages(chain > 0 ? ceil_div(terms, chain) : terms);
  endfunction

endpackage

`default_nettype wire
