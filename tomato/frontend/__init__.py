"""The frontend: an ONNX file becomes a graph of real-valued operators. It translates and never optimises."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tomato.interface import Port
from tomato.ir import Graph


@dataclass(frozen=True, slots=True)
class Imported:
    """A model in our terms: every value of `graph` is real; `notes` tell the user what was assumed."""

    graph: Graph
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What becomes of one ONNX node.

    Shapes include the batch; an unknown shape is empty. `reason` says why the node is not supported and
    what to do. `parameters` counts the constants that it reads.
    """

    name: str
    op_type: str
    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    supported: bool
    reason: str
    macs: int
    parameters: int


def load(path: Path) -> Imported:
    """The model in an ONNX file, or TomatoError naming every problem at once."""
    from tomato.frontend.read import read
    from tomato.frontend.translate import translate

    return translate(read(path))


def inspect(path: Path) -> tuple[NodeReport, ...]:
    """Every ONNX node and whether it can be compiled; TomatoError only when the file cannot be read."""
    from tomato.frontend.read import read
    from tomato.frontend.translate import report

    return report(read(path))


def copy(path: Path, to: Path) -> None:
    """Copy a model into one file: weights that lie beside it move inside."""
    import onnx
    from onnx.external_data_helper import uses_external_data

    model = onnx.load(path, load_external_data=False)
    if any(uses_external_data(t) for t in model.graph.initializer):
        onnx.save(onnx.load(path), to)
    else:
        shutil.copyfile(path, to)
