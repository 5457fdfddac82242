"""Layers that are larger than a region: divided where boards are faster with their parts, else as they are."""

from dataclasses import replace

import pytest

from tests.networks.codenets import Codenet
from tomato.cluster.boards import choose
from tomato.cluster.divide import divisions
from tomato.core.ir import Graph
from tomato.core.progress import silent
from tomato.passes.divide_layers import Division
from tomato.schedule.offers import Kept
from tomato.schedule.regions import rooms
from tomato.schedule.scheduler import options
from tomato.targets import Cluster, Link, Resources, load_cluster

BOARD = load_cluster("u250,u250").clocked(100).boards[0]


def boards(lut: int, dsp: int, regions: int = 2) -> Cluster:
    """Two boards of one small chip, of equal regions."""
    chip = {"lut": lut, "ff": 4 * lut, "dsp": dsp, "bram18": 64, "uram": 0}
    region = Resources(**{kind: n // regions for kind, n in chip.items()})
    small = replace(
        BOARD, slrs=regions, slr=(region,) * regions, budget=Resources(**chip), shell=Resources(), off_chip=None
    )
    return Cluster("test", (small, small), (Link("any", 38.0, 100),))


def products() -> Graph:
    """Matrix products on 8 x 8 pixels, one of them far larger than the others."""
    net, x = Codenet(8, 8, 8), "x"
    for i, channels in enumerate((16, 16, 64, 64, 8)):
        x = net.dense(x, channels, f"l{i}")
    return net.graph(x)


@pytest.mark.parametrize(
    ("cluster", "how"),
    [(boards(24_000, 240), Division(4)), (boards(60_000, 480), Division(4, columns=True))],
    ids=["filters", "columns"],
)
def test_boards_are_faster_with_a_divided_layer(
    cluster: Cluster, how: Division, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = products()
    found = choose(graph, cluster, fps=None, model="", given=False, progress=silent)
    assert found.divided == {"l3": how}
    assert [n.name for n in found.graph if n.name.startswith("l3_part")] == [f"l3_part{i}" for i in range(how.parts)]
    (target, _), offers = cluster.boards, options(graph, cluster.boards[0])
    fast = offers["l3"].within(found.interval)
    assert not any(option.cost.fits(room) for option in fast for room in rooms(target))
    asked = cluster.clock_mhz * 1e6 / (found.interval + 0.5)
    assert choose(graph, cluster, fps=asked, model="", given=False, progress=silent).divided
    monkeypatch.setattr("tomato.cluster.boards.divisions", lambda *_: {})
    whole = choose(graph, cluster, fps=None, model="", given=False, progress=silent)
    assert not whole.divided
    assert whole.graph is graph
    assert found.interval < whole.interval


def test_layers_are_divided_where_whole_ones_miss_what_they_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole layers would do for 384 cycles, if boards in full had the room; so they are slower than divided ones."""
    graph, cluster = products(), boards(40_000, 120)
    found = choose(graph, cluster, fps=None, model="", given=False, progress=silent)
    assert found.divided == {"l3": Division(8, columns=True)}
    monkeypatch.setattr("tomato.cluster.boards.divisions", lambda *_: {})
    whole = choose(graph, cluster, fps=None, model="", given=False, progress=silent)
    assert not whole.divided
    assert 384 < found.interval < whole.interval


def test_no_layer_is_divided_in_vain() -> None:
    """Not on chips of one region, on boards that are not alike, or where a region holds it."""
    graph, cluster = products(), boards(24_000, 240)
    assert divisions(graph, cluster, 640, Kept())
    assert not divisions(graph, cluster, 100_000, Kept())
    assert not divisions(graph, boards(24_000, 240, 1), 640, Kept())
    other = replace(cluster.boards[0], name="other")
    assert not divisions(graph, replace(cluster, boards=(cluster.boards[0], other)), 640, Kept())
