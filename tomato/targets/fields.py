"""What every field of a target file may hold, and the one place where that is checked."""

from collections.abc import Callable, Mapping
from typing import Any

from tomato.targets.resources import KINDS

FASTEST_MHZ = 10_000
MOST = 10**9
"""No count of primitives is larger."""


class FieldError(ValueError):
    """A field that no target can have; the text names it."""


def check(table: Mapping[str, Any]) -> None:
    """Raise FieldError unless a board together with its family is one that a design can be made for."""
    _table(TARGET)(table, "")
    _consistent(table)


def check_link(table: Any) -> None:
    """Raise FieldError unless a table describes a link between boards."""
    LINK(table, "link")


def is_text(value: object) -> bool:
    """Whether a value is a name: one line of printable characters."""
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _fail(name: str, what: str, value: object) -> None:
    raise FieldError(f"{name!r} must be {what}, not {value!r:.60}")


Rule = Callable[[Any, str], None]
"""Raises FieldError when a value is none for the field of that name."""


def _text(value: Any, name: str) -> None:
    if not is_text(value):
        _fail(name, "a text of one line", value)


def _flag(value: Any, name: str) -> None:
    if not isinstance(value, bool):
        _fail(name, "true or false", value)


def _above(most: float) -> Rule:
    """Numbers above 0."""

    def rule(value: Any, name: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
            _fail(name, f"a number above 0 and at most {most:g}", value)

    return rule


def _whole(least: int, most: int = MOST) -> Rule:
    def rule(value: Any, name: str) -> None:
        if not _is_whole(value, least, most):
            bounds = f"{least} or more" if most == MOST and _is_small(value) else f"from {least} to {most}"
            _fail(name, f"a whole number, {bounds}", value)

    return rule


def _is_small(value: object) -> bool:
    """Whether a value is not too large, whatever else is wrong with it."""
    return not isinstance(value, int | float) or value <= MOST


def _table(rules: Mapping[str, Rule]) -> Rule:
    def rule(value: Any, name: str) -> None:
        if not isinstance(value, dict):
            _fail(name, "a table", value)
        if missing := [key for key in rules if key not in value]:
            raise FieldError(f"{missing[0]!r} is missing from {name or 'the file'}")
        if unknown := sorted(value.keys() - rules.keys()):
            raise FieldError(f"{unknown[0]!r} is not known in {name or 'the file'}")
        for key, inner in rules.items():
            inner(value[key], f"{name}.{key}" if name else key)

    return rule


def _optional(inner: Rule) -> Rule:
    def rule(value: Any, name: str) -> None:
        if value is not None:
            inner(value, name)

    return rule


def _array(item: Rule, least: int = 0) -> Rule:
    def rule(value: Any, name: str) -> None:
        if not isinstance(value, list | tuple) or not least <= len(value) <= MANY:
            _fail(name, f"an array of at least {least}" if least else "an array", value)
        for i, entry in enumerate(value):
            item(entry, f"{name}[{i}]")

    return rule


def _pair(first: Rule, second: Rule) -> Rule:
    def rule(value: Any, name: str) -> None:
        if not isinstance(value, list | tuple) or len(value) != 2:
            _fail(name, "two numbers", value)
        first(value[0], name)
        second(value[1], name)

    return rule


def _named(item: Rule) -> Rule:
    def rule(value: Any, name: str) -> None:
        if not isinstance(value, dict):
            _fail(name, "a table", value)
        for key, entry in value.items():
            item(entry, f"{name}.{key}")

    return rule


MANY = 64
"""No array of a target is longer."""
COUNTS = _table(dict.fromkeys(KINDS, _whole(0)))
SHAPE = _pair(_whole(1), _whole(1))
LINK = _table({"kind": _text, "gbits_per_s": _above(10_000), "latency_ns": _above(10**6)})
TARGET: Mapping[str, Rule] = {
    "title": _text,
    "vendor": _text,
    "family": _text,
    "part": _text,
    "clock_mhz": _above(FASTEST_MHZ),
    "lut_inputs": _whole(4, 8),
    "slrs": _whole(1, MANY),
    "slr": _array(COUNTS),
    "budget": COUNTS,
    "shell": COUNTS,
    "fill": _table(dict.fromkeys(KINDS, _whole(0, 100))),
    "dsp": _table(
        {
            "a_bits": _whole(2, 512),
            "b_bits": _whole(2, 512),
            "per_block": _whole(1, MANY),
            "unsigned": _flag,
            "pre_adder": _flag,
            "chain": _whole(0, MANY),
        }
    ),
    "memory": _table(
        {
            "bram18": _array(SHAPE, 1),
            "paired": _flag,
            "end_to_end": _flag,
            "uram": _array(SHAPE),
            "lutram": _array(_table({"depth": _whole(1), "width": _whole(1), "luts": _whole(1)}), 1),
            "lutram_depth": _whole(1),
            "srl_depth": _whole(0),
        }
    ),
    "lut_fit": _named(_pair(_whole(0), _whole(0))),
    "off_chip": _optional(
        _table(
            {
                "kind": _text,
                "channels": _whole(1, MANY),
                "bits": _whole(32, 1024),
                "megabytes": _whole(1),
                "mbytes_per_s": _whole(1),
                "efficiency": _whole(1, 100),
            }
        )
    ),
    "link": _optional(LINK),
    "fast_mhz": _optional(_above(FASTEST_MHZ)),
    "fast_luts_mhz": _optional(_above(FASTEST_MHZ)),
}


def _consistent(table: Mapping[str, Any]) -> None:
    """Raise FieldError where fields contradict each other."""
    budget, shell, fill = table["budget"], table["shell"], table["fill"]
    for kind in KINDS:
        if shell[kind] > budget[kind]:
            raise FieldError(f"'shell' takes {shell[kind]} {kind} of the {budget[kind]} in 'budget'")
    for kind in ("lut", "ff"):
        if (budget[kind] - shell[kind]) * fill[kind] < 100:
            raise FieldError(f"no {kind} is left for a design: 'budget' less 'shell', times 'fill'")
    if table["slr"] and len(table["slr"]) != table["slrs"]:
        raise FieldError(f"'slr' describes {len(table['slr'])} regions, 'slrs' says {table['slrs']}")
    if table["off_chip"] and table["off_chip"]["bits"] & (table["off_chip"]["bits"] - 1):
        raise FieldError("'off_chip.bits' must be a power of two")
    if table["dsp"]["a_bits"] < table["dsp"]["b_bits"]:
        raise FieldError("'dsp.a_bits' must not be less than 'dsp.b_bits'")
    if budget["uram"] * fill["uram"] and not table["memory"]["uram"]:
        raise FieldError("'budget' has uram, but 'memory.uram' has no shape for it")
