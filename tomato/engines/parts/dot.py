"""The array of multipliers, tom_dot: how weights are packed and laid out, how long it takes, what it costs."""

from math import ceil

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.forms import Cell
from tomato.engines.base import Knobs
from tomato.engines.parts import cells
from tomato.hardware.memory import LOAD_BITS, Ram
from tomato.hardware.netlist import Memory, uniform_memory
from tomato.targets import Resources, Target

WIDEST_PORT = 32
"""Bits of the widest operand that packed weights may make, on any board: no DSP block that we know takes more."""
WIDEST_SUM = 48
"""Bits of the sums that DSP blocks hand on, on the families whose blocks do."""
PIPELINE = 9
"""Cycles from the last read of a pixel to its result at the engine's output, adder tree not counted."""


LUT_WORDS = 32
"""Weight memories of up to this many words are never block RAM."""


def rams(words: int) -> tuple[Ram, ...]:
    """The kinds of memory worth trying for weights of so many words."""
    return (Ram.LUT,) if words <= LUT_WORDS else (Ram.LUT, Ram.BLOCK, Ram.ULTRA)


def stages(terms: int) -> int:
    """Adder stages, four terms to one each."""
    return 0 if terms == 1 else ceil((terms - 1).bit_length() / 2)


def latency(inputs: int, weight: Tensor, x: Codes, knobs: Knobs, chain: int = 0, *, shared: bool = True) -> int:
    """Cycles from the last read of a pixel to its result at the engine's output."""
    if chain or not cells.selects(knobs, shared=shared):
        return pipeline(inputs, weight, x, knobs, chain) + 1
    return PIPELINE + (x.bits == 1) + stages(cells.terms(inputs, x, knobs, shared=shared))


def pipeline(inputs: int, weight: Tensor, x: Codes, knobs: Knobs, chain: int = 0) -> int:
    """Cycles from the last read of a pass to its result at the queue behind tom_dot."""
    return PIPELINE - 1 + chain + waits(weight, x, knobs, chain) + stages(chains(inputs, chain))


def rows(weight: Tensor, x: Codes) -> tuple[int, int]:
    """Factors of a multiplier in LUTs in bits: that of the radix-4 digits, and the other one, see tom_cells_booth."""
    mine, other = weight_bits(weight, 0), x.bits + (not x.signed)
    return (mine, other) if ceil(mine / 2) <= ceil(other / 2) else (other, mine)


def waits(weight: Tensor, x: Codes, knobs: Knobs, chain: int = 0) -> int:
    """Cycles that products take longer than those of one filter in a DSP block, see tom_booth_pkg."""
    if knobs["cell"] not in cells.MULTIPLIERS:
        return 0
    if knobs["pack"]:
        return int(knobs["pack"] > 1 and not chain)  # shared products are repaired
    return ceil(rows(weight, x)[0] / 4) - 1


def chain_of(inputs: int, weight: Tensor, x: Codes, knobs: Knobs, target: Target) -> int:
    """Products of a filter that are summed in a row of DSP blocks; 0: products leave their blocks one by one.

    As many as the family's rows take where filters that share a block leave their sums room, and, of several rows,
    all of about the same length.
    """
    if not knobs["pack"] or knobs["cell"] not in cells.MULTIPLIERS:
        return 0
    longest = _longest(min(target.dsp.chain, inputs), weight, x, knobs["pack"], target)
    return ceil(inputs / ceil(inputs / longest)) if longest else 0


def _longest(most: int, weight: Tensor, x: Codes, pack: int, target: Target) -> int:
    """The most products, up to `most`, whose sums for `pack` filters a row of DSP blocks has room for."""
    if x.bits + (not x.signed) > target.dsp.b_bits:
        return 0
    for chain in range(most, 0, -1):
        field = sum_bits(weight, x, chain)
        port = weight_bits(weight, pack) + (pack - 1) * field
        if port <= target.dsp.a_bits and pack * field <= WIDEST_SUM:
            return chain
    return 0


def chains(inputs: int, chain: int) -> int:
    """Terms of a filter that are summed in LUTs, where each `chain` products are summed in DSP blocks."""
    return ceil(inputs / chain) if chain else inputs


def _range(weight: Tensor) -> tuple[int, int]:
    """The least and the greatest weight."""
    assert isinstance(weight.fmt, Codes)
    return weight.fmt.lo, weight.fmt.hi


def product_bits(weight: Tensor, x: Codes) -> int:
    """Width of a two's-complement field that holds every product of a weight and an input."""
    return sum_bits(weight, x, 1)


def sum_bits(weight: Tensor, x: Codes, terms: int) -> int:
    """Width of a two's-complement field that holds every sum of so many products of a weight and an input."""
    least, most = _range(weight)
    ends = [terms * w * v for w in (least, most) for v in (x.lo, x.hi)]
    return max(Codes(min(-1, *ends), max(0, *ends)).bits, weight_bits(weight, 2))


def weight_bits(weight: Tensor, pack: int) -> int:
    """Width of a weight in the memory; packed ones may be less by 1."""
    least, most = _range(weight)
    return Codes(min(-1, least - (pack > 1)), max(0, most)).bits


