"""Points of what engines share and what lies between them: memories, width converters, queues, registers, forks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from tomato import plumbing
from tomato.engines.windowed import BLOCK, LUT, ULTRA, rom_cost, sequencer_cost
from tomato.netlist import Memory
from tomato.targets import Resources, Target


@dataclass(frozen=True, slots=True)
class Point:
    """A module with its parameters and memories, and what the model says it takes."""

    group: str
    name: str
    module: str
    parameters: Mapping[str, int]
    cost: Callable[[Target], Resources]
    held_out: bool
    memories: Mapping[str, Memory] = field(default_factory=dict)


def rom() -> Iterator[Point]:
    """Width, words and memory of random weights."""
    for bits, words, ram, held in (
        (64, 4, LUT, False),
        (64, 8, LUT, False),
        (64, 16, LUT, False),
        (256, 16, LUT, False),
        (128, 32, LUT, False),
        (64, 64, LUT, False),
        (64, 128, LUT, False),
        (36, 300, LUT, False),
        (72, 512, BLOCK, False),
        (128, 24, LUT, False),
        (100, 40, LUT, False),
        (96, 80, LUT, False),
        (64, 512, ULTRA, False),
        (300, 512, ULTRA, False),
        (80, 56, LUT, True),
        (72, 48, LUT, True),
        (144, 1024, ULTRA, True),
    ):
        values = np.random.default_rng(bits + words).integers(0, 16, (words, bits // 4))

        def cost(target: Target, shape: tuple[int, int, int] = (bits, words, ram)) -> Resources:
            return rom_cost(*shape, target) + sequencer_cost(shape[1])

        parameters = {"Width": bits, "Words": words, "Ram": ram}
        if ram == ULTRA:
            parameters["LoadBits"] = plumbing.LOAD_BITS
        contents = {"MemFile": Memory(values, (4,) * (bits // 4))}
        yield Point("rom", f"width{bits}_words{words}_ram{ram}", "tom_rom", parameters, cost, held, contents)


def width() -> Iterator[Point]:
    """Channels and lanes in and out, bits."""
    for channels, lanes_in, lanes_out, bits, held in (
        (16, 1, 4, 8, False),
        (16, 2, 8, 8, False),
        (16, 4, 1, 8, False),
        (16, 8, 4, 8, False),
        (12, 3, 4, 8, False),
        (12, 4, 3, 8, False),
        (24, 8, 6, 8, False),
        (24, 3, 8, 8, False),
        (10, 4, 3, 4, False),
        (32, 4, 16, 8, False),
        (32, 16, 4, 8, False),
        (24, 4, 6, 8, False),
        (30, 6, 5, 8, False),
        (20, 2, 10, 8, True),
        (36, 12, 3, 6, True),
        (20, 5, 2, 8, True),
    ):
        parameters = {
            "InChannels": channels, "InLanes": lanes_in, "OutChannels": channels, "OutLanes": lanes_out, "Bits": bits
        }  # fmt: skip

        def cost(target: Target, shape: tuple[int, ...] = (channels, lanes_in, channels, lanes_out, bits)) -> Resources:
            return plumbing.width_cost(*shape, target)

        name = f"channels{channels}_lanes{lanes_in}to{lanes_out}_bits{bits}"
        yield Point("width", name, "tom_width", parameters, cost, held)


def fifo() -> Iterator[Point]:
    """Width, depth, memory; and the queue, the register and the fork."""
    for bits, depth, ram, held in (
        (8, 16, 0, False),
        (32, 32, 0, False),
        (64, 64, 0, False),
        (32, 200, 0, False),
        (64, 512, 1, False),
        (24, 48, 0, False),
        (32, 128, 0, False),
        (36, 2048, 1, False),
        (20, 96, 0, False),
        (28, 150, 0, False),
        (16, 180, 0, True),
        (12, 72, 0, False),
        (48, 24, 0, True),
        (40, 1024, 1, True),
    ):
        parameters = {"Width": bits, "Depth": depth, "Ram": ram}

        def cost(target: Target, shape: tuple[int, int, int] = (bits, depth, ram)) -> Resources:
            return plumbing.fifo_cost(*shape, target)

        yield Point("fifo", f"width{bits}_depth{depth}_ram{ram}", "tom_fifo", parameters, cost, held)
    for bits, depth, held in (
        (8, 8, False),
        (32, 8, False),
        (80, 12, False),
        (100, 14, False),
        (16, 9, False),
        (48, 11, True),
    ):

        def queue(target: Target, shape: tuple[int, int] = (bits, depth)) -> Resources:
            return plumbing.queue_cost(*shape, target)

        yield Point("queue", f"width{bits}_depth{depth}", "tom_queue", {"Width": bits, "Depth": depth}, queue, held)
    for bits, held in ((8, False), (32, False), (128, False), (20, False), (64, False), (48, True)):

        def register(_: Target, bits: int = bits) -> Resources:
            return plumbing.register_cost(bits)

        yield Point("register", f"width{bits}", "tom_register", {"Width": bits}, register, held)
    for count, bits, held in ((2, 8, False), (3, 32, False), (2, 64, False), (4, 24, False), (3, 16, True)):

        def fork(target: Target, shape: tuple[int, int] = (count, bits)) -> Resources:
            return plumbing.fork_cost(*shape, target)

        yield Point("fork", f"outputs{count}_width{bits}", "tom_fork", {"Outputs": count, "Width": bits}, fork, held)
