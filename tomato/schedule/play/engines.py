"""Shared engines in time: whose turn is found when, how long it takes, and when its weights come."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from math import inf

from tomato.engines.parts.members import Turns
from tomato.engines.parts.shared import Group
from tomato.engines.parts.shared_fetched import AGAIN, AHEAD, DEPTH, SLOTS, FetchedGroup
from tomato.hardware.memory import Ram
from tomato.hardware.plumbing import FIFO_LATENCY
from tomato.hardware.shell import MEMORY_LATENCY, MOST_BEATS
from tomato.schedule.play.layers import Layer
from tomato.schedule.play.supply import Supply

FOUND = 2
"""Cycles from a layer's being looked at until its turn is offered."""
ASKED = 4
"""Cycles from a turn's being taken until the memory has the address of its weights."""
ROOM = 6
"""Cycles from a word's use until the memory has an address of beats that find room by it."""
AFTER = 2
"""Words that have been taken from the beats that wait, and are not used yet."""
GATHERED = 5
"""Cycles from a word's last beat until it is used, where beats wait in LUT memory; one more where they do not."""
SUMMED = 2
"""Cycles from the last read of a fold until the first of its sums leaves, beside those of the sums."""
CREDIT = 1
"""Cycles that the place of a fold is free before the last of its sums has left."""


class Sharing(ABC):
    """The layers of a group, of which one is looked at in each cycle: the first that can has the next turn.

    ends: when the last turn ends. work: cycles of all turns so far, as the closed form counts them.
    """

    def __init__(self, group: Group, layers: Sequence[Layer]) -> None:
        self.group, self.layers = group, layers
        self.ready: list[float | None] = [None] * len(layers)
        self.at, self.who = float(len(layers)), 0  # when the next one is looked at, and which
        self.ends = 0.0
        self.work = 0

    def next(self) -> tuple[float, int]:
        """When the next turn is found, and whose it is; infinity where none is."""
        soonest, whose, count = inf, 0, len(self.layers)
        for number, ready in enumerate(self.ready):
            if ready is None or ready >= soonest:
                continue
            cycle = self.at + (number - self.who) % count
            if ready > cycle:
                cycle -= (cycle - ready) // count * count
            if cycle < soonest:
                soonest, whose = cycle, number
        return soonest, whose

    def take(self, cycle: float, number: int) -> None:
        """Have the turn that was found in that cycle."""
        taken = self._take(cycle + FOUND, self.layers[number])
        self.at, self.who = max(cycle + 1, taken - 1), (number + 1) % len(self.layers)
        self.work += self.group.turn(self.layers[number].layer)

    @abstractmethod
    def _take(self, offered: float, layer: Layer) -> float:
        """Count on by a turn that is offered; returns when it is taken, and the next one is looked for."""


class Folding(Sharing):
    """Weights are on the chip: a turn is taken when the one in front of it ends."""

    def _take(self, offered: float, layer: Layer) -> float:
        group, sizes = self.group, layer.layer
        taken = max(offered, self.ends)
        self.ends = taken + sizes.reads
        through = group.sum_cycles + group.narrow_cycles + 1
        rest = (sizes.folds - 1) * group.lanes[1]  # results of all folds but the last
        layer.begin(taken, self.ends, max(taken + sizes.words, self.ends - rest * group.round) + through)
        return taken


class Fetching(Sharing):
    """Weights are in memory: turns are taken ahead, and their weights asked for."""

    group: FetchedGroup

    def __init__(self, group: FetchedGroup, layers: Sequence[Layer]) -> None:
        super().__init__(group, layers)
        self.supply = Supply(group.memory, group.target.clock_mhz)
        self.gathered = GATHERED + (group.beat_ram != Ram.LUT)
        self.ratio = int(group.ratio)
        self.begun: deque[float] = deque(maxlen=AHEAD + 1)  # when the last turns left those that wait
        self.gone: deque[float] = deque([0.0] * SLOTS, maxlen=SLOTS)  # when the sums of the last folds have left
        self.came, self.beats = 0.0, 0  # the last beat, and how many have been asked for
        self.used: deque[tuple[int, float, float]] = deque()  # of turns: beats before it, when it began, cycles a beat

    def _take(self, offered: float, layer: Layer) -> float:
        sizes, supply = layer.layer, self.supply
        taken = max(offered, self.begun[0] + 1) if len(self.begun) > AHEAD else offered
        count = sizes.reads * self.ratio
        asked = max(taken + ASKED, self._room(self.beats))
        first = max(supply.after(asked + MEMORY_LATENCY), supply.more(self.came, 1))
        came = supply.more(first, count - 1)
        begun = max(taken + FIFO_LATENCY, self.ends - 1)
        word = supply.more(first, self.ratio - 1) + self.gathered
        starts = max(begun + 1, word, self.gone[0] - CREDIT)
        there = self._folds(sizes, starts, self._last(sizes, first, came) + self.gathered)
        self.begun.append(begun)
        self.used.append((self.beats, starts, (self.ends - starts) / count))
        self.beats += count
        self.came = max(came, self._room(self.beats - 1) + MEMORY_LATENCY)
        layer.begin(starts, self.ends, there + self.group.narrow_cycles + 1)
        return taken

    def _last(self, sizes: Turns, first: float, came: float) -> float:
        """When the last word of a turn has come, or when one that a pause held up makes it as late."""
        pause, over = self.supply.next_pause(first)
        before = int(self.supply.rate * (pause - 1 - first)) + 1  # beats
        if before >= min(sizes.reads * self.ratio, DEPTH):  # those that wait are used meanwhile
            return came
        words, rest = divmod(before, self.ratio)
        over += (self.ratio - 1 - rest) / self.supply.rate
        return max(came, over + (sizes.reads - words - 1) * _word(sizes))

    def _folds(self, sizes: Turns, starts: float, last: float) -> float:
        """Count on by the folds of a turn, of which a word comes last; returns when the last of its sums leave."""
        group, gone = self.group, self.gone
        reads, leave = sizes.words * _word(sizes), sizes.tile * (group.lanes[1] // group.codes[1])
        summed = group.sum_cycles + SUMMED
        ends = starts
        if reads >= leave and gone[-1] <= starts + reads:  # none waits for a place
            ends += sizes.folds * reads
            gone.extend(ends + summed + leave - reads * before for before in reversed(range(SLOTS)))
        else:
            for _ in range(sizes.folds):
                ends = max(ends, gone[0] - CREDIT) + reads
                gone.append(max(ends + summed, gone[-1]) + leave)
        self.ends = max(ends, last + _word(sizes))
        gone[-1] = max(gone[-1], self.ends + summed + leave)
        return gone[-1]

    def _room(self, beat: int) -> float:
        """From when on the memory may have the address of a beat, as there is room for its burst."""
        beat -= DEPTH - MOST_BEATS + AFTER * self.ratio
        while len(self.used) > 1 and self.used[1][0] <= beat:
            self.used.popleft()
        if beat < 0 or not self.used:
            return 0.0
        before, start, pace = self.used[0]
        return start + (beat - before) * pace + ROOM


def _word(sizes: Turns) -> int:
    """Cycles of a word of weights."""
    return max(sizes.tile, AGAIN)


def engine_of(group: Group, layers: Sequence[Layer]) -> Sharing:
    """The engine of a group."""
    return Fetching(group, layers) if isinstance(group, FetchedGroup) else Folding(group, layers)
