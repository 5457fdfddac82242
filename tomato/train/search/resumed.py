"""Parts of a search that are kept as they go: shared weights after every epoch, networks line by line."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from tomato.core.progress import Progress
from tomato.search.network import candidates
from tomato.search.network.candidates import Candidate, Journal, Map
from tomato.search.network.evolve import Evolution
from tomato.search.network.price import Market
from tomato.search.network.space import Genes
from tomato.train import checkpoint
from tomato.train.loop import Loop
from tomato.train.search.plan import Wish
from tomato.train.search.supernet import Supernet


class Taught(Protocol):
    """Weights under training."""

    epoch: int
    losses: list[float]
    loop: Loop

    def run(self, progress: Progress, after_epoch: Callable[[], None]) -> None: ...

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: dict[str, Any]) -> None: ...


class Looks(Protocol):
    """Says what a network of a space is worth."""

    net: Supernet
    market: Market

    def __call__(self, genes: Genes) -> Candidate: ...


def taught(teaching: Taught, path: Path, what: str, progress: Progress, told: Callable[[str], None]) -> None:
    """Train to the end, from what is in the file; kept there after every epoch."""
    if path.exists():
        teaching.restore(checkpoint.read(path))

    def after_epoch() -> None:
        checkpoint.write(path, teaching.state())
        told(f"{what}, epoch {teaching.epoch} of {teaching.loop.epochs}: loss {teaching.losses[-1]:.3f}")

    if teaching.epoch < teaching.loop.epochs:
        teaching.run(progress, after_epoch)


def evolved(
    appraiser: Looks, folder: Path, wish: Wish, count: int, every: Map, progress: Progress,
    told: Callable[[str], None],
) -> tuple[list[Candidate], list[Candidate]]:  # fmt: skip
    """All networks that were looked at, and the front."""
    target, journal = appraiser.market.target, Journal.open(folder / candidates.FILE)
    search = Evolution(appraiser.net.space, appraiser.market.frame, wish.population, count, wish.seed, wish.strategy)
    found: list[Candidate] = []
    members: list[Candidate] = []
    progress("Networks", 0, count)
    for found in search.run(
        lambda genes: journal.look(genes, appraiser, every), lambda c: candidates.fitness(c, wish.objectives, target)
    ):
        members = candidates.front(found, wish.objectives, target)
        progress("Networks", len(found), count)
        told(_line(found, members))
    return found, members


def _line(found: Sequence[Candidate], members: Sequence[Candidate]) -> str:
    """How far a search is."""
    fitting = sum(c.fits for c in found)
    if not members:
        return f"{len(found)} networks, none fits"
    best = members[0]
    return (
        f"{len(found)} networks, {fitting} fit, {len(members)} in the front; "
        f"best {100 * (best.accuracy or 0):.2f} % at {best.price.fps:,.0f} frames/s: {best.network}"
    )
