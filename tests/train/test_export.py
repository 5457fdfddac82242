"""Names in exported files."""

from pathlib import Path

import numpy as np

from tests.unit.frontend.tiny import Tiny, op, randoms
from tomato import frontend
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
