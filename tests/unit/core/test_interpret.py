"""How many frames the golden model plays at once, and that it does not matter."""

import numpy as np
import pytest

from tests.networks.codenets import residual
from tomato.core import interpret
from tomato.core.interpret import BATCH, Player, batch_size, in_batches


@pytest.mark.parametrize(("size", "frames"), [(8, BATCH), (256, 4), (1024, 1)])
def test_a_batch_of_large_frames_is_small(size: int, frames: int) -> None:
    assert batch_size(residual(size, channels=4)) == frames


def test_codes_are_the_same_in_any_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = residual()
    x = {"x": np.random.default_rng(0).integers(-128, 128, (7, 8, 8, 4))}
    together = Player(graph).play(x)
    monkeypatch.setattr(interpret, "LARGEST", 3 * 8 * 8 * 4)
    size = batch_size(graph)
    assert size == 3
    parts = [Player(graph).play(batch) for batch in in_batches(x, size)]
    for name, values in together.items():
        assert np.array_equal(np.concatenate([p[name] for p in parts]), values)
