"""The page as a file: whole, safe, the same again, and refused where there is nothing to show."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import tomato
from tests import digits
from tests.unit.build.page.samples import HOSTILE, evaluated, renamed, simulated
from tests.unit.frontend.tiny import Tiny, op, randoms
from tomato.build import page
from tomato.build.page import document
from tomato.core.errors import TomatoError

VOID = {"meta", "path", "rect", "input"}


class Reader(HTMLParser):
    """The elements of a page, checked to be closed in order, and its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.scripts: dict[str, str] = {}
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [found[k] or "" for k in ("href", "src") if k in found]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.script = found.get("id") or "code"

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            self.scripts[self.script] = self.scripts.get(self.script, "") + data
        elif self.open[-1:] != ["style"]:
            self.text += data


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text())
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return digits.compiled().write(tmp_path / "build")


def test_a_build_folder_has_the_page(folder: Path) -> None:
    found = read(folder / "report.html")
    assert len(set(found.ids)) == len(found.ids)
    assert {link[1:] for link in found.links} <= set(found.ids)
    assert all(link.startswith("#layer-") for link in found.links)
    assert [f["key"] for f in json.loads(found.scripts["figures"])] == ["cycles", "timeline", "resources", "roofline"]
    for layer in ("stem_stem_0_Conv", "classify_Gemm"):
        assert found.text.count(layer) >= 2


def test_nothing_comes_from_elsewhere(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    assert "default-src 'none'" in text
    assert re.findall(r"(?:src|href)=[\"'](?!#)", text) == []
    assert "url(http" not in text
    assert "@import" not in text


def test_the_page_is_light(folder: Path) -> None:
    assert (folder / "report.html").stat().st_size < 2.5e6


def test_the_same_page_again(folder: Path) -> None:
    before = (folder / "report.html").read_bytes()
    assert page.write(folder) == folder / "report.html"
    assert (folder / "report.html").read_bytes() == before


def test_what_was_found_out_is_shown(folder: Path) -> None:
    assert "tomato simulate plays frames" in read(folder / "report.html").text
    (folder / "simulation.json").write_text(json.dumps(simulated()))
    (folder / "evaluation.json").write_text(json.dumps(evaluated()))
    page.write(folder)
    found = read(folder / "report.html")
    assert "371 measured in simulation" in found.text
    assert "top-1, accelerator" in found.text
    assert [f["key"] for f in json.loads(found.scripts["figures"])][-1] == "noise"


def test_a_new_compilation_forgets_what_was_found_out(folder: Path) -> None:
    for name in ("simulation.json", "evaluation.json"):
        (folder / name).write_text("{}")
    digits.compiled().write(folder)
    assert not (folder / "simulation.json").exists()
    assert not (folder / "evaluation.json").exists()


def test_data_cannot_end_their_script() -> None:
    assert json.loads(document._script(["</script>&"])) == ["</script>&"]
    assert not set("<>&") & set(document._script(["</script><!--&"]))


def test_names_cannot_break_out(folder: Path) -> None:
    renamed(folder, "block1_Add", HOSTILE)
    renamed(folder, "digits.onnx", HOSTILE)
    page.write(folder)
    found = read(folder / "report.html")
    assert "img" not in found.tags
    assert found.tags.count("script") == 3
    assert "{{ 7 * 7 }}" in found.text
    assert "\u202e" not in found.text
    assert json.loads(found.scripts["figures"])


def test_a_view_of_a_stream_is_no_layer(tmp_path: Path) -> None:
    nodes = [op("Gemm", "x", "w", to="g"), op("Reshape", "g", "s", to="v"), op("Conv", "v", "c", to="y")]
    constants = {"w": randoms(8, 8), "s": np.array([1, 1, 2, 4]), "c": randoms(4, 1, 1, 1)}
    made = tomato.compile(Tiny(nodes, inputs={"x": (1, 8)}, constants=constants).save(tmp_path), "u250")
    layers = {layer["name"] for layer in made.report["layers"]}
    assert {node.name for node in made.graph} > layers
    assert read(made.write(tmp_path / "out") / "report.html").tags.count("svg") == 1 + made.report["chip_regions"]


def test_other_designs_stand_beside(folder: Path, tmp_path: Path) -> None:
    other = digits.small().write(tmp_path / "other")
    page.write(folder, [other])
    found = read(folder / "report.html")
    assert "digits.onnx on u250 (build)" in found.text
    assert "digits.onnx on pynq-z2 (other)" in found.text


def test_no_build_folder(tmp_path: Path) -> None:
    with pytest.raises(TomatoError) as refused:
        page.write(tmp_path)
    assert str(refused.value) == (
        f"error: this is not a folder that tomato compile wrote\n  --> {tmp_path}\n  hint: compile a model first"
    )


def test_a_folder_of_another_version(folder: Path) -> None:
    report = json.loads((folder / "report.json").read_text())
    for layer in report["layers"]:
        del layer["begins"]
    (folder / "report.json").write_text(json.dumps(report))
    with pytest.raises(TomatoError) as refused:
        page.write(folder)
    assert str(refused.value) == (
        "error: the folder was written by another version: its layers have no times\n"
        f"  --> {folder}\n  hint: compile the model again"
    )


@pytest.mark.parametrize("text", ["[1]", "{}"])
def test_a_damaged_folder(folder: Path, text: str) -> None:
    (folder / "simulation.json").write_text(text)
    with pytest.raises(TomatoError) as refused:
        page.write(folder)
    assert str(refused.value) == (
        "error: this is not a folder that tomato compile wrote, or it is damaged: what it should say is missing\n"
        f"  --> {folder / 'simulation.json'}\n  hint: compile the model again"
    )
