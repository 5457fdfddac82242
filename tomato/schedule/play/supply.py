"""When beats of the memory beside the chip come: evenly, but for the pauses of its refreshes (sim/tom_memory.sv)."""

from tomato.targets import OffChip

SEEN = 1
"""Cycles from a pause of the memory to that in its beats."""


class Supply:
    """A channel of the memory at a clock, or several side by side. Cycles count from the reset on."""

    def __init__(self, memory: OffChip, clock_mhz: float) -> None:
        self.every, self.pause = memory.refresh(clock_mhz)
        self.rate = memory.per_mille(clock_mhz) / 1000  # beats a cycle between pauses

    def after(self, cycle: float) -> float:
        """The first cycle from that one on in which there is no pause."""
        return max(cycle, (cycle - SEEN) // self.every * self.every + self.pause + SEEN)

    def more(self, cycle: float, beats: float) -> float:
        """When so many beats more have come, where the last one has in that cycle."""
        whole, rest = divmod(cycle - SEEN, self.every)
        gives = self.every - self.pause  # cycles between two pauses
        spent = whole * gives + max(0.0, rest - self.pause)
        whole, rest = divmod(spent + beats / self.rate, gives)
        return whole * self.every + self.pause + rest + SEEN

    def next_pause(self, cycle: float) -> tuple[float, float]:
        """When the first pause begins and ends that begins in that cycle or later."""
        begins = -(-(cycle - SEEN) // self.every) * self.every + SEEN
        return begins, begins + self.pause
