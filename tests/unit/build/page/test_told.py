"""What the page says in words."""

from typing import Any

import pytest

from tests.unit.build.page.samples import design, evaluated, simulated
from tomato.build.page import limits, regions, tables
from tomato.build.page.design import Design
from tomato.build.page.tiles import tiles


def test_honest_words() -> None:
    told = {t.title: t for t in tiles(design())}
    assert told["Frames a second"].told == "predicted: 64 cycles a frame"
    assert told["Clock"].told == "assumed, not placed and routed"
    assert told["Fullest resource"].told.startswith("estimated")
    assert (told["Hardware"].value, told["Accuracy"].value) == ("not simulated", "not evaluated")


def test_what_was_measured_is_told() -> None:
    told = {t.title: t for t in tiles(design(simulation=simulated(), evaluation=evaluated()))}
    assert told["Frames a second"].told == "predicted: 64 cycles a frame; 64 measured in simulation"
    assert told["Latency"].told == "predicted: 396 cycles; 371 measured in simulation"
    assert (told["Hardware"].value, told["Hardware"].state) == ("bit-exact", "good")
    assert told["Accuracy"].value == "99.33\xa0%"
    assert "ONNX Runtime: 99.67\xa0%" in told["Accuracy"].told


def placed(reached: float) -> dict[str, Any]:
    """What build.json may say of a design that open tools placed."""
    return {"flow": "open", "clock_mhz": {"asked": 50.0, "reached": reached},
            "placed": {"lut": 4182, "ff": 836, "dsp": 0, "bram18": 52}, "chip": {"lut": 83640, "ff": 83640, "dsp": 156,
            "bram18": 208}}  # fmt: skip


@pytest.mark.parametrize(("reached", "state"), [(92.69, "good"), (50.0, "good"), (49.9, "bad")])
def test_what_was_placed_is_told(reached: float, state: str) -> None:
    told = {t.title: t for t in tiles(design(build=placed(reached)))}
    assert (told["Placed and routed"].value, told["Placed and routed"].state) == (f"{reached:g}\xa0MHz", state)
    assert told["Placed and routed"].told == (
        "50\xa0MHz asked; of the chip, with the shell: LUT 5\xa0%, FF 1\xa0%, BRAM18 25\xa0%"
    )
    assert told["Clock"].told == "asked of the router"


def test_a_vendors_build_places_nothing_that_is_known() -> None:
    assert "Placed and routed" not in {t.title for t in tiles(design(build={"flow": "vitis", "folder": "board/vitis"}))}


def test_an_error_is_not_hidden_by_another_simulation() -> None:
    shown = design(simulation=simulated(), csim=simulated(bit_exact=False, mismatches=3))
    tile = next(t for t in tiles(shown) if t.title == "Hardware")
    assert (tile.value, tile.state) == ("differs", "bad")
    assert tile.told == "C++: 3 beats unlike the golden model"


@pytest.mark.parametrize(
    ("changed", "title", "value"),
    [
        (
            {"top1": None, "codes": {"equal": 9, "total": 10, "reference": "r", "first": ""}},
            "Equal codes",
            "90.00\xa0%",
        ),
        ({"top1": None}, "Same class", "99.50\xa0%"),
        ({"top1": None, "agreement": None}, "Signal to noise", "37.8\xa0dB"),
    ],
)
def test_accuracy_without_labels(changed: dict[str, Any], title: str, value: str) -> None:
    assert [t.value for t in tiles(design(evaluation=evaluated(**changed))) if t.title == title] == [value]


def test_the_pace() -> None:
    assert limits.pace(design()) == (
        "stem_stem_0_Conv and 9 more set the pace: they need 64 cycles for a frame, the others fewer."
    )
    assert limits.pace(_changed(interval_cycles=70)) == (
        "The streams between the layers set the pace: a frame every 70 cycles; no layer needs as many."
    )


def test_the_pace_of_layers_that_share_an_engine() -> None:
    names = [{"name": row["name"], "cycles": 1} for row in design().slowest]
    shared = [{"group": 0, "cycles": 64, "layers": names}]
    assert limits.pace(_changed(shared=shared)) == (
        "10 layers share an engine and set the pace: all their turns, with what they wait for, take 64 cycles."
    )
    assert limits.pace(_changed(shared=shared, interval_cycles=70)).endswith("with what they wait for, take 70 cycles.")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "The structure of the network limits, not the board"),
        ({"bound": {"structure": 32}}, "Neither the board (DSP, the fullest resource, is at 39.5\xa0%)"),
        ({"bound": {"structure": 32}, "regions": [0.2, 0.97]}, "A region of the chip limits: region 1 is at 97\xa0%"),
        ({"bound": {"structure": 32}, "budget": {"lut": 73_000}}, "The board limits: LUT is at 97.2\xa0%"),
        (
            {"memory": {"busy": 0.97, "kind": "DDR4"}},
            "The memory beside the chip limits: DDR4 gives weights in 97\xa0%",
        ),
    ],
)
def test_what_limits(changed: dict[str, Any], told: str) -> None:
    report = design().report
    merged = {k: (report[k] or {}) | v if isinstance(v, dict) else v for k, v in changed.items()}
    if "memory" in changed:
        merged["bound"] = {**report["bound"], "structure": 32}
    merged.setdefault("regions", [0.1])
    assert limits.limit(_changed(**merged)).startswith(told)


def test_regions_hold_every_layer_from_top_to_bottom() -> None:
    shown = design()
    found = regions.regions(shown)
    assert [r.name for r in found] == ["Region 3", "Region 2", "Region 1", "Region 0"]
    assert [r.told for r in found[:2]] == ["free", "free"]
    using = [row for row in shown.rows if row["resources"]["dsp"]]
    assert sum(len(r.segments) for r in found) == len(using)
    for region, share in zip(found[2:], reversed(shown.report["regions"]), strict=True):
        assert sum(s.width for s in region.segments) == pytest.approx(100 * share, abs=0.1)


def test_a_single_die_is_one_region() -> None:
    (region,) = regions.regions(_changed(regions=None))
    assert region.told == "39.5\xa0% of its room, 11 layers"


def test_what_is_not_proved_comes_first() -> None:
    proof = {"how": "requant", "checked": 1000, "differing": 0, "largest": 0, "caveat": ""}
    made = [
        proof | {"value": "fine"},
        proof | {"value": "off", "differing": 5, "largest": 1},
        proof | {"value": "float", "caveat": "float fallback"},
    ]
    shown = _changed(exactness=made)
    assert [(p.value, p.result, p.state) for p in tables.proofs(shown)] == [
        ("off", "5 differ (0.5\xa0%), by at most 1", "bad"),
        ("float", "equal, but for: float fallback", "note"),
        ("fine", "proved equal", "good"),
    ]
    assert tables.exactness(shown).startswith("1 of 3 requantisations are proved equal")
    assert [name for name, _ in tables.properties(shown)] == ["float fallback"]


def test_meters_are_of_the_chip() -> None:
    meter = next(m for m in tables.meters(design()) if m.kind == "DSP")
    assert meter.share == pytest.approx(4317 / 12288)
    assert meter.room == pytest.approx(10932 / 12288)
    assert meter.told == "39.5\xa0% of 10,932 that a design may use, of 12,288 on the chip"


def _changed(**changed: Any) -> Design:
    shown = design()
    return Design("digits", {**shown.report, **changed}, shown.ports)