def field_bits(weight: Tensor, knobs: Knobs) -> int:
    """Bits stored per weight."""
    return weight_bits(weight, knobs["pack"]) if knobs["cell"] == Cell.FIXED else cells.form(weight, knobs).bits


def most_packed(weight: Tensor, x: Codes, port: int = WIDEST_PORT) -> int:
    """How many filters may share a multiplier whose wide operand has `port` bits: at least 1.

    Products that share an input lie side by side in one wide product: the first takes the width of a
    weight on the wide port, each further one the width of a product.
    """
    first, further = weight_bits(weight, 2), product_bits(weight, x)
    return 1 + max(0, min(port, WIDEST_PORT) - first) // further


def packs(weight: Tensor, x: Codes, target: Target) -> list[int]:
    """How many filters share a multiplier: 0 (a multiplier in LUTs), 1, and as many as fit a DSP block of the board.

    Fewer, too, by powers of two, which divide most numbers of filters, and the most whose sums of so many products
    still fit: a block less shared may save the LUTs that add up.
    """
    most = most_packed(weight, x, target.dsp.a_bits)
    longest = {_longest(target.dsp.chain, weight, x, pack, target): pack for pack in range(1, most + 1)}
    return sorted({0, *(1 << n for n in range(most.bit_length())), most, *longest.values()})


def offers(weight: Tensor, x: Codes, target: Target, *, shared: bool = True) -> list[Knobs]:
    """Every setting of `cell` and `pack` worth trying; only filters that share their inputs share multipliers."""
    return cells.offers(weight, packs(weight, x, target) if shared else [0, 1])


def memory(words: Array, outputs: int, weight: Tensor, knobs: Knobs) -> Memory:
    """Weight words (words, outputs * inputs) as the memory of tom_dot, packed ones with their borrows taken."""
    pack = knobs["pack"]
    if pack <= 1:
        return cells.memory(words, weight, knobs)
    split = words.reshape(len(words), outputs, -1).copy()
    for o in range(outputs):
        if o % pack:
            split[:, o] -= split[:, o - 1] < 0  # the field below borrows from this one
    return uniform_memory(split.reshape(words.shape), weight_bits(weight, pack), ram=knobs["weight_ram"])


def params(weight: Tensor, x: Codes, acc: Codes, knobs: Knobs, chain: int = 0) -> dict[str, int]:
    """The parameters that every engine hands to tom_dot, in their order."""
    return {
        "InBits": x.bits,
        "InSigned": int(x.signed),
        "Cell": int(knobs["cell"]),
        "FieldBits": field_bits(weight, knobs),
        "WeightBits": weight_bits(weight, knobs["pack"]),
        "Constants": cells.constants(weight, knobs),
        "ProdBits": sum_bits(weight, x, max(1, chain)),
        "AccBits": acc.bits,
        "Pack": knobs["pack"],
        "Chain": chain,
        "WeightRam": knobs["weight_ram"],
        "LoadBits": LOAD_BITS if knobs["weight_ram"] == Ram.ULTRA else 1,
    }


def cost(
    inputs: int,
    outputs: int,
    weight: Tensor,
    x: Codes,
    acc: Codes,
    knobs: Knobs,
    target: Target,
    *,
    chain: int = 0,
    shared: bool = True,
) -> Resources:
    """tom_dot without its weight memory: the constants are fitted to tools/calibrate/data/dense_fold.json."""
    product = product_bits(weight, x)
    accumulate = Resources(lut=target.luts.accumulator(acc.bits), ff=acc.bits) * outputs
    terms = cells.terms(inputs, x, knobs, shared=shared)
    if cells.selects(knobs, shared=shared):
        made, width = cells.binary_cost(inputs, outputs, x, acc, target)
        return made + _tree(terms, width, acc.bits, target, signed=False) * (outputs + 1) + accumulate + _control(terms)
    if chain:
        field, ends = sum_bits(weight, x, chain), chains(inputs, chain)
        made = _rows(inputs, outputs, weight, x, knobs, chain, shared=shared)
        flags = Resources(ff=_control(ends).ff)
        return made + _tree(ends, field, acc.bits, target) * outputs + accumulate + flags
    if knobs["cell"] in cells.MULTIPLIERS:
        made = _multipliers(inputs, outputs, weight, x, knobs, target, shared=shared)
    else:
        made = cells.cost(inputs, outputs, weight, x, product, knobs, target, shared=shared)
    return made + _tree(inputs, product, acc.bits, target) * outputs + accumulate + _control(inputs)


def _control(terms: int) -> Resources:
    """The flags that go along with the sums of so many terms."""
    return Resources(lut=10, ff=3 * stages(terms) + 12)


