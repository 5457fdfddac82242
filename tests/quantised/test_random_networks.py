"""Random quantised networks: every code equals ONNX Runtime's, but for those that a named property explains.

TOMATO_FUZZ=N takes N networks instead of a few, from seed TOMATO_FUZZ_FROM on, and prints the tally; the test's
id is the seed.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.quantised import kernels
from tests.quantised.kernels import Tally
from tests.quantised.networks import codes, frames, make
from tests.quantised.runtime import integers, runtime
from tomato.compiler import Integers
from tomato.errors import TomatoError
from tomato.formats import Array
from tomato.interpret import interpret

FIRST = int(os.environ.get("TOMATO_FUZZ_FROM", "0"))
NETWORKS = int(os.environ.get("TOMATO_FUZZ", "12"))
QUICK = 5
"""Networks of the inner loop."""
SEEDS = [pytest.param(FIRST + i, marks=pytest.mark.slow if i >= QUICK else ()) for i in range(NETWORKS)]
FRAMES = 64
NOT_QUANTISED = re.compile(
    r"error: (globalsum|sumpool) cannot be computed on codes: hardswish\d+ in front of it is not quantised\n"
    r"  --> .*: (global)?averagepool\d+\n  hint: quantise the values in front of it and behind it"
)
"""ONNX Runtime's quantiser leaves an average behind a HardSwish in float32: that network is refused."""


class Total:
    """What all networks of a run add up to."""

    def __init__(self) -> None:
        self.networks: Counter[str] = Counter()
        self.tally = Tally()
        self.outputs = self.equal = self.tensors = 0

    def __str__(self) -> str:
        named = ", ".join(f"{name} {count:,}" for name, count in sorted(self.tally.differing.items()) if count)
        return (
            f"{', '.join(f'{count} networks {kind}' for kind, count in sorted(self.networks.items()))}; "
            f"{self.equal:,} of {self.outputs:,} outputs equal; "
            f"of {self.tally.codes:,} codes differ by a named property: {named or 'none'}; "
            f"{self.tensors:,} tensors compared"
        )


@pytest.fixture(scope="module")
def total() -> Iterator[Total]:
    """The tally of a run, printed at its end (`pytest -s`)."""
    sums = Total()
    yield sums
    print(f"\n{sums}")


@pytest.mark.parametrize("seed", SEEDS)
def test_codes_equal_onnx_runtime(seed: int, total: Total, tmp_path: Path) -> None:
    model, path = make(seed), tmp_path / "random.onnx"
    onnx.save(model, path)
    try:
        made = integers(path)
    except TomatoError as error:
        if not NOT_QUANTISED.fullmatch(str(error)):
            raise
        total.networks["refused"] += 1
        return
    x = np.concatenate(frames(model, 1000 + seed, FRAMES))
    entering = {p.value: p.run(p.to_graph(x, dict(made.graph.inputs)[p.value].shape)) for p in made.inputs}
    tally = Tally()
    corrected = kernels.values(made, entering, tally)
    (wanted,) = runtime(path, x)
    assert np.array_equal(_reals(made, corrected), wanted), "not even with the kernels of the named properties"
    total.tensors += _same_inside(model, made, corrected, x)

    same = _reals(made, interpret(made.graph, entering)) == wanted
    assert same.all() or sum(tally.differing.values()), "differs, and no named property does"
    total.networks["equal" if same.all() else "with named differences"] += 1
    total.equal, total.outputs = total.equal + int(same.sum()), total.outputs + same.size
    total.tally.codes += tally.codes
    total.tally.differing.update(tally.differing)


def _reals(made: Integers, values: Mapping[str, Array]) -> Array:
    (port,) = made.outputs
    return np.asarray(port.finish(port.from_graph(port.run(values[port.value]))), np.float32)


def _same_inside(model: Any, made: Integers, values: Mapping[str, Array], x: Array) -> int:
    """How many quantised tensors of the first frame were compared: all equal."""
    ends = {node.origin.split(",")[-1]: node.name for node in made.graph if node.origin}
    makers = {node.output[0]: node.name for node in model.graph.node}
    found = 0
    for tensor, wanted in codes(model, x[:1], integers=True).items():
        name = ends.get(makers[tensor])
        if name is None:
            continue
        got = values[name][:1]
        got = np.moveaxis(got, -1, 1) if wanted.ndim == 4 else got.reshape(wanted.shape)
        assert np.array_equal(got, wanted), f"{name} ({tensor})"
        found += 1
    return found
