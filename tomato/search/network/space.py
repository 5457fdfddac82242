"""What a search chooses from, as data: stages, and the choices of each. From a TOML file or from Python."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self, TypeVar, get_args

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.files import reading, refusals
from tomato.core.ir import Shape
from tomato.quantise.precision import LayerFormat
from tomato.search.network.layers import Architecture, Down, Kind, Layer, Stage, layers

Made = TypeVar("Made")
Genes = tuple[int, ...]
"""Which of the choices is taken, for every gene of a space in order."""
SHIPPED: Final = Path(__file__).parent / "spaces"
MIXED: Final = "mixed"
"""The precision that leaves formats to the search."""
TRIES: Final = 1000
"""Draws until one suits the frame."""
MOST: Final = {"kernels": 15, "widths": 4096, "depths": 32, "expands": 16, "shrinks": 64}


@dataclass(frozen=True, slots=True)
class Choices:
    """Those of one stage, see `Stage`. formats: of weights and activations where the search chooses them.

    Raises TomatoError for what does not exist.
    """

    kinds: tuple[Kind, ...]
    kernels: tuple[int, ...]
    widths: tuple[int, ...]
    depths: tuple[int, ...] = (1,)
    downs: tuple[Down, ...] = ("none",)
    expands: tuple[int, ...] = (4,)
    formats: tuple[str, ...] = ("w4a4",)

    def __post_init__(self) -> None:
        for name, known in (("kinds", get_args(Kind)), ("downs", get_args(Down))):
            _check_list(name, getattr(self, name), lambda v, known=known: v in known, f"of {', '.join(known)}")
        for name in ("kernels", "widths", "depths", "expands"):
            _check_numbers(name, getattr(self, name))
        if even := [k for k in self.kernels if k % 2 == 0]:
            raise TomatoError(f"kernels = {list(self.kernels)}: {even[0]} has no middle", hint="kernels are odd")
        _check_list("formats", self.formats, lambda v: isinstance(v, str), "of formats, such as w4a4")
        for form in self.formats:
            LayerFormat.parse(form)

    @property
    def lists(self) -> tuple[tuple[Any, ...], ...]:
        """The choices of its genes, in the order of the fields."""
        return tuple(getattr(self, f.name) for f in fields(self))


@dataclass(frozen=True, slots=True)
class Space:
    """Stages, the first of which is the stem, and by how much frames are shrunk in front of it.

    loop: how networks are trained, by keys of a recipe's [loop], see docs/training.md. Raises TomatoError.
    """

    stages: tuple[Choices, ...]
    shrinks: tuple[int, ...] = (1,)
    name: str = "space"
    loop: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _check_numbers("shrinks", self.shrinks)
        if not self.stages:
            raise TomatoError("the space has no stages", hint="add [[stage]] with kinds, kernels and widths")

    @property
    def genes(self) -> tuple[tuple[Any, ...], ...]:
        """The choices of every gene."""
        return (self.shrinks, *(choices for stage in self.stages for choices in stage.lists))

    @property
    def size(self) -> int:
        """How many networks there are, at most."""
        return int(np.prod([float(len(choices)) for choices in self.genes]))

    def with_precision(self, precision: str) -> Self:
        """All stages in one format; "mixed" leaves them their own. Raises TomatoError."""
        if precision == MIXED:
            return self
        form = str(LayerFormat.parse(precision))
        return replace(self, stages=tuple(replace(stage, formats=(form,)) for stage in self.stages))

    def decode(self, genes: Genes) -> Architecture:
        """The architecture that genes stand for."""
        values = [choices[i] for choices, i in zip(self.genes, genes, strict=True)]
        each = len(fields(Choices))
        return Architecture(values[0], tuple(Stage(*values[i : i + each]) for i in range(1, len(values), each)))

    def canonical(self, genes: Genes) -> Genes:
        """The genes with 0 for those that nothing depends on, so that equal networks have equal genes."""
        found, each = list(genes), len(fields(Choices))
        for i, stage in enumerate(self.decode(genes).stages):
            if stage.kind != "inverted":
                found[1 + i * each + [f.name for f in fields(Choices)].index("expands")] = 0
        return tuple(found)

    def suits(self, genes: Genes, frame: Shape) -> bool:
        """Whether the picture stays large enough."""
        try:
            layers(self.decode(genes), frame, 1)
        except ValueError:
            return False
        return True

    def ends(self, genes: Genes) -> tuple[Genes, Genes]:
        """The largest and the smallest network of the same kinds: what a step of training a supernet begins with."""
        sizes = "kernels", "widths", "depths", "expands"
        names = ["shrinks", *(f.name for _ in self.stages for f in fields(Choices))]

        def extreme(best: Any) -> Genes:
            found = [c.index(best(c)) if n in sizes else g for n, c, g in zip(names, self.genes, genes, strict=True)]
            return self.canonical(tuple(found))

        return extreme(max), extreme(min)

    def draw(self, rng: np.random.Generator, frame: Shape) -> Genes:
        """Random genes that suit a frame, (height, width, channels). Raises TomatoError where none do."""
        for _ in range(TRIES):
            genes = self.canonical(tuple(int(rng.integers(len(choices))) for choices in self.genes))
            if self.suits(genes, frame):
                return genes
        raise TomatoError(
            f"no network of {TRIES:,} suits frames of {frame[0]}x{frame[1]}", where=self.name,
            hint="halve the picture in fewer stages (downs), or shrink it less",
        )  # fmt: skip

    def layers(self, genes: Genes, frame: Shape, classes: int) -> tuple[Layer, ...]:
        """The layers of the network that genes stand for."""
        return layers(self.decode(genes), frame, classes)


@refusals("cannot read the space")
def read(name: str | Path) -> Space:
    """A space by its name ("cnn", "mobile") or from a TOML file. TomatoError names the file, the stage and the key."""
    path = SHIPPED / f"{name}.toml" if str(name) in names() else Path(name)
    if path.suffix != ".toml":
        raise TomatoError(f"there is no space {name}", hint=f"choose from {', '.join(names())}, or give a .toml file")
    if not path.exists():
        raise TomatoError("the space does not exist", where=str(path), hint=f"Tomato brings {', '.join(names())}")
    with reading("this is no space", where=path, hint="a space is TOML: a [[stage]] for each stage"):
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    return parse(document, str(path), path.stem)


def names() -> tuple[str, ...]:
    """The spaces that Tomato brings."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def parse(document: Mapping[str, Any], where: str, name: str) -> Space:
    """A space from a document."""
    _check_keys(document, ("shrinks", "formats", "stage", "loop"), (), where)
    common = {"formats": document["formats"]} if "formats" in document else {}
    given = document.get("stage", [])
    if not isinstance(given, list) or not all(isinstance(table, dict) for table in given):
        raise TomatoError("stage: expected tables", where=where, hint="write [[stage]] above the choices of each stage")
    loop = document.get("loop", {})
    if not isinstance(loop, dict):
        raise TomatoError("loop: expected a table", where=where, hint="write [loop], with keys as in recipes")
    known = tuple(f.name for f in fields(Choices))
    stages = []
    for i, table in enumerate(given, start=1):
        place = f"{where}: stage {i}"
        _check_keys(table, known, known[:3], place)
        stages.append(_made(Choices, _tuples({**common, **table}, place), place))
    return _made(
        Space, {**_tuples({k: v for k, v in document.items() if k == "shrinks"}, where), "stages": tuple(stages),
                "name": name, "loop": MappingProxyType(loop)}, where,
    )  # fmt: skip


