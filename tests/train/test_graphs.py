"""Networks on graphs: trained on the whole graph, compiled for a part of it, searched for repeatably."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import tomato
from tests.networks.planted import CLASSES, arrays, planted
from tomato.cli import main
from tomato.core.errors import TomatoError
from tomato.search.graphs.build import glorot
from tomato.search.graphs.layers import Activation, Block, Forms, Layer, Operator, layers
from tomato.search.graphs.space import Choices, Space
from tomato.train.graphs import command
from tomato.train.graphs.command import Asked, search_graph
from tomato.train.graphs.network import Passing, edge_scales, quantise, trainable
from tomato.train.graphs.search import Round, search
from tomato.train.graphs.sparse import Sparse
from tomato.train.graphs.supernet import Supernet
from tomato.train.graphs.training import Loop, rounded, train

torch.set_num_threads(1)
DATA = planted()
PART = DATA.part(DATA.near(20))
LOOP = Loop(epochs=20)
FORMS = Forms("w4a8", "ternarya6", 5, 4)
SPACE = Space(
    (
        Choices(hops=(1, 2), widths=(2, 4), activations=("relu", "tanh"), skips=(False, True),
                weights=("w4", "ternary"), values=(4, 8), edges=(4, 8)),
        Choices(weights=("w4", "ternary")),
    )
)  # fmt: skip


def blocks(operator: Operator, *, skip: bool = False, last: Operator = "gcn") -> tuple[Layer, ...]:
    activation: Activation = "tanh" if skip else "relu"
    return layers([Block(operator, 2, 4, activation, skip, FORMS), Block(last, 1, CLASSES, "none", False, FORMS)])


def test_a_sparse_product_and_its_gradient() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(5, 7)) * (rng.random((5, 7)) < 0.4)
    x = torch.randn(7, 3, requires_grad=True)
    whole = torch.from_numpy(matrix.astype(np.float32))
    (Sparse.of(matrix) @ x).square().sum().backward()
    got, x.grad = x.grad, None
    (whole @ x).square().sum().backward()
    assert got is not None
    torch.testing.assert_close(got, x.grad)


def test_weights_of_neighbours_reach_the_greatest_code() -> None:
    scale = edge_scales(np.array([0, 0, 2]), np.array([0.5, 0.2, 0.25]), 3, 4)
    np.testing.assert_allclose(torch.exp2(scale), [0.5 / 7, 1 / 7, 0.25 / 7], rtol=1e-6)


@pytest.mark.parametrize(("operator", "skip"), [("linear", False), ("gcn", True), ("sage", False), ("gat", False)])
@pytest.mark.parametrize("last", ["gcn", "sage"])
def test_the_whole_graph_is_played_as_the_compiled_one(operator: Operator, skip: bool, last: Operator) -> None:
    made = blocks(operator, skip=skip, last=last)
    net = trainable(made, PART, glorot(3))
    with torch.no_grad():
        for layer in made:
            if layer.work == "dense":
                net.module.layer(layer.name).bias.copy_(torch.linspace(-0.3, 0.4, layer.width))
    x = torch.from_numpy(PART.x[None])
    with torch.no_grad():
        torch.testing.assert_close(Passing(net, made, PART).scores(), net.module(x)[0], atol=1e-5, rtol=1e-5)
    quantise(net, made, DATA, PART)
    net.module.train()
    with torch.no_grad():
        trained = net.module(x)[0]
        torch.testing.assert_close(Passing(net, made, PART).scores(), trained, atol=1e-5, rtol=1e-5)
        net.module.eval()
        exact = net.module(x)[0]
    assert (exact - trained).abs().max() <= 0.1 * trained.abs().max()  # but for codes next to a tie
    assert net.check(PART.x[None])[0] == 0


def test_planted_communities_are_found_and_survive_quantisation() -> None:
    floats, coded = train(blocks("gcn"), DATA, PART, Loop(epochs=30), 0)
    assert floats.test >= 0.8
    assert coded.test >= floats.test - 0.1
    assert rounded(blocks("gcn"), floats.net, DATA, PART).net.quantised
    again = train(blocks("gcn"), DATA, PART, Loop(epochs=30), 0)
    for one, two in zip((floats, coded), again, strict=True):
        for name, value in one.net.module.state_dict().items():
            assert torch.equal(value, two.net.module.state_dict()[name]), name


def test_what_is_constant_is_not_trained() -> None:
    made = blocks("gcn")
    _, coded = train(made, DATA, PART, Loop(epochs=2), 0)
    fresh = trainable(made, PART, glorot(0))
    for layer in made:
        if layer.matrix:
            mine, other = coded.net.module.layer(layer.name), fresh.module.layer(layer.name)
            assert torch.equal(mine.weight, other.weight)
            assert not mine.bias.any()


def test_a_search_is_repeatable_and_seeded() -> None:
    found = [search(SPACE, DATA, Round(0.1, epochs=12), seed) for seed in (0, 0, 1)]
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_size_in_the_loss_makes_networks_small() -> None:
    def bits(weight: float) -> float:
        space = SPACE.for_classes(CLASSES)
        chosen = space.decode(search(SPACE, DATA, Round(weight, epochs=60), 0))
        return sum(b.width for b in chosen[:-1])

    assert bits(10.0) == 2


def test_expected_size_is_that_of_a_certain_choice() -> None:
    from tomato.search.graphs.layers import FLOAT_BITS, counts

    net = Supernet(SPACE, DATA)
    rng = np.random.default_rng(0)
    for _ in range(5):
        genes = tuple(int(rng.integers(len(c))) for c in net.space.genes)
        with torch.no_grad():
            for p, gene in zip(net.choice, genes, strict=True):
                p.copy_(torch.where(torch.arange(len(p)) == gene, 50.0, -50.0))
        assert net.best() == genes
        chosen = layers(net.space.decode(genes))
        want = counts(chosen, DATA.x.shape[1], DATA.nodes, DATA.edge_counts(), DATA.entered)
        biases = FLOAT_BITS * sum(layer.width for layer in chosen if layer.work == "dense")
        size, _ = net.expected()
        assert size.item() == pytest.approx(want.bits - biases, rel=1e-4)


@pytest.fixture
def asked(tmp_path: Path) -> Callable[..., Asked]:
    np.savez(tmp_path / "graph.npz", **arrays())  # type: ignore[arg-type]
    given: dict[str, Any] = {"rounds": 2, "epochs": 8, "tune": 8, "part": 16}
    return lambda name, **more: Asked(tmp_path / "graph.npz", "kv260", tmp_path / name, SPACE, **given, **more)


def test_an_interrupted_search_ends_like_one_that_was_not(asked: Callable[..., Asked], monkeypatch: Any) -> None:
    whole = search_graph(asked("whole"))
    assert [row["differing"] for row in whole["trained"]] == [0]
    assert whole["candidates"] == 2

    class StopError(Exception):
        pass

    def stops(*given: Any) -> Any:
        if given[2].weight > 0.01:
            raise StopError
        return search(*given)

    monkeypatch.setattr(command, "search", stops)
    with pytest.raises(StopError):
        search_graph(asked("parts"))
    monkeypatch.undo()
    search_graph(asked("parts"))
    for name in ("candidates.jsonl", "front.json", "network1/trained.onnx", "network1/accelerator/plan.toml"):
        assert (asked("parts").output / name).read_bytes() == (asked("whole").output / name).read_bytes(), name
    with pytest.raises(TomatoError, match="the folder holds another search"):
        search_graph(asked("parts", seed=1))


def test_numbers_that_make_no_sense_are_refused(asked: Callable[..., Asked]) -> None:
    with pytest.raises(TomatoError):
        replace(asked("x"), rounds=0)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--space", "graph", "--hours", "2"], "--hours says nothing of a search on a graph"),
        (["--space", "graph", "--random"], "--random says nothing of a search on a graph"),
        (["--space", "cnn", "--nodes", "9"], "--nodes says something of graphs alone"),
    ],
)
def test_options_that_say_nothing_are_refused(asked: Callable[..., Asked], more: list[str], said: str) -> None:
    result = CliRunner().invoke(main, ["search", "--data", str(asked("x").path), "--target", "kv260", *more])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {said}\n")


@pytest.mark.rtl
def test_the_command_finds_a_network_that_is_bit_exact_in_verilog(asked: Callable[..., Asked], tmp_path: Path) -> None:
    given = asked("found")
    (tmp_path / "mine.toml").write_text(
        'weights = ["w4", "ternary"]\n[[block]]\noperators = ["gat"]\nwidths = [4]\nactivations = ["relu"]\n'
        '[[block]]\noperators = ["gcn"]\n'
    )
    arguments = [
        "search", "--data", str(given.path), "--target", "kv260", "--space", str(tmp_path / "mine.toml"), "--nodes",
        "12", "--epochs", "6", "--candidates", "1", "--tune", "6", "--simulate", "1", "-o", str(given.output),
    ]  # fmt: skip
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "bit-exact in simulation: 1 frames" in result.stdout
    front = json.loads((given.output / "front.json").read_text())
    (row,) = front["trained"]
    made = tomato.load(given.output / "network1" / "accelerator")
    assert row["fps"] == made.report["fps"]
    with np.load(given.output / "frames.npz") as stored:
        assert np.asarray(made.golden(stored["x"])).size == 12 * CLASSES
