"""What every engine, every operator's example and every hardware module must keep to."""

import re
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.hw import declared
from tests.networks.cases import CASES, make_site
from tests.networks.points import OPERATIONS
from tomato import targets
from tomato.backend import library
from tomato.core.ir import Op
from tomato.engines import CATALOGUE
from tomato.engines.base import AnyUnit, Interval, Site
from tomato.hardware.memory import Ram, Source
from tomato.schedule.scheduler import weight
from tomato.schedule.units import WIRING
from tomato.targets import Resources

ROOT = Path(__file__).parents[3]
TARGETS = {name: targets.load(name) for name in ("u250", "pynq-z2", "ulx3s", "arria10-gx1150")}
MODULES = sorted(path for name, path in library.files(library.RTL).items() if not name.endswith("_pkg"))
PAIRS = [
    pytest.param(engine, make_site(op, args), id=f"{stem}-{case}")
    for stem, engine in CATALOGUE.items()
    for case, (op, args) in CASES.items()
    if isinstance(op, engine.ops) and not engine.refuses(make_site(op, args))
]
OPERATORS: list[type[Op]] = sorted(
    {op for engine in CATALOGUE.values() for op in engine.ops} | set(WIRING), key=lambda op: op.__name__
)


@pytest.mark.parametrize("stem", CATALOGUE)
def test_an_engine_is_four_files_of_one_name(stem: str) -> None:
    files = "tomato/engines/{}.py", "hw/rtl/engines/tom_{}.sv", "hw/hls/engines/tom_{}.hpp", "tests/hw/rtl/test_{}.py"
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
    assert set(OPERATIONS) == quantised, "tests/networks/points.py has a strategy for every operator of hardware"
    assert {type(op) for op, _ in CASES.values()} == quantised
    assert not quantised & set(WIRING)
    for op, args in CASES.values():
        for board in TARGETS:
            offers = [e.refuses(make_site(op, args, board)) for e in CATALOGUE.values() if isinstance(op, e.ops)]
            assert "" in offers, f"no engine does {op} on {board}"


@pytest.mark.parametrize("op", OPERATORS)
def test_operators_are_frozen_and_say_what_they_mean(op: type[Op]) -> None:
    assert op.__doc__
    assert op.__dataclass_params__.frozen  # type: ignore[attr-defined]  # set by the dataclass decorator


@pytest.mark.parametrize(("engine", "site"), PAIRS)
def test_parameters_are_those_of_the_header(engine: type[AnyUnit], site: Site[Any]) -> None:
    header = [p.name for p in declared.verilog(f"tom_{engine.stem}")]
    for unit in engine.units(site):
        assert [*unit.params, *unit.memories] == header


@pytest.mark.parametrize(("engine", "site"), PAIRS)
def test_stores_are_the_memories(engine: type[AnyUnit], site: Site[Any]) -> None:
    """Depth, width and kind, known without the contents; and what multiplies says where its weights are."""
    for unit in engine.units(site):
        memories = {name: (memory.depth, memory.width, memory.ram) for name, memory in unit.memories.items()}
        assert {name: (store.words, store.bits, store.kind) for name, store in unit.stores.items()} == memories
        for store in unit.stores.values():
            assert (store.source is Source.LOADER) == (store.kind == Ram.ULTRA), "no bitstream fills UltraRAM"
        assert bool(unit.multipliers) == bool(unit.weight_bits) == (unit.weight_format is not None)
        assert unit.stores or not unit.multipliers


@pytest.mark.parametrize(("engine", "site"), PAIRS)
def test_every_choice_is_honest(engine: type[AnyUnit], site: Site[Any]) -> None:
    """No faster than its ports, never free, and no offer twice."""
    seen = [tuple(k.items()) for k in engine.choices(site)]
    assert seen, "no choice at all"
    assert len(set(seen)) == len(seen), "a choice is offered twice"
    for unit in engine.units(site):
        ins, out = unit.lanes
        for kind, lanes in zip((*unit.views, unit.out), (*ins, out), strict=True):
            assert lanes >= 1
            assert unit.cycles >= kind.pixels * -(-kind.channels // lanes)
        for target in TARGETS.values():
            cost = engine(replace(site, target=target), unit.knobs).cost
            assert cost != Resources(), "a cost of zero is a lie"
            assert min(cost) >= 0
        assert engine.refuses_knobs(site, unit.knobs) == ""


@pytest.mark.parametrize(("engine", "site"), PAIRS)
def test_speed_costs_area(engine: type[AnyUnit], site: Site[Any]) -> None:
    """The slowest choice is the cheapest, the fastest is not, at the exchange rate of the chip."""
    offers = sorted((unit.cycles, weight(unit.cost, site.target.usable)) for unit in engine.units(site))
    best = [min(costs)[1] for _, costs in ((c, list(g)) for c, g in groupby(offers, key=lambda o: o[0]))]
    assert best == sorted(best, reverse=True) or best[0] > best[-1] > 0, best


@pytest.mark.parametrize(("engine", "site"), PAIRS)
def test_timing_is_about_this_node(engine: type[AnyUnit], site: Site[Any]) -> None:
    """Every output pixel needs an input pixel that exists, and the frame lasts no longer than `cycles` says."""
    for unit in engine.units(site):
        timing = unit.timing
        assert len(timing.need) == len(site.args)
        for need, kind in zip(timing.need, unit.views, strict=True):
            assert need.shape == (unit.out.pixels,)
            assert need.min() >= 0
            assert need.max() < kind.pixels
        for room, kind in zip(timing.room, unit.views if timing.room else (), strict=True):
            assert room is None or room.shape == (kind.pixels,)
        assert 0 < timing.pixel_cycles
        assert timing.pixel_cycles * (unit.out.pixels - 1) < unit.cycles, "a loop may be faster between frames"
        assert unit.interval == Interval(unit.cycles, unit.cycles), "no engine's speed depends on the data yet"


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
