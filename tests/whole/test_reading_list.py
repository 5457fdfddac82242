"""The reading list in docs/architecture.md is the way that a compilation takes."""

import re
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from tests.models import model_path
from tomato.cli import main

ROOT = Path(__file__).parents[2]
MOST = 16
"""Files on the list."""


def reading_list() -> list[tuple[str, str]]:
    """File, below tomato/, and function of each entry."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    part = text[text.index("<!-- reading list -->") : text.index("<!-- end of reading list -->")]
    return re.findall(r"^\d+\. `(\S+)`: `(\w+)`", part, re.MULTILINE)


def first_calls(model: Path, folder: Path, wanted: set[tuple[str, str]]) -> list[tuple[tuple[str, str], list[str]]]:
    """The first call of each wanted function while a model is compiled, and the files that it comes through."""
    package, found = str(ROOT / "tomato") + "/", dict[tuple[str, str], list[str]]()

    def watch(frame: FrameType, event: str, _arg: Any) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(package):
            return
        key = code.co_filename.removeprefix(package), code.co_name
        if key in wanted and key not in found:
            through, above = list[str](), frame.f_back
            while above is not None:
                if above.f_code.co_filename.startswith(package):
                    through.append(above.f_code.co_filename.removeprefix(package))
                above = above.f_back
            found[key] = list(dict.fromkeys(through))

    sys.setprofile(watch)
    try:
        main(["compile", str(model), "--target", "kv260", "-o", str(folder), "-q"], standalone_mode=False)
    finally:
        sys.setprofile(None)
    return list(found.items())


def test_a_compilation_takes_the_way_that_the_page_shows(tmp_path: Path) -> None:
    listed = reading_list()
    assert 0 < len(listed) <= MOST
    calls = first_calls(model_path("mnist8_qdq.onnx"), tmp_path / "build", set(listed))
    assert [key for key, _ in calls] == listed
    for i, (key, through) in enumerate(calls):
        assert set(through) <= {file for file, _ in listed[:i]} | {key[0], "cli/group.py"}, key
