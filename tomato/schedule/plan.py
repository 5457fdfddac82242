"""The plan: how each node is built. Data that a person can read, edit and pass back in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from tomato.core.errors import TomatoError, check_number
from tomato.core.files import read_toml, refusals, toml_string
from tomato.engines.base import NAMED, Knobs, spelled
from tomato.quantise.precision import Precision
from tomato.targets.fields import FASTEST_MHZ


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine of one node, and its knobs."""

    engine: str
    knobs: Knobs


@dataclass(frozen=True, slots=True)
class Early:
    """An early exit at an output: how far the first score must be ahead, and what part of its frames goes on.

    margin: in units of the scores. None: what the calibration frames say.
    """

    margin: float | None = None
    share: float | None = None


WORDS = ("lanes_in", "lanes_out", "parallel_rows", "parallel_columns")
"""The knobs that say what is in a word of a layer's weights."""
Order = Literal["frames", "arrival"]
"""Of results where frames leave early: that of the frames, or as they come, each with its frame's number."""
ORDERS: tuple[Order, ...] = get_args(Order)


@dataclass(frozen=True, slots=True)
class Plan:
    """A choice for every node that needs hardware, and the depth in beats of every FIFO in front of a join.

    A FIFO is named `<node>.<argument index>`. regions: the super logic region of each layer that is not in
    the first one. precision: what the network was quantised to. exits: by the ONNX outputs that they are at.
    exit_order: in which results leave then.
    reordered: layers for whose words channels were put into another order, and these words, see `balance.py`.
    spilled: FIFOs that are in memory beside the chip. double_clock: layers may multiply at twice the clock.
    """

    target: str
    clock_mhz: float
    layers: Mapping[str, Choice]
    fifos: Mapping[str, int] = field(default_factory=dict)
    regions: Mapping[str, int] = field(default_factory=dict)
    precision: Precision = field(default_factory=Precision)
    exits: Mapping[str, Early] = field(default_factory=dict)
    exit_order: Order = "frames"
    reordered: Mapping[str, Knobs] = field(default_factory=dict)
    spilled: tuple[str, ...] = ()
    double_clock: bool = False

    def to_toml(self) -> str:
        """The plan as TOML, in the order of the graph."""
        lines = [
            "# How each layer is built. Edit and pass back in with --plan; what is left out is chosen anew.",
            f"target = {toml_string(self.target)}",
            f"clock_mhz = {self.clock_mhz:g}",
        ]
        if self.double_clock:
            lines += ["double_clock = true  # layers may multiply at twice the clock"]
        if self.spilled:
            names = ", ".join(map(toml_string, self.spilled))
            lines += [f"spilled = [{names}]  # FIFOs in memory beside the chip"]
        if self.exit_order != ORDERS[0]:
            lines += [f"exit_order = {toml_string(self.exit_order)}  # of results: that of the frames, or of arrival"]
        if self.precision != Precision():
            lines += ["", *_precision_lines(self.precision)]
        for name, early in self.exits.items():
            lines += ["", f"[exits.{toml_string(name)}]  # early exit: margin of the first score, share that goes on"]
            lines += [f"{k} = {v!r}" for k, v in (("margin", early.margin), ("share", early.share)) if v is not None]
        if self.reordered:
            lines += ["", "[reordered]  # channels are in the order in which lists of such words are short"]
            lines += [f"{toml_string(name)} = {{ {_inline(words)} }}" for name, words in self.reordered.items()]
        for name, choice in self.layers.items():
            lines += ["", f"[layers.{name}]", f'engine = "{choice.engine}"']
            lines += [f"{knob} = {_spelled(knob, value)}" for knob, value in choice.knobs.items()]
        if self.fifos:
            lines += ["", "[fifos]  # depth in beats in front of an input; .wide: in front of the lane converter there"]
            lines += [f'"{name}" = {depth}' for name, depth in self.fifos.items()]
        if self.regions:
            lines += ["", "[regions]  # super logic region of each layer that is not in region 0"]
            lines += [f'"{name}" = {region}' for name, region in self.regions.items()]
        return "\n".join(lines) + "\n"


