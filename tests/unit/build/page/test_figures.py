"""The figures: plotly knows every property, and they show what the files say."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.build.page.samples import HOSTILE, design, evaluated, simulated
from tomato.build.page.bars import cycles, noise, resources
from tomato.build.page.design import Design
from tomato.build.page.figures import NAMED, PLAIN, SLOWEST, Figure
from tomato.build.page.roofline import Roof, roof, roofline
from tomato.build.page.timeline import timeline


def figures(shown: Design) -> list[Figure]:
    found = (cycles(shown), timeline(shown), resources(shown), roofline([shown]), noise(shown))
    return [figure for figure in found if figure]


def many(n: int) -> Design:
    """A chain of so many layers."""
    shown = design()
    layer = shown.report["layers"][0]
    layers = [layer | {"name": f"layer {i}", "reads": [f"layer {i - 1}" if i else "image"]} for i in range(n)]
    return Design("many", {**shown.report, "layers": layers, "outputs": {"scores": f"layer {n - 1}"}}, shown.ports)


@pytest.mark.parametrize(
    "shown", [design(simulation=simulated(), evaluation=evaluated()), many(NAMED + 20)], ids=["digits", "many"]
)
def test_plotly_knows_every_property(shown: Design) -> None:
    from plotly.graph_objects import Figure as Known

    for figure in figures(shown):
        assert Known(data=_coloured(figure.data), layout=_coloured(figure.layout)).data
        assert json.loads(json.dumps(figure.data)) == figure.data


def _coloured(value: Any) -> Any:
    """Colours in place of their names in the style sheet."""
    if isinstance(value, Mapping):
        return {k: _coloured(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_coloured(v) for v in value]
    return "#000" if isinstance(value, str) and value.startswith("--") else value


def test_bars_are_the_cycles_of_the_layers() -> None:
    shown = design()
    (trace,) = cycles(shown).data
    assert trace["x"] == [row["cycles"] for row in shown.rows]
    assert trace["y"] == list(range(len(shown.rows)))
    assert cycles(shown).layout["shapes"][0]["x0"] == shown.interval


def test_the_slowest_layer_stands_out() -> None:
    shown = design()
    row = shown.report["layers"][2]
    row |= {"cycles": 100}
    shown = Design("digits", {**shown.report, "interval_cycles": 100}, shown.ports)
    (trace,) = cycles(shown).data
    colours = trace["marker"]["color"]
    assert colours[1] == SLOWEST
    assert set(colours) == {SLOWEST, PLAIN}
    assert colours.count(SLOWEST) == 1
    assert cycles(shown).caption.startswith(f"{row['name']} sets the pace: it needs 100 cycles")


def test_where_many_tie_the_first_stands_out() -> None:
    shown = design()
    assert len(shown.slowest) == 10
    assert shown.marked == {shown.rows[0]["name"]}
    assert shown.legend == "red: the first of 10 layers that set the pace"


def test_one_kind_of_resource_at_a_time_the_fullest_first() -> None:
    shown = design()
    figure = resources(shown)
    assert figure.choices == ("DSP", "FF", "LUT")
    assert [trace["visible"] for trace in figure.data] == [True, False, False]
    for trace, kind in zip(figure.data, ("dsp", "ff", "lut"), strict=True):
        shell = shown.report["shell"]["resources"][kind]
        assert sum(trace["x"]) == shown.report["resources"][kind] + shell
        assert trace["hovertext"][-1].startswith(f"<b>axi shell</b><br>{shell:,} ")


def test_layers_that_are_many_are_numbered() -> None:
    (trace,) = cycles(many(NAMED + 1)).data
    assert trace["orientation"] == "v"
    assert trace["x"] == list(range(1, NAMED + 2))
    assert cycles(many(200)).height < 400


def test_the_time_line_is_the_predicted_one() -> None:
    shown = design()
    (bars,) = timeline(shown).data
    rows = shown.report["layers"]
    assert bars["base"][1] == rows[0]["begins"]
    assert bars["base"][1] + bars["x"][1] == rows[1]["ends"]
    ends = [line["x0"] for line in timeline(shown).layout["shapes"]]
    assert ends == [64, 128, 192, 256, 320, 384, 396]


def test_what_was_measured_stands_beside() -> None:
    figure = timeline(design(simulation=simulated()))
    marks = figure.data[1]
    assert marks["x"] == [101, 164]
    assert marks["y"] == [4, 4]
    assert figure.layout["annotations"][0]["text"] == "latency 396 predicted, 371 measured"
    assert "measured in simulation" in figure.caption


@pytest.mark.parametrize("changed", [{"stall": 0.3}, {"bit_exact": False}])
def test_times_with_stalls_or_errors_are_not_compared(changed: dict[str, Any]) -> None:
    assert len(timeline(design(simulation=simulated(**changed))).data) == 1


def test_the_roof_in_numbers() -> None:
    shown = design()
    found = roof(shown)
    macs, clock = shown.report["macs"], 250e6
    assert found == Roof(
        intensity=macs / (64 + 20), attained=macs * clock / 64, board=macs * clock / 14, structure=macs * clock / 64,
        bandwidth=(64 + 20) * clock / 64,
    )  # fmt: skip
    assert found.attained <= min(found.board, found.intensity * found.bandwidth * 1.001)


def test_designs_share_a_roofline() -> None:
    figure = roofline([design(), design()])
    assert figure
    points = [trace for trace in figure.data if trace["mode"] == "markers"]
    assert len(points) == 2
    assert points[0]["marker"]["color"] != points[1]["marker"]["color"]
    assert figure.layout["showlegend"]


def test_no_roof_without_products() -> None:
    shown = design()
    assert roofline([Design("d", {**shown.report, "macs": 0}, shown.ports)]) is None


def test_noise_is_that_of_the_evaluation() -> None:
    figure = noise(design(evaluation=evaluated()))
    assert figure
    assert figure.data[0]["x"] == [40.0]
    assert noise(design()) is None


def test_names_are_not_markup() -> None:
    shown = design()
    shown.report["layers"][0]["name"] = HOSTILE
    told = json.dumps([[f.data, f.layout] for f in figures(shown)], ensure_ascii=False)
    assert "<img" not in told
    assert "&lt;img" in told
    assert "$" not in told
    assert "\u202e" not in told
