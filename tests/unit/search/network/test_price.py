"""Prices: those of the compiler, whatever was priced before."""

from pathlib import Path

import numpy as np
import pytest

from tomato import targets
from tomato.compiler import compile_model
from tomato.frontend.write import write
from tomato.search.network import build
from tomato.search.network.coded import coded
from tomato.search.network.layers import Architecture, Layer, Stage, layers
from tomato.search.network.price import Market
from tomato.search.network.space import read

FRAME = (12, 12, 2)
BOARD = targets.load("pynq-z2")


def network(*forms: str) -> tuple[Layer, ...]:
    """Every kind of block, in these formats."""
    a, b, c, d = forms * (4 // len(forms))
    found = Architecture(
        1,
        (
            Stage("conv", 3, 6, 1, "none", 1, a), Stage("residual", 3, 8, 1, "stride", 1, b),
            Stage("inverted", 3, 8, 1, "none", 2, c), Stage("separable", 5, 10, 1, "max", 1, d),
        ),
    )  # fmt: skip
    return layers(found, FRAME, 5)


@pytest.mark.parametrize(
    "forms",
    [("w4a4",), ("w8a8",), ("ternarya8", "w4a4"), ("w8a8", "w4a4", "shift4a4", "binarya8")],
    ids=["w4a4", "w8a8", "ternary and w4a4", "four"],
)
def test_a_price_is_that_of_the_same_network_compiled_from_its_file(forms: tuple[str, ...], tmp_path: Path) -> None:
    made = network(*forms)
    price = Market(BOARD, FRAME).price(made)
    graph = coded(made, FRAME)
    image, scores = build.ports(graph)
    write(graph, (image,), (scores,), tmp_path / "net.onnx")
    report = compile_model(tmp_path / "net.onnx", BOARD.name).report
    assert (price.interval, price.latency, price.fps) == (
        report["interval_cycles"], report["latency_cycles"], report["fps"],
    )  # fmt: skip
    assert price.resources.counts() == report["resources"]


def test_what_was_priced_before_changes_nothing() -> None:
    space, rng, market = read("cnn"), np.random.default_rng(0), Market(BOARD, (28, 28, 1))
    nets = [space.layers(space.draw(rng, market.frame), market.frame, 10) for _ in range(2)]
    before = [market.price(net) for net in nets]
    known = len(market.kept.offers), len(market.pieces)
    assert [market.price(net) for net in nets] == before
    assert (len(market.kept.offers), len(market.pieces)) == known
    assert Market(BOARD, market.frame).price(nets[1]) == before[1]


def test_a_rate_makes_designs_smaller_or_refuses() -> None:
    made = network("w4a4")
    fastest, slow = Market(BOARD, FRAME).price(made), Market(BOARD, FRAME, fps=1000).price(made)
    assert slow.lut < fastest.lut
    assert slow.fps >= 1000
    refused = Market(BOARD, FRAME, fps=1e9).price(made)
    assert refused.refused.startswith("1e+09 frames/s is out of reach on pynq-z2")
    assert (refused.interval, refused.lut) == (0, 0)


def test_weights_do_not_matter_but_for_their_format() -> None:
    graph = coded(network("w4a4"), FRAME)
    first, again = (sorted(str(n.op) for n in g if n.op.weights) for g in (graph, coded(network("w4a4"), FRAME)))
    assert first == again
