"""States that last from frame to frame, behind the AXI shell: a run begins a new sequence where it is asked to."""

from pathlib import Path

import pytest

import tomato
from tests.hw.rtl.shell.test_axi import FRAMES, played
from tests.networks.sequences import frames, one_layer
from tomato.accelerator import Accelerator

pytestmark = pytest.mark.rtl
SCENARIOS = "sequence|one_frame|no_frames"
SHAPE = {"many": 2, "some": 2, "shifts": [1]}


@pytest.fixture(scope="module")
def recurrent(tmp_path_factory: pytest.TempPathFactory) -> Accelerator:
    folder = tmp_path_factory.mktemp("sequence")
    model = one_layer(folder / "gru.onnx")
    made: Accelerator = tomato.compile(model, "kv260", calibration=frames(64), states={"h": "hn"})
    return made


def test_a_recurrent_network(recurrent: Accelerator, tmp_path: Path) -> None:
    played(recurrent, recurrent.write(tmp_path / "gru"), (frames(FRAMES, seed=1),), SCENARIOS, **SHAPE)


def test_without_the_reset_results_differ(recurrent: Accelerator, tmp_path: Path) -> None:
    folder = recurrent.write(tmp_path / "gru")
    shell = folder / "board" / "rtl" / "gru_axi.sv"
    text = shell.read_text()
    assert text.count("!ap_rst_n || restart") == 1
    shell.write_text(text.replace("!ap_rst_n || restart", "!ap_rst_n"))
    with pytest.raises(AssertionError, match=r"a_run_begins_a_new_sequence: .* bytes differ"):
        played(recurrent, folder, (frames(FRAMES, seed=1),), "a_run_begins", **SHAPE)
