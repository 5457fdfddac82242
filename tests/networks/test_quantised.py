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

from tests.networks import kernels
from tests.networks.kernels import Tally
from tests.networks.quantised import codes, frames, make
from tests.networks.runtime import integers, runtime
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interpret import interpret
from tomato.quantise.absorb.proof import FLOAT_FALLBACK, FLOAT_FUNCTION, NEAREST, SAMPLED
from tomato.quantise.integers import Integers

FIRST = int(os.environ.get("TOMATO_FUZZ_FROM", "0"))
NETWORKS = int(os.environ.get("TOMATO_FUZZ", "12"))
QUICK = 3
"""Networks of the inner loop."""
SEEDS = [pytest.param(FIRST + i, marks=pytest.mark.slow if i >= QUICK else ()) for i in range(NETWORKS)]
FRAMES = 64
PLACE = r"\n  --> .*: \w+\n  hint: .*"
REFUSED = (
    re.compile(r"error: \w+ cannot be computed on codes: [\w, ]+ in front of it (is|are) not quantised" + PLACE),
    re.compile(r"error: quantise cannot be computed on codes: of [\w, ]+, [^\n]*, and changes [\d,]+ times, "
               r"too often for (thresholds|a table)" + PLACE),
    re.compile(r"error: quantise cannot be computed on codes: of [\w, ]+, (its [\d,]+ steps are no line, and too many "
               r"for thresholds|no table or thresholds of the sizes there are compute it)" + PLACE),
    re.compile(r"error: quantise cannot be computed on codes: of [\w, ]+, [^\n]* is off by up to \d+ at "
               r"[\d,]+ of [\d,]+ inputs\n  --> .*: \w+\n  hint: --allow-error [\d.]+ takes it all the same"),
)  # fmt: skip
"""What ONNX Runtime's quantiser leaves in float32 in front of a layer, and functions too intricate for 16 bits."""
IN_FLOAT32 = {FLOAT_FALLBACK, FLOAT_FUNCTION, NEAREST, SAMPLED}
"""Properties whose codes the kernels of the tests do not know either."""
STEPS, WIDE_STEPS = 4, 64
"""Steps of 1/255, or of 1/65,535, of an output's range that the roundings of the layers in front of it add up to."""


class Total:
    """What all networks of a run add up to."""

    def __init__(self) -> None:
        self.networks: Counter[str] = Counter()
        self.tally = Tally()
        self.close: Counter[str] = Counter()
        self.outputs = self.equal = self.tensors = 0

    def near(self, got: Array, wanted: Array, *, wide: bool) -> None:
        """Count a network that the runtime computes in float32: what its layers are off by adds up."""
        kind = "of 16 bits" if wide else "in float32"
        steps = np.abs(got - wanted) / np.ptp(wanted) * (65535 if wide else 255)
        self.networks[f"{kind}, near"] += 1
        self.close[kind] += int(np.count_nonzero(steps > 0.5))
        self.close[f"{kind}, all"] += steps.size
        assert steps.max() <= (WIDE_STEPS if wide else STEPS), "more than what rounding explains"

    def __str__(self) -> str:
        named = ", ".join(f"{name} {count:,}" for name, count in sorted(self.tally.differing.items()) if count)
        return (
            f"{', '.join(f'{count} networks {kind}' for kind, count in sorted(self.networks.items()))}; "
            f"{self.equal:,} of {self.outputs:,} outputs equal; "
            f"of {self.tally.codes:,} codes differ by a named property: {named or 'none'}; "
            f"{self.tensors:,} tensors compared; outputs of networks in float32 that differ: {dict(self.close)}"
        )


@pytest.fixture(scope="module")
def total() -> Iterator[Total]:
    """The tally of a run, printed at its end (`pytest -s`)."""
    sums = Total()
    yield sums
    print(f"\n{sums}")
    assert sums.networks["refused"] <= max(2, sums.networks.total() // 5), "most networks compile"


@pytest.mark.parametrize("seed", SEEDS)
def test_codes_equal_onnx_runtime(seed: int, total: Total, tmp_path: Path) -> None:
    model, path = make(seed), tmp_path / "random.onnx"
    onnx.save(model, path)
    try:
        with kernels.recorded() as compiled:
            made = integers(path)
    except TomatoError as error:
        if not any(text.fullmatch(str(error)) for text in REFUSED):
            raise
        total.networks["refused"] += 1
        return
    x = np.concatenate(frames(model, 1000 + seed, FRAMES))
    entering = {p.value: p.run(p.to_graph(x, dict(made.graph.inputs)[p.value].shape)) for p in made.inputs}
    (wanted,) = runtime(path, x)
    caveats = {p.caveat for p in made.proofs}
    if caveats & IN_FLOAT32:
        total.near(_reals(made, interpret(made.graph, entering)), wanted, wide="16" in model.graph.doc_string)
        return
    tally = Tally()
    corrected = kernels.values(made, entering, tally, compiled)
    assert np.array_equal(_reals(made, corrected), wanted), "not even with the kernels of the named properties"
    total.tensors += _same_inside(model, made, corrected, x)

    same = _reals(made, interpret(made.graph, entering)) == wanted
    assert same.all() or sum(tally.differing.values()), "differs, and no named property does"
    assert same.all() or caveats - {""}, "the report names none"
    total.networks["equal" if same.all() else "with named differences"] += 1
    total.equal, total.outputs = total.equal + int(same.sum()), total.outputs + same.size
    total.tally.codes += tally.codes
    total.tally.differing.update(tally.differing)


def _reals(made: Integers, values: Mapping[str, Array]) -> Array:
    (port,) = made.outputs
    return np.asarray(port.finish(port.from_graph(port.run(values[port.value]))), np.float32)


def _same_inside(model: Any, made: Integers, values: Mapping[str, Array], x: Array) -> int:
    """How many quantised tensors of the first frame were compared: all equal."""
    ends = {node.origin[-1]: node.name for node in made.graph if node.origin}
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
