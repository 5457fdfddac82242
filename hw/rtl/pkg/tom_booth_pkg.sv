// SPDX-License-Identifier: Apache-2.0
// Multipliers of rows of radix-4 digits, see tom_cells_booth. Constant functions: no logic.

`default_nettype none

package tom_booth_pkg;

  // Whether the weight, two's complement as the value is, has the digits: the factor that has fewer of them.
  function automatic bit by_weight(int unsigned value_bits, int unsigned weight_bits);
    return digits(weight_bits) <= digits(value_bits);
  endfunction

  // Digits from -2 to 2 of a factor in two's complement.
  function automatic int unsigned digits(int unsigned bits);
    return tom_pkg::ceil_div(bits, 2);
  endfunction

  // Cycles of a product, of two rows each.
  function automatic int unsigned stages(int unsigned value_bits, int unsigned weight_bits);
    return tom_pkg::ceil_div(digits(by_weight(value_bits, weight_bits) ? weight_bits : value_bits), 2);
  endfunction

  // Cycles that products of tom_dot take longer than those of one filter in a DSP block: rows of digits in LUTs, and
  // the repair of products that share a block and are not summed there.
  function automatic int unsigned waits(
    int unsigned cell_, int unsigned pack, int unsigned chain, int unsigned in_bits, bit in_signed,
    int unsigned weight_bits
  );
    if (cell_ != 0 && cell_ != 5) return 0;
    if (pack > 0) return pack > 1 && chain == 0 ? 1 : 0;
    return stages(in_bits + (in_signed ? 0 : 1), weight_bits) - 1;
  endfunction

  // Width of the sum after row `row` of `count`, two's complement: of the digits so far, at most twice the factor each,
  // and of the ones of the negative digits to come.
  function automatic int unsigned sum_bits(int unsigned row, int unsigned count, int unsigned factor_bits);
    longint unsigned most = ((64'd1 << factor_bits) * ((64'd4 << (2 * row)) - 1) + (64'd1 << (2 * count))) / 3;
    sum_bits = 1;
    while ((64'd1 << (sum_bits - 1)) <= most) sum_bits++;
  endfunction

endpackage

`default_nettype wire
