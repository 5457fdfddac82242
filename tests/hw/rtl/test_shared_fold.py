"""tom_shared_fold against the meaning of its layers: several take turns on one engine."""

import numpy as np
import pytest

from tests.hw.rtl.harness import FREE, Stall, port, run
from tests.networks.cases import make_site, random_frames
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import TensorType
from tomato.engines.parts.members import Members
from tomato.engines.parts.shared import Group
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.narrowed import Narrowed
from tomato.ops.requant import Requant
from tomato.ops.window import Window

FRAMES = 4
STALLS = (FREE, Stall(0.4, 0.6), Stall(0.6, 0.3))


def narrowed(rng: np.random.Generator, summed: Conv2d | Dense, kind: TensorType, shift: int, signed: bool) -> Narrowed:
    """The operator behind random constants."""
    channels = summed.infer([kind]).channels
    mult = Tensor(rng.integers(1, 200, channels))
    bias = Tensor(rng.integers(-90_000, 90_000, channels))
    lo, hi = (-100, 127) if signed else (0, 200)
    return Narrowed(summed, Requant(mult, bias, shift, lo, hi))


def weights(rng: np.random.Generator, *shape: int) -> Tensor:
    return Tensor(rng.integers(-127, 127, shape, endpoint=True))


S8, U8, U4 = Codes.of(8, signed=True), Codes.of(8, signed=False), Codes.of(4, signed=False)
SAME = Window((3, 3), pads=(1, 1, 1, 1))


def dense(rng: np.random.Generator) -> list[tuple[Narrowed, TensorType]]:
    a, b = TensorType((1, 1, 9), S8), TensorType((3, 2, 4), S8)
    return [
        (narrowed(rng, Dense(weights(rng, 9, 5)), a, 10, signed=True), a),
        (narrowed(rng, Dense(weights(rng, 4, 6)), b, 10, signed=True), b),
    ]


def nudged(rng: np.random.Generator) -> tuple[Narrowed, TensorType]:
    """Sums that are small, so that the two of them that are nudged, one up and one down, are often met."""
    kind, mult, shift, added = TensorType((4, 4, 5), U4), 37, 6, rng.integers(-9, 9, 3)
    sums = [next(n for n in range(64) if (n * mult % 64 >= 64 - mult) == up) for up in (True, False)]
    nudges = [[[total + int(a), d] for total, d in zip(sums, (1, -1), strict=True)] for a in added]
    few = Dense(Tensor(rng.integers(-1, 1, (5, 3), endpoint=True)))
    narrow = Requant(Tensor(np.full(3, mult)), Tensor(-mult * added), shift, -8, 7, Tensor(np.array(nudges)))
    return Narrowed(few, narrow), kind


def layers_of_all_kinds(rng: np.random.Generator) -> list[tuple[Narrowed, TensorType]]:
    kinds = TensorType((6, 5, 3), S8), TensorType((8, 8, 4), U8), TensorType((5, 7, 2), S8), TensorType((4, 4, 5), U4)
    ops = (
        Conv2d(weights(rng, 3, 3, 3, 5), SAME, 1, -128),
        Conv2d(weights(rng, 3, 3, 4, 3), Window((3, 3), (2, 2), pads=(0, 0, 1, 1)), 1, 7),
        Conv2d(weights(rng, 2, 5, 2, 4), Window((2, 5), (1, 2), pads=(1, 2, 0, 1))),
        Conv2d(weights(rng, 1, 1, 5, 4), Window((1, 1), (3, 3))),
    )
    shifts, signs = (12, 10, 13, 9), (True, False, False, True)
    every = zip(ops, kinds, shifts, signs, strict=True)
    plain = [(narrowed(rng, op, kind, shift, signed), kind) for op, kind, shift, signed in every]
    return [*dense(rng), *plain, nudged(rng)]


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("lanes", "pack", "board"),
    [
        pytest.param((1, 1), 0, "ulx3s", id="one_product"),
        pytest.param((2, 2), 2, "pynq-z2", id="shared_blocks"),
    ],
)
def test_every_layer_matches_golden(lanes: tuple[int, int], pack: int, board: str) -> None:
    layers = layers_of_all_kinds(np.random.default_rng(5))
    knobs = {"lanes_in": lanes[0], "lanes_out": lanes[1], "cell": 0, "pack": pack, "weight_ram": 1}
    group = Group(Members(tuple(make_site(op, [kind], board) for op, kind in layers)), knobs)
    ins, outs = [], []
    for seed, (op, kind) in enumerate(layers):
        (values,), golden = random_frames(op, [kind], FRAMES, seed)
        ins.append(port(values, kind, 1))
        outs.append(port(golden, op.infer([kind]), 1))
    found = run("tom_shared_fold", group.params, ins, outs, memories=group.memories, frames=FRAMES, stalls=STALLS)
    assert found.interval <= group.cycles
