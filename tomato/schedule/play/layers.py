"""A layer that shares an engine, in time: its input rows, the next of its turns, and the results that leave."""

from collections.abc import Sequence

from tomato.engines.base import beats
from tomato.engines.parts.shared import Group
from tomato.schedule.play.slots import Slots
from tomato.schedule.play.streams import Stream

SEEN = 1
"""Cycles from a row's last beat, or a result's leaving, until it is seen by who looks for turns."""
FREED = 2
"""Cycles from the end of a turn until the rows that it was the last to need may be written."""
SENT = 2
"""Cycles from a result's leaving until it is on its stream."""


class Layer:
    """Where a layer is. entered, left: the cycles in which every input pixel is kept, and every output pixel leaves."""

    def __init__(self, group: Group, number: int, ins: Stream, outs: Sequence[Stream], frames: int) -> None:
        layer = self.layer = group.layers[number]
        op = layer.site.op.window
        self.ins, self.outs = ins, outs
        self.taking, self.giving = Slots(group.ins, number), Slots(group.outs, number)
        ins.gap = self.taking.gap
        self.beats = beats(layer.site.arg.channels, group.codes[0])
        self.results = group.chunks(layer)  # beats of an output pixel
        self.kept = group.kept(layer)
        self.height, self.width, _ = layer.arg.shape
        self.stride, self.top = op.stride[0], op.pads[0]
        self.waits: list[int] = layer.waits.tolist()
        self.across = layer.out.shape[1] // layer.tile  # turns of an output row
        self.total = frames * layer.turns
        self.begun = 0  # turns
        self.pixels = layer.out.pixels
        self.starts: list[float] = []  # of every turn
        self.entered: list[int] = []
        self.there: list[float] = []  # from when on the results of every output pixel may leave
        self.left: list[int] = []
        self.rows = [float(len(group.sites))] * max(0, layer.rows - self.top)  # when every input row may be written

    def start(self, p: int) -> int:
        """When the turn of output pixel p begins, of those that have begun."""
        return int(self.starts[p // self.layer.tile])

    def done(self, p: int) -> int:
        """When output pixel p is on its stream, of those that have left."""
        return self.left[p] + SENT

    def advance(self) -> tuple[bool, bool]:
        """Go on as far as all is known: whether pixels have come out, and whether more may come in."""
        more = self._enter()
        return self._leave(), more

    def _enter(self) -> bool:
        came, may, entered, more = self.ins.came, self.ins.may, self.entered, False
        while True:
            q = len(entered)
            if len(may) == q:
                row = q // self.width
                if row >= len(self.rows):
                    return more
                may.append(int(max(self.rows[row], entered[-1] + 1 if entered else 0)))
                more = True
            if q >= len(came):
                return more
            first = max(may[q], came[q] - self.ins.spread)
            entered.append(max(self.taking.after(came[q]), self.taking.after(first, self.beats)))

    def _leave(self) -> bool:
        before = len(self.left)
        while len(self.left) < len(self.there):
            p = len(self.left)
            cycle = self.giving.after(max(self.there[p], self.left[-1] + 1 if p else 0), self.results)
            for out in self.outs:
                room = out.room(p)
                if room is None:
                    return p > before
                cycle = max(cycle, self.giving.after(room))
            self.left.append(cycle)
            for out in self.outs:
                out.come(p, cycle + SENT)
        return len(self.left) > before

    def ready(self) -> float | None:
        """From which cycle on the next turn can be found; None where that is not known yet, or there is none."""
        if self.begun == self.total:
            return None
        frame, turn = divmod(self.begun, self.layer.turns)
        q = (frame * self.height + self.waits[turn // self.across] + 1) * self.width - 1
        if q >= len(self.entered):
            return None
        ready: float = self.entered[q] + SEEN
        behind = (self.begun + 1) * self.layer.tile * self.results - self.kept  # results that have to have left
        if behind <= 0:
            return ready
        p, beat = divmod(behind - 1, self.results)
        if p >= len(self.left):
            return None
        return max(ready, self.left[p] - int((self.results - 1 - beat) * self.giving.gap) + SEEN)

    def begin(self, starts: float, ends: float, there: float) -> None:
        """The cycles in which the next turn begins and ends, and from which on its results may leave."""
        self.starts.append(starts)
        frame, turn = divmod(self.begun, self.layer.turns)
        row, column = divmod(turn, self.across)
        self.begun += 1
        self.there += [there] * self.layer.tile
        if column == self.across - 1:  # rows above the next one's are free
            last = row == self.layer.out.shape[0] - 1
            below = (frame + 1) * self.height if last else frame * self.height + (row + 1) * self.stride
            self.rows += [ends + FREED] * max(0, self.layer.rows + below - self.top - len(self.rows))
