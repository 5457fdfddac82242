"""`tomato search --shots`: frames of many classes in, networks that learn new ones from few frames out."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from tomato import targets
from tomato.board import SHELLS
from tomato.core.errors import TomatoError, check_number
from tomato.core.files import reading, refusals, write_text
from tomato.core.progress import Progress, silent
from tomato.search.few import data
from tomato.search.few.data import SETS, Sets, Task
from tomato.search.lines import check_same
from tomato.search.network import candidates
from tomato.search.network.candidates import Candidate
from tomato.search.network.price import Market
from tomato.search.network.space import MIXED, Space, read
from tomato.train.few.appraise import REPORTED, FewAppraiser
from tomato.train.few.teaching import EPOCH, MetaTeaching
from tomato.train.few.winners import FewWinner, FewWorkshop, Shown
from tomato.train.loop import Loop
from tomato.train.optimise import one_thread
from tomato.train.recipe import TEACHER, parse
from tomato.train.search.command import DEFAULTS, FRONT, PICTURE, drawn, labelled
from tomato.train.search.plan import FILE, Wish
from tomato.train.search.resumed import STATE, evolved, finished, taught
from tomato.train.search.supernet import Supernet
from tomato.train.search.winners import chosen
from tomato.work import HERE, Workers

NAME: Final = "few"
"""Of the space that Tomato brings."""
WISH: Final = Wish(epochs=30, count=200, tune=18)


@dataclass(frozen=True, slots=True)
class FewAsked:
    """Frames of many classes and a board. own: a task of the user's, else one is drawn. Raises TomatoError."""

    path: Path
    target: str
    output: Path
    task: Task = field(default_factory=Task)
    space: str | Path | Space = NAME
    precision: str = MIXED
    fps: float | None = None
    clock_mhz: float | None = None
    shell: str = SHELLS[0]
    own: Path | None = None
    simulate: int = 0

    def __post_init__(self) -> None:
        for name, least in (("ways", 2), ("shots", 1), ("queries", 1)):
            check_number(name, getattr(self.task, name), least)


