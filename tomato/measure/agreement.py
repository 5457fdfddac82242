"""How a model that came quantised agrees with its runtime, code for code, and where it first does not."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interface import AS_IT_IS, Reading, graph_values
from tomato.core.interpret import interpret
from tomato.host.golden import Golden
from tomato.host.runtime import Sequel, answer, open_session
from tomato.ops.quantise import Quantise

INTEGER_KERNELS = ("session.qdqisint8allowed", "1")
"""Without it ONNX Runtime computes int8 layers at branches of a network in float32 on x86; see docs/onnxruntime.md."""
REAL_PRODUCTS = ("session.qdq_matmulnbits_accuracy_level", "1")
"""Of a product whose result stays real: in float32, not with activations quantised anew for a kernel of its own."""
FRAMES = 4
"""Frames on which the first differing layer is searched for."""
NEAR = 1e-6
"""Relative difference of outputs that no layer rounds: the float32 of the last product."""


@dataclass(frozen=True, slots=True)
class Saturation:
    """Values of the outputs that ONNX Runtime gets wrong on this processor, of all, for the model as it is."""

    wrong: int
    total: int

    def __str__(self) -> str:
        return (
            "ONNX Runtime on this processor adds products of uint8 and int8 in 16 bits, which saturate: "
            f"{self.wrong:,} of {self.total:,} outputs of the model as it is are wrong; "
            "compared with an equal model whose weights are uint8"
        )


@dataclass(frozen=True, slots=True)
class Agreement:
    """Values of the outputs that are equal, of all; and the ONNX node and layer whose codes are the first to differ."""

    reference: str
    equal: int
    total: int
    first: str = ""

    def __str__(self) -> str:
        text = f"{self.equal:,} of {self.total:,} output codes equal {self.reference}"
        if self.first:
            return f"{text}; the first layer that differs is {self.first}"
        return text + ("; no layer was found that differs by itself" if self.equal < self.total else "")


def arithmetic(accelerator: Golden) -> str:
    """Whose arithmetic a model that came quantised means: "onnxruntime" or "qonnx"; "" for a real one."""
    ends = [port.chain[-1] for port in accelerator.inputs if port.chain]
    return next((end.arithmetic for end in ends if isinstance(end, Quantise)), "")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model for ONNX Runtime, as ONNX. integers: for its kernels of quantised layers. states: as in a Reading."""

    onnx: bytes
    integers: bool = False
    states: Mapping[str, str] = field(default_factory=dict)

    def open(self) -> Any:
        """A new session on the CPU. Raises TomatoError without ONNX Runtime."""
        entries = (REAL_PRODUCTS, INTEGER_KERNELS) if self.integers else (REAL_PRODUCTS,)
        try:
            session = open_session(self.onnx, *entries)
        except ImportError as reason:
            raise TomatoError(
                "the model is run by ONNX Runtime, which is not installed", hint="pip install 'tomato[eval]'"
            ) from reason
        return Sequel(session, self.states) if self.states else session


def prepared(model: Path, reading: Reading = AS_IT_IS, *, integers: bool = False, exact: bool = True) -> Prepared:
    """What the chip computes, for ONNX Runtime; `integers`: for its kernels of quantised layers.

    exact: a model whose products of integers are exact on every processor, if need be the twin of the one given.
    """
    if reading.states:
        return Prepared(frontend.stepwise(model, reading), integers, reading.states)
    given = frontend.twin(model, reading) if exact else None
    if given is None:
        given = frontend.changed(model, reading) if reading.changes else frontend.stored(model)
    return Prepared(given, integers)


def session(model: Path, reading: Reading = AS_IT_IS, *, integers: bool = False, exact: bool = True) -> Any:
    """An ONNX Runtime session on the CPU of what the chip computes, see `prepared`."""
    return prepared(model, reading, integers=integers, exact=exact).open()


@cache
def saturates() -> bool:
    """Whether ONNX Runtime adds products of uint8 and int8 in 16 bits here, as on x86 with AVX2 but without VNNI."""
    length, a, b = 32, 255, 127
    feed = {"a": np.full((1, length), a, np.uint8), "b": np.full((length, 1), b, np.int8)}
    ((total,),) = Prepared(frontend.saturating_product(), integers=True).open().run(None, feed)[0]
    return int(total) != length * a * b