def _inline(words: Knobs) -> str:
    return ", ".join(f"{name} = {n}" for name, n in words.items())


def _spelled(knob: str, value: int) -> str:
    spelling = spelled(knob, value)
    return toml_string(spelling) if isinstance(spelling, str) else str(spelling)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a user's plan file asks for; layers and FIFOs that it does not name are free."""

    file: str = ""
    target: str = ""
    clock_mhz: float | None = None
    layers: Mapping[str, Choice] = field(default_factory=dict)
    fifos: Mapping[str, int] = field(default_factory=dict)
    regions: Mapping[str, int] = field(default_factory=dict)
    precision: Precision | None = None
    exits: Mapping[str, Early] = field(default_factory=dict)
    exit_order: Order | None = None
    reordered: Mapping[str, Knobs] = field(default_factory=dict)
    spilled: tuple[str, ...] = ()
    double_clock: bool = False


NO_WISHES = Wishes()
"""Everything is free."""


LARGEST = 2**31 - 1
"""No number of a plan is larger: knobs and depths are parameters of hardware."""


@refusals("cannot read the plan")
def read_wishes(path: Path) -> Wishes:
    """Read a plan file. Raises TomatoError when it is missing or malformed."""
    data = read_toml(path, "the plan")
    _check_tables(data, path)
    layers = {}
    for name, entry in data.get("layers", {}).items():
        where = f"{path}: [layers.{name}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("engine"), str):
            raise TomatoError("a layer of the plan names no engine", where=where, hint='add engine = "..."')
        knobs = {k: _number(k, v, where) for k, v in entry.items() if k != "engine"}
        layers[name] = Choice(entry["engine"], knobs)
    fifos = data.get("fifos", {})
    for name, depth in fifos.items():
        if not _is_whole(depth) or depth < 2:
            raise TomatoError(
                f"depth {depth!r:.40} of FIFO {name} is not an integer of at least 2", where=f"{path}: [fifos]"
            )
    regions = data.get("regions", {})
    for name, region in regions.items():
        if not _is_whole(region) or region < 0:
            raise TomatoError(f"region {region!r:.40} of {name} is not a number", where=f"{path}: [regions]")
    clock = data.get("clock_mhz")
    if clock is not None:
        check_number("clock_mhz", clock, 0, FASTEST_MHZ, open_=True, where=str(path))
    if not isinstance(data.get("target", ""), str):
        raise TomatoError(f"target = {data['target']!r:.40} is not a name", where=str(path))
    precision = _read_precision(data["precision"], path) if "precision" in data else None
    exits = {name: _read_exit(name, entry, path) for name, entry in data.get("exits", {}).items()}
    order = data.get("exit_order")
    if order is not None and order not in ORDERS:
        raise TomatoError(
            f"exit_order = {order!r:.40} is not an order", where=str(path), hint=f"choose from {', '.join(ORDERS)}"
        )
    reordered = {name: _read_words(name, entry, path) for name, entry in data.get("reordered", {}).items()}
    spilled = data.get("spilled", [])
    if not isinstance(spilled, list) or not all(isinstance(name, str) for name in spilled):
        raise TomatoError(f"spilled = {spilled!r:.40} is not a list of FIFOs", where=str(path))
    double = data.get("double_clock", False)
    if not isinstance(double, bool):
        raise TomatoError(f"double_clock = {double!r:.40} is not true or false", where=str(path))
    return Wishes(
        str(path), str(data.get("target", "")), clock, layers, fifos, regions, precision, exits, order, reordered,
        tuple(spilled), double,
    )  # fmt: skip


def _read_words(name: str, entry: object, path: Path) -> Knobs:
    """The words for which channels are reordered, as a plan says them. Raises TomatoError."""
    where = f"{path}: [reordered] {name}"
    known = isinstance(entry, dict) and {*WORDS[:2]} <= entry.keys() <= {*WORDS}
    if not isinstance(entry, dict) or not known or not all(_is_whole(n) and n > 0 for n in entry.values()):
        raise TomatoError(
            "words for which channels are reordered have lanes_in and lanes_out, of 1 or more", where=where,
            hint=f"write {{ {_inline(dict.fromkeys(WORDS[:2], 8))} }}; {' and '.join(WORDS[2:])} may be 1",
        )  # fmt: skip
    return dict(entry)


