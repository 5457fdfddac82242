"""Points are found by their file."""

import pkgutil
from collections import Counter

from tomato.hardware.memory import Ram
from tools.calibrate import points
from tools.calibrate.points import points as every
from tools.calibrate.run import selected


def test_every_file_gives_the_points_of_its_name() -> None:
    groups = Counter(point.group for point in every())
    assert set(groups) == {found.name for found in pkgutil.iter_modules(points.__path__)}
    assert min(groups.values()) >= 4, "some to fit, one to judge each family"


def test_names_of_points_are_unlike() -> None:
    assert [name for name, n in Counter((p.group, p.name) for p in every()).items() if n > 1] == []


def test_points_have_the_memories_of_the_board_of_their_flow() -> None:
    """A ring of 28 rows' bytes: LUTs of six inputs hold it for less than a block, those of four do not."""
    name = "maxpool_28x28x16_3_1_1_lanes2_taps01"
    rams = {flow: next(p for p in selected(flow) if p.name == name).parameters["RingRam"] for flow in ("xcup", "ecp5")}
    assert rams == {"xcup": Ram.LUT, "ecp5": Ram.BLOCK}