def _made(kind: Callable[..., Made], values: Mapping[str, Any], where: str) -> Made:
    try:
        return kind(**values)
    except TomatoError as reason:
        raise TomatoError(reason.what, where=where, hint=reason.hint) from reason


def _tuples(table: Mapping[str, Any], where: str) -> dict[str, tuple[Any, ...]]:
    for name, value in table.items():
        if not isinstance(value, list):
            raise TomatoError(
                f"{name} = {value!r}: expected a list of choices", where=where, hint=f"{name} = [{value!r}]"
            )
    return {name: tuple(value) for name, value in table.items()}


def _check_keys(table: Mapping[str, Any], known: Sequence[str], needed: Sequence[str], where: str) -> None:
    for name in table:
        if name not in known:
            raise TomatoError(f"there is no {name}", where=where, hint=f"known are {', '.join(known)}")
    if missing := [name for name in needed if name not in table]:
        raise TomatoError(f"{missing[0]} is missing", where=where, hint=f"add {missing[0]} = [..], a list of choices")


def _check_numbers(name: str, values: Sequence[Any]) -> None:
    most = MOST[name]
    _check_list(name, values, lambda v: isinstance(v, int) and not isinstance(v, bool) and 1 <= v <= most,
                f"of whole numbers from 1 to {most:,}")  # fmt: skip


def _check_list(name: str, values: Sequence[Any], good: Any, what: str) -> None:
    if not values or not all(map(good, values)) or len(set(values)) < len(values):
        raise TomatoError(f"{name} = {list(values)}: expected a list {what}, each once")
