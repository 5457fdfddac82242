"""Channels change places where lists get shorter, and where the plan gets better for it."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tomato
from tests.networks.codenets import interval_of
from tests.networks.generator import HARDWARE, network, thinned
from tests.networks.model import write
from tests.networks.pruned import pruned
from tests.networks.quantised import Scheme, quantise
from tomato import targets
from tomato.accelerator import Accelerator, load
from tomato.core.errors import TomatoError
from tomato.core.formats import Array, Codes, Tensor
from tomato.core.interpret import interpret
from tomato.core.ir import Builder, Graph, TensorType
from tomato.engines.base import Knobs
from tomato.engines.sparse_fold import SparseFold
from tomato.host.data import Data
from tomato.measure.agreement import first_difference
from tomato.measure.evaluate import evaluate
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window
from tomato.passes import CLEAN, run
from tomato.passes.coupling import Coupling
from tomato.quantise.calibrate import calibrate
from tomato.quantise.post_training import quantise as on_codes
from tomato.quantise.precision import Precision
from tomato.schedule.balance import Filters, Inputs, Layer, balanced, views_of
from tomato.schedule.plan import Plan, read_wishes
from tomato.schedule.units import sites

WORDS = st.fixed_dictionaries(
    {"lanes_in": st.integers(2, 5), "lanes_out": st.integers(1, 4)},
    optional={"parallel_rows": st.just(1), "parallel_columns": st.just(1)},
)


def chain(shape: tuple[int, ...], left: float, seed: int) -> Graph:
    """A sparse layer between two others: its inputs and its filters are free."""
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 8, shape) * (rng.random(shape) < left)
    build = Builder([("x", TensorType((4, 4, 3), Codes.of(4, signed=False)))])
    before = build.add(Dense(Tensor(rng.integers(1, 4, (3, shape[2])))), ["x"], "before")
    layer = build.add(Conv2d(Tensor(values), Window((shape[0], shape[1]))), [before], "layer")
    after = build.add(Dense(Tensor(rng.integers(1, 4, (shape[3], 2)))), [layer], "after")
    made = Graph("chain", tuple(build.types.items())[:1], tuple(build.nodes), (after,))
    made.verify()
    return made


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(2, 11), st.integers(2, 11)),
    words=WORDS, left=st.sampled_from([0.05, 0.3, 0.7]), seed=st.integers(0, 99),
)  # fmt: skip
def test_changes_are_what_they_are_said_to_be(shape: tuple[int, ...], words: Knobs, left: float, seed: int) -> None:
    graph = chain(shape, left, seed)
    coupling, rng = Coupling.of(graph), np.random.default_rng(seed)
    layer = Layer(graph.producers["layer"], coupling, words)
    taken = np.arange(coupling.free.size)
    for family in coupling.families:
        taken[family] = rng.permutation(family)
    layer.order(taken)
    for view in (view for family in coupling.families for view in views_of(layer, family)):
        view.look()
        _check(layer, view, taken, int(rng.integers(view.family.size)))


def _check(layer: Layer, view: Inputs | Filters, taken: Array, k: int) -> None:
    before, said, family = layer.words, view.changes(k), view.family
    for j in range(family.size):
        other = taken.copy()
        other[family[[k, j]]] = taken[family[[j, k]]]
        layer.order(other)
        assert layer.words - before == said[j]
    layer.order(taken)


@pytest.mark.parametrize(
    ("shape", "words", "share"),
    [
        ((1, 1, 64, 64), {"lanes_in": 8, "lanes_out": 1}, 0.85),
        ((1, 1, 64, 64), {"lanes_in": 16, "lanes_out": 2}, 0.85),
        ((3, 3, 32, 32), {"lanes_in": 8, "lanes_out": 4}, 0.97),
        ((3, 3, 32, 32), {"lanes_in": 8, "lanes_out": 2, "parallel_rows": 1}, 0.94),
    ],
)
def test_lists_get_shorter(shape: tuple[int, ...], words: Knobs, share: float) -> None:
    """The same order each time, and an engine reads what was promised."""
    graph = chain(shape, 0.2, 0)
    other = balanced(graph, {"layer": words})
    assert other == balanced(graph, {"layer": words})
    knobs = {"parallel_rows": 0, "parallel_columns": 0, "parts": 1, "lists": words["lanes_in"], **words}
    before, after = (SparseFold(sites(g, targets.load("u250"))["layer"], knobs).words for g in (graph, other))
    assert after <= share * before


def test_nothing_changes_where_nothing_gets_shorter() -> None:
    graph = chain((1, 1, 16, 16), 1.0, 0)
    assert balanced(graph, {"layer": {"lanes_in": 4, "lanes_out": 1}}) is graph


@pytest.mark.parametrize("seed", range(30))
def test_random_networks_give_the_same(seed: int) -> None:
    real, net = network(seed, HARDWARE)
    clean = run(thinned(real, seed), CLEAN)
    graph = on_codes(clean, calibrate(clean, [net.data(4)]), Precision())[0]
    rng = np.random.default_rng(seed)
    layers = [n.name for n in graph if isinstance(n.op, Dense) or (isinstance(n.op, Conv2d) and n.op.groups == 1)]
    words = {n: {"lanes_in": int(rng.integers(2, 9)), "lanes_out": int(rng.integers(1, 4))} for n in layers}
    other = balanced(graph, words)
    other.verify()
    codes = {n: rng.integers(k.codes.lo, k.codes.hi, (2, *k.shape), endpoint=True) for n, k in graph.inputs}
    before, after = interpret(graph, codes), interpret(other, codes)
    for name in graph.outputs:
        np.testing.assert_array_equal(after[name], before[name])


def test_what_cannot_have_lists() -> None:
    with pytest.raises(TomatoError) as error:
        balanced(chain((1, 1, 4, 4), 0.5, 0), {"nope": {"lanes_in": 2, "lanes_out": 1}})
    assert str(error.value) == "error: channels are reordered for layer nope, which is none that could have lists"


@pytest.mark.parametrize(
    "entry", ["3", "{ lanes_in = 8 }", "{ lanes_in = 8, lanes_out = 0 }", '{ lanes_in = "8", lanes_out = 1 }',
              "{ lanes_in = 8, lanes_out = 1, pack = 1 }"],
)  # fmt: skip
def test_what_no_plan_holds(entry: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(f"[reordered]\nlayer = {entry}\n")
    with pytest.raises(TomatoError) as error:
        read_wishes(file)
    assert str(error.value).replace(str(tmp_path), "") == (
        "error: words for which channels are reordered have lanes_in and lanes_out, of 1 or more\n"
        "  --> /plan.toml: [reordered] layer\n"
        "  hint: write { lanes_in = 8, lanes_out = 8 }; parallel_rows and parallel_columns may be 1"
    )


def test_words_survive_the_file(tmp_path: Path) -> None:
    words = {'a "b"': {"lanes_in": 8, "lanes_out": 2, "parallel_rows": 1}, "c": {"lanes_in": 3, "lanes_out": 1}}
    file = tmp_path / "plan.toml"
    file.write_text(Plan("u250", 300.0, {}, reordered=words).to_toml())
    assert read_wishes(file).reordered == words


@cache
def model(*, quantised: bool = False) -> bytes:
    """The pruned network as ONNX."""
    graph, _ = pruned(left=0.1, seed=1)
    made = write(graph).model
    return bytes((quantise(made, Scheme(True, True, False, True, False), 0) if quantised else made).SerializeToString())


def compiled(folder: Path, *, quantised: bool = False, plan: Path | None = None) -> Accelerator:
    path = folder / "model.onnx"
    path.write_bytes(model(quantised=quantised))
    _, net = pruned(left=0.1, seed=1)
    frames = net.data(32)["x"].transpose(0, 3, 1, 2).astype(np.float32)
    return tomato.compile(path, "ulx3s", plan=plan, calibration=None if quantised else frames)


@pytest.mark.slow
def test_a_faster_plan_is_taken_and_comes_again(tmp_path: Path) -> None:
    made = compiled(tmp_path)
    assert made.plan.reordered
    assert made.graph.orders
    (note,) = (note for note in made.notes if "another order" in note)
    folder = made.write(tmp_path / "build")
    stored = load(folder)
    assert stored.plan == made.plan
    assert {n: o.values.tolist() for n, o in stored.graph.orders.items()} == {
        n: o.values.tolist() for n, o in made.graph.orders.items()
    }
    again = compiled(tmp_path, plan=folder / "plan.toml")
    assert again.graph == made.graph
    assert again.plan == made.plan
    layers = {name: choice for name, choice in made.plan.layers.items() if name not in made.plan.reordered}
    other = tmp_path / "other.toml"
    other.write_text(replace(made.plan, layers=layers, reordered={}).to_toml())
    straight = compiled(tmp_path, plan=other)
    assert not straight.graph.orders
    slower, faster = (interval_of(a.graph, a.plan, a.target) for a in (straight, made))
    assert f"{faster:,} cycles" in note
    assert faster < slower


@pytest.mark.slow
def test_layers_are_compared_in_the_models_order(tmp_path: Path) -> None:
    made = compiled(tmp_path)
    _, net = pruned(left=0.1, seed=1)
    frames = net.data(8)["x"].transpose(0, 3, 1, 2).astype(np.float32)
    found = {row["name"]: row["sqnr_db"] for row in evaluate(made, [Data(frames)])["layers"]}
    assert set(found) & set(made.graph.orders)
    assert min(found.values()) > 20
    confused = replace(made, graph=replace(made.graph, orders={}))
    assert min(row["sqnr_db"] for row in evaluate(confused, [Data(frames)])["layers"]) < 5


@pytest.mark.slow
def test_a_quantised_model_agrees_layer_by_layer(tmp_path: Path) -> None:
    made = compiled(tmp_path, quantised=True)
    assert made.graph.orders
    frames = np.random.default_rng(0).normal(size=(4, 4, 8, 8)).astype(np.float32)
    assert first_difference(made, [frames]) == ""
    confused = replace(made, graph=replace(made.graph, orders={}))
    assert first_difference(confused, [frames])
