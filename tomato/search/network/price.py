"""What an architecture costs on a target: the scheduler's own answer, for the form in which it would be exported."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tomato import board
from tomato.core.errors import TomatoError
from tomato.core.ir import Shape
from tomato.lower import lower
from tomato.schedule import Kept, schedule
from tomato.schedule.scheduler import weight
from tomato.schedule.streams import interval_cycles
from tomato.schedule.timing import latency_cycles, simulate_times
from tomato.search.network.coded import coded
from tomato.search.network.layers import Layer
from tomato.search.network.pieces import Pieces, in_integers
from tomato.targets import Resources, Target


@dataclass(frozen=True, slots=True)
class Price:
    """Cycles per frame and from the first input to the last output, frames/s, and what the design takes.

    refused: why no design fits the target, or is fast enough; all numbers are 0 then.
    """

    interval: int = 0
    latency: int = 0
    fps: float = 0.0
    lut: int = 0
    ff: int = 0
    dsp: int = 0
    bram18: int = 0
    uram: int = 0
    refused: str = ""

    @property
    def resources(self) -> Resources:
        """What the design takes."""
        return Resources(lut=self.lut, ff=self.ff, dsp=self.dsp, bram18=self.bram18, uram=self.uram)

    def share(self, target: Target) -> float:
        """Shares of all that a design may use, added up: the scheduler's currency."""
        return weight(self.resources, target.usable)

    def stored(self, target: Target) -> int:
        """Bits of the block RAM and UltraRAM that are taken."""
        return target.memory_bits(Resources(bram18=self.bram18, uram=self.uram))


@dataclass
class Market:
    """Prices on one target, of the fastest designs that fit it or, with `fps`, of the smallest that reach that rate.

    frame: (height, width, channels) of the input. shell: what stands around the design, see `board.SHELLS`.
    kept, pieces: what is known of layers so far, whatever network they were in.
    """

    target: Target
    frame: Shape
    fps: float | None = None
    clock_mhz: float | None = None
    shell: str = board.SHELLS[0]
    kept: Kept = field(default_factory=Kept, repr=False)
    pieces: Pieces = field(default_factory=dict, repr=False)

    @property
    def clock(self) -> float:
        """In MHz."""
        return self.clock_mhz or self.target.clock_mhz

    def price(self, layers: Sequence[Layer]) -> Price:
        """That of the network which `coded` makes of the layers, as `tomato compile` would build it."""
        graph = in_integers(coded(layers, self.frame), self.pieces)
        around = board.around(self.shell, self.target)
        try:
            plan = schedule(
                graph, self.target, clock_mhz=self.clock, fps=self.fps, given=True, around=around, kept=self.kept
            )
        except TomatoError as reason:
            return Price(refused=reason.what)
        lowered = lower(graph, plan, self.target)
        interval = interval_cycles(lowered.units, lowered.routes.links)
        latency = latency_cycles(simulate_times(lowered.units, graph, lowered.routes, 1, None), graph)
        used = sum(lowered.costs.values(), start=Resources())
        return Price(interval, latency, round(self.clock * 1e6 / interval, 2), *used)
