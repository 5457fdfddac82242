"""What circuits take in LUTs, one file for each family of LUTs: engines and parts ask for circuits by name."""

from tomato.targets.luts.circuits import Gearbox, Luts, TapReader, power_of_two
from tomato.targets.luts.four_input import FourInput
from tomato.targets.luts.six_input import SixInput

FAMILIES: tuple[Luts, ...] = (FourInput(), SixInput())
"""The families that are known, by rising inputs."""


def luts_of(inputs: int) -> Luts:
    """The widest family of LUTs with no more than so many inputs, at least 4."""
    return next(family for family in reversed(FAMILIES) if family.inputs <= inputs)


__all__ = ["Gearbox", "Luts", "TapReader", "luts_of", "power_of_two"]
