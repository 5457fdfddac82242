"""Boards and chips as data: budgets, multipliers, memories. A new board is a new file in boards/."""

from tomato.targets.cluster import Cluster, is_cluster, load_cluster
from tomato.targets.load import describe, load, names, restore
from tomato.targets.resources import Resources
from tomato.targets.target import Link, LutFit, LutRam, Memories, Multiplier, OffChip, Target

__all__ = [
    "Cluster",
    "Link",
    "LutFit",
    "LutRam",
    "Memories",
    "Multiplier",
    "OffChip",
    "Resources",
    "Target",
    "describe",
    "is_cluster",
    "load",
    "load_cluster",
    "names",
    "restore",
]
