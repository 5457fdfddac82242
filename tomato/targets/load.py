"""Reading target files: a board names its family, the family holds what its boards share."""

import difflib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tomato.core.errors import TomatoError
from tomato.core.files import read_toml, refusals
from tomato.targets.fields import FieldError, check, is_text
from tomato.targets.resources import Resources
from tomato.targets.target import Link, LutFit, LutRam, Memories, Multiplier, OffChip, Target

_HERE = Path(__file__).parent
_BOARDS, _FAMILIES = _HERE / "boards", _HERE / "families"
_LUT_FIT = _HERE / "calibration" / "lut_fit.toml"
"""By family what syntheses say of the formulas; a board or a family of one's own may say other things."""

_FITTED_AS = "fitted_as"
"""The key of a family with the formulas, as syntheses correct them, of another."""
_FAMILY_KEYS = frozenset({"vendor", "lut_inputs", "fill", "dsp", "memory", "lut_fit"})
_BOARD_KEYS = frozenset({"title", "family", "part", "clock_mhz", "slrs", "slr", "budget", "shell"})

_MAY = frozenset({"off_chip", "link", "fast_mhz", "fast_luts_mhz"})
"""What a board has or has not."""
_LATER = "link", "fast_mhz", "fast_luts_mhz"
"""Of these what older descriptions lack."""


def names() -> tuple[str, ...]:
    """The boards that come with the compiler, sorted."""
    return tuple(sorted(path.stem for path in _BOARDS.glob("*.toml")))


@refusals("cannot read the target file")
def load(name: str) -> Target:
    """The board of that name, or the one described by a file whose name ends in .toml.

    Case and punctuation do not matter, and a part of a name ("arria10") does where only one
    board has it. Raises TomatoError for an unknown name and for a faulty file.
    """
    if "," in name:
        raise several(name)
    path = Path(name) if name.endswith(".toml") else _BOARDS / f"{_resolve(name)}.toml"
    if not is_text(path.stem):
        raise TomatoError("the name of a target file must be of printable characters", where=ascii(name))
    board = _read(path)
    if "boards" in board:
        raise several(name)
    family_name = board.get("family", "")
    families = sorted(f.stem for f in _FAMILIES.glob("*.toml"))
    if family_name not in families:
        raise TomatoError(
            f"unknown FPGA family {family_name!r:.60}", where=str(path), hint=f"known families: {', '.join(families)}"
        )
    family = _read(_FAMILIES / f"{family_name}.toml")
    _check_keys(board, _BOARD_KEYS, _BOARD_KEYS | _FAMILY_KEYS | _MAY, str(path))
    fitted = _read(_LUT_FIT).get(family.pop(_FITTED_AS, family_name), {})
    return _target(path.stem, dict.fromkeys(_MAY) | {"lut_fit": fitted, **family, **board}, str(path))


def several(name: str) -> TomatoError:
    """What to say where one board is needed, and a target is several."""
    return TomatoError(
        f"{name} is several boards, this is done for one at a time",
        hint="tomato compile takes several, and so does tomato.compile_on_boards",
    )


def describe(target: Target) -> dict[str, Any]:
    """A target as plain data, which `restore` takes: what a board and its family say, and its name."""
    counts = {key: getattr(target, key).counts() for key in ("budget", "shell", "fill")}
    regions = [region.counts() for region in target.slr]
    fits = {fit.part: (fit.base, fit.percent) for fit in target.lut_fit}
    return {**asdict(target), **counts, "slr": regions, "lut_fit": fits}


def restore(data: Mapping[str, Any], where: str) -> Target:
    """The target that `describe` described. Raises TomatoError for anything else, in the file `where`."""
    if not isinstance(data, dict) or not is_text(data.get("name")):
        raise TomatoError("faulty target file: it names no target", where=where)
    return _target(
        data["name"], dict.fromkeys(_LATER) | {key: value for key, value in data.items() if key != "name"}, where
    )


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
        return read_toml(path, "the target file")
    except FileNotFoundError:
        raise TomatoError("no such target file", where=str(path)) from None


def _check_keys(table: Mapping[str, Any], needed: frozenset[str], known: frozenset[str], where: str) -> None:
    problems = [f"{key!r} is missing" for key in sorted(needed - table.keys())]
    problems += [f"{key!r} is not known" for key in sorted(table.keys() - known)]
    if problems:
        raise TomatoError(f"faulty target file: {', '.join(problems)}", where=where)


def _target(name: str, raw: Mapping[str, Any], where: str) -> Target:
    try:
        check(raw)
    except FieldError as reason:
        raise TomatoError(f"faulty target file: {reason}", where=where) from reason
    memory, shapes = raw["memory"], ("bram18", "uram")
    same = ("title", "vendor", "family", "part", "lut_inputs", "slrs")
    return Target(
        name=name,
        **{key: raw[key] for key in same},
        clock_mhz=float(raw["clock_mhz"]),
        slr=tuple(Resources(**counts) for counts in raw["slr"]),
        budget=Resources(**raw["budget"]),
        shell=Resources(**raw["shell"]),
        fill=Resources(**raw["fill"]),
        dsp=Multiplier(**raw["dsp"]),
        memory=Memories(
            **{
                **memory,
                **{kind: tuple((depth, width) for depth, width in memory[kind]) for kind in shapes},
                "lutram": tuple(LutRam(**shape) for shape in memory["lutram"]),
            }
        ),
        lut_fit=tuple(LutFit(part, base, percent) for part, (base, percent) in raw["lut_fit"].items()),
        off_chip=OffChip(**raw["off_chip"]) if raw["off_chip"] else None,
        link=Link(**raw["link"]) if raw["link"] else None,
        fast_mhz=_number(raw["fast_mhz"]),
        fast_luts_mhz=_number(raw["fast_luts_mhz"]),
    )


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
