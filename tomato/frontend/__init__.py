"""The frontend: an ONNX file becomes a graph of real-valued operators. It translates and never optimises."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tomato.core.interface import AS_IT_IS, Ends, Port, Reading, Said, Slot
from tomato.core.ir import Graph
from tomato.ops.quantise import Dequantise, Quantise

if TYPE_CHECKING:
    from tomato.frontend.read import Source

HostChoice = Literal["none", "ends", "any"]
"""What the host may run: nothing but a final softmax, argmax and the like; ends of little work; or anything."""


@dataclass(frozen=True, slots=True)
class Network:
    """A graph and the ports of the ONNX model around it: what the chip computes.

    As it is imported its values are real, but for those between a Quantise and a Dequantise. `notes` tell the user what
    was assumed, `said` is what the model says of its nodes, `reading` how the file was read, `ends` what the host runs.
    """

    graph: Graph
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    notes: tuple[str, ...] = ()
    said: Said = field(default_factory=Said)
    reading: Reading = AS_IT_IS
    ends: Ends | None = None

    @property
    def quantised(self) -> bool:
        """Whether the model came quantised: it says itself how its inputs become codes and its codes outputs."""
        return any(port.chain for port in self.inputs) or any(
            isinstance(n.op, Quantise | Dequantise) for n in self.graph
        )

    @property
    def takes(self) -> tuple[Slot, ...]:
        """The whole model's inputs."""
        return self.ends.inputs if self.ends else tuple(Slot(p.name, p.shape, p.dtype) for p in self.inputs)

    @property
    def gives(self) -> tuple[Slot, ...]:
        """The whole model's outputs."""
        return self.ends.outputs if self.ends else tuple(Slot(p.name, p.shape, p.dtype) for p in self.outputs)


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


def source(path: Path) -> Source:
    """A model file that is read and checked once, whatever is asked of it: the functions below take it for a path."""
    from tomato.frontend.read import Source

    return Source(path)


def load(path: Path | Source, reading: Reading = AS_IT_IS) -> Network:
    """The model in an ONNX file, or TomatoError naming every problem at once."""
    from tomato.frontend.read import read
    from tomato.frontend.translate import translate

    return translate(read(path, reading))


def takes(path: Path | Source, reading: Reading = AS_IT_IS) -> tuple[Slot, ...]:
    """The inputs of the whole model."""
    from tomato.frontend.read import read

    model = read(path, reading)
    return tuple(Slot(name, model.shapes[name][1:], model.dtypes[name]) for name in model.inputs)


def dynamic(path: Path | Source, reading: Reading = AS_IT_IS) -> tuple[str, ...]:
    """The values that a model quantises with scales of their own, frame by frame."""
    from tomato.frontend.read import read

    nodes = read(path, reading).live
    return tuple(dict.fromkeys(n.inputs[0] for n in nodes if n.op_type == "DynamicQuantizeLinear"))


def probe(path: Path | Source, reading: Reading, names: tuple[str, ...]) -> tuple[tuple[str, ...], bytes]:
    """The inputs of a model of one frame, and it as ONNX, with these values for outputs."""
    from tomato.frontend.read import read, read_changed

    inputs = read(path, reading).inputs
    made = read_changed(path, replace(reading, inputs=inputs, outputs=names))
    return inputs, bytes(made.SerializeToString())


def onnx_name(path: Path | Source, reading: Reading, label: str, *, weights: bool = False) -> str:
    """The first result of the ONNX node of this label, or (weights) its constant; of no node it is an input's name."""
    from tomato.frontend.read import read

    model = read(path, reading)
    node = next((n for n in model.nodes if n.label == label), None)
    if node is None:
        return label
    return node.inputs[1] if weights else next(filter(None, node.outputs))


def is_stored(path: Path | Source, reading: Reading, name: str) -> bool:
    """Whether the file holds the constant of that name, and does not compute it."""
    from tomato.frontend.read import read_changed
    from tomato.frontend.reading import stored

    return stored(read_changed(path, reading).graph, name) is not None


