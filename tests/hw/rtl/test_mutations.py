"""The tests tested: hardware with one thing wrong in it is caught, and the place is named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.networks.codenets import residual
from tomato.backend import project
from tomato.build.report import report
from tomato.build.simulation import Difference, describe, first_difference, simulate
from tomato.core.interpret import interpret
from tomato.lower import lower
from tomato.schedule import schedule
from tomato.targets import load

TARGET, GRAPH, FRAMES = load("zcu104"), residual(), 3
PLAN = schedule(GRAPH, TARGET, fps=300_000)


@dataclass(frozen=True)
class Mutation:
    """An edit of one file of a build folder, and the layer that goes wrong first (empty: the stream stops)."""

    file: str
    old: str
    new: str
    layer: str


MUTATIONS: Mapping[str, Mutation] = {
    "rounding_dropped": Mutation("rtl/tom_requant_stream.sv", r"SumBits'\(bias_q\)", "SumBits'(0)", "c1_q"),
    "padding_off_by_one": Mutation("rtl/net.sv", r"\.PadLeft *\(1\)", ".PadLeft(0)", "c1"),
    "weights_in_another_order": Mutation("mem/c2.mem", r"\A(\w+)\n(\w+)\n", r"\2\n\1\n", "c2"),
    "shortcut_too_short": Mutation("rtl/net.sv", r"\.Depth\(\d\d+\)", ".Depth(2)", ""),
    "frames_counted_wrong": Mutation("rtl/tom_frame_check.sv", r"Beats - 1\)", "Beats - 2)", "frame_error"),
    "last_too_early": Mutation("rtl/tom_frame_end.sv", r"Beats - 1\)", "Beats - 2)", "head_q"),
}


def write(folder: Path) -> None:
    """The build folder of the network, with random frames."""
    lowered = lower(GRAPH, PLAN, TARGET)
    facts = report(GRAPH, PLAN, TARGET, lowered, model="residual", notes=[])
    project.write(folder, lowered.netlist, facts, PLAN.to_toml())
    kind = GRAPH.types["x"]
    x = {"x": np.random.default_rng(0).integers(-128, 127, (FRAMES, *kind.shape), endpoint=True)}
    project.write_vectors(folder, lowered.netlist, x | interpret(GRAPH, x))


@pytest.mark.rtl
@pytest.mark.parametrize("name", MUTATIONS)
def test_one_wrong_thing_is_found(name: str, tmp_path: Path) -> None:
    mutation = MUTATIONS[name]
    write(tmp_path)
    path = tmp_path / mutation.file
    text, count = re.subn(mutation.old, mutation.new, path.read_text(), count=1)
    assert count, f"{mutation.file} has no {mutation.old}"
    path.write_text(text)
    summary = simulate(tmp_path, frames=FRAMES, probe=True)
    assert not summary["bit_exact"]
    difference = first_difference(tmp_path, GRAPH, PLAN, TARGET, FRAMES)
    if not mutation.layer:
        assert describe(summary) == [
            "NOT bit-exact: 0 beats differ in 0 frames",
            f"stopped after 0 of {FRAMES} frames",
        ]
        assert difference is None
    elif mutation.layer == "frame_error":  # all that comes out is right
        assert describe(summary)[1:] == ["frame_error: an input's frame ended where it should not"]
        assert difference is None
    elif name == "last_too_early":  # the codes are right, their end is marked wrong
        first = summary["first_mismatches"][0]
        assert (first["layer"], first["channel"], first["tlast"]) == ("head_q", 1, True)
        assert difference is None
    else:
        assert isinstance(difference, Difference)
        assert difference.layer == mutation.layer
        assert_named(difference, summary)


def assert_named(difference: Difference, summary: dict[str, object]) -> None:
    """A person can go to the place: every coordinate lies in its tensor, and the codes differ."""
    shape = GRAPH.types[difference.layer].shape
    place = difference.row, difference.column, difference.channel
    assert all(0 <= at < size for at, size in zip(place, shape, strict=True))
    assert 0 <= difference.frame < FRAMES
    assert difference.got != difference.expected
    assert f"first difference: layer {difference.layer} (stream s_{difference.layer}), frame" in str(difference)
    assert summary["mismatches"]


@pytest.mark.rtl
def test_nothing_wrong_is_found_in_the_right_hardware(tmp_path: Path) -> None:
    write(tmp_path)
    summary = simulate(tmp_path, frames=FRAMES, probe=True)
    assert summary["bit_exact"], describe(summary)
    assert not summary["frame_error"]
    assert first_difference(tmp_path, GRAPH, PLAN, TARGET, FRAMES) is None
    lost = simulate(tmp_path, frames=FRAMES, probe=True, lose=5)
    assert (lost["bit_exact"], lost["frame_error"], lost["frames"]) == (False, True, FRAMES - 1)
    assert describe(lost)[1:3] == [
        f"stopped after {FRAMES - 1} of {FRAMES} frames",
        "frame_error: an input's frame ended where it should not",
    ]
