"""What a search is asked for, and how its time is shared out: measured once, then kept, so that it repeats."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from tomato.core.errors import TomatoError, check_number
from tomato.core.files import reading, write_text
from tomato.search.lines import check_same
from tomato.search.network.candidates import OBJECTIVES
from tomato.search.network.evolve import Strategy
from tomato.train.loop import Loop
from tomato.train.search.appraise import Appraiser
from tomato.train.search.teaching import Teaching
from tomato.work import HERE, Workers

FILE: Final = "search.json"
SHARED: Final = "shared"
"""The key there of a digest of all that the shared weights depend on, but for how long they were trained."""
SHARES: Final = {"weights": 0.4, "candidates": 0.2, "winners": 0.4}
"""Of the time: for shared weights, for looking at networks, and for training the chosen ones on."""
TUNING: Final = 0.7
"""Time of a step of training a chosen network, in that of a step of shared weights, which plays three networks."""
PROBES: Final = 3
MOST_EPOCHS: Final = 200
MOST_NETWORKS: Final = 2000


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asks for. Numbers that are None follow from `hours`.

    objectives: beside errors, see `candidates.OBJECTIVES`. epochs: of shared weights. count: networks looked at.
    winners: networks of the front that are trained on, `tune` epochs each.
    """

    hours: float = 1.0
    objectives: tuple[str, ...] = ("fps",)
    epochs: int | None = None
    count: int | None = None
    tune: int | None = None
    winners: int = 1
    population: int = 32
    seed: int = 0
    strategy: Strategy = "evolve"

    def __post_init__(self) -> None:
        check_number("hours", self.hours, open_=True)
        for name in self.objectives:
            if name not in OBJECTIVES:
                raise TomatoError(f"there is no objective {name}", hint=f"choose from {', '.join(OBJECTIVES)}")
        if self.winners < 1 or self.population < 2:
            raise TomatoError("a search needs 1 winner and a population of 2 at least")


@dataclass(frozen=True, slots=True)
class Plan:
    """How long each part is. digest: of all that the networks depend on."""

    epochs: int
    count: int
    tune: int
    digest: str

    @classmethod
    def kept(cls, folder: Path, digest: str) -> Self | None:
        """That of an interrupted run in this folder. Raises TomatoError where it is another search."""
        path = folder / FILE
        if not path.exists():
            return None
        with reading("this is no folder of a search, or it is damaged", where=folder, hint="give another output"):
            found = cls(**json.loads(path.read_text(encoding="utf-8"))["plan"])
        check_same(found.digest, digest, folder)
        return found

    def keep(self, folder: Path, about: dict[str, Any]) -> None:
        """Leave it where a run that goes on finds it."""
        write_text(folder / FILE, json.dumps({**about, "plan": asdict(self)}, indent=1) + "\n")


def planned(wish: Wish, teaching: Teaching, appraiser: Appraiser, digest: str, workers: Workers = HERE) -> Plan:
    """Numbers as they are asked for, and for the rest as many as the hours allow, by a few steps of each part.

    workers: who looks at networks and, if near, trains those that are chosen. The shared weights that are given are
    changed by that.
    """
    if None not in (wish.epochs, wish.count, wish.tune):
        return Plan(wish.epochs or 0, wish.count or 0, wish.tune or 0, digest)
    seconds, rng = 3600.0 * wish.hours, np.random.default_rng([wish.seed, 9])
    batches = list(teaching.frames.take(np.arange(min(len(teaching.frames), PROBES * teaching.loop.batch)))
                   .batches(teaching.loop.batch))  # fmt: skip
    step = _fastest([lambda b=b: teaching.step(b, rng) for b in batches])
    drawn = [teaching.net.space.draw(rng, teaching.net.frame) for _ in range(PROBES)]
    look = float(np.median(_times([lambda g=g: appraiser(g) for g in drawn]))) / 2  # half of the layers are known soon
    epoch = step * teaching.batches
    turns = ceil(wish.winners / (workers.count if workers.near else 1))

    def epochs(share: float, each: float) -> int:
        return int(np.clip(seconds * share / each, 1, MOST_EPOCHS))

    return Plan(
        epochs(SHARES["weights"], epoch) if wish.epochs is None else wish.epochs,
        int(np.clip(seconds * SHARES["candidates"] * workers.count / look, 2 * wish.population, MOST_NETWORKS))
        if wish.count is None else wish.count,
        epochs(SHARES["winners"], TUNING * epoch * turns) if wish.tune is None else wish.tune,
        digest,
    )  # fmt: skip


def _times(calls: Sequence[Any]) -> list[float]:
    found = []
    for call in calls:
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return found


def _fastest(calls: Sequence[Any]) -> float:
    return min(_times(calls))


def loop_of(loop: Loop, epochs: int) -> Loop:
    """A loop of so many epochs."""
    return replace(loop, epochs=epochs)