def settle(
    path: Path | Source, reading: Reading = AS_IT_IS, host: HostChoice = "ends", forced: Collection[str] = ()
) -> Network:
    """What of a model the chip computes, and what the host runs then, see `cuts.py`."""
    from tomato.frontend import cuts

    return cuts.settle(path, reading, host, forced)


def inspect(path: Path | Source, reading: Reading = AS_IT_IS) -> tuple[NodeReport, ...]:
    """Every ONNX node and whether it can be compiled; TomatoError only when the file cannot be read."""
    from tomato.frontend.read import read
    from tomato.frontend.translate import report

    return report(read(path, reading))


def changed(path: Path | Source, reading: Reading) -> bytes:
    """The model that the chip computes, as ONNX."""
    from tomato.frontend.read import read_changed

    return bytes(read_changed(path, reading).SerializeToString())


def stepwise(path: Path | Source, reading: Reading) -> bytes:
    """The model that the chip computes, as ONNX, for one frame: what it keeps are inputs and outputs still."""
    from tomato.frontend.read import read_stepwise

    return bytes(read_stepwise(path, reading).SerializeToString())


def ends(path: Path | Source, reading: Reading) -> tuple[bytes | None, bytes | None]:
    """What the host runs in front of the chip and behind it, as ONNX; None for nothing."""
    from tomato.frontend.read import read_ends

    before, after = read_ends(path, reading)
    return (before and bytes(before.SerializeToString())), (after and bytes(after.SerializeToString()))


def reference_session(model: bytes) -> Any:
    """onnx's reference evaluator of a model, with the methods `run` and `get_inputs` of an ONNX Runtime session."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    from tomato.frontend.evaluator import Evaluator

    proto = onnx.load_from_string(model)
    return Evaluator(ReferenceEvaluator(proto), proto)


def cut(path: Path, label: str, to: Path, reading: Reading = AS_IT_IS) -> Path | None:
    """The part of a model up to the first result of a node, as a model of its own; None if there is no such node.

    label: the node's name, or `<op_type> #<index>`.
    """
    import onnx

    if reading.changes:
        source, path = path, to.with_name("changed.onnx")
        path.write_bytes(changed(source, reading))
    graph = onnx.load(path, load_external_data=False).graph
    named = {node.name or f"{node.op_type} #{i}": node.output[0] for i, node in enumerate(graph.node)}
    constants = {t.name for t in graph.initializer}
    inputs = [i.name for i in graph.input if i.name not in constants]
    if label not in named:
        return None
    onnx.utils.extract_model(str(path), str(to), inputs, [named[label]], check_model=False)
    return to


def twin(path: Path | Source, reading: Reading = AS_IT_IS) -> bytes | None:
    """The model in an ONNX file such that ONNX Runtime computes it exactly on every processor; None if it does already.

    Equal in exact arithmetic: constants of int8 that are multiplied with uint8 have become uint8, see `exact.py`.
    """
    from tomato.frontend.read import read_twin

    made = read_twin(path, reading)
    return None if made is None else bytes(made.SerializeToString())


def saturating_product() -> bytes:
    """A model of one product, of `a` (1, 32) of uint8 and `b` (32, 1) of int8: what `twin` avoids."""
    from tomato.frontend.exact import probe

    return bytes(probe().SerializeToString())


def stored(path: Path) -> bytes:
    """A model as one file holds it: weights that lie beside it move inside."""
    import onnx
    from onnx.external_data_helper import uses_external_data

    model = onnx.load(path, load_external_data=False)
    if any(uses_external_data(t) for t in model.graph.initializer):
        return bytes(onnx.load(path).SerializeToString())
    return path.read_bytes()


def copy(path: Path, to: Path) -> None:
    """Copy a model into one file."""
    to.write_bytes(stored(path))
