"""Latencies that the RTL states are those that the compiler counts with, without a simulator."""

import numpy as np
import pytest

from tests.hw.slang import constant
from tomato.core.formats import Codes, Tensor
from tomato.core.forms import Cell
from tomato.engines import (
    add_stream,
    concat_stream,
    global_sum,
    multiply_stream,
    pad_stream,
    piecewise_stream,
    pool_window,
    reorder_band,
    requant_frame,
    requant_stream,
    slice_stream,
    table_stream,
)
from tomato.engines.parts import dot
from tomato.hardware import plumbing
from tomato.hardware.plumbing import FIFO_LATENCY, FORK_LATENCY, QUEUE_LATENCY, REGISTER_LATENCY

FIXED = [
    ("tom_register", {}, REGISTER_LATENCY),
    ("tom_frame_end", {}, REGISTER_LATENCY),
    ("tom_fork", {}, FORK_LATENCY),
    ("tom_fifo", {}, FIFO_LATENCY),
    ("tom_fifo", {"Second": 1}, FIFO_LATENCY + 1),
    ("tom_queue", {}, QUEUE_LATENCY),
    ("tom_add_stream", {}, add_stream.PIPELINE),
    ("tom_concat_stream", {}, concat_stream.PIPELINE),
    ("tom_global_sum", {}, global_sum.PIPELINE),
    ("tom_multiply_stream", {}, multiply_stream.PIPELINE),
    ("tom_pad_stream", {}, pad_stream.PIPELINE),
    ("tom_piecewise_stream", {}, piecewise_stream.PIPELINE),
    ("tom_piecewise", {}, piecewise_stream.PIPELINE),
    ("tom_reorder_band", {}, reorder_band.PIPELINE - 1),  # a beat is written, and then read
    ("tom_requant_frame", {}, requant_frame.PIPELINE),
    ("tom_requant_stream", {"Nudges": 0}, requant_stream.PIPELINE),
    ("tom_requant_stream", {"Nudges": 2}, requant_stream.PIPELINE + 1),
    ("tom_requant_stream", {"Nudges": 2, "ConstantRam": 1}, requant_stream.PIPELINE + 2),
    ("tom_requant_stream", {"MultBits": 0, "Nudges": 2}, requant_stream.PIPELINE + 1),
    *(("tom_requant_stream", {"InBits": 24, "MultBits": 24, "InSlice": a, "MultSlice": b}, requant_stream.PIPELINE + n)
      for a, b, n in ((24, 17, 1), (18, 24, 1), (18, 18, 2), (6, 17, 3))),
    ("tom_slice_stream", {}, slice_stream.PIPELINE),
    ("tom_table_stream", {}, table_stream.PIPELINE),
    *(("tom_threshold_stream", {"Steps": n}, 2 * n + 2) for n in (1, 8)),
    *(("tom_pool_window", {"ParallelW": 1, "Columns": n, "KernelW": n}, pool_window.PIPELINE - QUEUE_LATENCY + stages)
      for n, stages in ((1, 0), (2, 1), (3, 2))),
]  # fmt: skip
"""A module with parameters, and its cycles to the output, or in an engine to the queue in front of it."""
EIGHT = Tensor(np.array([-128, 127]))
"""Weights of 8 bits."""
WIDTHS = [(8, 2, 8, 8), (10, 2, 10, 10), (6, 4, 6, 6), (8, 8, 8, 2), (6, 6, 6, 4), (7, 7, 7, 3), (4, 2, 4, 2)]
"""Channels and lanes in and out, one beat on one side at least."""
DOTS = [
    (inputs, cell, bits, shared)
    for inputs in (1, 4, 5, 18, 19, 73)
    for cell, bits, shared in ((Cell.FIXED, 8, 1), (Cell.BINARY, 8, 1), (Cell.BINARY, 1, 1), (Cell.BINARY, 1, 0))
]


@pytest.mark.parametrize(("module", "parameters", "cycles"), FIXED)
def test_latency(module: str, parameters: dict[str, int], cycles: int) -> None:
    assert constant(module, "Latency", parameters) == cycles


@pytest.mark.parametrize(("in_channels", "in_lanes", "out_channels", "out_lanes"), WIDTHS)
def test_latency_of_a_width_converter(in_channels: int, in_lanes: int, out_channels: int, out_lanes: int) -> None:
    sizes = {"InChannels": in_channels, "InLanes": in_lanes, "OutChannels": out_channels, "OutLanes": out_lanes}
    first = plumbing.width_cycles(in_channels, in_lanes, out_channels, out_lanes)
    more = -(-out_channels // out_lanes) - 1 if in_lanes >= in_channels else 0  # beats of a pixel behind the first
    assert constant("tom_width", "Latency", sizes) + more == first


@pytest.mark.parametrize(("inputs", "cell", "bits", "shared"), DOTS)
def test_latency_of_a_product(inputs: int, cell: Cell, bits: int, shared: int) -> None:
    parameters = {"Inputs": inputs, "Cell": cell, "InBits": bits, "Shared": shared, "Pack": int(cell == Cell.FIXED)}
    knobs = {"cell": cell, "pack": int(cell == Cell.FIXED)}
    counted = dot.latency(inputs, EIGHT, Codes.of(bits, signed=False), knobs, shared=bool(shared))
    rtl = constant("tom_window", "Latency") + constant("tom_dot", "Latency", parameters)
    assert rtl + QUEUE_LATENCY == counted


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("weight_bits", "bits"), [(8, 8), (4, 4), (16, 16), (9, 4), (3, 9), (5, 5), (10, 8)])
def test_latency_of_a_product_in_luts(weight_bits: int, bits: int, signed: bool) -> None:
    weight = Tensor(np.array([-1 << (weight_bits - 1), (1 << (weight_bits - 1)) - 1]))
    parameters = {"InBits": bits, "InSigned": int(signed), "WeightBits": weight_bits, "Pack": 0}
    counted = dot.latency(1, weight, Codes.of(bits, signed=signed), {"cell": Cell.FIXED, "pack": 0})
    rtl = constant("tom_window", "Latency") + constant("tom_dot", "Latency", parameters)
    assert rtl + QUEUE_LATENCY == counted


@pytest.mark.parametrize("pack", [0, 1, 2])
@pytest.mark.parametrize("engine", ["tom_conv2d_window", "tom_depthwise_window", "tom_dense_fold"])
def test_engines_with_products_count_the_same(engine: str, pack: int) -> None:
    wide = {"Lanes": 7, **({} if engine == "tom_dense_fold" else {"KernelH": 1, "KernelW": 1})}
    inputs = 1 if engine == "tom_depthwise_window" else 7
    counted = dot.latency(inputs, EIGHT, Codes.of(8, signed=False), {"cell": Cell.FIXED, "pack": pack})
    assert constant(engine, "Latency", {**wide, "Pack": pack}) + QUEUE_LATENCY == counted