@refusals("cannot search")
def search_few(
    asked: FewAsked, wish: Wish = WISH, *, workers: Workers = HERE, progress: Progress = silent,
    told: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:  # fmt: skip
    """Search, adapt, compile, and say what came of it.

    Shared weights are in the folder `output`, for all boards and rates; what belongs to this one is in a folder there.
    All is taken up there again. Raises TomatoError for what the user can mend.
    """
    one_thread()
    target = targets.load(asked.target)
    space = asked.space if isinstance(asked.space, Space) else read(asked.space)
    space = space.with_precision(asked.precision)
    frames = labelled((asked.path,))
    labels = frames.classes()
    assert labels is not None, "there are labels"
    (x,) = frames.arrays()
    sets = data.sets(x, labels, data.groups_of(asked.path, labels), asked.task, wish.seed, str(asked.path))
    channels, height, width = x.shape[1:]
    market = Market(target, (height, width, channels), asked.fps, asked.clock_mhz, asked.shell)
    space.draw(np.random.default_rng(0), market.frame)  # raises where nothing suits
    shown = (Shown.drawn(sets.report, asked.task, wish.seed) if asked.own is None
             else Shown.read(asked.own, x.shape[1:], asked.task.ways))  # fmt: skip
    loop = _loop(space, wish)
    folder = asked.output / (target.name if asked.fps is None else f"{target.name}-{asked.fps:g}")
    folder.mkdir(parents=True, exist_ok=True)
    weights = _digest(sets, [asdict(asked.task), str(space.stages), str(space.shrinks), asdict(loop)])
    _claim(asked.output, weights, {"space": space.name, **{k: len(v.places) for k, v in _named(sets)}})
    about = [weights, target.name, asked.fps, asked.clock_mhz, asked.shell, asdict(wish)]
    _claim(folder, hashlib.sha256(json.dumps(about, default=str).encode()).hexdigest(), {"target": target.name})

    net = Supernet(space, market.frame, asked.task.ways, wish.seed)
    teaching = MetaTeaching(net, sets.train, asked.task, loop)
    told(f"{loop.epochs * EPOCH:,} steps of shared weights, {wish.count} networks")
    taught(teaching, asked.output / STATE, "shared weights", progress, told)
    appraiser = FewAppraiser(net, teaching.rates, market, sets, asked.task, wish.seed)
    found, members = evolved(appraiser, folder, wish, wish.count or 0, workers, progress, told)
    workshop = FewWorkshop(appraiser, loop, wish.tune or 0, shown, folder, asked.simulate)
    winners = []
    for winner in finished(workshop, chosen(members, wish.winners), workers, progress):
        winners.append(winner)
        told(f"{winner.folder}: {100 * winner.accuracy:.2f} % right, {winner.fps:,.0f} frames/s")
    return _written(asked, wish, space, sets, found, members, winners, folder)


def _named(sets: Sets) -> list[tuple[str, data.Pool]]:
    return list(zip(SETS, (sets.train, sets.choice, sets.report), strict=True))


def _loop(space: Space, wish: Wish) -> Loop:
    """How shared weights learn. Raises TomatoError for a key of the space that says nothing here."""
    if wrong := sorted({"epochs", TEACHER} & set(space.loop)):
        raise TomatoError(
            f"{wrong[0]} does not belong here", where=f"{space.name}: [loop]", hint="--epochs says how long"
        )
    document = {"seed": wish.seed, "loop": {**DEFAULTS, **space.loop}, "step": [{"do": "train"}]}
    return replace(parse(document, space.name).steps[0].loop, epochs=wish.epochs or 0)


def _digest(sets: Sets, about: Sequence[Any]) -> str:
    """Of all that shared weights depend on."""
    key = hashlib.sha256(json.dumps(about, default=str).encode())
    for _, pool in _named(sets):
        for places in pool.places:
            key.update(np.ascontiguousarray(places).data)
            key.update(np.ascontiguousarray(pool.x[places[0]]).data)
    return key.hexdigest()


def _claim(folder: Path, digest: str, about: dict[str, Any]) -> None:
    """Say in a folder which search it is. Raises TomatoError where it is another one."""
    path = folder / FILE
    if path.exists():
        with reading("this is no folder of a search, or it is damaged", where=path, hint="give another output"):
            kept = json.loads(path.read_text(encoding="utf-8"))["digest"]
        check_same(kept, digest, folder)
    write_text(path, json.dumps({**about, "digest": digest}) + "\n")


def _written(
    asked: FewAsked, wish: Wish, space: Space, sets: Sets, found: Sequence[Candidate], members: Sequence[Candidate],
    winners: Sequence[FewWinner], folder: Path,
) -> dict[str, Any]:  # fmt: skip
    """Leave the results; what there is to tell."""
    target = targets.load(asked.target)
    about = {
        "space": space.name, "networks": space.size, "target": target.name, "precision": asked.precision,
        "fps": asked.fps, **asdict(asked.task), "objectives": list(wish.objectives), "seed": wish.seed,
        "strategy": wish.strategy, "classes": {name: len(pool.places) for name, pool in _named(sets)},
        "tasks": REPORTED, "candidates": len(found), "fit": sum(c.fits for c in found),
        "trained": [asdict(w) for w in winners],
    }  # fmt: skip
    write_text(folder / FRONT, candidates.document(about, members))
    written = [str(folder / FRONT), str(folder / candidates.FILE)]
    points = [(w.fps, w.accuracy) for w in winners]
    if drawn(folder, found, members, wish, target, f"{space.name} on {target.name}", points):
        written.append(str(folder / PICTURE))
    return {**about, "written": written, "front": [asdict(c) for c in members]}


__all__ = ["FewAsked", "Task", "search_few"]
