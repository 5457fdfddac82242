"""Points are found by their file."""

import pkgutil
from collections import Counter

from tools.calibrate import points
from tools.calibrate.points import points as every


def test_every_file_gives_the_points_of_its_name() -> None:
    groups = Counter(point.group for point in every())
    assert set(groups) == {found.name for found in pkgutil.iter_modules(points.__path__)}
    assert min(groups.values()) >= 4, "some to fit, one to judge each family"


def test_names_of_points_are_unlike() -> None:
    assert [name for name, n in Counter((p.group, p.name) for p in every()).items() if n > 1] == []
