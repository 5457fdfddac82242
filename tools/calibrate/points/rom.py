"""Points of tom_rom with its sequencer."""

from collections.abc import Iterator

import numpy as np

from tomato.hardware.memory import LOAD_BITS, Store, rom_cost, sequencer_cost
from tomato.hardware.netlist import Memory
from tomato.targets import Resources, Target
from tools.calibrate.point import BLOCK, ECP5, FIT, LUT, ULTRA, XCUP, Point


def points() -> Iterator[Point]:
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

        stored = Store(ram, words, bits)

        def cost(target: Target, store: Store = stored) -> Resources:
            return rom_cost(store, target) + sequencer_cost(store.words)

        parameters = {"Width": bits, "Words": words, "Ram": ram}
        if ram == ULTRA:
            parameters["LoadBits"] = LOAD_BITS
        contents = {"MemFile": Memory(values, (4,) * (bits // 4))}
        yield Point("rom", f"width{bits}_words{words}_ram{ram}", "tom_rom", parameters, cost, judges, contents)
