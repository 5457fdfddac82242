"""Every operator of two or one quantised values with every function behind it, in every dialect and type.

`cases` lists the combinations, `build` makes the network of one, `judge` compares what the compiler makes of it with
its runtime.
"""

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.networks import qonnx
from tests.networks.runtime import golden, integers, runtime
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.quantise.absorb.proof import PIECEWISE

QDQ, QOPERATOR, QONNX = "QDQ", "QOperator", "QONNX"
FLOAT = "float"
VARIANTS = [
    (d, k) for d in (QDQ, QOPERATOR, QONNX) for k in ("uint8", "int8", "int16") if (d, k) != (QOPERATOR, "int16")
]
"""Dialects and the types of the activations. QOperator has no operators of 16 bits."""
LAYOUTS = 3
"""Where zero points lie: see `layout`."""
MICROSOFT = "com.microsoft"
CHANNELS, FRAMES = 4, 16
IMAGE, FLAT = (CHANNELS, 6, 5), (24,)
SHARE, WIDE_SHARE = 0.01, 0.03
"""Codes of 8 bits and of 16 that may differ by one step, where the compiler names a property of the runtime.

The float32 of the runtime's sums resolves a code of 16 bits to some thousandths.
"""
LINES_SHARE = 0.25
"""Codes of 16 bits that may differ by as much as the proofs say, where functions are lines."""


@dataclass(frozen=True)
class Case:
    """One network."""

    source: str
    tail: str
    dialect: str
    kind: str
    layout: int

    def __str__(self) -> str:
        return f"{self.source}, {self.tail}: {self.dialect} {self.kind}, zero points {self.layout}"


@dataclass(frozen=True)
class Verdict:
    """How a case ended: "equal", "named", "refused" or "failed", and the property, message or reason."""

    kind: str
    text: str = ""


@dataclass(frozen=True)
class Steps:
    """Scale and zero point of codes."""

    scale: float
    zero: int


@dataclass(frozen=True)
class Value:
    """A quantised value of a network under construction: names of its codes, scale and zero point, or of its real."""

    codes: str
    scale: str
    zero: str
    real: str = ""


def span(kind: str) -> tuple[int, int]:
    """The lowest and the highest code of a type."""
    return int(np.iinfo(kind).min), int(np.iinfo(kind).max)


def fitting(kind: str, lo: float, hi: float, place: str) -> Steps:
    """Steps that reach nearly all of lo to hi: a few values saturate.

    place: the zero point lies "inside", in the "middle" or at the "end" of the type, which then implies a limit at 0.
    """
    lowest, highest = span(kind)
    levels = highest - lowest
    if place == "end":
        up = hi > -0.3 * lo
        return Steps(float(np.float32(0.931 * (hi if up else -lo) / levels)), lowest if up else highest)
    low = round((0.41 if place == "inside" else 0.5) * (levels + 1))
    reach = max(hi / (levels - low), -lo / low)
    return Steps(float(np.float32(0.931 * reach)), lowest + low)


