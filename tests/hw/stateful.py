"""An operator with a state and an engine for it, which only the tests know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from tests.networks import cases
from tomato.backend import library
from tomato.core.formats import Array, Codes
from tomato.core.ir import Op, Shape, TensorType
from tomato.core.state import Scope, State, Stateful
from tomato.core.treatment import Treatment
from tomato.engines import CATALOGUE
from tomato.engines.base import AnyUnit, Site, Timing, pixelwise
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.schedule import scheduler, units
from tomato.targets import Resources

MODULE = Path(__file__).parent / "rtl" / "engines" / "tom_running_sum.sv"
PIPELINE = 2
"""Stages of tom_running_sum from the input port to the output queue."""


@dataclass(frozen=True, slots=True)
class RunningSum(Stateful, Op):
    """What a step gives is the sum of all steps so far, element by element, saturated to `bits` bits.

    along: the axis of the steps, None: a step is a frame. lasting: the sums go on from frame to frame.
    """

    treatment: ClassVar = Treatment.CODES

    bits: int
    along: int | None
    lasting: bool

    @property
    def scope(self) -> Scope:
        return Scope.SEQUENCE if self.lasting else Scope.FRAME

    @property
    def axis(self) -> int | None:
        return self.along

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        return TensorType(x.shape, Codes.of(self.bits, signed=True))

    def initial(self, args: Sequence[Shape]) -> State:
        (shape,) = args
        return (np.zeros([1 if i == self.along else size for i, size in enumerate(shape)], np.int64),)

    def step(self, state: State, args: Sequence[Array]) -> tuple[State, Array]:
        ends = Codes.of(self.bits, signed=True)
        total = np.clip(state[0] + args[0], ends.lo, ends.hi)
        return (total,), total


class RunningSumStream(LaneUnit[RunningSum]):
    """One memory of accumulators, as many words as a step has beats."""

    stem = "running_sum"
    ops = (RunningSum,)

    @classmethod
    def refuses(cls, site: Site[RunningSum]) -> str:
        return "" if site.op.along in (0, None) else "the steps go along columns or channels"

    @cached_property
    def words(self) -> int:
        """Beats of a step."""
        return self.beats * (self.out.pixels if self.op.along is None else self.out.shape[1])

    @cached_property
    def timing(self) -> Timing:
        return pixelwise(self.out, self.beats, PIPELINE + QUEUE_LATENCY)

    @cached_property
    def formula(self) -> Resources:
        width = self.out.codes.bits * self.count
        memory = Resources(lut=self.target.lutram_for(width, self.words) + 2 * width, ff=2 * width)
        return memory + queue_cost(width, PIPELINE + 4, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        steps = 1 if self.op.along is None else self.out.shape[0]
        return {
            "Lanes": self.count,
            "Words": self.words,
            "Rounds": 0 if self.op.lasting else steps,
            "InBits": self.arg.codes.bits,
            "InSigned": int(self.arg.codes.signed),
            "OutBits": self.op.bits,
        }


@pytest.fixture
def running_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler knows RunningSumStream and finds its module."""
    catalogue: Mapping[str, type[AnyUnit]] = {**CATALOGUE, RunningSumStream.stem: RunningSumStream}
    for module in (cases, units, scheduler):
        monkeypatch.setattr(module, "CATALOGUE", catalogue)
    known = {**library.files(library.RTL), MODULE.stem: MODULE}
    monkeypatch.setattr(library, "files", {library.RTL: known}.__getitem__)
