"""What is in exported files: names, and windows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort

from tests.networks.nets import Net
from tests.unit.frontend.tiny import Tiny, op, randoms
from tomato import frontend
from tomato.core.formats import Tensor
from tomato.core.interface import Port
from tomato.core.interpret import interpret
from tomato.frontend.write import write
from tomato.ops.pool import SumPool
from tomato.ops.window import Window
from tomato.train import Trainable, quantise


def test_a_node_may_have_the_name_of_an_output(tmp_path: Path) -> None:
    """Nodes without a name go by their first result."""
    nodes = [op("MatMul", "x", "w", to="h"), op("Relu", "h", to="r"), op("MatMul", "r", "v")]
    path = Tiny(nodes, {"x": (1, 6)}, {"w": randoms(6, 5), "v": randoms(5, 4)}).save(tmp_path)
    net = Trainable.load(path)
    frames = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    quantise(net, "w8a8", frames)
    net.export(tmp_path / "small.onnx")
    assert [port.name for port in frontend.load(tmp_path / "small.onnx").outputs] == ["y"]
    wrong, compared = net.check(frames)
    assert wrong == 0
    assert compared > 0


def test_a_dilated_average_is_written_as_one(tmp_path: Path) -> None:
    """In the operator set that has it; the one before has averages of neighbours alone."""
    net = Net(8, 8, 3)
    graph = net.graph(net.add(SumPool(Window((2, 2), dilation=(2, 3), pads=(1, 1, 1, 1))), "x", name="y"))
    ports = [
        Port(name, name, kind.shape, Tensor(np.arange(kind.shape[0] * kind.shape[1] * 3).reshape(kind.shape)))
        for name, kind in (("x", graph.types["x"]), ("y", graph.types["y"]))
    ]
    write(graph, ports[:1], [replace(ports[1], name="out")], tmp_path / "m.onnx")
    frames = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    session = ort.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {"x": frames})
    np.testing.assert_allclose(got, interpret(graph, {"x": frames})["y"], atol=1e-5)
