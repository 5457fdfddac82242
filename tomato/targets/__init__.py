"""Boards and chips as data: budgets, multipliers, memories. A new board is a new file in boards/."""

from tomato.targets.load import describe, load, names, restore
from tomato.targets.resources import Resources
from tomato.targets.target import LutFit, LutRam, Memories, Multiplier, OffChip, Target

__all__ = [
    "LutFit",
    "LutRam",
    "Memories",
    "Multiplier",
    "OffChip",
    "Resources",
    "Target",
    "describe",
    "load",
    "names",
    "restore",
]
