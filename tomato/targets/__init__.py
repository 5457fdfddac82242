"""Boards and chips as data: budgets, multipliers, memories. A new board is a new file in boards/."""

from tomato.targets.load import load, names
from tomato.targets.resources import Resources
from tomato.targets.target import LutFit, LutRam, Memories, Multiplier, Target

__all__ = ["LutFit", "LutRam", "Memories", "Multiplier", "Resources", "Target", "load", "names"]
