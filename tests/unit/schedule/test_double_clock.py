"""Products at twice the clock: offered where that is asked for and can be, told in plan, report and ports."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tomato
from tests.digits import MODEL, compiled
from tests.networks.cases import CASES, make_site
from tomato import asked, targets
from tomato.backend import constraints, library, verilog
from tomato.core.errors import TomatoError
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import TensorType
from tomato.engines import CATALOGUE
from tomato.engines.double_fold import DoubleFold
from tomato.hardware.memory import Ram
from tomato.ops.dense import Dense
from tomato.schedule import options, schedule
from tomato.schedule.plan import Wishes, read_wishes

BOARD = "pynq-z2"
DOUBLE = Wishes(double_clock=True)


def doubled() -> list[DoubleFold]:
    """The layers of the digits network that have the second clock where they may."""
    made = compiled(BOARD, double_clock=True)
    return [unit for unit in made.lowered.units.values() if isinstance(unit, DoubleFold)]


def test_a_design_is_faster_with_half_the_multipliers_of_a_layer() -> None:
    assert doubled()
    for unit in doubled():
        assert unit.cycles == unit.whole.cycles
        assert unit.cost.dsp <= -(-unit.whole.cost.dsp // 2) + unit.whole.outputs, "of an odd read a half has one more"
        assert sum(s.words * s.bits for s in unit.stores.values()) >= unit.whole.weight_bits
    alone, both = (compiled(BOARD, double_clock=double).report["interval_cycles"] for double in (False, True))
    assert both < alone


def test_it_is_offered_only_where_it_is_asked_for() -> None:
    graph, target = compiled(BOARD).graph, targets.load(BOARD)
    stems = {
        wishes.double_clock: {o.unit.stem for offer in options(graph, target, wishes).values() for o in offer}
        for wishes in (Wishes(), DOUBLE)
    }
    assert stems[True] - stems[False] == {"double_fold"}


def test_arrays_in_luts_have_the_clock_that_their_family_says() -> None:
    graph, target = compiled(BOARD).graph, targets.load(BOARD)

    def offered(clock_mhz: float) -> list[DoubleFold]:
        found = options(graph, replace(target, clock_mhz=clock_mhz), DOUBLE)
        return [o.unit for offer in found.values() for o in offer if isinstance(o.unit, DoubleFold)]

    assert any(unit.knobs["pack"] == 0 for unit in offered(100))
    fast = offered(101)
    assert fast
    assert all(unit.fast and unit.chain for unit in fast)
    assert all(unit.words <= 64 for unit in fast if unit.knobs["weight_ram"] == Ram.LUT)


def test_a_plan_says_it_and_is_taken_back(tmp_path: Path) -> None:
    made = compiled(BOARD, double_clock=True)
    (tmp_path / "plan.toml").write_text(made.plan.to_toml())
    wishes = read_wishes(tmp_path / "plan.toml")
    assert wishes.double_clock
    again = schedule(made.graph, made.target, wishes=wishes)
    assert again.layers == made.plan.layers
    assert again.double_clock


def test_a_plan_with_the_engine_alone_is_refused(tmp_path: Path) -> None:
    made = compiled(BOARD, double_clock=True)
    path = tmp_path / "plan.toml"
    path.write_text(made.plan.to_toml().replace("double_clock = true", "# double_clock"))
    name = doubled()[0].site.node.name
    with pytest.raises(TomatoError) as caught:
        schedule(made.graph, made.target, wishes=read_wishes(path))
    reason = caught.value
    assert reason.what == "engine double_fold has a second clock, of twice the rate"
    assert reason.where == f"{path}: [layers.{name}]"
    assert reason.hint == "compile with --double-clock, or say double_clock = true in front of the layers"


def test_a_plan_must_say_it_in_one_word(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("double_clock = 2\n")
    with pytest.raises(TomatoError, match="double_clock = 2 is not true or false"):
        read_wishes(tmp_path / "plan.toml")


REFUSED = {
    "ulx3s": (
        None,
        "none",
        "--double-clock: it is not known what clock the multipliers of ulx3s reach",
        "leave it out, or say fast_mhz in a target file of your own",
    ),
    "kv260": (
        300.0,
        "none",
        "--double-clock: multipliers would have 600 MHz, those of kv260 reach 585",
        "leave it out, or lower --clock to 292.5",
    ),
    "u250": (
        None,
        "axi",
        "--double-clock: what stands around a design for u250 has one clock",
        "leave it out, or compile with --shell none and give aclk and aclk2x from one generator yourself",
    ),
}


@pytest.mark.parametrize("board", REFUSED)
def test_boards_without_a_second_clock_are_refused(board: str) -> None:
    clock, shell, what, hint = REFUSED[board]
    with pytest.raises(TomatoError) as caught:
        tomato.compile(MODEL, board, clock_mhz=clock, shell=shell, double_clock=True)
    assert (caught.value.what, caught.value.hint) == (what, hint)


def test_no_search_is_made_with_it() -> None:
    with pytest.raises(TomatoError, match="--precision auto searches for designs of one clock"):
        tomato.compile(MODEL, BOARD, precision="auto", double_clock=True)


@pytest.mark.parametrize(("board", "shell"), [("kv260", "axi"), ("pynq-z2", "axi"), ("u250", "none")])
def test_boards_with_one_are_not(board: str, shell: str) -> None:
    asked.check_double_clock(targets.load(board), shell)


def test_layers_without_halves_are_refused() -> None:
    engine, single = CATALOGUE["double_fold"], TensorType((2, 2, 1), Codes.of(8, signed=True))
    assert engine.refuses(make_site(*CASES["depthwise"])) == "filters of one channel share no inputs"
    one = make_site(Dense(Tensor(np.ones((1, 3), dtype=np.int64))), [single])
    assert engine.refuses(one) == "a single product has no halves"
    assert engine.refuses(make_site(*CASES["dense"])) == ""


def test_the_second_clock_goes_where_it_is_used_and_nowhere_else() -> None:
    made, plain = compiled(BOARD, double_clock=True), compiled(BOARD)
    top = verilog.top(made.lowered.netlist, "t")
    assert len(re.findall(r"\.clk2x_i +\(clk2x\)", top)) == len(doubled())
    assert "aclk2x" in top
    assert "clk2x" not in verilog.top(plain.lowered.netlist, "t")
    assert plain.report["double_clock"] is None
    assert made.report["double_clock"] == {
        "layers": [unit.site.node.name for unit in doubled()], "mhz": 200, "reached_mhz": 388,
    }  # fmt: skip
    said = f"{len(doubled())} layers multiply at twice the clock, 200 MHz: "
    reached = "DSP blocks and block RAMs reach 388 by the data sheet; nothing was placed"
    assert made.report["notes"][-1] == said + reached


def test_a_build_folder_says_how_the_clocks_meet(tmp_path: Path) -> None:
    made = compiled(BOARD, double_clock=True).write(tmp_path / "double")
    text = (made / "rtl" / constraints.CLOCKS).read_text()
    assert "set_false_path" not in text
    assert "set_multicycle_path 2 -setup -end -from $halves -to $taken" in text
    registers = re.findall(r"u_double/(\w+)_reg", text)
    tokens = library.tokens_of(library.file(library.RTL, "tom_double"))
    assert registers == ["late_q", "half_q"]
    assert set(registers) <= set(tokens)
    assert "u_double" in library.tokens_of(library.file(library.RTL, "tom_double_fold"))
    assert "`aclk2x` has twice the rate of `aclk`" in (made / "README.md").read_text()
    assert json.loads((made / "sim" / "design.json").read_text())["doubled"]
    assert tomato.load(made).plan.double_clock
    alone = compiled(BOARD).write(tmp_path / "single")
    assert not (alone / "rtl" / constraints.CLOCKS).exists()
