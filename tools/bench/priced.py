"""How near prices are to what is built: python -m tools.bench.priced.

Random networks of a space, with weights of their own: quantised as `tomato train` begins, exported, compiled from the
file. Prices draw other weights.
"""

import tempfile
from pathlib import Path

import click
import numpy as np

from tomato import targets
from tomato.compiler import compile_model
from tomato.core.formats import Array
from tomato.frontend.write import write
from tomato.search.network import build
from tomato.search.network.layers import Layer
from tomato.search.network.price import Market
from tomato.search.network.space import MIXED, read
from tomato.train.trainable import Trainable

FRAME, CLASSES = (28, 28, 1), 10


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--count", default=20, show_default=True, help="Networks.")
@click.option("--board", default="pynq-z2", show_default=True)
@click.option("--space", default="cnn", show_default=True)
@click.option("--precision", default=MIXED, show_default=True)
def main(count: int, board: str, space: str, precision: str) -> None:
    """Price networks, build them, and say how far both are apart."""
    found, rng = read(space).with_precision(precision), np.random.default_rng(0)
    market = Market(targets.load(board), FRAME)
    off: dict[str, list[float]] = {"cycles": [], "latency": [], "LUT": []}
    for _ in range(count):
        layers = found.layers(found.draw(rng, FRAME), FRAME, CLASSES)
        price, built = market.price(layers), report(layers, board)
        pairs = (price.interval, built["interval_cycles"]), (price.latency, built["latency_cycles"])
        for name, (priced, real) in zip(off, (*pairs, (price.lut, built["resources"]["lut"])), strict=True):
            off[name].append(real / priced - 1)
        click.echo(f"cycles {price.interval:,} priced, {built['interval_cycles']:,} built")
    for name, values in off.items():
        equal = sum(v == 0 for v in values)
        click.echo(f"{name}: {equal} of {count} equal, {100 * min(values):+.1f} % to {100 * max(values):+.1f} %")


def report(layers: tuple[Layer, ...], board: str) -> dict[str, float | dict[str, int]]:
    """The report of a network that was exported with codes."""
    rng = np.random.default_rng(len(str(layers)))

    def drawn(_: Layer, shape: tuple[int, ...]) -> tuple[Array, Array]:
        return rng.normal(0.0, np.sqrt(2.0 / np.prod(shape[:-1])), shape), rng.normal(0.0, 0.1, shape[-1])

    graph = build.graph(layers, FRAME, drawn)
    image, scores = build.ports(graph)
    with tempfile.TemporaryDirectory() as folder:
        real, coded = Path(folder) / "float.onnx", Path(folder) / "coded.onnx"
        write(graph, (image,), (scores,), real)
        net = Trainable.load(real)
        net.quantise(build.precision(layers), rng.normal(size=(64, FRAME[2], *FRAME[:2])).astype(np.float32))
        net.module.eval()
        net.export(coded)
        return compile_model(coded, board).report


if __name__ == "__main__":
    main()