@dataclass
class Net:
    """A network under construction in one dialect; "float": without any quantisation. `middle`: see `kernel`."""

    dialect: str
    kind: str
    middle: Steps = Steps(1, 0)
    channels: int = CHANNELS
    part: str = "input"
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node; its output. Nodes are called after the part of the network that they belong to."""
        name = f"{self.part}_{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], domain=domain, name=name, **attributes))
        return name

    def constant(self, value: Any, kind: Any = np.float32) -> str:
        """Add a constant."""
        name = f"constant{len(self.constants)}"
        self.constants[name] = np.asarray(value, kind)
        return name

    def quantise(self, real: str, steps: Steps) -> Value:
        """Codes of a real value."""
        if self.dialect == FLOAT:
            return Value("", "", "", real)
        scale = self.constant(steps.scale)
        if self.dialect == QONNX:
            zero, bits = self.constant(steps.zero), self.constant(np.iinfo(self.kind).bits)
            signed = int(span(self.kind)[0] < 0)
            quant = self.op("Quant", real, scale, zero, bits, domain=qonnx.DOMAIN, signed=signed, narrow=0,
                            rounding_mode="ROUND")  # fmt: skip
            return Value("", "", "", quant)
        zero = self.constant(steps.zero, self.kind)
        return Value(self.op("QuantizeLinear", real, scale, zero), scale, zero)

    def real(self, value: Value) -> str:
        """The real of a quantised value."""
        return value.real or self.op("DequantizeLinear", value.codes, value.scale, value.zero)

    def weight(self, codes: Array, scale: Array) -> Value:
        """Quantised weights; a scale per channel for the first axis."""
        steps = scale.reshape(-1, *[1] * (codes.ndim - 1)) if scale.size > 1 else scale
        if self.dialect == FLOAT:
            return Value("", "", "", self.constant(codes * steps))
        if self.dialect == QONNX:
            given = (self.constant(codes * steps), self.constant(steps), self.constant(0), self.constant(8))
            quant = self.op("Quant", *given, domain=qonnx.DOMAIN, signed=1, narrow=0, rounding_mode="ROUND")
            return Value("", "", "", quant)
        names = self.constant(codes, np.int8), self.constant(scale), self.constant(np.zeros(scale.shape), np.int8)
        if self.dialect == QOPERATOR:
            return Value(*names)
        return Value("", "", "", self.op("DequantizeLinear", *names, axis=0))

    def bias(self, codes: Array, scale: Array) -> str:
        """A bias in steps of the accumulator: int32 in ONNX Runtime's dialects, else float."""
        if self.dialect in (FLOAT, QONNX):
            return self.constant(codes * scale)
        name = self.constant(codes, np.int32)
        if self.dialect == QOPERATOR:
            return name
        return self.op("DequantizeLinear", name, self.constant(scale), axis=0)

    def kernel(
        self, kind: str, *given: Value | str, domain: str = MICROSOFT, first: bool = False, last: Sequence[str] = (),
        **attributes: Any,
    ) -> str:  # fmt: skip
        """An operator on codes with the steps `middle` (`first`: in front of its inputs); the real of its codes."""
        y = self.constant(self.middle.scale), self.constant(self.middle.zero, self.kind)
        names = [n for v in given for n in ((v.codes, v.scale, v.zero) if isinstance(v, Value) else (v,))]
        names = [*y, *names] if first else [*names, *y]
        return self.real(Value(self.op(kind, *names, *last, domain=domain, **attributes), *y))

    def plain(self, kind: str, *given: Value, more: Sequence[str] = (), **attributes: Any) -> str:
        """An operator on reals; in QOperator models quantised to the steps `middle`."""
        real = self.op(kind, *(self.real(v) for v in given), *more, **attributes)
        return self.real(self.quantise(real, self.middle)) if self.dialect == QOPERATOR else real

    def along(self, values: Sequence[float]) -> Array:
        """One number per channel, to be broadcast."""
        return np.resize(np.asarray(values, np.float32), (self.channels, 1, 1) if self.rank > 2 else self.channels)

    @property
    def rank(self) -> int:
        """The rank of the source's result."""
        return 1 + max(len(s) for s in self.inputs.values())

    def model(self, output: str) -> Any:
        """The model, with one output."""
        graph = helper.make_graph(
            self.nodes, "tails",
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, *s]) for n, s in self.inputs.items()],
            [helper.make_empty_tensor_value_info(output)],
            [numpy_helper.from_array(v, n) for n, v in self.constants.items()],
        )  # fmt: skip
        new = self.kind == "int16"
        domains = {"": 21 if new else 17, MICROSOFT: 1, qonnx.DOMAIN: 1}
        opsets = [helper.make_opsetid(d, v) for d, v in domains.items()]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10 if new else 8)


Source = Callable[..., str]
"""(net, quantised inputs, steps of the first): the result, a real that is not quantised yet but in QOperator models."""


def _conv(net: Net, a: Value, step: float) -> str:
    rng, channels = np.random.default_rng(1), 6
    net.channels = channels
    scale = np.float32(0.0031) * (1 + np.arange(channels, dtype=np.float32) / 7)
    w = net.weight(rng.integers(-60, 61, (channels, CHANNELS, 3, 3)), scale)
    bias = net.bias(rng.integers(-900, 900, channels) * (200 if net.kind == "int16" else 1), np.float32(step) * scale)
    if net.dialect == QOPERATOR:
        return net.kernel("QLinearConv", a, w, domain="", last=[bias], pads=[1, 0, 1, 0])
    return net.op("Conv", net.real(a), net.real(w), bias, pads=[1, 0, 1, 0])


