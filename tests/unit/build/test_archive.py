"""A graph on disk comes back equal, and foreign folders are refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests import digits
from tomato.build import archive
from tomato.core.errors import TomatoError
from tomato.frontend import Network


def saved(folder: Path) -> Path:
    acc = digits.compiled()
    folder.mkdir(exist_ok=True)
    archive.save(folder, Network(acc.graph, acc.inputs, acc.outputs))
    return folder


def test_comes_back(tmp_path: Path) -> None:
    acc = digits.compiled()
    stored = archive.load(saved(tmp_path))
    graph = stored.graph
    assert graph == acc.graph
    assert dict(graph.encodings) == dict(acc.graph.encodings)
    assert [n.origin for n in graph] == [n.origin for n in acc.graph]
    assert stored == Network(acc.graph, acc.inputs, acc.outputs)


def test_deterministic(tmp_path: Path) -> None:
    first, second = saved(tmp_path / "a"), saved(tmp_path / "b")
    assert (first / "graph.json").read_bytes() == (second / "graph.json").read_bytes()
    with np.load(first / "constants.npz") as a, np.load(second / "constants.npz") as b:
        assert a.files == b.files
        assert all(np.array_equal(a[k], b[k]) for k in a.files)


def test_another_version(tmp_path: Path) -> None:
    folder = saved(tmp_path / "golden")
    document = json.loads((folder / "graph.json").read_text())
    (folder / "graph.json").write_text(json.dumps(document | {"version": 99}))
    with pytest.raises(TomatoError) as error:
        archive.load(folder)
    assert str(error.value) == (
        f"error: the folder was written by another version (format 99, not {archive.VERSION})\n"
        f"  --> {tmp_path}\n  hint: compile the model again"
    )


def test_missing_constants(tmp_path: Path) -> None:
    folder = saved(tmp_path / "golden")
    (folder / "constants.npz").unlink()
    with pytest.raises(
        TomatoError, match=r"^error: this is not a folder that tomato compile wrote, or it is damaged: "
    ):
        archive.load(folder)


def test_damaged_constants(tmp_path: Path) -> None:
    folder = saved(tmp_path / "golden")
    (folder / "constants.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(
        TomatoError, match=r"^error: this is not a folder that tomato compile wrote, or it is damaged: "
    ):
        archive.load(folder)
