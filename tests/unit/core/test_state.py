"""Operators with a state mean what plain loops mean, however frames are dealt out to batches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from tests import digits
from tests.hw.stateful import RunningSum
from tomato.build import archive
from tomato.core.formats import Array, Codes
from tomato.core.interpret import BATCH, Player, interpret
from tomato.core.ir import Builder, Graph, Op, Shape, TensorType
from tomato.core.state import Scope, State, Stateful, lasting
from tomato.core.treatment import Treatment
from tomato.frontend import Network
from tomato.ops.join import Add

X = TensorType((3, 4, 2), Codes.of(8, signed=True))
FRAMES = 2 * BATCH + 5
KINDS = [(along, keeps) for along in (0, 1, 2, None) for keeps in (False, True)]


@dataclass(frozen=True, slots=True)
class Before(Stateful, Op):
    """The frame before and how many there were, from two arrays of state of unequal shapes."""

    treatment: ClassVar = Treatment.CODES

    @property
    def scope(self) -> Scope:
        return Scope.SEQUENCE

    @property
    def axis(self) -> int | None:
        return None

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        return TensorType(args[0].shape, Codes.of(24, signed=True))

    def initial(self, args: Sequence[Shape]) -> State:
        return np.full(args[0], -1), np.array(0)

    def step(self, state: State, args: Sequence[Array]) -> tuple[State, Array]:
        last, count = state
        return (args[0], count + 1), last + 1000 * count.reshape(-1, 1, 1, 1)


def graph(op: Op) -> Graph:
    """Two nodes of the same operator, one behind the other, and what goes round them."""
    build = Builder([("x", X)])
    build.add(op, ["x"], "first")
    build.add(Add(), ["first", "x"], "join")
    build.add(op, ["join"], "second")
    made = Graph("net", (("x", X),), tuple(build.nodes), ("second", "first"))
    made.verify()
    return made


def frames(count: int = FRAMES) -> Array:
    return np.random.default_rng(0).integers(-128, 127, (count, *X.shape), endpoint=True)


def sums(x: Array, op: RunningSum) -> Array:
    """The same by plain loops over every element of every frame."""
    ends, result = Codes.of(op.bits, signed=True), np.zeros_like(x)
    state: dict[tuple[int, ...], int] = {}
    for at in np.ndindex(x.shape):
        frame, place = at[0], [0 if i == op.along else n for i, n in enumerate(at[1:])]
        key = (*place, -1 if op.lasting else frame)
        state[key] = min(max(state.get(key, 0) + int(x[at]), ends.lo), ends.hi)
        result[at] = state[key]
    return result


@pytest.mark.parametrize(("along", "keeps"), KINDS)
def test_golden_is_what_loops_say(along: int | None, keeps: bool) -> None:
    op, x = RunningSum(10, along, keeps), frames()
    wanted = sums(x, op)
    assert np.array_equal(op.golden([x]), wanted)
    got = interpret(graph(op), {"x": x})
    assert np.array_equal(got["first"], wanted)
    assert np.array_equal(got["second"], sums(wanted + x, op))


@pytest.mark.parametrize(("along", "keeps"), KINDS)
@pytest.mark.parametrize("size", [1, 7, BATCH])
def test_batches_of_any_size_are_one_sequence(along: int | None, keeps: bool, size: int) -> None:
    net, x = graph(RunningSum(10, along, keeps)), frames()
    player = Player(net)
    parts = [player.play({"x": x[i : i + size]}) for i in range(0, FRAMES, size)]
    wanted = interpret(net, {"x": x})
    for name in net.outputs:
        assert np.array_equal(np.concatenate([p[name] for p in parts]), wanted[name])


def test_a_new_sequence_starts_from_the_initial_state() -> None:
    net, x = graph(RunningSum(10, None, lasting=True)), frames(6)
    player = Player(net)
    first = player.play({"x": x})["second"]
    assert not np.array_equal(player.play({"x": x})["second"], first)
    player.restart()
    assert np.array_equal(player.play({"x": x})["second"], first)
    assert np.array_equal(interpret(net, {"x": x})["second"], first)


def test_a_state_may_be_several_arrays() -> None:
    x = frames(5)
    got = Before().golden([x])
    assert np.array_equal(got[0], np.full(X.shape, -1))
    assert np.array_equal(got[1:], x[:-1] + 1000 * np.arange(1, 5).reshape(-1, 1, 1, 1))
    player = Player(graph(Before()))
    parts = [player.play({"x": x[i : i + 2]})["first"] for i in range(0, 5, 2)]
    assert np.array_equal(np.concatenate(parts), got)


def test_only_a_state_that_lasts_orders_frames() -> None:
    assert [lasting(RunningSum(10, along, keeps)) for along, keeps in KINDS] == [keeps for _, keeps in KINDS]
    assert not lasting(Add())


def test_an_accelerator_plays_its_frames_as_one_sequence() -> None:
    net, x = graph(RunningSum(10, 0, lasting=True)), frames()
    got = replace(digits.compiled(), graph=net).run({"x": x})
    assert np.array_equal(got["first"], sums(x, RunningSum(10, 0, lasting=True)))


@pytest.mark.parametrize(("along", "keeps"), KINDS)
def test_an_operator_with_a_state_is_stored_like_any_other(
    along: int | None, keeps: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {**archive._classes(), "RunningSum": RunningSum}  # as a module of tomato/ops would be
    monkeypatch.setattr(archive, "_classes", lambda: known)
    net, x = graph(RunningSum(10, along, keeps)), frames(5)
    archive.save(tmp_path, Network(net, (), ()))
    loaded = archive.load(tmp_path).graph
    assert loaded == net
    assert np.array_equal(interpret(loaded, {"x": x})["second"], interpret(net, {"x": x})["second"])
