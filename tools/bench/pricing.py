"""How long prices take: python -m tools.bench.pricing.

A search without training: networks are bred as `tomato search` does, and accuracy is stood in for by the logarithm of
multiply-accumulates. What takes time then is the scheduler alone. Nothing is kept between runs.
"""

from collections.abc import Sequence
from math import log
from time import process_time
from typing import Final

import click

from tomato import targets
from tomato.search.network.candidates import Candidate, fitness
from tomato.search.network.evolve import Evolution
from tomato.search.network.layers import counts
from tomato.search.network.price import Market
from tomato.search.network.space import MIXED, Genes, read

FRAME, CLASSES = (28, 28, 1), 10
OBJECTIVES: Final = ("fps",)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--count", default=2000, show_default=True, help="Networks.")
@click.option("--board", default="kv260", show_default=True)
@click.option("--space", default="cnn", show_default=True)
@click.option("--precision", default=MIXED, show_default=True)
def main(count: int, board: str, space: str, precision: str) -> None:
    """CPU seconds for prices, in parts of the search."""
    found = read(space).with_precision(precision)
    market = Market(targets.load(board), FRAME)
    began = last = process_time()

    def one(genes: Genes) -> Candidate:
        layers = found.layers(genes, FRAME, CLASSES)
        counted = counts(layers, FRAME)
        return Candidate(genes, "", counted, market.price(layers), log(counted.macs))

    def look(asked: Sequence[Genes]) -> list[Candidate]:
        return [one(genes) for genes in asked]

    known = 0
    for every in Evolution(found, FRAME, count=count).run(look, lambda c: fitness(c, OBJECTIVES, market.target)):
        if len(every) - known >= count // 10 or len(every) == count:
            now = process_time()
            each = (now - last) / (len(every) - known)
            text = f"{len(every):5} networks: {now - began:6.0f} s in all, {each:.2f} s each of the last"
            click.echo(f"{text} {len(every) - known}; {len(market.kept.offers):,} layers known")
            known, last = len(every), now


if __name__ == "__main__":
    main()
