"""Requant on every lane, one beat per cycle."""

from collections.abc import Iterator
from math import ceil

import numpy as np

from tomato.core.formats import Codes, Tensor
from tomato.engines.base import Engine, Knobs, Site, Timing, beats, folds, pixelwise
from tomato.engines.parts.ring import rom_cost
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import LUTRAM, queue_cost
from tomato.ops.requant import Requant
from tomato.targets import Resources, Target

PIPELINE = 4
"""Stages from the input port to the output queue; nudges take one more."""
QUEUE = 2
"""Cycles through the output queue."""


class RequantStream(Engine):
    """Multiply, add, shift, clamp: one unit per lane, constants from a small memory."""

    stem = "requant_stream"
    ops = (Requant,)

    def refuses(self, site: Site, target: Target) -> str:
        op = _op(site)
        if not (-(1 << 31) <= op.lo and op.hi < 1 << 31):
            return f"results in {op.lo}..{op.hi} exceed 32 bits"
        return ""

    def choices(self, site: Site) -> Iterator[Knobs]:
        return ({"lanes": n} for n in folds(site.arg.channels))

    def lanes(self, site: Site, knobs: Knobs) -> tuple[tuple[int, ...], int]:
        return (knobs["lanes"],), knobs["lanes"]

    def cycles(self, site: Site, knobs: Knobs) -> int:
        return site.arg.pixels * beats(site.arg.channels, knobs["lanes"])

    def timing(self, site: Site, knobs: Knobs) -> Timing:
        return pixelwise(site.arg, beats(site.arg.channels, knobs["lanes"]), _stages(_op(site)) + QUEUE)

    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        op, x, lanes = _op(site), site.arg.codes, knobs["lanes"]
        value, bias, out = x.bits + (not x.signed), signed_bits(op.bias), site.out.codes.bits
        mult = 0 if _unit_mult(op) else signed_bits(op.mult)
        total = max(value + mult, bias) + 1
        tiles = target.dsp_for(value, mult) if mult else 0
        unit = Resources(
            # The sum, what clamps it, what joins partial products.
            lut=total + out + 2 + (target.dsp.joints(value, mult) if mult else 0),
            ff=x.bits + bias + value + mult + total - op.shift + out,
            dsp=tiles,
        )
        constants = rom_cost((mult + bias) * lanes, beats(site.arg.channels, lanes), LUTRAM, target)
        queue = queue_cost(out * lanes, _stages(op) + 4, target)
        return (
            unit * lanes + constants + queue + _nudging_cost(site, lanes, target, total, mult) + Resources(lut=8, ff=8)
        )

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        op, x = _op(site), site.arg.codes
        return {
            "Lanes": knobs["lanes"],
            "Beats": beats(site.arg.channels, knobs["lanes"]),
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "MultBits": 0 if _unit_mult(op) else signed_bits(op.mult),
            "BiasBits": signed_bits(op.bias),
            "Shift": op.shift,
            "OutBits": site.out.codes.bits,
            "Lo": op.lo,
            "Hi": op.hi,
            "Nudges": _nudges(op),
        }

    def memories(self, site: Site, knobs: Knobs) -> dict[str, Memory]:
        op, lanes = _op(site), knobs["lanes"]
        mult_bits = 0 if _unit_mult(op) else signed_bits(op.mult)
        count = beats(site.arg.channels, lanes)
        constants = [op.mult.values, op.bias.values]
        if op.nudges is not None:
            constants += list(op.nudges.values.reshape(op.mult.shape[0], -1).T)
        words = np.stack([lane_words(values, count, lanes) for values in constants], axis=2)
        bits = (mult_bits, signed_bits(op.bias)) + (site.arg.codes.bits, 2) * _nudges(op)
        return {"MemFile": Memory(words.reshape(count, -1), bits * lanes)}


def lane_words(values: np.ndarray, count: int, lanes: int) -> np.ndarray:
    """Values per channel as (beats, lanes), the unused lanes zero."""
    padded = np.zeros(count * lanes, dtype=np.int64)
    padded[: values.size] = values
    return padded.reshape(count, lanes)


def signed_bits(constant: Tensor) -> int:
    """Width of a two's-complement field that holds a constant of codes."""
    fmt = constant.fmt
    assert isinstance(fmt, Codes)
    return fmt.bits + (0 if fmt.signed else 1)


def _unit_mult(op: Requant) -> bool:
    return bool(np.all(op.mult.values == 1))


def _nudges(op: Requant) -> int:
    return 0 if op.nudges is None else op.nudges.shape[1]


def _nudging_cost(site: Site, lanes: int, target: Target, total: int, mult: int) -> Resources:
    """What nudges add: one register more in all lanes; comparison, addition and memory in lanes that have some.

    Words without nudges are alike, so a memory with few others has few different columns.
    """
    op, bits = _op(site), site.arg.codes.bits
    if op.nudges is None:
        return Resources()
    count = beats(site.arg.channels, lanes)
    used = np.stack([lane_words(d != 0, count, lanes) for d in op.nudges.values[:, :, 1].T], axis=2)
    cost = Resources(ff=(total - op.shift) * lanes)
    for lane in np.moveaxis(used, 1, 0):
        entries, words = int(lane.any(axis=0).sum()), int(lane.any(axis=1).sum())
        if entries:
            columns = min(entries * (bits + 2), (1 << min(words, 16)) - 1)
            adder = Resources(lut=total + 1 + mult + entries * (ceil(bits / 3) + 2), ff=op.shift + 2 * mult + 3)
            cost += adder + rom_cost(columns, count, LUTRAM, target)
    return cost


def _stages(op: Requant) -> int:
    return PIPELINE + (_nudges(op) > 0)


def _op(site: Site) -> Requant:
    assert isinstance(site.op, Requant)
    return site.op


ENGINE = RequantStream()
