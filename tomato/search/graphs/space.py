"""What a search on graphs chooses from, as data: blocks, and the choices of each. From a TOML file or from Python."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from operator import contains
from pathlib import Path
from typing import Any, Final, Self, get_args

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.files import reading, refusals
from tomato.quantise.precision import LayerFormat
from tomato.search.graphs.layers import Activation, Block, Forms, Operator

NAME: Final = "graph"
"""Of the space that Tomato brings."""
SHIPPED: Final = Path(__file__).parent / "spaces" / f"{NAME}.toml"
MIXED: Final = "mixed"
Genes = tuple[int, ...]
"""Which of the choices is taken, for every gene of a space in order."""
GENES: Final = ("operator", "hops", "width", "activation", "skip", "map", "map_values", "second", "second_values",
                "edges", "result")  # fmt: skip
"""Of every block, in order: see `Block` and `Forms`."""
MOST_HOPS, MOST_WIDTH, MOST_BITS = 8, 1024, 8


@dataclass(frozen=True, slots=True)
class Choices:
    """Those of one block, see `Block`.

    weights: their formats, such as "w4", "ternary". values: bits of what layers give. edges: bits of the weights of
    neighbours. The last block's width is the number of classes.

    Raises TomatoError for what does not exist.
    """

    operators: tuple[Operator, ...] = get_args(Operator)
    hops: tuple[int, ...] = (1,)
    widths: tuple[int, ...] = (1,)
    activations: tuple[Activation, ...] = ("none",)
    skips: tuple[bool, ...] = (False,)
    weights: tuple[str, ...] = ("w4",)
    values: tuple[int, ...] = (8,)
    edges: tuple[int, ...] = (8,)

    def __post_init__(self) -> None:
        for name, known in (("operators", get_args(Operator)), ("activations", get_args(Activation))):
            _check(name, getattr(self, name), partial(contains, known), f"of {', '.join(known)}")
        _check("skips", self.skips, lambda v: isinstance(v, bool), "of false and true")
        _check("weights", self.weights, lambda v: isinstance(v, str), "of formats, such as w4")
        for form in self.weights:
            LayerFormat.parse(form)
        bounds = {"hops": (1, MOST_HOPS), "widths": (1, MOST_WIDTH), "values": (1, 16), "edges": (2, MOST_BITS)}
        for name, (least, most) in bounds.items():
            whole = partial(_whole, least, most)
            _check(name, getattr(self, name), whole, f"of whole numbers from {least} to {most:,}")

    @property
    def lists(self) -> tuple[tuple[Any, ...], ...]:
        """The choices of its genes, in the order of `GENES`."""
        each = (self.weights, self.values)
        return (self.operators, self.hops, self.widths, self.activations, self.skips, *each, *each, self.edges,
                self.values)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Space:
    """Blocks one behind the other; the last gives the scores. Raises TomatoError for a space without blocks."""

    blocks: tuple[Choices, ...]
    name: str = NAME

    def __post_init__(self) -> None:
        if not self.blocks:
            raise TomatoError("the space has no blocks", hint="add [[block]] with operators, hops, widths, ...")

    @property
    def genes(self) -> tuple[tuple[Any, ...], ...]:
        """The choices of every gene."""
        return tuple(choices for block in self.blocks for choices in block.lists)

    @property
    def size(self) -> float:
        """How many networks there are, at most."""
        return float(np.prod([float(len(choices)) for choices in self.genes]))

    def for_classes(self, classes: int) -> Self:
        """With as many scores."""
        return replace(self, blocks=(*self.blocks[:-1], replace(self.blocks[-1], widths=(classes,))))

    def with_precision(self, precision: str) -> Self:
        """All components in one format; "mixed" leaves them their own. Raises TomatoError."""
        if precision == MIXED:
            return self
        form = LayerFormat.parse(precision)
        weights = str(form).rpartition("a")[0]
        values = (form.activation_bits,)
        return replace(self, blocks=tuple(replace(b, weights=(weights,), values=values) for b in self.blocks))

    def decode(self, genes: Genes) -> tuple[Block, ...]:
        """The network that genes stand for, without skips where they would be nothing new."""
        values = [choices[i] for choices, i in zip(self.genes, genes, strict=True)]
        return tuple(_block(values[i : i + len(GENES)]) for i in range(0, len(values), len(GENES)))


def _block(values: Sequence[Any]) -> Block:
    named = dict(zip(GENES, values, strict=True))
    operator = named["operator"]
    forms = Forms(f"{named['map']}a{named['map_values']}", f"{named['second']}a{named['second_values']}",
                  named["edges"], named["result"])  # fmt: skip
    skip = named["skip"] and operator in ("gcn", "gat")
    hops = 1 if operator == "linear" else named["hops"]
    return Block(operator, hops, named["width"], named["activation"], skip, forms)


def suits(name: str | Path) -> bool:
    """Whether a space is one of networks on graphs: "graph", or a TOML file with blocks."""
    if str(name) == NAME:
        return True
    try:
        return "block" in tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


@refusals("cannot read the space")
def read(name: str | Path) -> Space:
    """A space by its name, "graph", or from a TOML file. TomatoError names the file, the block and the key."""
    path = SHIPPED if str(name) == NAME else Path(name)
    with reading("this is no space", where=path, hint="a space is TOML: a [[block]] for each block"):
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    return parse(document, str(path), path.stem)


def parse(document: Mapping[str, Any], where: str, name: str = NAME) -> Space:
    """A space from a document: keys above the blocks hold for all of them. Raises TomatoError."""
    known = tuple(f.name for f in fields(Choices))
    _check_keys(document, (*known, "block"), where)
    given = document.get("block", [])
    if not isinstance(given, list) or not all(isinstance(table, dict) for table in given):
        raise TomatoError("block: expected tables", where=where, hint="write [[block]] above the choices of each block")
    common = {key: value for key, value in document.items() if key != "block"}
    blocks = []
    for i, table in enumerate(given, start=1):
        place = f"{where}: block {i}"
        _check_keys(table, known, place)
        blocks.append(_made(Choices, _tuples({**common, **table}, place), place))
    space: Space = _made(Space, {"blocks": tuple(blocks), "name": name}, where)
    return space


def _made(kind: Callable[..., Any], values: Mapping[str, Any], where: str) -> Any:
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


def _whole(least: int, most: int, value: Any) -> bool:
    return type(value) is int and least <= value <= most


def _check_keys(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for name in table:
        if name not in known:
            raise TomatoError(f"there is no {name}", where=where, hint=f"known are {', '.join(known)}")


def _check(name: str, values: Sequence[Any], good: Callable[[Any], bool], what: str) -> None:
    if not values or not all(map(good, values)) or len(set(values)) < len(values):
        raise TomatoError(f"{name} = {list(values)}: expected a list {what}, each once")
