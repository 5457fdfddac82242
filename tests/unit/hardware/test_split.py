"""A netlist over two chips: nothing is lost, and the links carry what the golden model says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.networks.codenets import residual
from tomato.backend import constraints, project, verilog
from tomato.build.report import report
from tomato.build.simulation import simulate
from tomato.core.errors import IllFormedError
from tomato.core.interpret import interpret
from tomato.hardware.netlist import FRAME_END, Netlist, Place
from tomato.hardware.split import split
from tomato.lower import Lowered, lower
from tomato.schedule import schedule
from tomato.targets import load

TARGET = load("u250")
GRAPH = residual(size=4, channels=2)
PLAN = schedule(GRAPH, TARGET, fps=1e6)
LOWERED = lower(GRAPH, PLAN, TARGET)


def placed(names: set[str]) -> Netlist:
    """The network with these parts on the second chip."""
    whole = LOWERED.netlist
    return replace(
        whole,
        instances=tuple(replace(i, place=Place(chip=int(i.name in names))) for i in whole.instances),
    )


def behind(first: str) -> set[str]:
    """The parts from one of them on, in the order of the netlist."""
    names = [i.name for i in LOWERED.netlist.instances]
    return set(names[names.index(first) :])


def test_one_chip_is_the_netlist_itself() -> None:
    whole = LOWERED.netlist
    found = split(whole)
    assert not found.links
    assert found.chips == {0: replace(whole, name=f"{whole.name}_0")}


@pytest.mark.parametrize("first", ["add", "add_q", GRAPH.nodes[-1].name])
def test_two_chips_have_all_parts_and_a_link_for_every_stream_between(first: str) -> None:
    whole = placed(behind(first))
    found = split(whole)
    parts = [i for chip in found.chips.values() for i in chip.instances]
    checks = [i for i in found.chips[1].checks if i not in whole.instances]
    assert [i for i in parts if not i.name.startswith("link_") and i not in checks] == list(whole.instances)
    assert len(parts) == len(whole.instances) + 2 * len(found.links)
    assert [i.params["Beats"] for i in checks] == [link.frame_beats for link in found.links]
    second = {s.name for i in whole.instances if i.place.chip for s in i.inputs}
    first_out = [s for i in whole.instances if not i.place.chip for s in i.outputs if s.name in second]
    assert [link.value for link in found.links] == [s.value for s in first_out]
    assert all(link.width == verilog.padded(s.width) for link, s in zip(found.links, first_out, strict=True))
    assert [i.module for i in found.chips[0].instances if i.name.startswith("link_")] == [FRAME_END] * len(found.links)


def test_a_loader_fills_its_own_chip_alone() -> None:
    whole = placed({"c1"})
    loaded = replace(
        whole, instances=tuple(replace(i, loaded=i.name == "c1" and bool(i.memories)) for i in whole.instances)
    )
    if not any(i.loaded for i in loaded.instances):
        pytest.fail("the network of this test has no engine c1 with a memory")
    with pytest.raises(IllFormedError, match="filled by a tom_loader on another chip"):
        split(loaded)


@pytest.mark.rtl
def test_both_halves_play_what_the_golden_model_says(tmp_path: Path) -> None:
    """The first chip's links are the second one's inputs, beat by beat."""
    x = {"x": np.random.default_rng(0).integers(-128, 127, (3, 4, 4, 2), endpoint=True)}
    values = dict(x)
    interpret(GRAPH, x, watch=values.__setitem__)
    facts = report(GRAPH, PLAN, TARGET, LOWERED, model="residual.onnx", notes=[])
    for chip, netlist in split(placed(behind("add"))).chips.items():
        folder = tmp_path / f"chip{chip}"
        folder.mkdir()
        project.write(folder, netlist, facts, PLAN.to_toml())
        project.write_vectors(folder, netlist, values)
        assert simulate(folder, frames=3, stall=0.2)["bit_exact"], json.loads((folder / "report.json").read_text())


def test_lowering_puts_every_part_into_the_region_of_its_layer() -> None:
    region = {name: int(i > 3) for i, name in enumerate(PLAN.layers)}
    moved: Lowered = lower(GRAPH, replace(PLAN, regions={n: r for n, r in region.items() if r}), TARGET)
    engines = {i.name: i.place.region for i in moved.netlist.instances if i.name in region}
    assert engines == region
    text = constraints.regions(moved.netlist)
    assert constraints.regions(LOWERED.netlist) == ""
    for name, at in region.items():
        (line,) = (line for line in text.splitlines() if f"SLR{at} " in line)
        assert f"u_{name}" in line[line.index("{") : line.index("}")].strip("{").split()
    (end,) = (i for i in moved.netlist.instances if i.module == FRAME_END)
    assert end.place.region == region[GRAPH.outputs[0]] == 1
    crossing = [i for i in moved.netlist.instances if i.module == "tom_register"]
    assert crossing
    assert all(i.place.region == region[next(n for n in region if i.name.startswith(f"cross_{n}_"))] for i in crossing)
