// SPDX-License-Identifier: Apache-2.0
// Rows of multiply-adds: which product is where. Constant functions: no logic.

`default_nettype none

package tom_chain_pkg;

  // Place of an input in its row of `chain` products: the last, shorter row ends where the others do.
  function automatic int unsigned place(int unsigned i, int unsigned inputs, int unsigned chain);
    int unsigned last = (tom_pkg::ceil_div(inputs, chain) - 1) * chain;  // where the last row begins
    return i < last ? i % chain : i - last + chain - (inputs - last);
  endfunction

endpackage

`default_nettype wire
