"""States that last from frame to frame, behind the AXI shell: a run begins a new sequence where it is asked to."""

import json
from pathlib import Path
from typing import Any

import pytest

import tomato
from tests.hw.rtl.shell.test_axi import FRAMES, played
from tests.networks.sequences import frames, one_layer
from tomato.accelerator import Accelerator
from tomato.board import REGISTERS

pytestmark = pytest.mark.rtl
SHAPE: dict[str, Any] = {"many": 2, "some": 2, "shifts": [1]}


@pytest.fixture(scope="module")
def recurrent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Accelerator, Path]:
    folder = tmp_path_factory.mktemp("sequence")
    model = one_layer(folder / "gru.onnx")
    made: Accelerator = tomato.compile(model, "kv260", calibration=frames(64), states={"h": "hn"})
    return made, made.write(folder / "gru")


def test_a_recurrent_network(recurrent: tuple[Accelerator, Path]) -> None:
    played(*recurrent, (frames(FRAMES, seed=1),), "sequence|one_frame|no_frames", **SHAPE)


def test_without_a_reset_results_differ(recurrent: tuple[Accelerator, Path]) -> None:
    """The bit that asks for it is written to nowhere."""
    accelerator, folder = recurrent
    path = folder / REGISTERS
    known = path.read_text()
    described = json.loads(known)
    (bit,) = (f for r in described["registers"] for f in r["fields"] if f["name"] == "restart")
    bit["bit"] = 32
    path.write_text(json.dumps(described))
    try:
        with pytest.raises(AssertionError, match=r"a_run_begins_a_new_sequence: .* bytes differ"):
            played(accelerator, folder, (frames(FRAMES, seed=1),), "a_run_begins", **SHAPE)
    finally:
        path.write_text(known)
