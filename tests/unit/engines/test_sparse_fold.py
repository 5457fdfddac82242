"""Words that are left out: what a list names is what is not zero, and the cycles are its length."""

from typing import Any

import numpy as np
import pytest

from tests.networks.cases import CASES, make_site
from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import TensorType
from tomato.engines import CATALOGUE
from tomato.engines.parts import kept
from tomato.engines.sparse_fold import LIST
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window

SPARSE = CATALOGUE["sparse_fold"]
NAMES = ("sparse_conv2d", "sparse_grouped", "sparse_depthwise", "sparse_dense")


def some(name: str) -> list[Any]:
    """Units of a case, from the fastest to the slowest."""
    every = sorted(SPARSE.units(make_site(*CASES[name])), key=lambda unit: unit.cycles)
    return every[:: max(1, len(every) // 25)]


def products(unit: Any) -> Array:
    """What the list and the words multiply: the weights by filter, kernel row, kernel column and channel.

    (pass, output of it, kernel row, kernel column, channel); fields as tom_window_list reads them.
    """
    knobs, op = unit.knobs, unit.op
    parts, lists, lanes = knobs["parts"], knobs["lists"], knobs.get("lanes_in", knobs.get("lanes", 1))
    rows, columns = op.window.kernel if isinstance(op, Conv2d) else (1, 1)
    taps = (rows if unit.whole.taps[0] else 1), (columns if unit.whole.taps[1] else 1)
    shared = not (isinstance(op, Conv2d) and op.depthwise)
    stored = unit.memories["MemFile"]
    signed = stored.fields - (stored.fields >> (stored.bits[0] - 1) << stored.bits[0])  # two's complement
    words = signed.reshape(unit.words, unit.whole.outputs, *taps, -1)
    per_list = lanes // lists
    made = np.zeros((len(unit.passes), unit.whole.outputs, rows, columns, 4096), dtype=np.int64)
    turn = 0
    for word, entry in zip(words, unit.memories[LIST].fields.tolist(), strict=True):
        for number in range(lists):
            part, beat, column, row = entry[2 + 4 * number : 6 + 4 * number]
            first = beat * lanes * parts + part * lanes + number * per_list
            for h in range(taps[0]):
                for w in range(taps[1]):
                    y, x = (h if unit.whole.taps[0] else row), (w if unit.whole.taps[1] else column)
                    if shared:
                        lane = slice(number * per_list, (number + 1) * per_list)
                        made[turn, :, y, x, first : first + per_list] += word[:, h, w, lane]
                    else:  # output o meets channel o of the beat
                        made[turn, np.arange(lanes), y, x, first + np.arange(lanes)] += word[:, h, w, 0]
        turn += entry[0]
    assert turn == len(unit.passes)
    return made


def wanted(unit: Any) -> Array:
    """The same from the weights themselves."""
    op, outputs = unit.op, unit.whole.outputs
    dense = isinstance(op, Dense)
    weight = op.weight.values.reshape((1, 1, *op.weight.shape) if dense else op.weight.shape)
    groups = 1 if dense else op.groups
    made = np.zeros((len(unit.passes), outputs, *weight.shape[:2], 4096), dtype=np.int64)
    filters = weight.shape[3] // groups
    folds = -(-filters // outputs) if not (groups > 1 and op.depthwise) else 1
    for f in range(weight.shape[3]):
        group, at = divmod(f, filters)
        if groups > 1 and op.depthwise:
            made[f // outputs, f % outputs, :, :, f] = weight[:, :, 0, f]
        else:
            per_group = weight.shape[2]
            seen = slice(group * per_group, (group + 1) * per_group)
            made[group * folds + at // outputs, at % outputs, :, :, seen] = weight[:, :, :, f]
    return made


@pytest.mark.parametrize("name", NAMES)
def test_a_list_and_its_words_are_the_weights(name: str) -> None:
    for unit in some(name):
        if unit.knobs["pack"] <= 1 and unit.knobs["cell"] == 0:  # what is packed has borrows taken
            np.testing.assert_array_equal(products(unit), wanted(unit), err_msg=str(dict(unit.knobs)))


@pytest.mark.parametrize("name", NAMES)
def test_cycles_are_the_words_that_are_left(name: str) -> None:
    for unit in some(name):
        entries = unit.memories[LIST].fields
        assert len(entries) == unit.words == unit.params["Kept"] == int(np.sum(unit.passes))
        assert entries[:, 0].sum() == len(unit.passes) == unit.params["Folds"]
        assert entries[:, 1].tolist() == [0] * (len(entries) - 1) + [1]
        beats = -(-unit.arg.channels // unit.lanes[0][0])
        assert unit.cycles == max(unit.out.pixels * unit.words, unit.arg.pixels * beats)
        assert unit.words <= 0.9 * len(unit.whole.table)


def test_no_pass_is_shorter_than_a_read_and_none_longer_than_its_longest_lane() -> None:
    weight = np.zeros((1, 1, 6, 2), dtype=np.int64)
    weight[0, 0, :, 0] = [1, 0, 1, 0, 1, 1]  # lane 0 of two: inputs 0, 2, 4; lane 1: input 5
    folded = kept.of_filters(kept.zeros(Tensor(weight), 1, depthwise=False).within((False, False)), 1)
    assert kept.passes_apart(kept.of_inputs(folded), 2).tolist() == [3, 1]
    assert kept.passes(folded, 2).tolist() == [3, 1]
    assert kept.passes(folded, 3).tolist() == [2, 1]
    assert kept.passes_apart(kept.of_inputs(folded), 3).tolist() == [2, 1]  # inputs 2 and 5 are of one lane
    both = kept.of_filters(kept.zeros(Tensor(weight), 1, depthwise=False).within((False, False)), 2)
    assert kept.passes(both, 1).tolist() == [4]


def stalls(passes: list[int], pipeline: int, places: int, every: float) -> int:
    """Cycles that passes wait for a place of the queue, when one result is taken every so many cycles on the mean."""
    leaves: list[float] = []
    now, waiting, wait = 0, 0.0, 0
    for length in passes:
        while len([t for t in leaves if t > now]) >= places:
            now += 1
            wait += 1
        now += length
        waiting = max(now + pipeline, waiting + every)
        leaves.append(waiting)
    return wait


def test_the_queue_evens_out_passes_of_unlike_length() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        passes = np.where(rng.random(rng.integers(1, 20)) < 0.4, 1, rng.integers(1, 30))
        pipeline, repeats = int(rng.integers(1, 25)), 6
        places = kept.queue_places(passes, pipeline)
        assert stalls(np.tile(passes, repeats).tolist(), pipeline, places, passes.sum() / len(passes)) == 0


def test_weights_without_zeros_are_refused_with_the_reason() -> None:
    site = make_site(*CASES["conv2d"])
    assert "zero" in SPARSE.refuses(site)
    assert list(SPARSE.units(site)) == []


def test_layers_that_are_not_refused_have_a_choice() -> None:
    rng = np.random.default_rng(3)
    for share in (0.1, 0.12, 0.3, 0.9, 1.0):
        weight = Tensor(rng.integers(1, 9, (3, 3, 4, 5)) * (rng.random((3, 3, 4, 5)) >= share))
        op, kind = Conv2d(weight, Window((3, 3))), TensorType((6, 6, 4), Codes.of(8, signed=False))
        site = make_site(op, (kind,))
        assert bool(SPARSE.refuses(site)) == (not list(SPARSE.units(site)))
