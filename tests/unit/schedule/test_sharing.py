"""Layers that take turns on one engine: which, how fast, what a plan says of them, and what is built."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.networks.cases import make_site
from tomato.backend import project
from tomato.build.report import report
from tomato.core.errors import TomatoError
from tomato.core.formats import Codes, Tensor
from tomato.core.interpret import interpret
from tomato.core.ir import Builder, Graph, Node, TensorType
from tomato.engines.parts.members import Members
from tomato.engines.parts.shared import GROUP, groups
from tomato.engines.parts.shared_unit import STEM, Member, units_of
from tomato.lower import lower
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add
from tomato.ops.narrowed import Narrowed
from tomato.ops.pool import GlobalSum
from tomato.ops.requant import Requant
from tomato.ops.window import Window
from tomato.passes.narrow_sums import narrow_sums
from tomato.schedule import schedule
from tomato.schedule.alternatives import or_shared
from tomato.schedule.plan import Choice, Plan, Wishes, read_wishes
from tomato.schedule.sharing import asked, offers, sharable
from tomato.schedule.units import bind, sites
from tomato.targets import Resources, Target, load

BOARD = load("pynq-z2")
SHAPE = TensorType((8, 8, 4), Codes.of(8, signed=True))
SAME = Window((3, 3), pads=(1, 1, 1, 1))


def residual(blocks: int = 2) -> Graph:
    """Blocks of two convolutions beside which their input passes, then a sum and a matrix product."""
    rng, build = np.random.default_rng(0), Builder([("x", SHAPE)])

    def narrowed(op: Conv2d | Dense | Add | GlobalSum, args: list[str], name: str) -> str:
        sums = build.add(op, args, name)
        channels = build.types[sums].channels
        ones = Tensor(rng.integers(1, 90, channels))
        return build.add(Requant(ones, Tensor(rng.integers(-99, 99, channels)), 12, -128, 127), [sums], f"{name}_q")

    value = "x"
    for block in range(blocks):
        inner = value
        for half in "ab":
            weight = Tensor(rng.integers(-127, 127, (3, 3, 4, 4), endpoint=True))
            inner = narrowed(Conv2d(weight, SAME), [inner], f"conv{block}{half}")
        value = narrowed(Add(), [inner, value], f"add{block}")
    value = narrowed(GlobalSum(), [value], "pool")
    out = narrowed(Dense(Tensor(rng.integers(-127, 127, (4, 10), endpoint=True))), [value], "classify")
    return Graph("residual", (("x", SHAPE),), tuple(build.nodes), (out,))


PLAIN = residual()
LAYERS = ["conv0a_q", "conv0b_q", "conv1a_q", "conv1b_q", "classify_q"]
SHARED = narrow_sums(PLAIN, set(LAYERS))


def alone(graph: Graph, target: Target, *, fps: float | None = None) -> Plan:
    """Every layer has an engine of its own."""
    return schedule(graph, target, fps=fps, weights="chip")


def best(graph: Graph, target: Target, *, fps: float | None = None) -> tuple[Graph, Plan]:
    """What is planned where engines may be shared."""
    planned = []
    with suppress(TomatoError):
        planned = [(graph, alone(graph, target, fps=fps))]
    (found,) = or_shared(planned, [graph], lambda g, _: alone(g, target, fps=fps), target, Wishes(), fps=fps)
    return found


def cost(graph: Graph, plan: Plan, target: Target) -> Resources:
    return sum(lower(graph, plan, target).costs.values(), start=Resources())


def test_sums_and_what_narrows_them_are_one_operator() -> None:
    SHARED.verify()
    narrowed = {node.name: node for node in SHARED if isinstance(node.op, Narrowed)}
    assert [*narrowed] == LAYERS
    assert {"conv0a", "classify"}.isdisjoint(SHARED.types)
    codes = {"x": np.random.default_rng(1).integers(-128, 128, (3, *SHAPE.shape))}
    assert np.array_equal(interpret(SHARED, codes)["classify_q"], interpret(PLAIN, codes)["classify_q"])
    node = narrowed["conv0a_q"]
    assert node.op.macs([SHAPE]) == 8 * 8 * 9 * 16
    assert node.op.weights.keys() == {"weight"}


def test_layers_with_the_fewest_products_come_first() -> None:
    (names,) = sharable(PLAIN, BOARD)
    assert names[0] == "classify_q"
    assert sorted(names) == sorted(LAYERS)
    assert sharable(PLAIN, load("u250")) == [], "on a chip of several regions a group would have to be in one"


def test_what_another_layer_reads_as_it_is_is_not_narrowed() -> None:
    again = replace(PLAIN, outputs=(*PLAIN.outputs, "conv0a"))
    assert "conv0a_q" not in sharable(again, BOARD)[0]


ONES = Tensor(np.ones(4, dtype=np.int64))
WIDE = Window((3, 3), pads=(2, 2, 2, 2), dilation=(2, 2))


@pytest.mark.parametrize(
    ("window", "groups", "reason"),
    [
        pytest.param(WIDE, 1, "its kernel is dilated", id="dilated"),
        pytest.param(SAME, 2, "its channels are in groups", id="groups"),
    ],
)
def test_some_layers_cannot(window: Window, groups: int, reason: str) -> None:
    conv = Conv2d(Tensor(np.ones((3, 3, 4 // groups, 4), dtype=np.int64)), window, groups)
    assert Member.refuses(make_site(Narrowed(conv, Requant(ONES, ONES, 3, 0, 9)), [SHAPE])) == reason


def test_nudges_are_those_of_all_channels_or_refused() -> None:
    conv = Conv2d(Tensor(np.ones((3, 3, 4, 4), dtype=np.int64)), SAME)
    alike, other = [[[9, 1]]] * 4, [*[[[9, 1]]] * 3, [[8, 1]]]
    for nudges, reason in ((alike, ""), (other, "its requantisation has nudges that differ from channel to channel")):
        narrow = Requant(ONES, ONES, 0, 0, 90, Tensor(np.array(nudges)))
        assert Member.refuses(make_site(Narrowed(conv, narrow), [SHAPE])) == reason


def test_layers_whose_weights_are_fetched_share_whatever_their_width() -> None:
    def wide(node: Node) -> Node:
        if not isinstance(node.op, Narrowed) or not isinstance(node.op.summed, Dense):
            return node
        return replace(node, op=Narrowed(Dense(Tensor(np.full((4, 10), 200))), node.op.narrow))

    graph = replace(SHARED, nodes=tuple(map(wide, SHARED)))
    places = sites(graph, BOARD)
    groups_of = [
        {u.unit.knobs[GROUP] for n in LAYERS for u in offers(places, Wishes(), fetch=f)[n]} for f in (False, True)
    ]
    assert groups_of == [{0, 1}, {0}]


def test_cycles_are_those_of_all_turns() -> None:
    places = sites(SHARED, BOARD)
    members = Members(tuple(places[name] for name in LAYERS))
    for group in groups(members, 0):
        lanes_in, lanes_out = group.lanes
        reads = 9 * -(-4 // lanes_in) * -(-4 // lanes_out)
        last = -(-4 // lanes_in) * -(-10 // lanes_out)
        turns = 4 * 64 * max(reads, 5 + 3) + max(last, 5 + 3)
        assert group.cycles >= turns
        if lanes_in == lanes_out == 1:
            assert group.cycles == turns
        assert sum(unit.cycles for unit in units_of(group)) == turns
        assert {unit.interval.guaranteed for unit in units_of(group)} == {group.cycles}
        assert [unit.multipliers for unit in units_of(group)] == [lanes_in * lanes_out, 0, 0, 0, 0]
        assert [unit.cost == Resources() for unit in units_of(group)] == [False, True, True, True, True]


def test_a_rate_is_reached_with_less() -> None:
    graph, plan = best(PLAIN, BOARD, fps=1000)
    plain = alone(PLAIN, BOARD, fps=1000)
    assert {name for name, choice in plan.layers.items() if choice.engine == STEM} == set(LAYERS)
    assert not any(choice.engine == STEM for choice in plain.layers.values())
    assert cost(graph, plan, BOARD).lut < 0.75 * cost(PLAIN, plain, BOARD).lut


def test_all_layers_of_a_group_have_the_engine_that_was_chosen() -> None:
    plan = schedule(SHARED, BOARD, fps=9000, weights="chip")
    first, *others = (plan.layers[name].knobs for name in LAYERS)
    assert first["lanes_in"] * first["lanes_out"] > 1
    assert others == [first] * 4


def test_what_does_not_fit_otherwise_shares() -> None:
    large, few = residual(8), BOARD.budget._replace(lut=6000)
    small = replace(BOARD, budget=few, slr=(few,))
    with pytest.raises(TomatoError, match="does not fit pynq-z2"):
        alone(large, small)
    graph, plan = best(large, small)
    assert cost(graph, plan, small).fits(small.usable)
    assert len({choice.knobs["group"] for choice in plan.layers.values() if choice.engine == STEM}) == 1


def test_a_plan_is_kept(tmp_path: Path) -> None:
    _, plan = best(PLAIN, BOARD, fps=1000)
    (tmp_path / "plan.toml").write_text(plan.to_toml())
    wishes = read_wishes(tmp_path / "plan.toml")
    graph = asked(PLAIN, BOARD, wishes)
    assert graph == SHARED
    assert schedule(graph, BOARD, wishes=wishes).layers == plan.layers


def wished(**knobs: int) -> Wishes:
    """Two layers in a group, the second with other knobs."""
    same = {"group": 3, "lanes_in": 2, "lanes_out": 2, "cell": 0, "pack": 1, "weight_ram": 1}
    return Wishes("p", layers={"conv0a_q": Choice(STEM, same), "conv0b_q": Choice(STEM, same | knobs)})


def test_two_layers_may_share_an_engine_by_a_plan() -> None:
    graph = asked(PLAIN, BOARD, wished())
    plan = schedule(graph, BOARD, wishes=wished())
    units = bind(graph, plan.layers, BOARD)
    group = units["conv0a_q"].group  # type: ignore[attr-defined]
    assert [unit.site.node.name for unit in units_of(group)] == ["conv0a_q", "conv0b_q"]
    assert plan.layers["conv1a"].engine != STEM


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        pytest.param(
            wished(lanes_in=1), "error: layers of group 3 have the same engine and knobs, but conv0b_q has others\n"
            "  --> p: [layers.conv0a_q]", id="others",
        ),
        pytest.param(
            wished(group=1), "error: no other layer is in group 3: two or more share an engine\n"
            "  --> p: [layers.conv0a_q]", id="alone",
        ),
        pytest.param(
            Wishes("p", layers={"add0_q": Choice(STEM, {"group": 0})}),
            "error: add0_q cannot share an engine: it is no requantisation of a convolution or matrix product that "
            "nothing else reads\n  --> p: [layers.add0_q]", id="no_sum",
        ),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_built(layers: Wishes, message: str) -> None:
    with pytest.raises(TomatoError) as error:
        schedule(asked(PLAIN, BOARD, layers), BOARD, wishes=layers)
    assert str(error.value) == message


def test_knobs_that_no_engine_has_are_told() -> None:
    wishes = Wishes("p", layers={n: Choice(STEM, {**c.knobs, "lanes_in": 3}) for n, c in wished().layers.items()})
    with pytest.raises(TomatoError, match="an engine that layers share cannot be built like this") as error:
        schedule(asked(PLAIN, BOARD, wishes), BOARD, wishes=wishes)
    assert "lanes_in: 1, 2, 4" in (error.value.hint or "")


def test_one_instance_has_the_streams_of_all() -> None:
    graph, plan = best(PLAIN, BOARD, fps=1000)
    netlist = lower(graph, plan, BOARD).netlist
    (engine,) = (part for part in netlist.instances if part.module == f"tom_{STEM}")
    assert [stream.value for stream in engine.outputs] == LAYERS
    assert [stream.lanes for stream in (*engine.inputs, *engine.outputs)] == [1] * 10


def test_the_report_says_who_shares() -> None:
    graph, plan = best(PLAIN, BOARD, fps=1000)
    facts = report(graph, plan, BOARD, lower(graph, plan, BOARD), model="m", notes=[])
    (group,) = facts["shared"]
    assert [layer["name"] for layer in group["layers"]] == LAYERS
    assert group["cycles"] == max(facts["interval_cycles"], sum(layer["cycles"] for layer in group["layers"]))
    assert (
        facts["multipliers"] == plan.layers["conv0a_q"].knobs["lanes_in"] * plan.layers["conv0a_q"].knobs["lanes_out"]
    )


def test_there_is_no_such_engine_in_cpp(tmp_path: Path) -> None:
    graph, plan = best(PLAIN, BOARD, fps=1000)
    lowered = lower(graph, plan, BOARD)
    facts = report(graph, plan, BOARD, lowered, model="m", notes=[])
    with pytest.raises(TomatoError) as error:
        project.write(tmp_path, lowered.netlist, facts, plan.to_toml(), ("hls",))
    assert str(error.value) == (
        "error: HLS C++ has no engine that layers share\n  hint: compile with --backend verilog, or with --share never"
    )
