"""Reading target files: a board names its family, the family holds what its boards share."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from tomato.errors import TomatoError
from tomato.targets.resources import Resources
from tomato.targets.target import LutFit, LutRam, Memories, Multiplier, Target

_HERE = Path(__file__).parent
_BOARDS, _FAMILIES = _HERE / "boards", _HERE / "families"

_FAMILY_KEYS = frozenset({"vendor", "lut_inputs", "fill", "dsp", "memory", "lut_fit"})
_BOARD_KEYS = frozenset({"title", "family", "part", "clock_mhz", "slrs", "slr", "budget", "shell"})


def names() -> tuple[str, ...]:
    """The boards that come with the compiler, sorted."""
    return tuple(sorted(path.stem for path in _BOARDS.glob("*.toml")))


def load(name: str) -> Target:
    """The board of that name, or the one described by a file whose name ends in .toml.

    Case and punctuation do not matter, and a part of a name ("arria10") does where only one
    board has it. Raises TomatoError for an unknown name and for a faulty file.
    """
    path = Path(name) if name.endswith(".toml") else _BOARDS / f"{_resolve(name)}.toml"
    board = _read(path)
    family_name = board.get("family", "")
    families = sorted(f.stem for f in _FAMILIES.glob("*.toml"))
    if family_name not in families:
        raise TomatoError(
            f"unknown FPGA family {family_name!r}", where=str(path), hint=f"known families: {', '.join(families)}"
        )
    family = _read(_FAMILIES / f"{family_name}.toml")
    _check_keys(board, _BOARD_KEYS, _BOARD_KEYS | _FAMILY_KEYS, str(path))
    try:
        return _target(path.stem, board, family)
    except (TypeError, ValueError, KeyError) as reason:
        raise TomatoError(f"faulty target file: {reason}", where=str(path)) from reason


def _resolve(name: str) -> str:
    plain = _plain(name)
    exact = [n for n in names() if _plain(n) == plain]
    found = exact or [n for n in names() if plain in map(_plain, n.split("-"))]
    if len(found) == 1:
        return found[0]
    close = found or difflib.get_close_matches(name.lower(), names(), n=2, cutoff=0.6)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise TomatoError(f"unknown target {name!r}", hint=f"{hint}known targets: {', '.join(names())}")


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TomatoError("no such target file", where=str(path)) from None
    except (OSError, ValueError) as reason:
        raise TomatoError(f"cannot read the target file: {reason}", where=str(path)) from reason


def _check_keys(table: Mapping[str, Any], needed: frozenset[str], known: frozenset[str], where: str) -> None:
    problems = [f"{key!r} is missing" for key in sorted(needed - table.keys())]
    problems += [f"{key!r} is not known" for key in sorted(table.keys() - known)]
    if problems:
        raise TomatoError(f"faulty target file: {', '.join(problems)}", where=where)


def _target(name: str, board: Mapping[str, Any], family: Mapping[str, Any]) -> Target:
    raw = {**family, **board}
    memory = raw["memory"]
    return Target(
        name=name,
        title=str(raw["title"]),
        vendor=str(raw["vendor"]),
        family=str(raw["family"]),
        part=str(raw["part"]),
        clock_mhz=float(raw["clock_mhz"]),
        lut_inputs=int(raw["lut_inputs"]),
        slrs=int(raw["slrs"]),
        slr=tuple(_resources(r) for r in raw["slr"]),
        budget=_resources(raw["budget"]),
        shell=_resources(raw["shell"]),
        fill=_resources(raw["fill"]),
        dsp=Multiplier(**raw["dsp"]),
        memory=Memories(
            bram18=tuple((int(d), int(w)) for d, w in memory["bram18"]),
            paired=bool(memory["paired"]),
            end_to_end=bool(memory["end_to_end"]),
            bypass=bool(memory["bypass"]),
            uram=tuple((int(d), int(w)) for d, w in memory["uram"]),
            uram_init=bool(memory["uram_init"]),
            lutram=tuple(LutRam(**shape) for shape in memory["lutram"]),
            lutram_depth=int(memory["lutram_depth"]),
            srl_depth=int(memory["srl_depth"]),
        ),
        lut_fit=tuple(
            LutFit(part, int(base), int(percent)) for part, (base, percent) in raw.get("lut_fit", {}).items()
        ),
    )


def _resources(table: Mapping[str, Any]) -> Resources:
    """Counts from a table that names every kind: an omission would read as zero."""
    if missing := [f.name for f in fields(Resources) if f.name not in table]:
        raise ValueError(f"{missing[0]!r} is missing from {dict(table)}")
    if wrong := [kind for kind, n in table.items() if not isinstance(n, int) or n < 0]:
        raise ValueError(f"{wrong[0]!r} must be a whole number, 0 or more, not {table[wrong[0]]!r}")
    return Resources(**table)