def _gemm(net: Net, a: Value, step: float) -> str:
    rng, scale = np.random.default_rng(2), np.asarray(0.0043, np.float32)
    net.channels = 7
    w = net.weight(rng.integers(-60, 61, (*FLAT, 7)), scale)
    bias = net.bias(rng.integers(-900, 900, 7) * (200 if net.kind == "int16" else 1), np.float32(step) * scale)
    if net.dialect == QOPERATOR:
        return net.kernel("QGemm", a, w, bias, transB=0)
    return net.op("Gemm", net.real(a), net.real(w), bias)


def _matmul(net: Net, a: Value, step: float) -> str:
    net.channels = 7
    w = net.weight(np.random.default_rng(3).integers(-60, 61, (*FLAT, 7)), np.asarray(0.0043, np.float32))
    if net.dialect == QOPERATOR:
        return net.kernel("QLinearMatMul", a, w, domain="")
    return net.op("MatMul", net.real(a), net.real(w))


def _binary(kind: str) -> Source:
    def source(net: Net, a: Value, b: Value, step: float) -> str:
        if net.dialect == QOPERATOR and kind != "Sub":
            return net.kernel(f"QLinear{kind}", a, b)
        return net.plain(kind, a, b)

    return source


def _concat(net: Net, a: Value, b: Value, step: float) -> str:
    net.channels = 2 * CHANNELS
    if net.dialect == QOPERATOR:
        return net.kernel("QLinearConcat", a, b, first=True, axis=1)
    return net.plain("Concat", a, b, axis=1)


def _global_average(net: Net, a: Value, step: float) -> str:
    if net.dialect == QOPERATOR:
        return net.kernel("QLinearGlobalAveragePool", a)
    return net.plain("GlobalAveragePool", a)


def _average(net: Net, a: Value, step: float) -> str:
    if net.dialect == QOPERATOR:
        return net.kernel("QLinearAveragePool", a, kernel_shape=[3, 2])
    return net.plain("AveragePool", a, kernel_shape=[3, 2])


def _max(net: Net, a: Value, step: float) -> str:
    if net.dialect == QOPERATOR:
        return net.real(Value(net.op("MaxPool", a.codes, kernel_shape=[2, 2]), a.scale, a.zero))
    return net.plain("MaxPool", a, kernel_shape=[2, 2])


def _resize(net: Net, a: Value, step: float) -> str:
    attributes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    more = ["", net.constant([1, 1, 2, 2])]
    if net.dialect == QOPERATOR:
        return net.real(Value(net.op("Resize", a.codes, *more, **attributes), a.scale, a.zero))
    return net.plain("Resize", a, more=more, **attributes)


def _broadcast(net: Net, a: Value, b: Value, step: float) -> str:
    steps = fitting(net.kind, -4, 4, "inside")
    if net.dialect == QOPERATOR:
        y = net.constant(steps.scale), net.constant(steps.zero, net.kind)
        pool = net.op("QLinearGlobalAveragePool", b.codes, b.scale, b.zero, *y, domain=MICROSOFT)
        return net.kernel("QLinearAdd", a, Value(pool, *y))
    pooled = net.quantise(net.op("GlobalAveragePool", net.real(b)), steps)
    return net.op("Add", net.real(a), net.real(pooled))


SOURCES: dict[str, tuple[tuple[tuple[int, ...], ...], Source]] = {
    "Conv": ((IMAGE,), _conv),
    "Gemm": ((FLAT,), _gemm),
    "MatMul": ((FLAT,), _matmul),
    "Add": ((IMAGE, IMAGE), _binary("Add")),
    "Add, equal scales": ((IMAGE, IMAGE), _binary("Add")),
    "Add, broadcast": ((IMAGE, IMAGE), _broadcast),
    "Sub": ((IMAGE, IMAGE), _binary("Sub")),
    "Mul": ((IMAGE, IMAGE), _binary("Mul")),
    "GlobalAveragePool": ((IMAGE,), _global_average),
    "AveragePool": ((IMAGE,), _average),
    "MaxPool": ((IMAGE,), _max),
    "Concat": ((IMAGE, IMAGE), _concat),
    "Resize": ((IMAGE,), _resize),
}
"""By name, the shapes of the inputs and what is made of them."""