def _multipliers(
    inputs: int, outputs: int, weight: Tensor, x: Codes, knobs: Knobs, target: Target, *, shared: bool
) -> Resources:
    """The multipliers and the registers around them; in front of them the tables of a codebook."""
    pack, value, product = knobs["pack"], x.bits + (not x.signed), product_bits(weight, x)
    width, products = weight_bits(weight, pack), inputs * outputs
    operands = Resources(ff=products * width)
    if pack:
        count, rest = inputs * ceil(outputs / pack), outputs % pack
        packed = width + (pack - 1) * product
        # Where filters are missing synthesis narrows the product: to the weight of a single one, else by a bit.
        last = packed if rest == 0 else width if rest == 1 else packed - 1
        tiles = (count - inputs) * target.dsp.tiles(packed, value) + inputs * target.dsp.tiles(last, value)
        result = packed + value if pack > 1 else product
        repaired = target.luts.borrows(inputs * (outputs - ceil(outputs / pack)) * product)
        joined = count * target.dsp.joints(packed, value)
        kept = count * result + (products * product if pack > 1 else 0)
        multipliers = Resources(lut=repaired + joined, dsp=ceil(tiles / target.dsp.per_block), ff=kept)
    else:
        multipliers = _booth(inputs, outputs, weight, x, target, shared=shared)
    tables = Resources(lut=products * width if knobs["cell"] == Cell.CODEBOOK else 0)
    return operands + multipliers + tables


def _booth(inputs: int, outputs: int, weight: Tensor, x: Codes, target: Target, *, shared: bool) -> Resources:
    """Multipliers in LUTs, their sums every two rows, and the rest of both factors for the rows behind."""
    digits, factor = rows(weight, x)
    width, products = product_bits(weight, x), inputs * outputs
    by_weight = digits == weight_bits(weight, 0)
    kept = 0
    for row in range(2, ceil(digits / 2), 2):  # the first one of each further cycle
        digit, other = max(0, digits - 2 * row + 1), factor
        codes = (other if by_weight else digit) * (inputs if shared else products)
        kept += codes + products * ((digit if by_weight else other) + min(width, factor + 2 * row))
    # A code without a sign has none to select with the others of its bits, and its topmost digit is a bit alone.
    read = (digits, x.bits) if by_weight else (digits if x.signed else digits + digits % 2, factor)
    return Resources(lut=target.luts.multiplier(*read) * products, ff=kept + width * products)


def _rows(inputs: int, outputs: int, weight: Tensor, x: Codes, knobs: Knobs, chain: int, *, shared: bool) -> Resources:
    """Rows of DSP blocks, and what lets codes and weights wait in front of them; blocks have all other registers."""
    ends = chains(inputs, chain)
    places = [i % chain + (chain * ends - inputs) * (i // chain == ends - 1) for i in range(inputs)]
    waits = sum(max(0, place - 1) for place in places)
    width = field_bits(weight, knobs) * outputs
    codes = x.bits * (1 if shared else outputs)
    tables = inputs * outputs * weight_bits(weight, 1) if knobs["cell"] == Cell.CODEBOOK else 0
    return Resources(lut=tables, ff=waits * (width + codes), dsp=inputs * ceil(outputs / knobs["pack"]))


def _tree(inputs: int, product: int, most: int, target: Target, *, signed: bool = True) -> Resources:
    """The adders of one filter: four terms to one each stage, `most` bits; unsigned ones end in a carry."""
    total, terms = Resources(), inputs
    for stage in range(stages(inputs)):
        sums, bits = ceil(terms / 4), min(product + 2 * stage + 2, most)
        rows = terms // 4 * target.luts.add(4) + target.luts.add(terms % 4)
        total += Resources(lut=rows * (bits - (not signed)) - (terms - sums) // 3, ff=sums * bits)
        terms = sums
    return total


def effort(inputs: int, outputs: int, knobs: Knobs) -> float:
    """Multipliers in LUTs' worth: a rough weight to tell shapes of the same speed apart."""
    pack = knobs["pack"]
    if knobs["cell"] not in cells.MULTIPLIERS:
        return inputs * outputs * 25
    return inputs * (ceil(outputs / pack) * 80 + outputs * 20) if pack else inputs * outputs * 100


def weight_words(
    weight: Array, groups: int, lanes: int, outputs: int, taps: tuple[bool, bool], filler: int = 0
) -> Array:
    """Weights (kernel height, width, in / groups, out) as the words tom_dot reads: (words, codes per word).

    Words follow the reads: group, fold, kernel row, kernel column, beat. Codes within a word: output,
    kernel row, kernel column, lane. `taps` says whether all rows, all columns are read at once.
    `filler` is the weight of lanes and outputs beyond the last channel.
    """
    rows, columns, per_group, out = weight.shape
    beats, folds = -(-per_group // lanes), -(-out // groups // outputs)
    split = weight.reshape(rows, columns, per_group, groups, out // groups)
    padding = ((0, 0), (0, 0), (0, beats * lanes - per_group), (0, 0), (0, folds * outputs - out // groups))
    padded = np.pad(split, padding, constant_values=filler)
    th, tw = (rows if taps[0] else 1), (columns if taps[1] else 1)
    # axes: kh step, kh tap, kw step, kw tap, beat, lane, group, fold, output
    axes = padded.reshape(rows // th, th, columns // tw, tw, beats, lanes, groups, folds, outputs)
    order = axes.transpose(6, 7, 0, 2, 4, 8, 1, 3, 5)
    return np.ascontiguousarray(order).reshape(-1, outputs * th * tw * lanes)
