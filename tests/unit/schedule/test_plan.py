"""Plans as files: the precision that they carry, and what no plan holds."""

import contextlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tomato
from tests import digits
from tests.mutants import mutants, taken_or_refused
from tests.networks.codenets import plain
from tomato import targets
from tomato.accelerator import load
from tomato.core.errors import TomatoError
from tomato.quantise.precision import LayerFormat, Precision
from tomato.schedule import schedule
from tomato.schedule.plan import Plan, Wishes, read_wishes

ODD = Precision.parse('shift4a6, conv*=ternary, /fc"1\\?=w1a2, [ab]=codebook3a8, x=w8a4')


@pytest.mark.parametrize("precision", [ODD, replace(ODD, output_bits=12), Precision.parse("w16a16")])
def test_precision_survives_the_file(precision: Precision, tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(Plan("u250", 300.0, {}, precision=precision).to_toml())
    assert read_wishes(file).precision == precision


def test_the_usual_precision_is_not_written(tmp_path: Path) -> None:
    text = Plan("u250", 300.0, {}).to_toml()
    assert "precision" not in text
    (tmp_path / "plan.toml").write_text(text)
    assert read_wishes(tmp_path / "plan.toml").precision is None


@pytest.mark.slow
def test_a_plan_asks_and_a_call_overrules(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text('[precision]\ndefault = "ternary"\n"block1*" = "w3a4"\n')
    planned = tomato.compile(digits.MODEL, "u250", plan=plan)
    assert planned.plan.precision == Precision.parse("ternary, block1*=w3a4")
    both = tomato.compile(digits.MODEL, "u250", plan=plan, precision="w6a8, stem*=w5")
    assert both.plan.precision == Precision(6, 8, overrides={"stem*": LayerFormat(5, 8), "block1*": LayerFormat(3, 4)})
    folder = both.write(tmp_path / "build")
    assert load(folder).plan == both.plan
    again = tomato.compile(digits.MODEL, "u250", plan=folder / "plan.toml")
    assert again.graph == both.graph


def wishes(text: str | bytes, folder: Path) -> Wishes:
    file = folder / "plan.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_wishes(file)


def refusal(text: str | bytes, folder: Path) -> str:
    with pytest.raises(TomatoError) as error:
        wishes(text, folder)
    return str(error.value).replace(f"{folder}/", "")


def test_byte_order_mark(tmp_path: Path) -> None:
    assert wishes("\ufeffclock_mhz = 100\n", tmp_path).clock_mhz == 100


CLOCK = "error: clock_mhz must be a number above 0 and at most 10000, not"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"clock_mhz = {'9' * 5000}", "error: the plan is not valid TOML: Exceeds the limit (4300 digits) "),
        (f"clock_mhz = {'9' * 400}", f"{CLOCK} {'9' * 40}\n  --> plan.toml"),
        ("clock_mhz = nan", f"{CLOCK} nan\n  --> plan.toml"),
        ("clock_mhz = inf", f"{CLOCK} inf\n  --> plan.toml"),
        ("clock_mhz = 0", f"{CLOCK} 0\n  --> plan.toml"),
        ("clock_mhz = true", f"{CLOCK} True\n  --> plan.toml"),
        ("target = 3", "error: target = 3 is not a name\n  --> plan.toml"),
        ("[fifos]\nx = 1", "error: depth 1 of FIFO x is not an integer of at least 2\n  --> plan.toml: [fifos]"),
        (f"[fifos]\nx = {10**30}", f"error: depth {10**30} of FIFO x is not an integer of at least 2\n"),
        ("[regions]\nx = true", "error: region True of x is not a number\n  --> plan.toml: [regions]"),
        ('[precision]\ndefault = "w8a8"\noutputs = true', "error: outputs = True is not a number of bits\n"),
        (f'[precision]\ndefault = "w{"9" * 5000}"', "error: a precision is not one: Exceeds the limit"),
        (f"a = {'[' * 5000}", "error: the plan is not valid TOML: "),
        (b"\xff", "error: cannot read the plan: 'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_what_no_plan_holds(text: str | bytes, says: str, tmp_path: Path) -> None:
    assert refusal(text, tmp_path).startswith(says)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[regions]\nnope = 1", "error: the model has no layer nope\n  --> plan.toml: [regions]"),
        (
            "[regions]\nc1 = 4",
            "error: c1 is in region 4, but the regions of u250 are 0 to 3\n  --> plan.toml: [regions]",
        ),
        (
            '[fifos]\n"nope.0" = 9',
            (
                "error: the plan names a FIFO that no stream has: nope.0\n  --> plan.toml: [fifos]\n"
                "  hint: it is called <layer>.<argument>, such as add.1"
            ),
        ),
    ],
)
def test_what_no_design_has(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(TomatoError) as error:
        schedule(plain(), targets.load("u250"), wishes=wishes(text, tmp_path))
    assert str(error.value).replace(f"{tmp_path}/", "") == says


@cache
def chosen() -> str:
    """The plan of a small network."""
    return schedule(plain(), targets.load("u250")).to_toml()


def test_mutants(tmp_path: Path) -> None:
    """A design, or one error."""
    board = targets.load("u250")
    text = chosen() + '[regions]\nc1 = 1\n[precision]\ndefault = "w8a8"\n'
    wishes(text, tmp_path)
    taken_or_refused(
        mutants(text.encode(), 300), lambda damaged: schedule(plain(), board, wishes=wishes(damaged, tmp_path))
    )


VALUES = st.sampled_from(["0", "-1", "1", "3", "2147483648", "9" * 400, "nan", "-inf", "1e300", "true", '""', '"w4"',
                          "[]", "{}", "2020-01-01", '"fixed"', "1_000"])  # fmt: skip


@settings(max_examples=60)
@given(data=st.data())
def test_any_value_in_any_field(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    board, folder = targets.load("u250"), tmp_path_factory.mktemp("plan")
    lines = chosen().splitlines()
    fields = [i for i, line in enumerate(lines) if "=" in line]
    for i in data.draw(st.lists(st.sampled_from(fields), min_size=1, max_size=2)):
        lines[i] = f"{lines[i].split('=')[0]}= {data.draw(VALUES)}"
    with contextlib.suppress(TomatoError):
        schedule(plain(), board, wishes=wishes("\n".join(lines), folder))


@pytest.mark.parametrize("name", ["€ \U0001f345", 'a"b\\c', "tab\tdel\x7f", "line\nline"])
def test_any_name_of_a_board_survives(name: str, tmp_path: Path) -> None:
    assert wishes(Plan(name, 300.0, {}).to_toml(), tmp_path).target == name
