"""The generator of random networks: it knows every operator, and makes what networks are made of."""

from collections import Counter
from collections.abc import Mapping

import pytest

from tests.networks import steps, trained
from tests.networks.generator import HARDWARE, LAYOUT, MEANING, TRAINED, network
from tests.networks.maker import Step, Style
from tests.networks.model import write
from tests.networks.onnx_operators import WRITERS
from tests.networks.points import OPERATIONS
from tests.unit.quantise.contract import catalogue
from tomato.core.ir import Graph, Op
from tomato.engines import CATALOGUE
from tomato.ops.exits import Exit, Leave, Number, Sure
from tomato.ops.frame_requant import FrameRequant
from tomato.ops.gated_conv2d import GatedConv2d
from tomato.ops.narrowed import Narrowed
from tomato.ops.piecewise import Piecewise
from tomato.ops.quantise import Bias, Dequantise, JoinConstant, Quantise
from tomato.ops.requant import Requant
from tomato.ops.table import Table
from tomato.ops.threshold import Threshold
from tomato.passes import CLEAN, run
from tomato.quantise.calibrate import calibrate
from tomato.quantise.post_training import quantise
from tomato.quantise.precision import Precision
from tomato.schedule.units import WIRING

NETWORKS = 60
MANY = 10 * NETWORKS
ELSEWHERE: Mapping[type[Op], str] = {
    Threshold: "of networks that come quantised",
    Piecewise: "of wide codes",
    FrameRequant: "one in a thousand, where a frame is flattened for a constant: tests/unit/passes/test_unflatten.py",
    GatedConv2d: "tests/networks/gates.py",
    **dict.fromkeys((Sure, Leave, Exit, Number), "tests/networks/heads.py"),
}
"""Operators that random networks need not have, and where they are drawn or tested."""
"""Enough for what is rare."""
QUANTISATION = frozenset({Quantise, Dequantise, JoinConstant, Bias})
"""Operators that only a network that comes quantised has: ONNX Runtime's quantiser makes them of random networks."""
BEHIND = frozenset({Exit, FrameRequant, GatedConv2d, Leave, Number, Piecewise, Requant, Sure, Table, Threshold})
"""Operators on codes that quantisation makes."""
SHARED = frozenset({Narrowed})
"""Made of two of them where layers share an engine: tests/hw/rtl/test_shared_networks.py."""


def drawn(style: Style) -> list[Graph]:
    return [network(seed, style)[0] for seed in range(NETWORKS)]


def test_every_operator_is_drawn_and_written() -> None:
    made = {op for ops in (*steps.MAKES.values(), *trained.MAKES.values()) for op in ops}
    assert made == catalogue() - QUANTISATION - BEHIND - SHARED, "tests/networks/steps.py draws every operator of reals"
    assert set(WRITERS) == made, "tests/networks/onnx_operators.py writes every operator of reals"


@pytest.mark.parametrize("step", [*steps.MAKES, *trained.MAKES], ids=lambda s: f"{s.__module__}-{s.__name__}")
def test_a_step_makes_what_it_says(step: Step) -> None:
    makes = (steps.MAKES | trained.MAKES)[step]
    style = Style([step], sizes=((8, 6, 4),), second_input=0, active=0, length=(1, 2), heads=("",))
    ops = {type(n.op) for seed in range(NETWORKS) for n in network(seed, style)[0]}
    assert ops >= set(makes)


def test_every_operator_of_hardware_is_reached() -> None:
    """By integer graphs of random networks, but for those that others are there for."""
    wanted = ({op for engine in CATALOGUE.values() for op in engine.ops} | set(WIRING)) - set(ELSEWHERE)
    reached: set[type[Op]] = set()
    for seed in range(MANY):
        real, net = network(seed)
        clean = run(real, CLEAN)
        reached |= {type(n.op) for n in quantise(clean, calibrate(clean, [net.data(4)]), Precision(4, 4))[0]}
        if reached >= wanted:
            break
    assert reached >= wanted
    assert set(OPERATIONS) >= BEHIND


def test_networks_have_what_networks_have() -> None:
    found: Counter[str] = Counter()
    for graph in (*drawn(HARDWARE), *drawn(MEANING), *drawn(LAYOUT)):
        uses = graph.uses
        found["two inputs"] += len(graph.inputs) == 2
        found["several outputs"] += len(graph.outputs) > 1
        found["an output that is read"] += any(uses[o] for o in graph.outputs)
        found["a branch"] += any(len({n.name for n in readers}) > 1 for readers in uses.values())
        found["a value read twice by one"] += any(len(set(n.args)) < len(n.args) for n in graph)
        found["a join"] += any(len(set(n.args)) > 1 for n in graph)
        found["an odd size"] += any(size % 2 for n in graph for size in n.type.shape[:2] if size > 1)
        found["one pixel"] += any(n.type.pixels == 1 for n in graph)
    assert min(found.values()) > 0.02 * 3 * NETWORKS, found
    assert len(found) == 8


def test_pictures_of_trained_networks_tell_their_layout() -> None:
    """Rows and columns differ everywhere but at the end: tests find out which axis is which."""
    for graph in drawn(TRAINED):
        assert all(kind.pixels == 1 or kind.shape[0] != kind.shape[1] for kind in graph.types.values())


def test_a_seed_is_a_network() -> None:
    first, again, other = (network(seed)[0] for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert write(first).model == write(again).model
