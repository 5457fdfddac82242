"""The generator of quantised networks, and its reading of ONNX Runtime's codes."""

import numpy as np
import pytest

from tests.networks.quantised import codes, every_value, frames, make


@pytest.mark.parametrize("seed", range(8))
def test_codes(seed: int) -> None:
    """Every quantised tensor is found, in the right layout: near the model run without optimisation.

    Not equal to it: ties are rounded otherwise, which averages over four pixels meet often.
    """
    model = make(seed)
    (frame,) = frames(model, seed=99, count=1)
    plain = {name: value for name, value in every_value(model, frame).items() if value.dtype in (np.int8, np.uint8)}
    computed = codes(model, frame, integers=True)
    assert computed.keys() == plain.keys()
    for name, value in computed.items():
        error = np.abs(value - plain[name])
        assert error.max() <= 10, name
        assert error.mean() < 1, name


def test_a_seed_is_a_network() -> None:
    assert make(3) == make(3)
    assert make(3) != make(4)
