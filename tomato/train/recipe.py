"""A recipe: the steps of a training run, in order, from a TOML file. Checked on reading."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tomato.core.errors import TomatoError
from tomato.core.files import reading, refusals
from tomato.quantise.precision import Precision
from tomato.train.data import Variation
from tomato.train.loop import Loop
from tomato.train.pruning import Pattern

WORDS = "words"
"""The pattern of whole words of the engine that the target's plan gives a layer."""
SPREADS = ("even", "global", "measured")


@dataclass(frozen=True, slots=True)
class Key:
    """What a value must be: its types, and if it is one of few words or within bounds, those."""

    types: tuple[type, ...]
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    must: bool = False

    def check(self, name: str, value: Any, where: str) -> None:
        """Raise TomatoError for any other value."""
        good = isinstance(value, self.types) and (bool in self.types or not isinstance(value, bool))
        if good and self.choices:
            good = value in self.choices
        if good and self.least is not None and not isinstance(value, (str, list, dict)):
            good = self.least <= value and (self.most is None or value <= self.most)
        if not good:
            raise TomatoError(f"{name} = {value!r}: expected {self}", where=where)

    def __str__(self) -> str:
        if self.choices:
            return " or ".join(map(repr, self.choices))
        names = {
            bool: "true or false",
            int: "a whole number",
            float: "a number",
            str: "a text",
            list: "a list",
            dict: "a table",
        }
        kinds = " or ".join(names[t] for t in self.types if not (t is int and float in self.types))
        bounds = (
            "" if self.least is None else f" from {self.least:g}" + ("" if self.most is None else f" to {self.most:g}")
        )
        return kinds + bounds


