"""Every part is placed in the region of the layer that it stands beside."""

from dataclasses import replace

from tests.networks.codenets import residual
from tomato.backend import constraints
from tomato.hardware.netlist import FRAME_END
from tomato.lower import Lowered, lower
from tomato.schedule import schedule
from tomato.targets import load

TARGET = load("u250")
GRAPH = residual(size=4, channels=2)
PLAN = schedule(GRAPH, TARGET, fps=1e6)
LOWERED = lower(GRAPH, PLAN, TARGET)


def test_lowering_puts_every_part_into_the_region_of_its_layer() -> None:
    region = {name: int(i > 3) for i, name in enumerate(PLAN.layers)}
    moved: Lowered = lower(GRAPH, replace(PLAN, regions={n: r for n, r in region.items() if r}), TARGET)
    engines = {i.name: i.region for i in moved.netlist.instances if i.name in region}
    assert engines == region
    text = constraints.regions(moved.netlist)
    assert constraints.regions(LOWERED.netlist) == ""
    for name, at in region.items():
        (line,) = (line for line in text.splitlines() if f"SLR{at} " in line)
        assert f"u_{name}" in line[line.index("{") : line.index("}")].strip("{").split()
    (end,) = (i for i in moved.netlist.instances if i.module == FRAME_END)
    assert end.region == region[GRAPH.outputs[0]] == 1
    crossing = [i for i in moved.netlist.instances if i.module == "tom_register"]
    assert crossing
    assert all(i.region == region[next(n for n in region if i.name.startswith(f"cross_{n}_"))] for i in crossing)
