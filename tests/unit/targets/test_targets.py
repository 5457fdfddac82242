"""Targets: arithmetic of resources, loading by name or file, and sanity of every number."""

import contextlib
import copy
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mutants import mutants, taken_or_refused
from tests.networks.codenets import plain
from tomato import targets
from tomato.build.report import report
from tomato.core.errors import TomatoError
from tomato.lower import lower
from tomato.schedule import schedule
from tomato.targets import LutFit, Resources

KNOWN = (
    "arria10-gx1150",
    "colorlight-i5",
    "colorlight-i9",
    "kv260",
    "orangecrab",
    "pynq-z2",
    "stratix10-gx2800",
    "tang-nano-20k",
    "u250",
    "u280",
    "u50",
    "u55c",
    "ulx3s",
    "zcu102",
    "zcu104",
)
LISTED = f"known targets: {', '.join(KNOWN)}"
counts = st.builds(Resources, *[st.integers(0, 10**7)] * 5)


def test_names_are_the_boards() -> None:
    assert targets.names() == KNOWN


@given(counts, counts, st.integers(0, 9))
def test_resources_add_and_scale_like_vectors(a: Resources, b: Resources, n: int) -> None:
    assert a + b - b == a
    assert (a + b) * n == n * a + n * b
    assert a.fits(a + b)
    assert a.fits(b) == (not a.shortfall(b)) == all(a.of(k) <= b.of(k) for k in a.counts())


def test_shortfall_names_only_what_is_missing() -> None:
    need, have = Resources(lut=10, dsp=7, uram=2), Resources(lut=10, dsp=4, bram18=1)
    assert need.shortfall(have) == {"dsp": 3, "uram": 2}
    assert str(need) == "10 lut, 7 dsp, 2 uram"
    assert str(Resources()) == "nothing"


@pytest.mark.parametrize("name", KNOWN)
def test_every_target_is_consistent(name: str) -> None:
    target = targets.load(name)
    assert target.name == name
    assert target.shell.fits(target.budget)
    assert target.usable.fits(target.budget - target.shell)
    assert all(target.usable.of(k) > 0 for k in ("lut", "ff", "dsp", "bram18"))
    assert target.usable.uram <= target.budget.uram
    assert (target.usable.uram > 0) == bool(target.memory.uram) or not target.budget.uram
    assert not target.slr or len(target.slr) == target.slrs
    assert not target.slr or sum(target.slr, Resources()) == target.budget
    assert target.dsp.a_bits >= target.dsp.b_bits
    assert target.lut_inputs in (4, 6)
    assert all(d * w <= 20 * 1024 for d, w in target.memory.bram18)


def test_u250_usable_is_what_the_shell_leaves_times_fill() -> None:
    target = targets.load("u250")
    assert target.budget - target.shell == Resources(1_379_740, 2_814_332, 11_508, 4_000, 1_280)
    assert target.usable == Resources(965_818, 1_407_166, 10_932, 3_600, 1_152)


@pytest.mark.parametrize(
    ("short", "name"),
    [
        ("U250", "u250"),
        ("PYNQ_Z2", "pynq-z2"),
        ("pynqz2", "pynq-z2"),
        ("arria10", "arria10-gx1150"),
        ("GX2800", "stratix10-gx2800"),
    ],
)
def test_short_forms(short: str, name: str) -> None:
    assert targets.load(short).name == name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("zcu106", f"did you mean zcu104 or zcu102? {LISTED}"),
        ("u25", f"did you mean u250 or u50? {LISTED}"),
        ("versal", LISTED),
    ],
)
def test_unknown_name_lists_the_known_ones(name: str, hint: str) -> None:
    with pytest.raises(TomatoError) as error:
        targets.load(name)
    assert str(error.value) == f"error: unknown target {name!r}\n  hint: {hint}"


def test_memories_take_the_best_aspect_ratio() -> None:
    u250 = targets.load("u250")
    assert [u250.bram18_for(36, d) for d in (1, 512, 513, 1_024, 1_025)] == [1, 1, 2, 2, 3]
    assert u250.bram18_for(1, 16_384) == 1
    assert u250.uram_for(width=73, depth=4_097) == 4
    assert [u250.lutram_for(14, d) for d in (1, 32, 33, 64, 65)] == [8, 8, 16, 16, 24]
    ulx3s = targets.load("ulx3s")
    assert ulx3s.lutram_for(8, 16) == 12
    assert (u250.bram18_for(40, 1_100), ulx3s.bram18_for(40, 1_100)) == (5, 4), "three rows of 40 bits end to end"
    assert u250.memory.lutram_depth == 64


