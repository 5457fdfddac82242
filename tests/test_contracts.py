"""What every engine, every operator's example and every hardware module must keep to."""

import re
from itertools import groupby
from pathlib import Path

import pytest

from tests import declared
from tests.cases import CASES, make_site
from tests.points import OPERATIONS
from tomato import targets
from tomato.backend import library
from tomato.core.ir import Op
from tomato.engines import CATALOGUE
from tomato.engines.base import Engine, Site
from tomato.schedule.scheduler import weight
from tomato.schedule.streams import WIRING
from tomato.targets import Resources

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for name, path in library.files(library.RTL).items() if not name.endswith("_pkg"))
TARGETS = [targets.load(name) for name in ("u250", "pynq-z2", "ulx3s", "arria10-gx1150")]
PAIRS = [
    pytest.param(engine, make_site(op, args), id=f"{stem}-{case}")
    for stem, engine in CATALOGUE.items()
    for case, (op, args) in CASES.items()
    if isinstance(op, engine.ops) and not engine.refuses(make_site(op, args), TARGETS[0])
]
OPERATORS: list[type[Op]] = sorted(
    {op for engine in CATALOGUE.values() for op in engine.ops} | set(WIRING), key=lambda op: op.__name__
)


@pytest.mark.parametrize("stem", CATALOGUE)
def test_an_engine_is_four_files_of_one_name(stem: str) -> None:
    files = "tomato/engines/{}.py", "hw/rtl/engines/tom_{}.sv", "hw/hls/engines/tom_{}.hpp", "tests/rtl/test_{}.py"
    for path in (file.format(stem) for file in files):
        assert (ROOT / path).is_file(), f"engine {stem} lacks {path}"
    assert f"module tom_{stem} " in (ROOT / f"hw/rtl/engines/tom_{stem}.sv").read_text()
    assert f"void tom_{stem}(" in (ROOT / f"hw/hls/engines/tom_{stem}.hpp").read_text()
    assert CATALOGUE[stem].stem == stem


@pytest.mark.parametrize("stem", CATALOGUE)
def test_every_engine_has_an_example(stem: str) -> None:
    assert any(pair.values[0] is CATALOGUE[stem] for pair in PAIRS)


def test_every_operator_of_hardware_has_an_example_random_points_and_an_engine() -> None:
    quantised = {op for engine in CATALOGUE.values() for op in engine.ops}
    assert set(OPERATIONS) == quantised, "tests/points.py has a strategy for every operator of hardware"
    assert {type(op) for op, _ in CASES.values()} == quantised
    assert not quantised & set(WIRING)
    for op, args in CASES.values():
        offers = [
            e.refuses(make_site(op, args), t) for e in CATALOGUE.values() if isinstance(op, e.ops) for t in TARGETS
        ]
        assert "" in offers, f"no engine does {op}"


@pytest.mark.parametrize("op", OPERATORS)
def test_operators_are_frozen_and_say_what_they_mean(op: type[Op]) -> None:
    assert op.__doc__
    assert op.__dataclass_params__.frozen  # type: ignore[attr-defined]  # set by the dataclass decorator


@pytest.mark.parametrize(("engine", "site"), PAIRS)
def test_parameters_are_those_of_the_header(engine: Engine, site: Site) -> None:
    header = [p.name for p in declared.verilog(f"tom_{engine.stem}")]
    for knobs in engine.choices(site):
        assert [*engine.params(site, knobs), *engine.memories(site, knobs)] == header


@pytest.mark.parametrize(("engine", "site"), PAIRS)
def test_engines_with_weights_say_how_many_words_hold_them(engine: Engine, site: Site) -> None:
    for knobs in engine.choices(site):
        weights = engine.memories(site, knobs).get("MemFile") if engine.multipliers(site, knobs) else None
        assert engine.words(site, knobs) == (weights.depth if weights else 0)


@pytest.mark.parametrize(("engine", "site"), PAIRS)
def test_every_choice_is_honest(engine: Engine, site: Site) -> None:
    """No faster than its ports, never free, and no offer twice."""
    seen = [tuple(k.items()) for k in engine.choices(site)]
    assert seen, "no choice at all"
    assert len(set(seen)) == len(seen), "a choice is offered twice"
    for knobs in engine.choices(site):
        ins, out = engine.lanes(site, knobs)
        for kind, lanes in zip((*engine.views(site, knobs), site.out), (*ins, out), strict=True):
            assert lanes >= 1
            assert engine.cycles(site, knobs) >= kind.pixels * -(-kind.channels // lanes)
        for target in TARGETS:
            assert engine.cost(site, knobs, target) != Resources(), "a cost of zero is a lie"
        assert all(n >= 0 for t in TARGETS for n in engine.cost(site, knobs, t).counts().values())
        assert engine.refuses_knobs(site, knobs) == ""


@pytest.mark.parametrize(("engine", "site"), PAIRS)
def test_speed_costs_area(engine: Engine, site: Site) -> None:
    """The slowest choice is the cheapest, the fastest is not, at the exchange rate of the chip."""
    target = TARGETS[0]
    offers = sorted(
        (engine.cycles(site, k), weight(engine.cost(site, k, target), target.usable)) for k in engine.choices(site)
    )
    best = [min(costs)[1] for _, costs in ((c, list(g)) for c, g in groupby(offers, key=lambda o: o[0]))]
    assert best == sorted(best, reverse=True) or best[0] > best[-1] > 0, best


@pytest.mark.parametrize(("engine", "site"), PAIRS)
def test_timing_is_about_this_node(engine: Engine, site: Site) -> None:
    """Every output pixel needs an input pixel that exists, and the frame lasts no longer than `cycles` says."""
    for knobs in engine.choices(site):
        timing = engine.timing(site, knobs)
        assert len(timing.need) == len(site.args)
        for need, kind in zip(timing.need, engine.views(site, knobs), strict=True):
            assert need.shape == (site.out.pixels,)
            assert need.min() >= 0
            assert need.max() < kind.pixels
        assert timing.room is None or timing.room.shape == (engine.views(site, knobs)[0].pixels,)
        assert 0 < timing.cycles * site.out.pixels <= engine.cycles(site, knobs)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.stem)
def test_a_module_is_documented_and_safe(path: Path) -> None:
    text, lines = path.read_text(), path.read_text().splitlines()
    assert lines[0] == "// SPDX-License-Identifier: Apache-2.0"
    assert lines[1].startswith("// ")
    assert lines[1].endswith((".", ":"))
    assert "`default_nettype none" in lines
    assert lines[-1] == "`default_nettype wire"
    assert re.search(rf"^module {path.stem}\b", text, re.MULTILINE)
    assert not [p.name for p in declared.verilog(path.stem) if not p.documented], "parameters without a comment"
    if path.stem.removeprefix("tom_") in CATALOGUE:
        outputs = re.findall(r"^ *output wire logic.* (\w+)_valid_o\b", text, re.MULTILINE)
        assert outputs == re.findall(r"^ *`TOM_STREAM_STABLE\((\w+),", text, re.MULTILINE) == ["out"]