GAIN, SHIFT = (0.7, -1.3, 0.45, 1.9, 1.1), (0.31, -0.27, 1.4, -2.1)


def _norm(net: Net, x: str) -> str:
    each = ([0.7, 1.3, -0.45, 1.9, 1.1], SHIFT, (0.2, -0.3, 0.0, 0.5), (0.9, 1.4, 0.3, 2.0))
    return net.op("BatchNormalization", x, *(net.constant(np.resize(v, net.channels)) for v in each))


TAILS: dict[str, Callable[[Net, str], str]] = {
    "none": lambda net, x: x,
    "Relu": lambda net, x: net.op("Relu", x),
    "Relu6": lambda net, x: net.op("Clip", x, net.constant(0), net.constant(6)),
    "LeakyRelu": lambda net, x: net.op("LeakyRelu", x, alpha=0.1),
    "factor": lambda net, x: net.op("Mul", x, net.constant(0.37)),
    "negative factor": lambda net, x: net.op("Mul", x, net.constant(-0.61)),
    "Sigmoid": lambda net, x: net.op("Sigmoid", x),
    "HardSwish": lambda net, x: net.op("HardSwish", x),
    "Abs": lambda net, x: net.op("Abs", x),
    "Neg": lambda net, x: net.op("Neg", x),
    "batch norm": _norm,
    "factor per channel": lambda net, x: net.op("Mul", x, net.constant(net.along(GAIN))),
    "constant": lambda net, x: net.op("Add", x, net.constant(1.37)),
    "1 - x": lambda net, x: net.op("Sub", net.constant(1), x),
}


def cases(source: str, *, every: bool = False) -> list[Case]:
    """All tails, dialects and types of one source; each with one layout of zero points, or `every` one.

    Every tail gets every layout in one of the variants, and unless `every`, 16 bits in one of the dialects.
    """
    at = list(SOURCES).index(source)
    return [
        Case(source, tail, dialect, kind, layout)
        for j, tail in enumerate(TAILS)
        for k, (dialect, kind) in enumerate(VARIANTS)
        for layout in (range(LAYOUTS) if every else [(at + j + k) % LAYOUTS])
        if every or kind != "int16" or dialect == (QDQ, QONNX)[(at + j) % 2]
    ]


def few(source: str) -> list[Case]:
    """Every tail of a source once, the variants of 8 bits in turn."""
    at = list(SOURCES).index(source)
    narrow = [v for v in VARIANTS if v[1] != "int16"]
    picked = [(tail, narrow[(at + j) % len(narrow)], (at + j) % LAYOUTS) for j, tail in enumerate(TAILS)]
    return [Case(source, tail, dialect, kind, place) for tail, (dialect, kind), place in picked]


def layout(case: Case) -> tuple[str, str]:
    """Where the zero points of the inputs and of the results lie: see `fitting`."""
    return (("inside", "inside"), ("middle", "end"), ("end", "middle"))[case.layout]


def entering(case: Case) -> list[Steps]:
    """The steps of the inputs."""
    place = layout(case)[0]
    first, second = fitting(case.kind, -7.31, 7.31, place), fitting(case.kind, -4.57, 4.57, place)
    return [first, first if case.source == "Add, equal scales" else second]


@cache
def frames(source: str) -> list[Array]:
    """Values of the inputs: the mean of each channel varies too, so that averages do."""
    rng = np.random.default_rng(7)
    result = []
    for i, shape in enumerate(SOURCES[source][0]):
        mean = rng.normal(size=(FRAMES, shape[0], *[1] * (len(shape) - 1)))
        result.append(((mean + rng.normal(size=(FRAMES, *shape))) * (2.1, 1.3)[i]).astype(np.float32))
    return result