def _read_exit(name: str, entry: object, path: Path) -> Early:
    """An early exit as a plan says it. Raises TomatoError."""
    where = f"{path}: [exits.{name}]"
    if not isinstance(entry, dict) or not entry.keys() <= {"margin", "share"}:
        raise TomatoError("an exit of the plan has a margin and a share, and nothing else", where=where)
    early = Early(**entry)
    check_early(early, where)
    return early


def check_early(early: Early, where: str) -> None:
    """Raise TomatoError unless an exit's margin is none below 0, and its share one that can be."""
    if early.margin is not None:
        check_number("margin", early.margin, 0, where=where)
    if early.share is not None:
        check_number("share", early.share, 0, 1, open_=True, where=where)


def _is_whole(value: object) -> bool:
    """Whether a value is a whole number that hardware can have."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST


def _number(knob: str, value: object, where: str) -> int:
    """The value of a knob, which a plan spells as a name where it has one. Raises TomatoError otherwise."""
    if knob in NAMED:
        names = {member.label: member for member in NAMED[knob]}
        if isinstance(value, str) and value in names:
            return names[value]
        raise TomatoError(
            f"{knob} = {value!r:.40} is not a {knob}", where=where, hint=f"choose from {', '.join(names)}"
        )
    if isinstance(value, int) and _is_whole(value):
        return value
    raise TomatoError(f"{knob} = {value!r:.40} is not an integer", where=where)


def _check_tables(data: Mapping[str, Any], path: Path) -> None:
    """Raise TomatoError unless the plan has only the keys that it may have, and tables where they belong."""
    tables = ("precision", "exits", "reordered", "layers", "fifos", "regions")
    keys = ("target", "clock_mhz", "exit_order", "spilled", "double_clock", *tables)
    if unknown := [k for k in data if k not in keys]:
        raise TomatoError(
            f"the plan has an unknown key: {unknown[0]}", where=str(path), hint=f"it has {', '.join(keys)}"
        )
    for key in tables:
        if not isinstance(data.get(key, {}), dict):
            raise TomatoError(
                f"{key} = {data[key]!r:.40} is not a table",
                where=str(path),
                hint=f"write [{key}.<layer>]" if key == "layers" else f"write [{key}]",
            )


DEFAULT, OUTPUTS = "default", "outputs"
"""Keys of [precision] that are no patterns."""


def _precision_lines(precision: Precision) -> list[str]:
    lines = ["[precision]  # weights and activations; patterns of layer names, the first that matches counts"]
    lines += [f'{DEFAULT} = "{precision.default}"']
    if precision.output_bits != Precision().output_bits:
        lines += [f"{OUTPUTS} = {precision.output_bits}  # bits"]
    return lines + [f'{toml_string(pattern)} = "{form}"' for pattern, form in precision.overrides.items()]


def _read_precision(table: Mapping[str, Any], path: Path) -> Precision:
    where = f"{path}: [precision]"
    named = {pattern: form for pattern, form in table.items() if pattern != OUTPUTS}
    outputs = table.get(OUTPUTS, Precision().output_bits)
    if wrong := [key for key, form in named.items() if not isinstance(form, str)]:
        raise TomatoError(
            f"{wrong[0]} = {named[wrong[0]]!r:.40} is not a precision", where=where, hint='write it like "w4a8"'
        )
    if not _is_whole(outputs):
        raise TomatoError(f"{OUTPUTS} = {outputs!r:.40} is not a number of bits", where=where)
    try:
        default = named.pop(DEFAULT, str(Precision()))
        return replace(Precision.parse(default, named), output_bits=outputs)
    except TomatoError as reason:
        raise TomatoError(reason.what, where=where, hint=reason.hint) from reason
    except ValueError as reason:
        raise TomatoError(f"a precision is not one: {reason}", where=where) from reason
