"""One quantised example of every operator that reaches hardware: ragged shapes, so that nothing divides by chance."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.networks.operators import described
from tomato import targets
from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Node, Op, TensorType
from tomato.engines import CATALOGUE
from tomato.engines.base import AnyUnit, Knobs, Site
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.exits import Exit, Leave, Number, Sure
from tomato.ops.frame_requant import FrameRequant
from tomato.ops.gated_conv2d import GatedConv2d
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, DepthToSpace, Pad, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.piecewise import Piecewise
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.requant import Requant
from tomato.ops.table import Table
from tomato.ops.threshold import Threshold
from tomato.ops.window import Window

S8 = Codes.of(8, signed=True)
UNSURE = TensorType((1, 1, 1), Codes(0, 0))
"""The bit of frames that all go on: there, the hardware of an early exit carries what golden does."""
X = TensorType((6, 5, 6), S8)
SAME = Window((3, 3), pads=(1, 1, 1, 1))


def _tensor(*shape: int, hi: int = 127) -> Tensor:
    return Tensor(np.random.default_rng(0).integers(-hi, hi, shape, endpoint=True))


def _sparse(*shape: int, share: float) -> Tensor:
    """Weights of which that share is zero, in no pattern."""
    return Tensor(_tensor(*shape).values * (np.random.default_rng(1).random(shape) >= share))


NUDGED = Requant(_tensor(6), _tensor(6), 7, -128, 127, Tensor(np.array([[[1500, 1], [-9, -1]], *[[[0, 0]] * 2] * 5])))

CASES: Mapping[str, tuple[Op, tuple[TensorType, ...]]] = {
    "conv2d": (Conv2d(_tensor(3, 3, 6, 7), SAME), (X,)),
    "grouped": (Conv2d(_tensor(3, 3, 3, 4), SAME, groups=2), (X,)),
    "depthwise": (Conv2d(_tensor(3, 3, 1, 6), SAME, groups=6), (X,)),
    "dense": (Dense(_tensor(6, 10)), (X,)),
    "sparse_conv2d": (Conv2d(_sparse(3, 3, 6, 7, share=0.7), SAME), (X,)),
    "sparse_grouped": (Conv2d(_sparse(3, 3, 3, 4, share=0.7), SAME, groups=2), (X,)),
    "sparse_depthwise": (Conv2d(_sparse(3, 3, 1, 6, share=0.5), SAME, groups=6), (X,)),
    "sparse_dense": (Dense(_sparse(6, 10, share=0.8)), (X,)),
    "gated": (
        GatedConv2d(Conv2d(_tensor(3, 3, 6, 9), SAME), keep=1, keep_in=2),
        (X, TensorType((1, 1, 3), Codes(0, 15)), TensorType((1, 1, 3), S8)),
    ),
    "gated_result": (
        GatedConv2d(Conv2d(_tensor(3, 3, 6, 4), SAME), keep=2, zero=-128),
        (X, TensorType((1, 1, 4), S8)),
    ),
    "gated_input": (
        GatedConv2d(Conv2d(_tensor(1, 1, 6, 7), Window((1, 1))), keep_in=1, base=-128),
        (X, TensorType((1, 1, 2), S8)),
    ),
    "add": (Add(3, 2), (X, X)),
    "multiply": (Multiply(1, -2), (X, X)),
    "concat": (Concat(), (X, TensorType((6, 5, 3), S8))),
    "maxpool": (MaxPool(Window((2, 2), (2, 2))), (X,)),
    "sumpool": (SumPool(SAME), (X,)),
    "globalsum": (GlobalSum(), (X,)),
    "pad": (Pad((1, 0, 2, 1), 3), (X,)),
    "slice": (Slice((1, 0, 2), (6, 5, 6), (2, 1)), (X,)),
    "upsample": (Upsample((2, 2)), (X,)),
    "depthtospace": (DepthToSpace(2), (TensorType((3, 3, 8), S8),)),
    "spacetodepth": (SpaceToDepth(2), (TensorType((4, 6, 3), S8),)),
    "transpose": (Transpose((6, 5, 6), (1, 0, 2), (5, 6, 6)), (X,)),
    "requant": (Requant(_tensor(6), _tensor(6), 7, -128, 127), (TensorType((6, 5, 6), Codes.of(20, signed=True)),)),
    "framerequant": (FrameRequant(_tensor(1, 1, 1), _tensor(6, 5, 6), 7, -128, 127), (X,)),
    "threshold": (
        Threshold(Tensor(np.linspace([-900] * 6, [800] * 6, 10, axis=1).astype(np.int64)), -4),
        (TensorType((6, 5, 6), Codes.of(12, signed=True)),),
    ),
    "table": (Table(_tensor(1, 256), -128), (X,)),
    "piecewise": (
        Piecewise(_tensor(8), _tensor(8, hi=9000), -300, 7, 6, -100, 127),
        (TensorType((6, 5, 6), Codes.of(12, signed=True)),),
    ),
    "sure": (Sure(20), (TensorType((1, 1, 10), S8),)),
    "leave": (Leave(), (UNSURE, X)),
    "exit": (Exit(), (UNSURE, TensorType((1, 1, 10), S8), TensorType((1, 1, 10), Codes(0, 9)))),
    "arrival": (Exit(16), (UNSURE, TensorType((1, 1, 12), S8), TensorType((1, 1, 12), S8))),
    "number": (Number(16, 8, True), (UNSURE,)),
    "nudged": (NUDGED, (TensorType((6, 5, 6), Codes.of(20, signed=True)),)),
    **{kind.__name__.lower(): found.case for kind, found in described().items()},
}


def make_site(op: Op, args: Sequence[TensorType], board: str = "u250") -> Site[Any]:
    """A node with that operator and those arguments, alone on a board."""
    node = Node("y", op, tuple(f"x{i}" for i in range(len(args))), op.infer(args))
    return Site(node, tuple(args), targets.load(board))


def make_unit(stem: str, op: Op, args: Sequence[TensorType], knobs: Knobs, board: str = "u250") -> AnyUnit:
    """An engine for that operator, with those knobs."""
    return CATALOGUE[stem](make_site(op, args, board), knobs)


SOME_UNIT = make_unit("add_stream", Add(), (X, X), {"lanes": 1})
"""For tests of what looks at the cycles and the cost of an option alone."""


def random_frames(op: Op, args: Sequence[TensorType], frames: int, seed: int) -> tuple[list[Array], Array]:
    """Frames of codes for every argument, and what the operator makes of them; one seed, the same frames."""
    rng = np.random.default_rng(seed)
    values = [random_codes(rng, (frames, *kind.shape), kind.codes) for kind in args]
    golden, out = op.golden(values), op.infer(args).codes
    assert out.lo <= golden.min() <= golden.max() <= out.hi, "golden is outside its type"
    return values, golden


def random_codes(rng: np.random.Generator, shape: tuple[int, ...], fmt: Codes) -> Array:
    """Codes of `fmt`; extremes are likely, because that is where hardware breaks."""
    edges = np.array([fmt.lo, fmt.hi, max(fmt.lo, min(fmt.hi, 0)), max(fmt.lo, min(fmt.hi, -1))])
    anywhere = rng.integers(fmt.lo, fmt.hi, shape, endpoint=True)
    return np.where(rng.random(shape) < 0.2, rng.choice(edges, shape), anywhere)
