"""Graph and plan become parts: every stream driven once and read once, forks, converters and FIFOs where needed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.networks.codenets import Codenet, plain, residual
from tomato.core.ir import Graph
from tomato.hardware.netlist import Netlist
from tomato.lower import lower
from tomato.ops.join import Add
from tomato.ops.move import Reshape
from tomato.schedule import Choice, Plan, options, schedule
from tomato.targets import Resources, load

TARGET = load("u250")


def slowest(graph: Graph) -> Plan:
    """The plan of the slowest choices."""
    layers = {n: max(offers, key=lambda o: o.cycles).choice for n, offers in options(graph, TARGET).items()}
    return Plan("u250", 300.0, layers)


def lines(netlist: Netlist) -> str:
    """A netlist as text: one part a line."""
    found = []
    for part in netlist.instances:
        ins, outs = (", ".join(f"{s.name}[{s.bits}x{s.lanes}]" for s in side) for side in (part.inputs, part.outputs))
        found.append(f"{part.module} {part.name}: {ins} -> {outs}")
    ports = (", ".join(s.name for s in side) for side in (netlist.inputs, netlist.outputs))
    return "\n".join([*found, "{} => {}".format(*ports)]) + "\n"


@pytest.mark.parametrize("graph", [plain(), residual()], ids=["plain", "residual"])
def test_instances(graph: Graph, golden: Callable[[str], None]) -> None:
    plan = slowest(graph)
    plan = replace(plan, fifos={"add.0": 8, "add.1": 400} if "add" in graph.types else {})
    lowered = lower(graph, plan, TARGET)
    assert set(lowered.costs) == {i.name for i in lowered.netlist.instances}
    assert Resources() not in lowered.costs.values()
    golden(lines(lowered.netlist))


@pytest.mark.parametrize("graph", [plain(), residual()], ids=["plain", "residual"])
def test_the_schedule_of_a_graph_is_complete(graph: Graph) -> None:
    plan = schedule(graph, TARGET)
    netlist = lower(graph, plan, TARGET).netlist
    assert {i.name.removeprefix("fifo_").replace("_", ".") for i in netlist.instances if i.module == "tom_fifo"} == set(
        plan.fifos
    )


def test_unequal_lanes_are_converted() -> None:
    graph = plain()
    plan = slowest(graph)
    layers = {**plan.layers, "c1_q": Choice("requant_stream", {**plan.layers["c1_q"].knobs, "lanes": 4})}
    made = [i for i in lower(graph, replace(plan, layers=layers), TARGET).netlist.instances if i.module == "tom_width"]
    assert [(i.params["InLanes"], i.params["OutLanes"]) for i in made] == [(1, 4), (4, 1)]


def test_a_value_may_be_output_and_read_on_and_seen_in_another_shape() -> None:
    net = Codenet(2, 3, 4)
    first = net.dense("x", 4, "first")
    flat = net.build.add(Reshape((1, 1, 24)), [first], "flat")
    graph = net.graph(net.dense(flat, 5, "head"), first)
    netlist = lower(graph, slowest(graph), TARGET).netlist
    assert [s.shape for s in netlist.outputs] == [(1, 1, 5), (2, 3, 4)]
    (head,) = (i for i in netlist.instances if i.name == "head")
    assert head.inputs[0].shape == (1, 1, 24)


def test_an_output_in_another_shape_has_the_name_of_the_output() -> None:
    """Next to what it is a shape of, which is an output too: vectors and ports go by these names."""
    net = Codenet(2, 3, 4)
    first = net.dense("x", 4, "first")
    graph = net.graph(net.build.add(Reshape((3, 2, 4)), [first], "turned"), first)
    netlist = lower(graph, slowest(graph), TARGET).netlist
    assert [(s.value, s.shape) for s in netlist.outputs] == [("turned", (3, 2, 4)), (first, (2, 3, 4))]


def test_names_of_copies_never_meet_those_of_layers() -> None:
    """A fork numbers its copies, as the names of layers are numbered."""
    net = Codenet(2, 2, 2)
    net.dense("x", 2, "a")
    twice = net.build.add(Add(), ["a_q", "a_q"], "a_q_0")
    last = net.requant(twice, "fork_a_q")
    graph = net.graph(net.requant(last, "a_q_1"))
    netlist = lower(graph, slowest(graph), TARGET).netlist
    assert {"a_q_0", "a_q_0_", "a_q_1", "a_q_1_"} <= {s.name for s in netlist.streams}
    assert {"fork_a_q", "fork_a_q_"} <= {i.name for i in netlist.instances}


def test_an_input_that_nothing_reads_has_no_port() -> None:
    graph = plain()
    graph = replace(graph, inputs=(("unread", graph.types["x"]), *graph.inputs))
    assert [s.name for s in lower(graph, schedule(graph, TARGET), TARGET).netlist.inputs] == ["x"]
