"""The page in a browser: it draws everything, in light and in dark, and the console stays empty."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests import digits
from tests.unit.build.page.samples import HOSTILE, evaluated, renamed, simulated
from tomato.build import page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr",
         "--virtual-time-budget=30000")  # fmt: skip
DARK = "--blink-settings=preferredColorScheme=0"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")]


def opened(path: Path, *flags: str) -> str:
    """What the browser prints for a page. Whatever reaches the console is an error."""
    assert CHROMIUM
    profile = f"--user-data-dir={path.parent / 'profile'}"
    ran = subprocess.run(
        [CHROMIUM, *FLAGS, profile, *flags, path.as_uri()],
        capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    assert [line for line in ran.stderr.splitlines() if "CONSOLE" in line] == []
    return ran.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build folder with everything that the page can show."""
    folder = digits.compiled().write(tmp_path / "build")
    (folder / "simulation.json").write_text(json.dumps(simulated()))
    (folder / "evaluation.json").write_text(json.dumps(evaluated()))
    page.write(folder)
    return folder


def test_every_figure_is_drawn(folder: Path) -> None:
    dom = opened(folder / "report.html", "--dump-dom")
    assert 'data-drawn="yes"' in dom
    for key in ("cycles", "timeline", "resources", "roofline", "noise"):
        drawn = dom.split(f'id="{key}-plot"')[1].split("</section>")[0]
        assert 'class="main-svg"' in drawn, key
    layers, inputs, between, shell = 11, 1, 1, 1
    bars = layers + (layers + inputs) + (layers + between + shell)
    marks, designs, noises = 2, 1, 1
    assert len(re.findall(r'class="point"', dom)) == bars + marks + designs + noises


def test_hostile_names_run_nothing(folder: Path) -> None:
    for name in ("block1_Add", "digits.onnx", "image"):
        renamed(folder, name, HOSTILE)
    page.write(folder)
    dom = opened(folder / "report.html", "--dump-dom")
    assert 'data-drawn="yes"' in dom
    assert "<img" not in dom.split('<script type="application/json"')[0]


def test_an_error_would_be_seen(folder: Path) -> None:
    broken = (folder / "report.html").read_text().replace("Plotly.react(", "Plotly.reacts(")
    (folder / "report.html").write_text(broken)
    with pytest.raises(AssertionError, match="reacts is not a function"):
        opened(folder / "report.html", "--dump-dom")


@pytest.mark.parametrize(("flags", "paper"), [((), 255), ((DARK,), 23)], ids=["light", "dark"])
def test_light_and_dark(folder: Path, flags: tuple[str, ...], paper: int) -> None:
    from PIL import Image

    picture = folder / "page.png"
    opened(folder / "report.html", *flags, f"--screenshot={picture}", "--window-size=1280,4800")
    with Image.open(picture) as shown:
        seen = np.asarray(shown.convert("RGB")).astype(int)
    assert abs(int(np.median(seen)) - paper) <= 4
    red = (seen[..., 0] > 200) & (seen[..., 1] < 130) & (seen[..., 2] < 110)
    assert np.count_nonzero(red) > 3000  # bars of the slowest layer
    strips = seen.reshape(16, -1, 3)
    assert all(len(np.unique(strip, axis=0)) > 8 for strip in strips[:14])  # no part of the page is empty
