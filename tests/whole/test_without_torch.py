"""Only training needs torch: nothing else imports it, installed or not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import digits

ROOT = Path(__file__).parents[2]
COMPILE = [
    "compile",
    str(digits.MODEL),
    "--target",
    "pynq-z2",
    "--calibrate",
    str(digits.CALIBRATION),
    "-o",
    "out",
    "-q",
]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["-c", "import tomato; tomato.compile, tomato.load"], id="import"),
        pytest.param(["-m", "tomato", "--help"], id="help"),
        pytest.param(["-m", "tomato", *COMPILE], id="compile"),
    ],
)
def test_torch_is_not_imported(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("import os; os._exit(3)  # nothing can catch this\n")
    paths = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, env=paths, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr or "torch was imported"
