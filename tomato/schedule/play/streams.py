"""Streams and engines in time, pixel by pixel: an engine starts when its inputs are there and its outputs have room.

The recursion of `timing.py` for streams of finite room, made bit by bit: a time is added once all that it depends on is
known. What is not known yet depends on turns of shared engines that are later still.
"""

from collections.abc import Sequence

import numpy as np

from tomato.core.formats import Array
from tomato.engines.base import AnyUnit
from tomato.hardware.parts import Converter, Fifo, Spill
from tomato.schedule.route import Routes
from tomato.schedule.streams import OUTPUT, Edge
from tomato.schedule.timing import RELEASE

HELD = 2
"""Beats that wait in the registers at the ends of a stream."""
QUEUED = 4
"""Results that wait in the queue behind an engine, beside those on their way through it."""


class Stream:
    """What an edge carries.

    came: for every pixel as its reader sees it the cycle in which it is complete there. may: the one from which on the
    reader may take it. Both grow as they become known. spread: cycles from the first beat of a pixel to its last: those
    in which they leave the maker, and as an attribute those in which they come.
    """

    def __init__(self, edge: Edge, ways: Routes, spread: int, queued: int) -> None:
        self.free = edge.consumer == OUTPUT  # the world takes whatever comes
        self.came: list[int] = []
        self.may: list[int] = []
        self.latency = ways.forks[edge.value].latency if edge.value in ways.forks else 0
        self.pace, room = 0, HELD + queued * edge.to_beats // edge.from_beats
        for part in ways.parts[edge.name]:
            if isinstance(part, Converter):
                latency, spread = part.times(spread)
                self.latency, self.pace = self.latency + latency, edge.to_beats
            else:
                self.latency += part.latency
            if isinstance(part, Fifo | Spill):
                room += part.depth
        self.spread = spread
        self.beats, self.ahead = edge.to_beats, room + 1 - edge.to_beats  # beats that find room in front of the reader
        self.gap = 0.0  # cycles from one beat of a pixel to the next that the reader takes; 0: it has room for all
        a, b = edge.from_type, edge.to_type
        self.sizes, self.alike = (a.pixels, b.pixels), a.pixels == b.pixels
        made, taken = (np.arange(1, kind.pixels + 1) * kind.channels - 1 for kind in (a, b))
        self.within: list[int] = (made // b.channels).tolist()  # for each pixel of the maker that with its last code
        self.last: list[int] = (taken // a.channels).tolist()  # for each pixel of the reader the one that completes it

    def come(self, p: int, cycle: int) -> None:
        """Pixel p of the maker is complete in that cycle."""
        if self.alike:
            self._arrive(cycle)
            return
        frame, i = divmod(p, self.sizes[0])
        whole, q = divmod(len(self.came), self.sizes[1])
        while whole == frame and self.last[q] == i:
            self._arrive(cycle)
            whole, q = divmod(len(self.came), self.sizes[1])

    def _arrive(self, cycle: int) -> None:
        cycle += self.latency
        self.came.append(max(cycle, self.came[-1] + self.pace) if self.came else cycle)

    def room(self, p: int) -> int | None:
        """From which cycle on pixel p of the maker may be complete; None where that is not known yet."""
        if self.free:
            return 0
        if not self.alike:
            frame, i = divmod(p, self.sizes[0])
            p = frame * self.sizes[1] + self.within[i]
        q, beat = divmod(p * self.beats - self.ahead, self.beats)
        if q < 0:
            return 0
        if q >= len(self.may):
            return None
        return self.may[q] + (int(beat * self.gap) if q < p else 0)  # beats of its own follow as they are taken


class Engine:
    """An engine of one node, as its timing says; without a unit the world, which sends pixels as they are taken.

    starts: the cycle in which the work on every output pixel begins.
    """

    def __init__(
        self, ins: Sequence[Stream], outs: Sequence[Stream], frames: int, pixels: int, cycles: int, latency: int,
        unit: AnyUnit | None = None,
    ) -> None:  # fmt: skip
        self.ins, self.outs = ins, outs
        self.pixels, self.total = pixels, frames * pixels
        self.cycles, self.latency = cycles, latency
        self.starts: list[int] = []
        timing = unit.timing if unit else None
        needs = timing.need if timing else ()
        rooms = (timing.room if timing else ()) or (None,) * len(needs)
        self.later: list[int] | None = None if timing is None or timing.later is None else timing.later.tolist()
        self.needs: list[list[int]] = [need.tolist() for need in needs]
        self.rooms: list[list[int] | None] = [None if room is None else room.tolist() for room in rooms]
        self.sizes = [kind.pixels for kind in unit.views] if unit else []
        self.firsts = [_firsts(need, size) for need, size in zip(needs, self.sizes, strict=True)]

    @classmethod
    def of(cls, unit: AnyUnit, ins: Sequence[Stream], outs: Sequence[Stream], frames: int) -> "Engine":
        """The engine of a unit."""
        timing = unit.timing
        return cls(ins, outs, frames, unit.out.pixels, timing.pixel_cycles, timing.latency, unit)

    def start(self, p: int) -> int:
        """When the work on output pixel p begins, of those that have begun."""
        return self.starts[p]

    def done(self, p: int) -> int:
        """When output pixel p is complete, of those that have begun."""
        return self.starts[p] + self.latency + (self.later[p % self.pixels] if self.later else 0)

    def advance(self) -> tuple[bool, bool]:
        """Go on as far as all is known: whether pixels have come out, and whether more may come in."""
        made = more = False
        while len(self.starts) < self.total and self._start():
            made = True
        for i in range(len(self.ins)):
            while self._may(i):
                more = True
        return made, more

    def _start(self) -> bool:
        """Begin the next output pixel, if it is known when."""
        p = len(self.starts)
        cycle = self._after(p, None)
        if cycle is None:
            return False
        self.starts.append(cycle)
        done = self.done(p)
        for out in self.outs:
            out.come(p, done)
        return True

    def _after(self, p: int, but: int | None) -> int | None:
        """From which cycle on output pixel p may begin, were argument `but` there; None where that is not known yet."""
        cycle = self.starts[p - 1] + self.cycles if p else 0
        for out in self.outs:
            room = out.room(p)
            if room is None:
                return None
            cycle = max(cycle, room - self.latency)
        frame, at = divmod(p, self.pixels)
        for i, stream in enumerate(self.ins):
            if i != but:
                q = frame * self.sizes[i] + self.needs[i][at]
                if q >= len(stream.came):
                    return None
                cycle = max(cycle, stream.came[q])
        return cycle

    def _may(self, i: int) -> bool:
        """Add when the next pixel of an argument may be taken, if that is known.

        Where the engine says when it has room, then; else when the first output pixel that needs it begins.
        """
        stream, rooms = self.ins[i], self.rooms[i]
        frame, at = divmod(len(stream.may), self.sizes[i])
        if frame * self.pixels >= self.total:
            return False
        p = frame * self.pixels + (self.firsts[i][at] if rooms is None else rooms[at])
        known = len(self.starts)
        if rooms is not None:
            if p >= known:
                return False
            stream.may.append(self.starts[p] + self.cycles + RELEASE if p >= 0 else 0)
            return True
        cycle = self.starts[p] if p < known else self._after(p, i) if p == known else None
        if cycle is None:
            return False
        stream.may.append(cycle)
        return True


def _firsts(need: Array, size: int) -> list[int]:
    """For each input pixel the first output pixel that needs it, or one behind it; the last where none does."""
    first = np.full(size, len(need) - 1)
    np.minimum.at(first, need, np.arange(len(need)))
    found: list[int] = np.minimum.accumulate(first[::-1])[::-1].tolist()
    return found
