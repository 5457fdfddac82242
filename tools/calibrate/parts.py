"""Points of what engines share and what lies between them: memories, width converters, queues, registers, forks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from tomato.hardware import plumbing
from tomato.hardware.memory import LOAD_BITS, Ram, Store, rom_cost, sequencer_cost
from tomato.hardware.netlist import Memory
from tomato.targets import Resources, Target

LUT, BLOCK, ULTRA = Ram
FIT, XCUP, ECP5 = "", "xcup", "ecp5"
"""Whose model a point judges, as a point that took no part in its fit.

The formulas of ECP5 were fitted to all other points; those that judge it were synthesised afterwards, for it alone.
"""


@dataclass(frozen=True, slots=True)
class Point:
    """A module with its parameters and memories, what the model says it takes, and whose model it judges."""

    group: str
    name: str
    module: str
    parameters: Mapping[str, int]
    cost: Callable[[Target], Resources]
    judges: str
    memories: Mapping[str, Memory] = field(default_factory=dict)


def rom() -> Iterator[Point]:
    """Width, words and memory of random weights."""
    for bits, words, ram, judges in (
        (64, 4, LUT, FIT),
        (64, 8, LUT, FIT),
        (64, 16, LUT, FIT),
        (256, 16, LUT, FIT),
        (128, 32, LUT, FIT),
        (64, 64, LUT, FIT),
        (64, 128, LUT, FIT),
        (36, 300, LUT, FIT),
        (72, 512, BLOCK, FIT),
        (128, 24, LUT, FIT),
        (100, 40, LUT, FIT),
        (96, 80, LUT, FIT),
        (64, 512, ULTRA, FIT),
        (300, 512, ULTRA, FIT),
        (80, 56, LUT, XCUP),
        (72, 48, LUT, XCUP),
        (144, 1024, ULTRA, XCUP),
        (88, 72, LUT, ECP5),
        (48, 200, LUT, ECP5),
    ):
        values = np.random.default_rng(bits + words).integers(0, 16, (words, bits // 4))
        store = Store(ram, words, bits)

        def cost(target: Target, store: Store = store) -> Resources:
            return rom_cost(store, target) + sequencer_cost(store.words)

        parameters = {"Width": bits, "Words": words, "Ram": ram}
        if ram == ULTRA:
            parameters["LoadBits"] = LOAD_BITS
        contents = {"MemFile": Memory(values, (4,) * (bits // 4))}
        yield Point("rom", f"width{bits}_words{words}_ram{ram}", "tom_rom", parameters, cost, judges, contents)


def width() -> Iterator[Point]:
    """Channels and lanes in and out, bits."""
    for channels, lanes_in, lanes_out, bits, judges in (
        (16, 1, 4, 8, FIT),
        (16, 2, 8, 8, FIT),
        (16, 4, 1, 8, FIT),
        (16, 8, 4, 8, FIT),
        (12, 3, 4, 8, FIT),
        (12, 4, 3, 8, FIT),
        (24, 8, 6, 8, FIT),
        (24, 3, 8, 8, FIT),
        (10, 4, 3, 4, FIT),
        (32, 4, 16, 8, FIT),
        (32, 16, 4, 8, FIT),
        (24, 4, 6, 8, FIT),
        (30, 6, 5, 8, FIT),
        (20, 2, 10, 8, XCUP),
        (36, 12, 3, 6, XCUP),
        (20, 5, 2, 8, XCUP),
        (18, 3, 9, 8, ECP5),
        (30, 2, 10, 6, ECP5),
        (24, 12, 4, 8, FIT),
        (20, 10, 2, 6, FIT),
        (32, 16, 2, 4, FIT),
        (60, 15, 5, 5, ECP5),
        (42, 14, 2, 4, ECP5),
        (64, 16, 2, 5, ECP5),
        (40, 10, 5, 4, ECP5),
        (18, 6, 4, 8, FIT),
        (15, 5, 3, 6, FIT),
        (15, 5, 3, 8, FIT),
        (14, 4, 3, 8, FIT),
        (14, 3, 4, 8, FIT),
        (21, 6, 4, 8, FIT),
        (22, 8, 6, 8, FIT),
        (13, 5, 4, 4, FIT),
        (24, 4, 6, 6, FIT),
        (25, 4, 5, 4, FIT),
        (30, 3, 5, 8, FIT),
        (18, 2, 3, 8, FIT),
        (18, 3, 2, 8, FIT),
        (20, 4, 5, 8, ECP5),
        (36, 9, 4, 4, ECP5),
        (26, 6, 4, 8, ECP5),
        (28, 7, 4, 4, FIT),
    ):
        parameters = {
            "InChannels": channels, "InLanes": lanes_in, "OutChannels": channels, "OutLanes": lanes_out, "Bits": bits
        }  # fmt: skip

        def cost(
            target: Target, shape: tuple[int, int, int, int, int] = (channels, lanes_in, channels, lanes_out, bits)
        ) -> Resources:
            return plumbing.width_cost(*shape, target)

        name = f"channels{channels}_lanes{lanes_in}to{lanes_out}_bits{bits}"
        yield Point("width", name, "tom_width", parameters, cost, judges)


def fifo() -> Iterator[Point]:
    """Width, depth, memory; and the queue, the register and the fork."""
    for bits, depth, ram, judges in (
        (8, 16, LUT, FIT),
        (32, 32, LUT, FIT),
        (64, 64, LUT, FIT),
        (32, 200, LUT, FIT),
        (64, 512, BLOCK, FIT),
        (24, 48, LUT, FIT),
        (32, 128, LUT, FIT),
        (36, 2048, BLOCK, FIT),
        (20, 96, LUT, FIT),
        (28, 150, LUT, FIT),
        (16, 180, LUT, XCUP),
        (12, 72, LUT, FIT),
        (48, 24, LUT, XCUP),
        (40, 1024, BLOCK, XCUP),
        (24, 100, LUT, ECP5),
        (50, 20, LUT, ECP5),
        (18, 300, BLOCK, ECP5),
        (72, 700, BLOCK, ECP5),
        (30, 1500, BLOCK, FIT),
        (28, 1400, BLOCK, ECP5),
        (70, 1200, BLOCK, ECP5),
    ):
        parameters = {"Width": bits, "Depth": depth, "Ram": ram}

        def cost(target: Target, shape: tuple[int, int, Ram] = (bits, depth, ram)) -> Resources:
            return plumbing.fifo_cost(*shape, target)

        yield Point("fifo", f"width{bits}_depth{depth}_ram{ram}", "tom_fifo", parameters, cost, judges)
    for bits, depth, judges in (
        (8, 8, FIT),
        (32, 8, FIT),
        (80, 12, FIT),
        (100, 14, FIT),
        (16, 9, FIT),
        (48, 11, XCUP),
        (24, 10, ECP5),
        (60, 15, ECP5),
    ):

        def queue(target: Target, shape: tuple[int, int] = (bits, depth)) -> Resources:
            return plumbing.queue_cost(*shape, target)

        yield Point("queue", f"width{bits}_depth{depth}", "tom_queue", {"Width": bits, "Depth": depth}, queue, judges)
    for bits, judges in ((8, FIT), (32, FIT), (128, FIT), (20, FIT), (64, FIT), (48, XCUP), (90, ECP5)):

        def register(_: Target, bits: int = bits) -> Resources:
            return plumbing.register_cost(bits)

        yield Point("register", f"width{bits}", "tom_register", {"Width": bits}, register, judges)
    for count, bits, judges in (
        (2, 8, FIT),
        (3, 32, FIT),
        (2, 64, FIT),
        (4, 24, FIT),
        (3, 16, XCUP),
        (2, 30, ECP5),
        (4, 10, ECP5),
    ):

        def fork(target: Target, shape: tuple[int, int] = (count, bits)) -> Resources:
            return plumbing.fork_cost(*shape, target)

        yield Point("fork", f"outputs{count}_width{bits}", "tom_fork", {"Outputs": count, "Width": bits}, fork, judges)
