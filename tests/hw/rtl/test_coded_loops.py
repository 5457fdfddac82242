"""Recurrent layers of models that come quantised: weights as the file has them, wide last results."""

from pathlib import Path

import pytest

import tomato
from tests.networks.loops import Layer, save
from tomato.build.simulation import describe, simulate


@pytest.mark.rtl
def test_a_recurrent_network_that_comes_quantised_is_exact(tmp_path: Path) -> None:
    compiled = tomato.compile(save(Layer("GRU", more={"linear_before_reset": 1}), tmp_path), "pynq-z2")
    found = simulate(compiled.write(tmp_path / "gru"), frames=3, stall=0.3)
    assert found["bit_exact"], describe(found)
