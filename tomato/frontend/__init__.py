"""The frontend: an ONNX file becomes a graph of real-valued operators. It translates and never optimises."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tomato.interface import Port, Said
from tomato.ir import Graph
from tomato.ops.quantise import Dequantise, Quantise


@dataclass(frozen=True, slots=True)
class Imported:
    """A model in our terms: its values are real, but for those between a Quantise and a Dequantise.

    `notes` tell the user what was assumed. `said` is what the model says of its nodes.
    """

    graph: Graph
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    notes: tuple[str, ...] = ()
    said: Said = field(default_factory=Said)

    @property
    def quantised(self) -> bool:
        """Whether the model comes quantised."""
        return any(isinstance(node.op, Quantise | Dequantise) for node in self.graph)


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


def cut(path: Path, label: str, to: Path) -> Path | None:
    """The part of a model up to the first result of a node, as a model of its own; None if there is no such node.

    label: the node's name, or `<op_type> #<index>`.
    """
    import onnx

    graph = onnx.load(path, load_external_data=False).graph
    named = {node.name or f"{node.op_type} #{i}": node.output[0] for i, node in enumerate(graph.node)}
    constants = {t.name for t in graph.initializer}
    inputs = [i.name for i in graph.input if i.name not in constants]
    if label not in named:
        return None
    onnx.utils.extract_model(str(path), str(to), inputs, [named[label]], check_model=False)
    return to


def twin(path: Path) -> bytes | None:
    """The model in an ONNX file such that ONNX Runtime computes it exactly on every processor; None if it does already.

    Equal in exact arithmetic: constants of int8 that are multiplied with uint8 have become uint8, see `exact.py`.
    """
    from tomato.frontend.read import read_twin

    made = read_twin(path)
    return None if made is None else bytes(made.SerializeToString())


def saturating_product() -> bytes:
    """A model of one product, of `a` (1, 32) of uint8 and `b` (32, 1) of int8: what `twin` avoids."""
    from tomato.frontend.exact import probe

    return bytes(probe().SerializeToString())


def copy(path: Path, to: Path) -> None:
    """Copy a model into one file: weights that lie beside it move inside."""
    import onnx
    from onnx.external_data_helper import uses_external_data

    model = onnx.load(path, load_external_data=False)
    if any(uses_external_data(t) for t in model.graph.initializer):
        onnx.save(onnx.load(path), to)
    else:
        shutil.copyfile(path, to)
