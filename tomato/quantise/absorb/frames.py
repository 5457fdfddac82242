"""Requantisations of frames that were flattened, as their constants differ per pixel: a channel for every place."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.interface import Said
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Line
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Reshape
from tomato.ops.quantise import Dequantise, JoinConstant, Quantise
from tomato.ops.requant import Requant
from tomato.quantise.absorb.held import Held, Pair, is_straight, some_channels
from tomato.quantise.absorb.pairs import lower_pair
from tomato.quantise.absorb.proof import FLOAT_AVERAGE
from tomato.quantise.absorb.realise import TABLE_BITS, Allowed, Realised, realise, spread
from tomato.quantise.absorb.reference import reference, unlike

NEARLY_ALL = 0.999
"""A share of inputs that may be off by one step, and by no more."""


def is_frame(held: Held) -> bool:
    """Whether a value is a frame that is a vector for the sake of its constants, not because the model flattens it."""
    return any(
        isinstance(n.op, Reshape) and n.type.pixels == 1 and n.origin == behind.origin
        for n, behind in pairwise(held.nodes)
    )


def of_frame(held: Held, op: Quantise, kind: TensorType, said: Said, allowed: Allowed) -> Realised:
    """What makes the codes of such a value, of type `kind`: constants of every place, not tables.

    A product or sum with codes that no such constants equal is one exact integer first, which all places requantise
    alike. Averages are float32 numbers in the runtime, which itself may be off by one next to a tie: where that is
    allowed at all, constants that are off by no more come before tables of every place. Raises InexactError where
    more would have to be allowed, ValueError where nothing computes it.
    """
    found = _by_kinds(held, op, kind, said, allowed)
    plain = all(isinstance(o, Requant) and o.nudges is None for o in found.ops)
    if not found.differing and plain:
        return found
    joined = _joined(held, op, kind, said, allowed)
    if joined is not None and (not plain or joined.differing < found.differing):
        return joined
    if not plain and allowed.share and unlike(held, said) == FLOAT_AVERAGE:
        near = _by_kinds(held, op, kind, said, replace(allowed, share=NEARLY_ALL))
        found = near if len(near.ops) == 1 and isinstance(near.ops[0], Requant) else found
    return found


def _by_kinds(held: Held, op: Quantise, kind: TensorType, said: Said, allowed: Allowed) -> Realised:
    """Found for one place of every kind: a frame of codes has no more kinds than there are codes."""
    at, which = held.kinds(op)
    asked = reference(held.picked(at), some_channels(op, at), said).codes
    straight = all(map(is_straight, held.tail))
    found = realise(
        asked, kind.codes, at.size, Codes(op.lo, op.hi), allowed, uniform=False, straight=straight, frame=True
    )
    ops = tuple(spread(o, which) for o in found.ops)
    if not found.differing or kind.codes.bits > TABLE_BITS:
        return replace(found, ops=ops, differing=found.differing * -(-kind.channels // at.size))
    every = np.arange(kind.codes.lo, kind.codes.hi + 1)[:, None].repeat(at.size, axis=1)
    got = every
    for o in found.ops:
        got = o.golden([got[None, None]])[0, 0]
    wrong = np.count_nonzero(got != asked(every), axis=0)
    return replace(found, ops=ops, differing=int(wrong[which].sum()))


def _joined(held: Held, op: Quantise, kind: TensorType, said: Said, allowed: Allowed) -> Realised | None:
    """A sum or product with codes as an exact integer, and what makes the wanted codes of that."""
    source = held.source
    if not isinstance(source, JoinConstant):
        return None
    (x,), node = held.args, held.nodes[-1 - len(held.tail)]
    constant = source.codes.values.astype(np.int64) + source.zero
    codes = Codes(int(constant.min()), int(constant.max()))
    join = Add() if source.kind == "add" else Multiply(int(_from_codes(x).zero.values[0]), source.zero)
    c = Held("", Line.of(source.scale, source.zero, kind.channels), nodes=(replace(node, op=_as_codes(source, x)),))
    pair = Pair(x, c, join, node, held.tail, held.nodes[len(held.nodes) - len(held.tail) :])
    try:
        found = lower_pair(pair, op, (kind.codes, codes), said, allowed)
    except ValueError:
        return None
    first, *rest = found.ops
    ops = (_with(first, np.broadcast_to(constant, kind.channels), kind.codes), *rest)
    return Realised(ops, source.kind, found.differing * (kind.channels if found.checked else 1), found.largest)


def _from_codes(x: Held) -> Dequantise:
    op = x.nodes[0].op
    assert isinstance(op, Dequantise)
    return op


def _as_codes(source: JoinConstant, x: Held) -> Dequantise:
    """What makes reals of the constant, if it had come as an activation like `x`."""
    return replace(_from_codes(x), scale=Tensor(np.array([source.scale])), zero=Tensor(np.array([source.zero])))


def _with(join: Op, constant: Array, kind: Codes) -> Requant:
    """The exact sum or product of codes in `kind` with a constant, one code per channel."""
    if isinstance(join, Add):
        mult, bias = np.full(constant.shape, join.scale_a), constant * join.scale_b
    else:
        assert isinstance(join, Multiply)
        mult = constant - join.zero_b
        bias = -join.zero_a * mult
    ends = np.stack([kind.lo * mult + bias, kind.hi * mult + bias])
    return Requant(Tensor(mult), Tensor(bias), 0, int(ends.min()), int(ends.max()))