SHARE = Key((int, float), least=0.0, most=1.0)
TEACHER = "teacher"
"""The file of another teacher than the network as it came."""
LOOP: Mapping[str, Key] = MappingProxyType(
    {
        "epochs": Key((int,), least=0, most=100_000), "batch": Key((int,), least=1, most=1 << 20),
        "rate": Key((int, float), least=0.0, most=1000.0), "step_rate": Key((int, float), least=0.0, most=1000.0),
        "optimiser": Key((str,), ("adamw", "sgd")), "decay": SHARE, "warm_up": SHARE,
        "clip": Key((int, float), least=0.0), "distil": SHARE,
        "temperature": Key((int, float), least=0.01, most=1000.0),
        "features": Key((int, float), least=0.0), "average": Key((int, float), least=0.0, most=0.999999),
        "patience": Key((int,), least=0), "best": Key((bool,)), "shift": Key((list,)), "flip": Key((bool,)),
        "cutout": Key((int,), least=0), "border": Key((str,), ("edge", "zero")),
        "mixup": Key((int, float), least=0.0), "scores": Key((bool,)), TEACHER: Key((str,)),
    }
)  # fmt: skip
"""Keys of [loop], and of every step."""
STEPS: Mapping[str, Mapping[str, Key]] = MappingProxyType(
    {
        "train": {},
        "distil": {TEACHER: Key((str,), must=True)},
        "quantise": {
            "precision": Key((str,), must=True), "method": Key((str,), ("lsq", "pact")), "normalise": Key((bool,)),
            "calm": Key((bool,)), "penalty": Key((int, float), least=0.0, most=1.0),
        },
        "prune": {
            "sparsity": Key((int, float), least=0.0, most=0.9999), "layers": Key((dict,)),
            "method": Key((str,), ("magnitude", "surgery", "movement")), "pattern": Key((str, dict)),
            "spread": Key((str,), SPREADS), "until": SHARE,
        },
        "channels": {
            "remove": Key((int, float), least=0.0, most=0.9999), "macs": SHARE, "weights": SHARE,
            "layers": Key((dict,)),
            "multiple": Key((int,), least=1),
        },
        "factor": {"energy": SHARE, "macs": SHARE, "multiple": Key((int,), least=1), "layers": Key((list,))},
        "gate": {
            "layers": Key((dict,), must=True), "group": Key((int,), least=1), "until": SHARE,
            "penalty": Key((int, float), least=0.0, most=1.0), "spread": SHARE, "threshold": Key((int, float)),
            "balance": Key((int, float), least=0.0, most=100.0),
        },
        "circulant": {"block": Key((int,), least=2, must=True), "layers": Key((list,))},
        "share": {"bits": Key((int,), least=1, most=4, must=True), "layers": Key((list,))},
    }
)  # fmt: skip
"""What a step may say, by what it does."""
FIRST = ("channels", "factor", "gate")
"""Steps that change the graph: they stand in front of quantise."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it does, its own options, and how it trains then."""

    do: str
    options: Mapping[str, Any] = field(hash=False)
    loop: Loop

    def get(self, name: str, default: Any) -> Any:
        """An option, or what it is where nothing is said."""
        return self.options.get(name, default)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Steps in order. aside: the share of the training frames that choices are made on, where a step makes any.

    judge: the share of the frames that results are reported on, where no others are given for that.
    """

    steps: tuple[Step, ...]
    seed: int = 0
    aside: float = 0.1
    judge: float = 0.2
    text: str = ""

    @property
    def chooses(self) -> bool:
        """Whether a step chooses by frames that it does not train on."""
        return any(s.loop.patience or s.loop.best or s.get("spread", "") == "measured" for s in self.steps)


@refusals("cannot read the recipe")
def read(path: Path) -> Recipe:
    """A recipe from a file. Raises TomatoError that names the step and the key."""
    with reading("this is no recipe", where=path, hint="a recipe is TOML: a [[step]] for each step"):
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    return parse(document, str(path), text)


def parse(document: Mapping[str, Any], where: str, text: str = "") -> Recipe:
    """A recipe from a document."""
    known = {"seed": Key((int,), least=0), "aside": SHARE, "judge": SHARE, "loop": Key((dict,)), "step": Key((list,))}
    _check(document, known, where)
    defaults = document.get("loop", {})
    _check(defaults, LOOP, f"{where}: [loop]")
    given = document.get("step", [])
    if not given:
        raise TomatoError("the recipe has no steps", where=where, hint='add [[step]] with do = "quantise", for one')
    seed = document.get("seed", 0)
    steps = tuple(_step(s, defaults, seed, f"{where}: step {i + 1}") for i, s in enumerate(given))
    for i, step in enumerate(steps):
        before = [s.do for s in steps[:i]]
        if step.do in FIRST and "quantise" in before:
            raise TomatoError(
                f"{step.do} changes the graph", where=f"{where}: step {i + 1}", hint="put it before quantise"
            )
        if step.do == "share" and "quantise" not in before:
            raise TomatoError("share needs codes", where=f"{where}: step {i + 1}", hint="put quantise in front of it")
    return Recipe(steps, seed, document.get("aside", 0.1), document.get("judge", 0.2), text)


def _check(table: Mapping[str, Any], known: Mapping[str, Key], where: str) -> None:
    """Raise TomatoError for a key that is not known, a value that is wrong, or a key that is missing."""
    for name, value in table.items():
        if name not in known:
            raise TomatoError(f"there is no {name}", where=where, hint=f"known are {', '.join(known)}")
        known[name].check(name, value, where)
    if missing := [name for name, key in known.items() if key.must and name not in table]:
        raise TomatoError(f"{missing[0]} is missing", where=where, hint=f"add {missing[0]} = {known[missing[0]]}")


def _step(table: Any, defaults: Mapping[str, Any], seed: int, where: str) -> Step:
    if not isinstance(table, dict) or table.get("do") not in STEPS:
        do = table.get("do") if isinstance(table, dict) else table
        raise TomatoError(f"do = {do!r}: there is no such step", where=where, hint=f"choose from {', '.join(STEPS)}")
    options = {k: v for k, v in table.items() if k != "do"}
    if TEACHER in defaults:
        options = {TEACHER: defaults[TEACHER], **options}
    known = STEPS[table["do"]]
    _check(options, {**LOOP, **known}, f"{where} ({table['do']})")
    own = {k: v for k, v in options.items() if k in known or k == TEACHER}
    step = Step(table["do"], MappingProxyType(own), loop({**defaults, **options}, seed, where))
    _check_meaning(step, f"{where} ({step.do})")
    return step


def _check_meaning(step: Step, where: str) -> None:
    """What no single key says wrong."""
    try:
        if step.do == "quantise":
            Precision.parse(step.options["precision"])
        for pattern in _patterns(step):
            if pattern != WORDS:
                Pattern.parse(pattern)
    except TomatoError as reason:
        raise TomatoError(reason.what, where=where, hint=reason.hint) from reason
    groups = any(":" in pattern for pattern in _patterns(step))
    needs = {
        "prune": ("sparsity", "layers"),
        "channels": ("remove", "macs", "weights", "layers"),
        "factor": ("energy", "macs"),
    }
    if step.do in needs and not groups and not any(k in step.options for k in needs[step.do]):
        raise TomatoError(f"how much is missing: {' or '.join(needs[step.do])}", where=where)
    for name, share in step.get("layers", {}).items() if step.do in ("prune", "channels", "gate") else ():
        SHARE.check(name, share, f"{where}: layers")
    if step.do == "gate":
        _check_gates(step, where)


def _check_gates(step: Step, where: str) -> None:
    """Gates have a density each, above 0, and no threshold."""
    if "threshold" in step.options:
        raise TomatoError(
            "gates above a threshold are not trained: how many channels are computed would depend on the frame, and "
            "so would the interval", where=where, hint="say the density of every layer",
        )  # fmt: skip
    for name, density in step.options["layers"].items():
        if not density:
            raise TomatoError(f"a density of 0 leaves nothing of {name}", where=where, hint="keep at least one channel")


def _patterns(step: Step) -> list[str]:
    """What `pattern` says, of all layers or of some."""
    pattern = step.get("pattern", "elements")
    return [str(text) for text in (pattern.values() if isinstance(pattern, dict) else [pattern])]


def loop(table: Mapping[str, Any], seed: int, where: str = "") -> Loop:
    """How a step trains, from keys of `LOOP`; the rest is as it is by itself."""
    shift = table.get("shift", [0, 0])
    if len(shift) != 2 or not all(isinstance(n, int) and n >= 0 for n in shift):
        raise TomatoError(f"shift = {shift!r}: expected two whole numbers, rows and columns", where=where)
    others = {k: table[k] for k in ("flip", "mixup", "cutout", "border") if k in table}
    variation = Variation((shift[0], shift[1]), **others)
    names = {f.name for f in fields(Loop)} - {"variation", "seed"}
    numbers: dict[str, Any] = {k: v for k, v in table.items() if k in names}
    return Loop(**numbers, variation=variation, seed=seed)
