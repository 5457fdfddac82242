"""Fits what the formulas miss on a family other than UltraScale+: a base and a factor for the LUTs of each group.

Usage: python -m tools.calibrate.fit. Writes tomato/targets/calibration/lut_fit.toml; judging points take no part.
"""

from collections.abc import Iterable
from itertools import product

from tomato import targets
from tomato.targets import LutFit
from tools.calibrate.run import CALIBRATION, TARGETS, load, selected

COMPLETE = frozenset({"rom", "queue", "dot", "width"})
"""Groups whose formulas stand as they are: three exist only inside engines, whose own factors cover them."""
CHAOTIC = frozenset({"depthwise_window"})
"""Groups of which a few points take half as much again where Yosys shortens a path: the sum of errors counts."""
FITTED = ("ecp5",)
"""Families to which the formulas are not fitted themselves."""
LUT_FIT = CALIBRATION / "lut_fit.toml"
HEAD = """\
# What the formulas for LUTs miss on a family to which they are not fitted, in an engine or part: a base, and per cent
# of what they say. Written by python -m tools.calibrate.fit from the syntheses in tools/calibrate/data.
"""
BASES = range(0, 305, 5)
"""LUTs tried as base."""
PERCENTS = range(50, 405, 5)
"""Factors tried, in per cent."""


def fit(flow: str) -> tuple[LutFit, ...]:
    """For every measured group the base and factor whose largest relative error is least, or the sum of them."""
    target = targets.load(TARGETS[flow])
    groups: dict[str, list[tuple[int, int]]] = {}
    for point in selected(flow):
        found = load(point.group).get(point.name, {}).get(flow)
        if found and point.judges != flow and point.group not in COMPLETE:
            groups.setdefault(point.group, []).append((point.cost(target).lut, found["lut"]))
    return tuple(_best(group, rows) for group, rows in sorted(groups.items()))


def _best(group: str, rows: list[tuple[int, int]]) -> LutFit:
    def errors(fitted: LutFit) -> tuple[float, float]:
        off = [abs(fitted.lut(model) - real) / real for model, real in rows]
        return (sum(off), max(off)) if group in CHAOTIC else (max(off), sum(off))

    return min((LutFit(group, base, percent) for base, percent in product(BASES, PERCENTS)), key=errors)


def document(flows: Iterable[str]) -> str:
    """lut_fit.toml for some flows."""
    tables = (
        f"[{targets.load(TARGETS[flow]).family}]\n"
        + "".join(f"{f.part} = [{f.base}, {f.percent}]\n" for f in fit(flow))
        for flow in flows
    )
    return HEAD + "\n".join(tables)


def main() -> None:
    """Write the file."""
    LUT_FIT.write_text(document(FITTED))


if __name__ == "__main__":
    main()