def test_products_take_as_many_multipliers_as_their_width_needs() -> None:
    u250, arria, ulx3s = targets.load("u250"), targets.load("arria10"), targets.load("ulx3s")
    assert [u250.dsp_for(*bits) for bits in ((8, 8), (18, 27), (27, 18), (28, 18), (19, 19), (34, 27))] == [
        1,
        1,
        1,
        2,
        1 + 1,
        2,
    ]
    assert [ulx3s.dsp_for(*bits) for bits in ((18, 18), (19, 18), (20, 18), (24, 22), (36, 18))] == [1, 1, 2, 4, 2], (
        "its multipliers are unsigned too; a partial product of one bit is LUTs"
    )
    assert [arria.dsp_for(8, 8, n) for n in (1, 2, 3_035)] == [1, 1, 1_518]


def test_what_joins_partial_products_is_luts() -> None:
    dsp = targets.load("ulx3s").dsp
    assert [dsp.partials(*bits) for bits in ((18, 18), (19, 18), (24, 22))] == [1, 2, 4]
    assert dsp.joints(18, 18) == 0
    assert dsp.joints(20, 18) == 20, "a sum without the low 18 of 38 bits"
    assert dsp.joints(19, 15) == 16 + 2 * 15, "a sum, and the negation of the other factor"
    assert dsp.joints(24, 22) == 28 + 22 + 10, "the parts of 18 and 6 bits times 22, and their sum"
    assert targets.load("u250").dsp.joints(27, 18) == 0


def test_luts_of_four_inputs_do_less() -> None:
    u250, ulx3s = targets.load("u250"), targets.load("ulx3s")
    assert [u250.luts.select(ways) for ways in (1, 2, 4, 5)] == [0, 1, 1, 2]
    assert [ulx3s.luts.select(ways) for ways in (1, 2, 4, 5)] == [0, 1, 3, 4]
    assert [u250.luts.add(terms) for terms in range(5)] == [0, 0, 1, 2, 3]
    assert [ulx3s.luts.add(terms) for terms in range(5)] == [0, 0, 1, 3, 5]


def test_a_family_corrects_the_luts_of_parts_by_name() -> None:
    cost = Resources(lut=100, ff=7, dsp=2)
    u250 = targets.load("u250")
    ulx3s = replace(u250, lut_fit=(LutFit("fork", base=10, percent=130),))
    assert ulx3s.fitted("fork", cost) == Resources(lut=140, ff=7, dsp=2)
    assert ulx3s.fitted("width", cost) == u250.fitted("fork", cost) == cost


BOARD = """
title = "My board"
family = "ecp5"
part = "LFE5U-25F"
clock_mhz = 48
slrs = 1
budget = { lut = 24_288, ff = 24_288, dsp = 28, bram18 = 56, uram = 0 }
shell = { lut = 0, ff = 0, dsp = 0, bram18 = 0, uram = 0 }
slr = []
"""


