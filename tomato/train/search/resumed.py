"""Parts of a search that are kept as they go: shared weights after every epoch, networks line by line."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from tomato.core.errors import TomatoError
from tomato.core.files import reading
from tomato.core.progress import Progress, silent
from tomato.search.network import candidates
from tomato.search.network.candidates import Candidate, Journal
from tomato.search.network.evolve import Evolution
from tomato.search.network.price import Market
from tomato.search.network.space import Genes
from tomato.train import checkpoint
from tomato.train.loop import Loop
from tomato.train.search.plan import FILE, SHARED, Wish
from tomato.train.search.supernet import Supernet
from tomato.work import HERE, Workers

STATE: Final = "supernet.pt"
TAKEN: Final = "give the folder of a search whose shared weights are trained"


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


Won_co = TypeVar("Won_co", covariant=True)


class Finishes(Protocol[Won_co]):
    """Makes of a chosen network what can be had of it, from what is there on."""

    def finish(self, candidate: Candidate, number: int, progress: Progress = silent) -> Won_co: ...


def taught(teaching: Taught, path: Path, what: str, progress: Progress, told: Callable[[str], None]) -> None:
    """Train to the end, from what is in the file; kept there after every epoch."""
    if path.exists():
        teaching.restore(checkpoint.read(path))

    def after_epoch() -> None:
        checkpoint.write(path, teaching.state())
        told(f"{what}, epoch {teaching.epoch} of {teaching.loop.epochs}: loss {teaching.losses[-1]:.3f}")

    if teaching.epoch < teaching.loop.epochs:
        teaching.run(progress, after_epoch)


def taken(folder: Path, shared: str, path: Path) -> int:
    """Take the shared weights of another search; the epochs that they were trained for.

    shared: digest of what they depend on. Raises TomatoError where that differs, and where they are not trained to the
    end.
    """
    with reading("this is no folder of a search, or it is damaged", where=folder / FILE, hint=TAKEN):
        about = json.loads((folder / FILE).read_text(encoding="utf-8"))
        epochs, theirs = int(about["plan"]["epochs"]), str(about[SHARED])
        state = checkpoint.read(folder / STATE)
    if theirs != shared:
        raise TomatoError(
            "its shared weights are of another space, other frames or another seed", where=str(folder),
            hint="give what that search was given, or leave out --weights",
        )  # fmt: skip
    if state["epoch"] < epochs:
        raise TomatoError(
            f"its shared weights are trained for {state['epoch']} of {epochs} epochs", where=str(folder),
            hint="let that search go on first",
        )  # fmt: skip
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.write(path, state)
    return epochs


def evolved(
    appraiser: Looks, folder: Path, wish: Wish, count: int, workers: Workers, progress: Progress,
    told: Callable[[str], None],
) -> tuple[list[Candidate], list[Candidate]]:  # fmt: skip
    """All networks that were looked at, and the front."""
    target, journal = appraiser.market.target, Journal.open(folder / candidates.FILE)
    search = Evolution(appraiser.net.space, appraiser.market.frame, wish.population, count, wish.seed, wish.strategy)
    found: list[Candidate] = []
    members: list[Candidate] = []
    progress("Networks", 0, count)
    for found in search.run(
        lambda genes: journal.look(genes, appraiser, workers), lambda c: candidates.fitness(c, wish.objectives, target)
    ):
        members = candidates.front(found, wish.objectives, target)
        progress("Networks", len(found), count)
        told(_line(found, members))
    return found, members


def finished(
    workshop: Finishes[Won_co], picked: Sequence[Candidate], workers: Workers, progress: Progress
) -> Iterator[Won_co]:
    """What becomes of the chosen networks, numbered from 1, in their order.

    Training them goes on from files, so they are left to workers only where these see them.
    """
    near = workers if workers.near else HERE
    alone = near.count == 1
    finish = partial(_finish, workshop, progress if alone else silent)
    for done, winner in enumerate(near.stream(finish, list(enumerate(picked, 1)), what="Chosen networks"), 1):
        if not alone:
            progress("Chosen networks", done, len(picked))
        yield winner


def _finish(workshop: Finishes[Won_co], progress: Progress, numbered: tuple[int, Candidate]) -> Won_co:
    number, candidate = numbered
    return workshop.finish(candidate, number, progress)


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
