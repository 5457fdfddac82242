"""ONNX's tests of its operators, as models with one input; docs/nodes.md: python -m tests.unit.frontend.node_tests.

Their weights and parameters are inputs; all but the first become constants, as in a trained network. What has no
batch of one in front gets one: it is a frame of its own.
"""

import re
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.backend.test.loader import load_model_tests

from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interface import graph_values
from tomato.core.interpret import interpret
from tomato.frontend.translate import rules

RIGHT, REFUSED, WRONG = "compiled and right", "refused", "WRONG"
TOLERANCE, ROUGH = 1e-3, 2**-8
"""Relative and absolute; the second of results that are rounded to bfloat16."""
PAGE = Path(__file__).parents[3] / "docs" / "nodes.md"


@dataclass(frozen=True)
class Verdict:
    """What became of a test: its name, operator, a kind, and the reason of a refusal."""

    name: str
    operator: str
    kind: str
    reason: str = ""


@cache
def cases() -> tuple[Any, ...]:
    """The tests of operators that some rule reads, those of ONNX's domain."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: list[Any] = load_model_tests(kind="node")
    known = rules()
    return tuple(
        case for case in found
        if all(n.op_type in known and not n.domain for n in case.model.graph.node)    )  # fmt: skip


def prepared(case: Any) -> tuple[Any, Array, list[Array]]:
    """The model with all inputs but the first as constants, what it is given, and what it should give."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    inputs, outputs = case.data_sets[0]
    arrays, wanted = (
        [np.asarray(numpy_helper.to_array(v) if isinstance(v, onnx.TensorProto) else v) for v in values]
        for values in (inputs, outputs)
    )
    names = [i.name for i in model.graph.input]
    for name, value in list(zip(names, arrays, strict=True))[1:]:
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    del model.graph.input[1:]
    shape = arrays[0].shape
    if shape[:1] != (1,) and 0 not in shape:
        _framed(model, shape)
        return model, arrays[0][np.newaxis], wanted
    return model, arrays[0], wanted


def _framed(model: Any, shape: tuple[int, ...]) -> None:
    """Have the model take a batch of one, whose only frame is what it took."""
    given = model.graph.input[0]
    name, kind = given.name, given.type.tensor_type.elem_type
    model.graph.initializer.append(numpy_helper.from_array(np.array(shape, np.int64), "shape of a frame"))
    model.graph.node.insert(0, helper.make_node("Reshape", ["frame", "shape of a frame"], [name]))
    given.CopyFrom(helper.make_tensor_value_info("frame", kind, [1, *shape]))


def judge(case: Any) -> Verdict:
    """What becomes of a test; whatever else is raised is a fault of ours."""
    operator = case.model.graph.node[-1].op_type
    with TemporaryDirectory() as folder:
        path = Path(folder) / "node.onnx"
        try:
            model, x, wanted = prepared(case)
        except (TypeError, ValueError, AttributeError):
            return Verdict(case.name, operator, REFUSED, "its input is no tensor")
        path.write_bytes(model.SerializeToString())
        try:
            imported = frontend.load(path)
        except TomatoError as error:
            lines = error.what.splitlines()
            return Verdict(case.name, operator, REFUSED, lines[-1].strip().split(": ", 1)[-1])
    return Verdict(case.name, operator, RIGHT if _agrees(imported, x, wanted) else WRONG)


def _agrees(imported: Any, x: Array, wanted: list[Array]) -> bool:
    """Whether the frame gives what the test wants."""
    (port,) = imported.inputs
    frames = x.reshape(-1, *port.shape)
    rows = []
    for frame in frames:
        with np.errstate(all="ignore"):
            values = interpret(imported.graph, graph_values(imported.graph, imported.inputs, [frame[np.newaxis]]))
            rows.append([p.typed(p.finish(p.from_graph(values[p.value]))) for p in imported.outputs])
    for k, want in enumerate(wanted[: len(imported.outputs)]):
        got = np.concatenate([row[k] for row in rows])
        if got.size != want.size:
            return False
        same = np.asarray(want, np.float64), np.asarray(got, np.float64).reshape(want.shape)
        tolerance = ROUGH if want.dtype.name == "bfloat16" else TOLERANCE
        if not np.allclose(*same, rtol=tolerance, atol=tolerance, equal_nan=True):
            return False
    return True


def page(verdicts: list[Verdict]) -> str:
    """The table, and the reasons of refusals."""
    count = Counter(v.kind for v in verdicts)
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for v in verdicts:
        table[v.operator][v.kind] += 1
    reasons = Counter(_general(v.reason) for v in verdicts if v.kind == REFUSED)
    counts = (
        f"Of the {len(verdicts)} tests of `onnx.backend.test` for operators that Tomato reads, {count[RIGHT]} compile "
        f"and give the right numbers, {count[REFUSED]} are refused with a reason, {count[WRONG]} are wrong."
    )
    how = (
        "All inputs of a test but the first are made constants, as they are in a trained network, and what has no "
        "batch of one in front is taken as a frame. "
        "`python -m tests.unit.frontend.node_tests` writes this page; a test holds it to the code."
    )
    lines = [
        "# ONNX's own operator tests", "", counts, how, "",
        "| operator | right | refused |", "|---|---:|---:|",
        *(f"| {name} | {c[RIGHT]} | {c[REFUSED]} |" for name, c in sorted(table.items())), "",
        "| tests | why they are refused |", "|---:|---|",
        *(f"| {number} | {reason} |" for reason, number in sorted(reasons.items(), key=lambda r: (-r[1], r[0]))), "",
    ]  # fmt: skip
    return "\n".join(lines)


def _general(reason: str) -> str:
    """A reason without its numbers and names."""
    text = re.sub(r"'[^']*'", "...", reason)
    text = re.sub(r"\([^)]*\)", "(...)", text)
    return re.sub(r"-?\d+(\.\d+)?(e[+-]?\d+)?", "N", text).replace("|", "/")[:140]


def verdicts() -> Iterator[Verdict]:
    """All of them."""
    return map(judge, cases())


def main() -> int:
    """Write the page; 1 if something is wrong."""
    found = list(verdicts())
    PAGE.write_text(page(found))
    wrong = [v for v in found if v.kind == WRONG]
    for v in wrong:
        print(f"{v.name}: {v.kind}")
    print(PAGE.read_text().splitlines()[2])
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
