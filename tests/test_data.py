"""Frames from files, in the shape that a model wants."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tomato.data import read, suit
from tomato.errors import TomatoError

SHAPE = (3, 4, 5)


def message(path: Path, shape: tuple[int, ...] = SHAPE) -> str:
    with pytest.raises(TomatoError) as error:
        read(path, shape)
    return str(error.value).replace(f"{path.parent}/", "")


def test_npz_with_labels_and_limit(tmp_path: Path) -> None:
    x, labels = np.arange(6 * 60, dtype=np.float64).reshape(6, *SHAPE), np.arange(6)[:, None]
    np.savez(tmp_path / "d.npz", x=x, labels=labels)
    data = read(tmp_path / "d.npz", SHAPE, limit=4)
    assert data.frames.dtype == np.float32
    assert np.array_equal(data.frames, x[:4])
    assert data.labels is not None
    assert data.labels.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["x", "images", "data", "input", "only"])
def test_names_of_frames(name: str, tmp_path: Path) -> None:
    arrays: Any = {name: np.ones((2, *SHAPE))}
    np.savez(tmp_path / "d.npz", **arrays)
    assert read(tmp_path / "d.npz", SHAPE).frames.shape == (2, *SHAPE)


def test_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", np.ones((2, *SHAPE), np.uint8))
    data = read(tmp_path / "d.npy", SHAPE)
    assert data.labels is None
    assert data.frames.dtype == np.float32


def test_shapes_that_suit() -> None:
    x = np.arange(2 * 60, dtype=np.float32).reshape(2, *SHAPE)
    assert np.array_equal(suit(x.transpose(0, 2, 3, 1), SHAPE), x)
    assert suit(np.ones((7, 28, 28)), (1, 28, 28)).shape == (7, 1, 28, 28)
    assert suit(np.ones((7, 64)), (64, 1)).shape == (7, 64, 1)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (np.ones((2, 4, 5)), "the data has the shape (2, 4, 5): expected (frames, 3, 4, 5)"),
        (np.ones((0, 3, 4, 5)), "the data is (0, 3, 4, 5) of float64: expected (frames, 3, 4, 5)"),
        (np.array(["a"]), "the data is (1,) of <U1: expected (frames, 3, 4, 5)"),
        (np.full((1, 3, 4, 5), np.inf), "the data has values that are not finite"),
    ],
)
def test_data_that_does_not_suit(x: np.ndarray, says: str) -> None:
    with pytest.raises(TomatoError) as error:
        suit(x, SHAPE)
    assert error.value.what == says


def test_missing_file(tmp_path: Path) -> None:
    assert message(tmp_path / "no.npz") == "error: the data file does not exist\n  --> no.npz"


def test_ambiguous_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", a=1, b=2)
    assert message(tmp_path / "d.npz") == (
        "error: the npz has a, b, but none called x\n  --> d.npz\n  hint: store the frames as x"
    )


def test_pickles_are_not_run(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", np.array([{"a": 1}], dtype=object))
    assert message(tmp_path / "d.npy").startswith("error: cannot read the data: Object arrays cannot be loaded")


def test_text_file(tmp_path: Path) -> None:
    (tmp_path / "d.npy").write_text("1 2 3")
    assert message(tmp_path / "d.npy").startswith("error: cannot read the data: ")


def test_pictures(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.full((8, 6, 3), 200, np.uint8)).save(tmp_path / "a.png")
    data = read(tmp_path, SHAPE)
    assert data.frames.shape == (1, *SHAPE)
    assert np.all(data.frames == 200)


def test_folder_without_pictures(tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    folder = tmp_path / "pictures"
    folder.mkdir()
    assert message(folder) == (
        "error: the folder has no pictures\n  --> pictures\n  hint: known are .bmp, .jpeg, .jpg, .png, .ppm, .webp"
    )