def network(case: Case, middle: Steps, outputs: Steps | None) -> Any:
    """The model of a case; without quantisation if there are no steps of its outputs."""
    net = Net(case.dialect if outputs else FLOAT, case.kind, middle)
    shapes, source = SOURCES[case.source]
    net.inputs = {f"x{i}": shape for i, shape in enumerate(shapes)}
    values = [net.quantise(n, s) for n, s in zip(net.inputs, entering(case), strict=False)]
    net.part = "source"
    real = source(net, *values, step=entering(case)[0].scale)
    net.part = "tail"
    result = TAILS[case.tail](net, real)
    net.part = "output"
    if outputs is None:
        return net.model(result)
    if case.dialect == QOPERATOR and case.tail == "none":
        return net.model(result)
    return net.model(net.real(net.quantise(result, outputs)))


@cache
def reached(source: str, tail: str, place: str) -> tuple[float, float]:
    """The range of the real network, its inputs clipped to what their codes reach."""
    case = Case(source, tail, QDQ, "uint8", ("inside", "middle", "end").index(place))
    clipped = []
    for x, s in zip(frames(source), entering(case), strict=False):
        lo, hi = span(case.kind)
        clipped.append(np.clip(x, (lo - s.zero) * s.scale, (hi - s.zero) * s.scale).astype(np.float32))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float.onnx"
        onnx.save(network(case, Steps(1, 0), None), path)
        (result,) = runtime(path, *clipped)
    return float(result.min()), float(result.max())


def build(case: Case, path: Path) -> Steps:
    """Write the model of a case; the steps of its output."""
    place, behind = layout(case)
    middle = fitting(case.kind, *reached(case.source, "none", place), "inside" if behind == "end" else behind)
    outputs = fitting(case.kind, *reached(case.source, case.tail, place), behind)
    onnx.save(network(case, middle, outputs), path)
    if case.dialect == QOPERATOR and case.tail == "none":
        moved = case.source in ("MaxPool", "Resize")
        return entering(case)[0] if moved else middle
    return outputs


def judge(case: Case, folder: Path) -> Verdict:
    """Compare the compiler's codes with the runtime's."""
    path = folder / "tails.onnx"
    steps = build(case, path)
    try:
        made = integers(path)
    except TomatoError as error:
        named = re.search(r"\b(source|tail)_\w+_\d+", str(error))
        return Verdict("refused", str(error)) if named else Verdict("failed", f"names neither source nor tail: {error}")
    except Exception as error:
        return Verdict("failed", f"{type(error).__name__}: {error}")
    inputs = frames(case.source)
    wanted = qonnx.evaluate(path, *inputs) if case.dialect == QONNX else runtime(path, *inputs)[0]
    got = golden(made, *inputs)[0]
    a, b = (np.rint(np.asarray(v, np.float64) / steps.scale) for v in (got, wanted))
    names = sorted({property_of(p) for p in made.proofs} - {""})
    if PIECEWISE in names:
        return compare(a, b, names, LINES_SHARE, max(1, *(p.largest for p in made.proofs)))
    return compare(a, b, names, WIDE_SHARE if case.kind == "int16" else SHARE)


def property_of(proof: Any) -> str:
    """Why the compiler itself says that codes may differ from the runtime's; "" where it claims that they are equal."""
    return str(proof.caveat)


def compare(codes: Array, wanted: Array, names: Sequence[str], allowed: float = SHARE, largest: int = 1) -> Verdict:
    """The verdict on codes, given what the compiler says about them."""
    off = np.abs(codes - wanted)
    share, most = np.count_nonzero(off) / off.size, int(off.max())
    told = f"{np.count_nonzero(off)} of {off.size} codes differ, by at most {most}"
    if not share:
        return Verdict("named", ", ".join(names)) if names else Verdict("equal")
    if not names:
        return Verdict("failed", f"claims equality, but {told}")
    if most > largest or share > allowed:
        return Verdict("failed", f"{', '.join(names)}: {told}")
    return Verdict("named", ", ".join(names))


def verdicts(given: Sequence[Case]) -> dict[Case, Verdict]:
    """The verdict on each case."""
    with tempfile.TemporaryDirectory() as folder:
        return {case: judge(case, Path(folder)) for case in given}