def agree(
    accelerator: Golden, frames: Sequence[Array], reals: Sequence[Array], results: Sequence[Array], reference: str
) -> Agreement:
    """Compare outputs with those of the runtime; look for the first differing layer where they are not equal."""
    equal = sum(int(np.count_nonzero(same(r, g))) for r, g in zip(reals, results, strict=True))
    total = sum(g.size for g in results)
    first = "" if equal == total else first_difference(accelerator, [f[:FRAMES] for f in frames])
    return Agreement(reference, equal, total, first)


def same(real: Array, got: Array) -> Array:
    """Which values are equal: integers exactly, reals but for the float32 of the last product."""
    real = real.reshape(got.shape)
    if got.dtype.kind != "f":
        return np.asarray(real == got)
    near = NEAR * np.abs(real.astype(np.float64)).max(initial=0)
    return np.asarray(np.abs(real.astype(np.float64) - got.astype(np.float64)) <= near)


def first_difference(accelerator: Golden, frames: Sequence[Array]) -> str:
    """The first layer whose codes differ from those of the QuantizeLinear that it ends in, or "".

    Nothing is looked for where states last from frame to frame: the model's parts do not keep them.
    """
    if accelerator.reading.states:
        return ""
    ends = {node.origin[-1]: node.name for node in accelerator.graph if node.origin}
    codes: dict[str, Array] = {}
    accelerator.run(
        accelerator.encode(*frames),
        watch=lambda name, values: codes.update({name: accelerator.graph.in_order(name, values)}),
    )
    wanted = _defined if arithmetic(accelerator) == "qonnx" else _kernels
    for label, found in wanted(accelerator, frames, list(ends)):
        ours = codes[ends[label]]
        if found.size == ours.size and not _equal(found, ours):
            return f"{ends[label]} ({label})"
    return ""


def _equal(found: Array, ours: Array) -> bool:
    """Whether codes are equal in some order of the runtime's axes: streams have channels last, models anywhere."""
    orders = permutations(range(1, found.ndim))
    return any(np.array_equal(found.transpose(0, *order).reshape(-1), ours.reshape(-1)) for order in orders)


def _defined(accelerator: Golden, frames: Sequence[Array], labels: Sequence[str]) -> Iterator[tuple[str, Array]]:
    """The codes of a QONNX model's own operators, by the ONNX node's name."""
    graph = frontend.load(accelerator.model, accelerator.reading).graph
    values: dict[str, Array] = {}
    interpret(
        graph, graph_values(graph, accelerator.inputs, frames), watch=lambda name, value: values.update({name: value})
    )
    quantisers = [n for n in graph if isinstance(n.op, Quantise) and n.origin]
    yield from ((n.origin[-1], values[n.name]) for n in quantisers if n.origin[-1] in labels)


def _kernels(accelerator: Golden, frames: Sequence[Array], labels: Sequence[str]) -> Iterator[tuple[str, Array]]:
    """What ONNX Runtime computes at nodes that give codes, each in a model that ends there."""
    with tempfile.TemporaryDirectory(prefix="tomato-") as folder:
        for label in labels:
            part = frontend.cut(accelerator.model, label, Path(folder) / "part.onnx", accelerator.reading)
            found = _codes(part, accelerator, frames) if part else None
            if found is not None:
                yield label, found


def _codes(model: Path, accelerator: Golden, frames: Sequence[Array]) -> Array | None:
    """The only output of a model, frame by frame; None if it is real."""
    runner = session(model, integers=True)
    names = [p.name for p in accelerator.inputs]
    known = {i.name for i in runner.get_inputs()}
    rows = [
        answer(runner, None, {n: f[i : i + 1] for n, f in zip(names, frames, strict=True) if n in known})[0]
        for i in range(len(frames[0]))
    ]
    codes = np.concatenate(rows)
    return codes if np.issubdtype(codes.dtype, np.integer) else None
