"""What brings weights from memory beside the chip: which layers, through how many channels, from where."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, gcd
from typing import Literal

import numpy as np

from tomato.engines.parts.shared_fetched import DEPTH
from tomato.engines.parts.shared_unit import FetchedMember
from tomato.hardware.memory import Ram, better_ram
from tomato.hardware.plumbing import fifo_cost, words_cost
from tomato.hardware.shell import MEMORY_LATENCY, MOST_BEATS
from tomato.schedule.units import Units
from tomato.targets import Resources, Target

Weights = Literal["auto", "chip", "memory"]
"""Where weights may be."""
BURSTS = 32
"""Bursts of a channel that are on their way."""
WORDS = "words"
"""Name of the stream of weights at an engine, behind its layer's."""
DEEPEST = 256
"""Beats that are asked for in advance at most."""
ROUND = MEMORY_LATENCY + 16
"""Cycles from a beat's use to that of the one that is asked for in its place."""


@dataclass(frozen=True, slots=True)
class Client:
    """A layer, and where its words are, in beats of all channels together.

    words: of `word_bits`, `word_bytes` each in memory. copies: how often they lie there, so that they end with a beat.
    Regions begin with a burst, so that none crosses a border of 4 KB.
    """

    layer: str
    begin: int
    count: int
    words: int
    word_bits: int
    copies: int

    @property
    def word_bytes(self) -> int:
        """Bytes of a word in memory."""
        return -(-self.word_bits // 8)


@dataclass(frozen=True, slots=True)
class Fetching:
    """The reader of a design: tom_fetch with `channels` masters of `data_bits`, and a tom_words for every client.

    depth: beats of a channel that a client may have asked for. shared: instead, an engine that all of these layers
    share reads what it needs.
    """

    channels: int
    data_bits: int
    depth: int
    clients: tuple[Client, ...]
    shared: bool = False

    @property
    def beat_bits(self) -> int:
        """Bits of a beat of all channels."""
        return self.channels * self.data_bits

    @property
    def beats(self) -> int:
        """Beats of all regions: what a channel's part of the image has."""
        return max(c.begin + c.count for c in self.clients)

    def paused(self, units: Units, target: Target) -> int:
        """Cycles a frame of the slowest layer that is fetched, with those in which the memory refreshes.

        A layer that is never idle cannot make up for what a refresh stops. It lasts as long as beats wait for it: those
        that it may have asked for, without those on their way and, on average, half a burst.
        """
        memory = target.off_chip
        assert memory, f"{target.name} has no memory beside the chip"
        every, pause = memory.refresh(target.clock_mhz)
        slowest = 0.0
        for client in self.clients:
            unit = units[client.layer]
            rate = unit.fetched_bytes * 8 / self.beat_bits / unit.cycles  # beats a cycle, where it never waits
            waiting = max(0.0, self.depth - ROUND * rate - MOST_BEATS / 2)
            stopped = max(0.0, pause - waiting / rate)
            slowest = max(slowest, unit.cycles * every / (every - stopped))
        return ceil(slowest)

    def filling(self, target: Target) -> int:
        """Cycles in which the memory fills the queues of all layers, once: frames are late by so many at most.

        It answers in the order in which it was asked, so that a layer waits behind what others have asked for in
        advance. But when a layer has the words of its n-th frame, the others have those of n frames and a queue
        full of beats, and no more. 0 where layers share an engine: `play` knows when their weights come.
        """
        assert target.off_chip, f"{target.name} has no memory beside the chip"
        beats = 0 if self.shared else self.depth * len(self.clients)
        return ceil(beats / target.off_chip.share(target.clock_mhz))

    def __str__(self) -> str:
        served = (f"%{c.layer} {c.count:,} beats from {c.begin:,} on" for c in self.clients)
        ways = f"{self.channels} channel{'s' if self.channels > 1 else ''}"
        return f"weights from memory, through {ways}: {', '.join(served)}"

    def ram(self, target: Target) -> Ram:
        """The memory kind of what waits for a client."""
        return better_ram(self.data_bits, self.depth, target)

    def params(self, target: Target) -> dict[str, int]:
        """The parameters of tom_fetch."""
        return {
            "Channels": self.channels,
            "DataBytes": self.data_bits // 8,
            "MaxBeats": MOST_BEATS,
            "Clients": len(self.clients),
            "Depth": self.depth,
            "Bursts": BURSTS,
            "Ram": self.ram(target),
            "Begin": sum(c.begin << 32 * i for i, c in enumerate(self.clients)),
            "Count": sum(c.count << 32 * i for i, c in enumerate(self.clients)),
        }

    def costs(self, target: Target) -> tuple[Resources, ...]:
        """What the reader takes, and for each client what makes words of beats: formulas that no synthesis checks."""
        queue = fifo_cost(self.data_bits, self.depth, self.ram(target), target)
        control = Resources(lut=220 + 30 * len(self.clients), ff=260 + 40 * len(self.clients))
        words = (words_cost(self.beat_bits, client.word_bits) for client in self.clients)
        return (queue * (self.channels * len(self.clients)) + control * self.channels, *words)

    def left(self, units: Units, target: Target) -> Resources:
        """What all of that takes beyond what the layers' options count of it, see `Unit.brought`."""
        if self.shared:
            return Resources()
        counted = sum((units[client.layer].brought for client in self.clients), start=Resources())
        more = (sum(self.costs(target), start=Resources()) - counted).counts()
        return Resources(**{kind: max(n, 0) for kind, n in more.items()})


def fetching(units: Units, target: Target, interval: int) -> Fetching | None:
    """The reader of planned units with so many cycles between frames; None where all weights are on the chip.

    As few channels as give what is needed, a power of two.
    """
    served = {name: unit for name, unit in units.items() if unit.fetches}
    if not served:
        return None
    memory = target.off_chip
    assert memory, f"{target.name} has no memory beside the chip"
    first = next(iter(served.values()))
    if isinstance(first, FetchedMember):
        channels = memory.side_by_side
        return Fetching(channels, memory.bits, DEPTH, tuple(_clients(served, channels * memory.bits // 8)), shared=True)
    total, channels = sum(unit.fetched_bytes for unit in served.values()), 1
    while channels * 2 <= memory.side_by_side and total > interval * memory.bytes_per_cycle(target.clock_mhz, channels):
        channels *= 2
    most = max(unit.fetched_bytes for unit in served.values()) / interval / (channels * memory.bits / 8)
    depth = min(DEEPEST, 2 * MOST_BEATS + -(-int(most * MEMORY_LATENCY) // MOST_BEATS) * MOST_BEATS)
    return Fetching(channels, memory.bits, depth, tuple(_clients(served, channels * memory.bits // 8)))


def image(units: Units, reader: Fetching) -> list[bytes]:
    """What lies in memory: the part of every channel."""
    beat = reader.beat_bits // 8
    whole = np.zeros((reader.beats, beat), dtype=np.uint8)
    for client in reader.clients:
        fetched = units[client.layer].fetched
        assert fetched is not None
        words = np.frombuffer(fetched.image() * client.copies, dtype=np.uint8)
        whole[client.begin : client.begin + client.count] = words.reshape(-1, beat)
    parts = whole.reshape(reader.beats, reader.channels, -1)
    return [parts[:, c].tobytes() for c in range(reader.channels)]


def _clients(units: Units, beat_bytes: int) -> Iterator[Client]:
    begin = 0
    for name, unit in units.items():
        words, bits = unit.fetched_words
        size = words * -(-bits // 8)
        copies = beat_bytes // gcd(beat_bytes, size)
        client = Client(name, begin, copies * size // beat_bytes, words, bits, copies)
        yield client
        begin += -(-client.count // MOST_BEATS) * MOST_BEATS
