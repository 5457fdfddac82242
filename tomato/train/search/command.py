"""`tomato search`: data and a board in, trained networks and their accelerators out."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from tomato import targets
from tomato.board import SHELLS
from tomato.core.errors import TomatoError
from tomato.core.files import refusals, write_text
from tomato.core.interface import Slot
from tomato.core.progress import Progress, silent
from tomato.host import data as host
from tomato.search.network import candidates
from tomato.search.network.candidates import OBJECTIVES, Candidate
from tomato.search.network.picture import picture
from tomato.search.network.price import Market
from tomato.search.network.space import Space, read
from tomato.targets import Target
from tomato.train import data
from tomato.train.loop import Loop
from tomato.train.optimise import one_thread
from tomato.train.recipe import TEACHER, parse
from tomato.train.run import SEEN
from tomato.train.search.appraise import Appraiser
from tomato.train.search.plan import SHARED, Plan, Wish, loop_of, planned
from tomato.train.search.resumed import STATE, evolved, finished, taken, taught
from tomato.train.search.supernet import Supernet
from tomato.train.search.teaching import Teaching
from tomato.train.search.winners import Winner, Workshop, chosen
from tomato.train.stored import mapped
from tomato.work import HERE, Workers

FRONT, PICTURE = "front.json", "search.svg"
ASIDE: Final = 0.1
"""Of the frames: to choose networks by, and as many to report on where no others are given."""
DEFAULTS: Final[Mapping[str, Any]] = {"batch": 100, "rate": 2e-3, "decay": 1e-4}
"""How shared weights learn unless the space says otherwise, and the chosen networks behind them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Frames and a board.

    fps: every network must reach it. precision: "mixed", or one format for all layers. weights: the folder of a search
    of the same space and frames, for another board or in other formats it may be, whose shared weights are taken.
    """

    paths: tuple[Path, ...]
    target: str
    output: Path
    valid: tuple[Path, ...] = ()
    space: str | Path | Space = "cnn"
    precision: str = "mixed"
    fps: float | None = None
    clock_mhz: float | None = None
    shell: str = SHELLS[0]
    simulate: int = 0
    weights: Path | None = None


@refusals("cannot search")
def search(
    asked: Asked, wish: Wish = Wish(), *, workers: Workers = HERE, progress: Progress = silent,  # noqa: B008
    told: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:  # fmt: skip
    """Search, train, compile, and say what came of it; all of it is in the folder `output`, and taken up there again.

    workers: who looks at networks, and trains those that are chosen. told: a line now and then, with the best so far.
    Raises TomatoError for what the user can mend.
    """
    one_thread()
    target = targets.load(asked.target)
    space = asked.space if isinstance(asked.space, Space) else read(asked.space)
    space = space.with_precision(asked.precision)
    frames, judged = labelled(asked.paths), labelled(asked.valid) if asked.valid else None
    parts = data.parts(frames, ASIDE, wish.seed, judged)
    classes = _classes(frames)
    if judged is not None:
        data.check_labels(judged, classes, str(asked.valid[0]))
    channels, height, width = frames.slots[0].shape
    market = Market(target, (height, width, channels), asked.fps, asked.clock_mhz, asked.shell)
    space.draw(np.random.default_rng(0), market.frame)  # raises where nothing suits
    learning = _loop(space, wish.seed)
    shared, digest = _digests(asked, wish, space, parts)
    if asked.weights is not None:
        wish = replace(wish, epochs=taken(asked.weights, shared, asked.output / STATE))
    asked.output.mkdir(parents=True, exist_ok=True)

    plan = Plan.kept(asked.output, digest)
    if plan is None:
        progress("Plan", 0, 0)
        probe = Supernet(space, market.frame, classes, wish.seed)
        plan = planned(wish, Teaching(probe, parts.train, learning),
                       Appraiser.of(probe, market, parts.train, parts.choice), digest, workers)  # fmt: skip
        plan.keep(asked.output, {"space": space.name, "networks": space.size, "target": target.name, SHARED: shared})
    told(f"{plan.epochs} epochs of shared weights, {plan.count} networks, {plan.tune} epochs of each that is chosen")

    net = Supernet(space, market.frame, classes, wish.seed)
    teaching = Teaching(net, parts.train, loop_of(learning, plan.epochs))
    taught(teaching, asked.output / STATE, "shared weights", progress, told)
    appraiser = Appraiser.of(net, market, parts.train, parts.choice)
    found, members = evolved(appraiser, asked.output, wish, plan.count, workers, progress, told)
    picked = chosen(members, wish.winners)
    workshop = Workshop(appraiser, parts.train, parts.report, {**DEFAULTS, **space.loop}, plan.tune, wish.seed,
                        asked.output, asked.simulate)  # fmt: skip
    winners = []
    for winner in finished(workshop, picked, workers, progress):
        winners.append(winner)
        told(f"{winner.folder}: {100 * winner.accuracy:.2f} % right, {winner.fps:,.0f} frames/s")
    return _written(asked, wish, space, found, members, winners, market)


def labelled(paths: Sequence[Path]) -> data.Frames:
    """Labelled pictures, (channels, height, width), of a file. Raises TomatoError for anything else."""
    if len(paths) != 1:
        raise TomatoError(f"data files given: {len(paths)}, but a searched network has one input")
    (path,) = paths
    stored, labels = host.opened(path, mapped)
    if labels is None:
        raise TomatoError(
            "a search needs labels",
            where=str(path),
            hint="store them beside the frames, as the array labels of the .npz",
        )
    if stored.ndim != 4:
        raise TomatoError(
            f"frames are {stored.ndim - 1}-dimensional", where=str(path),
            hint="give them as (frames, channels, height, width)",
        )  # fmt: skip
    return data.Frames.of([Slot("x", stored.shape[1:], "float32")], [stored], labels, [str(path)])


def _loop(space: Space, seed: int) -> Loop:
    """How shared weights learn. Raises TomatoError for a key of the space that says nothing here."""
    where = f"{space.name}: [loop]"
    if wrong := sorted({"epochs", TEACHER} & set(space.loop)):
        raise TomatoError(f"{wrong[0]} does not belong here", where=where, hint="--epochs and --tune say how long")
    document = {"seed": seed, "loop": {**DEFAULTS, **space.loop}, "step": [{"do": "train"}]}
    return parse(document, space.name).steps[0].loop


def _classes(frames: data.Frames) -> int:
    """How many there are: the greatest label, and 0."""
    labels = frames.classes()
    assert labels is not None, "there are labels"
    return int(labels.max()) + 1


def _digests(asked: Asked, wish: Wish, space: Space, parts: data.Parts) -> tuple[str, str]:
    """Of all that shared weights depend on, and of all that the networks do, but for how long either are trained.

    Shared weights that learned in some formats serve others, too.
    """
    shapes = space.with_precision("w8a8").stages
    key = hashlib.sha256(
        json.dumps([str(shapes), str(space.shrinks), dict(space.loop), wish.seed], default=str).encode()
    )
    for part in (parts.train, parts.choice, parts.report):
        key.update(str(len(part)).encode())
        for x in part.take(np.arange(min(SEEN, len(part)))).arrays():
            key.update(np.ascontiguousarray(x).data)
    shared = key.hexdigest()
    own = "output", "paths", "valid", "weights"
    plain = {k: v for k, v in asdict(replace(asked, space=space.name)).items() if k not in own}
    key.update(json.dumps([plain, asdict(wish), str(space.stages)], default=str).encode())
    return shared, key.hexdigest()


def _written(
    asked: Asked, wish: Wish, space: Space, found: Sequence[Candidate], members: Sequence[Candidate],
    winners: Sequence[Winner], market: Market,
) -> dict[str, Any]:  # fmt: skip
    """Leave the results; what there is to tell."""
    target = market.target
    about = {
        "space": space.name, "networks": space.size, "target": target.name, "clock_mhz": market.clock,
        "precision": asked.precision, "fps": asked.fps, "objectives": list(wish.objectives), "seed": wish.seed,
        "strategy": wish.strategy, "candidates": len(found), "fit": sum(c.fits for c in found),
        "trained": [asdict(w) for w in winners],
    }  # fmt: skip
    write_text(asked.output / FRONT, candidates.document(about, members))
    written = [str(asked.output / FRONT), str(asked.output / candidates.FILE)]
    points = [(w.fps, w.accuracy) for w in winners]
    if drawn(asked.output, found, members, wish, target, f"{space.name} on {target.name}", points):
        written.append(str(asked.output / PICTURE))
    return {**about, "written": written, "front": [asdict(c) for c in members]}


def drawn(
    folder: Path, found: Sequence[Candidate], members: Sequence[Candidate], wish: Wish, target: Target, title: str,
    trained: Sequence[tuple[float, float]],
) -> bool:  # fmt: skip
    """Leave a picture of a search, where there can be one. trained: frames/s and accuracy of what was chosen."""
    objective = wish.objectives[0]
    value = OBJECTIVES[objective]
    values = [value(c, target) if objective != "fps" else c.price.fps for c in found]
    known = dict(zip((c.genes for c in found), values, strict=True))
    picked = [known[c.genes] for c in chosen(members, wish.winners)]
    points = [(fps if objective == "fps" else v, right) for v, (fps, right) in zip(picked, trained, strict=True)]
    shown = picture(found, members, values, objective, title, points)
    if shown is not None:
        write_text(folder / PICTURE, shown)
    return shown is not None


__all__ = ["Asked", "Wish", "search"]