def test_a_file_is_a_target(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(BOARD)
    target = targets.load(str(path))
    assert (target.name, target.clock_mhz, target.usable.bram18) == ("mine", 48.0, 50)


CLOCK = "'clock_mhz' must be a number above 0 and at most 10000"
DSP = "[dsp]\na_bits = 18\nb_bits = 18\nunsigned = true\npre_adder = false\nchain = 0"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("slrs = 1", "slr_count = 1", "'slrs' is missing, 'slr_count' is not known"),
        (", uram = 0 }\nshell", " }\nshell", "'uram' is missing from budget"),
        ("dsp = 28", "dsp = -28", "'budget.dsp' must be a whole number, 0 or more, not -28"),
        ("dsp = 28", 'dsp = "28"', "'budget.dsp' must be a whole number, 0 or more, not '28'"),
        ("dsp = 28", "dsp = 28, gpu = 1", "'gpu' is not known in budget"),
        ("clock_mhz = 48", 'clock_mhz = "48 MHz"', f"{CLOCK}, not '48 MHz'"),
        ("clock_mhz = 48", "clock_mhz = 0", f"{CLOCK}, not 0"),
        ("clock_mhz = 48", "clock_mhz = nan", f"{CLOCK}, not nan"),
        ("slrs = 1", "slrs = 0", "'slrs' must be a whole number, from 1 to 64, not 0"),
        ("slrs = 1", "slrs = true", "'slrs' must be a whole number, from 1 to 64, not True"),
        ("slr = []", "slr = [3]", "'slr[0]' must be a table, not 3"),
        ('part = "LFE5U-25F"', 'part = "a\\nb"', "'part' must be a text of one line, not 'a\\nb'"),
        ('part = "LFE5U-25F"', "part = 3", "'part' must be a text of one line, not 3"),
        ("slr = []", "slr = []\n[dsp]", "'a_bits' is missing from dsp"),
        ("slr = []", f"slr = []\n{DSP}\nper_block = 0", "'dsp.per_block' must be a whole number, from 1 to 64, not 0"),
        (
            "slr = []",
            f"slr = []\n{DSP}\nper_block = 1e3",
            "'dsp.per_block' must be a whole number, from 1 to 64, not 1000.0",
        ),
        ("shell = { lut = 0", "shell = { lut = 24_289", "'shell' takes 24289 lut of the 24288 in 'budget'"),
        (
            "shell = { lut = 0",
            "shell = { lut = 24_288",
            "no lut is left for a design: 'budget' less 'shell', times 'fill'",
        ),
    ],
)
def test_faulty_file_says_what_is_wrong(tmp_path: Path, old: str, new: str, what: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(BOARD.replace(old, new))
    with pytest.raises(TomatoError) as error:
        targets.load(str(path))
    assert str(error.value) == f"error: faulty target file: {what}\n  --> {path}"


@pytest.mark.parametrize(
    ("table", "key", "value", "what"),
    [
        ("memory", "bram18", [], "'memory.bram18' must be an array of at least 1, not []"),
        ("memory", "lutram", [], "'memory.lutram' must be an array of at least 1, not []"),
        ("memory", "bram18", [[0, 1]], "'memory.bram18[0]' must be a whole number, 1 or more, not 0"),
        ("memory", "bram18", [[1]], "'memory.bram18[0]' must be two numbers, not [1]"),
        ("memory", "uram", [], "'budget' has uram, but 'memory.uram' has no shape for it"),
        ("memory", "paired", "false", "'memory.paired' must be true or false, not 'false'"),
        ("dsp", "b_bits", 28, "'dsp.a_bits' must not be less than 'dsp.b_bits'"),
        ("fill", "lut", 101, "'fill.lut' must be a whole number, from 0 to 100, not 101"),
    ],
)
def test_faulty_family(table: str, key: str, value: object, what: str) -> None:
    data = targets.describe(targets.load("u250"))
    data[table][key] = value
    with pytest.raises(TomatoError) as error:
        targets.restore(data, "target.json")
    assert error.value.what == f"faulty target file: {what}"


def test_a_family_may_be_fitted_as_another() -> None:
    assert targets.load("tang-nano-20k").lut_fit == targets.load("ulx3s").lut_fit != ()


def test_unknown_family(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(BOARD.replace("ecp5", "ecp6"))
    with pytest.raises(TomatoError) as error:
        targets.load(str(path))
    families = "arria10, ecp5, gw2a, series7, stratix10, ultrascale_plus"
    assert str(error.value) == f"error: unknown FPGA family 'ecp6'\n  --> {path}\n  hint: known families: {families}"


def test_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("slr = [")
    with pytest.raises(TomatoError) as error:
        targets.load(str(path))
    assert error.value.what.startswith("the target file is not valid TOML: ")
    assert error.value.where == str(path)


def test_missing_file() -> None:
    with pytest.raises(TomatoError) as error:
        targets.load("nowhere/board.toml")
    assert str(error.value) == "error: no such target file\n  --> nowhere/board.toml"


def test_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(BOARD, encoding="utf-8-sig")
    assert targets.load(str(path)).part == "LFE5U-25F"


@pytest.mark.parametrize("name", KNOWN)
def test_described_and_restored(name: str) -> None:
    target = targets.load(name)
    assert targets.restore(json.loads(json.dumps(targets.describe(target))), "target.json") == target


def test_name_of_a_file_that_cannot_be_printed(tmp_path: Path) -> None:
    path = tmp_path / "two\nlines.toml"
    path.write_text(BOARD)
    with pytest.raises(TomatoError, match="the name of a target file must be of printable characters"):
        targets.load(str(path))


def test_mutants(tmp_path: Path) -> None:
    """A target, or one error."""
    path = tmp_path / "mine.toml"

    def use(damaged: bytes) -> None:
        path.write_bytes(damaged)
        targets.load(str(path))

    taken_or_refused(mutants(BOARD.encode(), 300), use)


LEAVES: st.SearchStrategy[Any] = st.sampled_from(
    [0, -1, 1, 2, 3, 64, 10**9, 10**12, 10**400, 0.0, -0.0, 0.5, math.nan, math.inf, 1e308, True, None, "", "x", "a\nb",
     [], {}, [[]], [[0, 0]], [[512, 36]], {"lut": 1}]
)  # fmt: skip
SMALL = plain()


@settings(max_examples=150)
@given(st.data())
def test_any_value_in_any_field(data: st.DataObject) -> None:
    """A target that a network can be scheduled on, or one error."""
    table = json.loads(json.dumps(targets.describe(targets.load(data.draw(st.sampled_from(["u250", "ulx3s"]))))))
    for _ in range(data.draw(st.integers(1, 2))):
        inner: Any = table
        while True:
            key = data.draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else list(range(len(inner)))))
            if not isinstance(inner[key], dict | list) or not inner[key] or data.draw(st.booleans()):
                break
            inner = inner[key]
        if data.draw(st.integers(0, 9)):
            inner[key] = copy.deepcopy(data.draw(LEAVES))
        else:
            del inner[key]
    with contextlib.suppress(TomatoError):
        target = targets.restore(table, "board.toml")
        plan = schedule(SMALL, target)
        report(SMALL, plan, target, lower(SMALL, plan, target), model="", notes=())
