"""The engines of the HLS library that are no sliding windows, at the ends of what they can do.

The cases that they share with the Verilog are in tests/hw/rtl, which plays both.
"""

import re
from collections.abc import Mapping

import pytest

from tests.hw import stream_cases
from tests.hw.hls.harness import check_engine, one_engine
from tests.hw.stream_cases import S5, S8, S20, U1, U8, Case, case, concat, search, tables
from tomato.backend import hls
from tomato.core.formats import Codes
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Pad, Slice, Upsample
from tomato.ops.pool import GlobalSum

FAR = 1 << 31
"""Factors, zero points and borders are less."""

ODD: Mapping[str, Mapping[str, Case]] = {
    "add_stream": {
        "far": case(Add(-FAR, FAR - 1), (1, 1, 3), S8, U1, lanes=2),
        "wide_beat": case(Add(1, -1), (2, 3, 40), U8, U8, lanes=40),
        "bits": case(Add(), (1, 1, 1), U1, U1, lanes=1),
    },
    "multiply_stream": {
        "far_zeros": case(Multiply(-FAR, FAR // 2), (1, 1, 3), S8, U8, lanes=2),
        "wide_beat": case(Multiply(), (1, 2, 5), S20, S20, lanes=5),
    },
    "concat_stream": {
        "params_beyond_64_bits": concat(range(1, 11), (S5, U8) * 5, 1),
        "wide_beat": concat((12, 5), (S20, U1), 12),
        "one_pixel": concat((3, 1, 2), (U1, S8, Codes(-1, 0)), 1, size=(1, 1)),
    },
    "pad_stream": {
        "one_pixel": case(Pad((1, 1, 1, 1), 0), (1, 1, 1), U1, lanes=1),
        "nothing": case(Pad((0, 0, 0, 0), 0), (2, 2, 3), S8, lanes=3),
        "far": case(Pad((0, 1, 0, 0), -FAR), (2, 1, 3), S8, lanes=3),
    },
    "slice_stream": {
        "one_pixel": case(Slice((0, 0, 0), (1, 1, 1)), (1, 1, 1), S5, lanes=1),
        "begin_and_step": case(Slice((2, 3, 0), (7, 8, 4), (3, 4)), (7, 9, 4), S5, lanes=2),
    },
    "table_stream": {
        "bits": tables(5, U1, 1),
        "words_beyond_64_bits": tables(29, Codes(-2, 1), 15),
    },
    "threshold_stream": {
        "bits": search(1, 1, U1, 0, 1),
        "words_beyond_64_bits": search(9, 63, Codes.of(32, signed=True), -FAR, 5),
    },
    "global_sum": {
        "bits": case(GlobalSum(), (1, 1, 1), U1, lanes=1),
        "wide_beat": case(GlobalSum(), (5, 5, 50), S20, lanes=10),
    },
    "reorder_band": {
        "one_beat_in_and_out": case(Upsample((1, 1)), (1, 1, 1), S5, lanes=1, ram=0),
        "wide_beat": case(Upsample((2, 2)), (2, 2, 20), S8, lanes=10, ram=1),
    },
}


def storage(stem: str, name: str) -> list[str]:
    """Type and implementation of every memory of a case, as printed."""
    example = stream_cases.CASES[stem][name]
    text = hls.files(one_engine(stem, example.op, example.args, example.knobs), "a test")["engine.cpp"]
    return [" ".join(found).lower() for found in re.findall(r"TOM_STORE\(\w+, (ROM_\w+), (\w+)\)", text)]


def test_lanes_that_read_words_of_their_own_have_ports_of_their_own() -> None:
    assert storage("table_stream", "signed") == ["rom_np lutram"]
    assert storage("table_stream", "block") == ["rom_1p bram"]
    assert storage("threshold_stream", "5") == ["rom_1p lutram", *["rom_np lutram"] * 2, *["rom_1p lutram"] * 5]
    assert storage("threshold_stream", "255_block") == ["rom_1p lutram", *["rom_np lutram"] * 6, "rom_np bram"]


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("stem", "example"),
    [pytest.param(stem, example, id=f"{stem}-{name}") for stem in ODD for name, example in ODD[stem].items()],
)
def test_hls_matches_golden(stem: str, example: Case) -> None:
    check_engine(stem, example.op, example.args, example.knobs)
