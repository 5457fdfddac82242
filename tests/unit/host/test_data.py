"""Frames from files, in the shape that a model wants."""

import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.mutants import mutants, taken_or_refused
from tomato.core.errors import TomatoError
from tomato.host.data import read, suit

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
    assert message(tmp_path / "d.npy").startswith("error: this is neither a .npz nor a .npy file\n")


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


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "cannot identify image file "),
        (b"a picture", "cannot identify image file "),
        (None, "Is a directory"),
    ],
)
def test_what_is_no_picture(text: bytes | None, says: str, tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    path = tmp_path / "a.png"
    path.mkdir() if text is None else path.write_bytes(text)
    with pytest.raises(TomatoError) as error:
        read(tmp_path, SHAPE)
    assert error.value.what.startswith(f"cannot read the picture: {says}")
    assert (error.value.where, error.value.hint) == (str(path), "remove it, or put a picture in its place")


def test_link_to_no_picture(tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    (tmp_path / "a.png").symlink_to("nothing")
    with pytest.raises(TomatoError, match=r"cannot read the picture: No such file or directory"):
        read(tmp_path, SHAPE)


def test_picture_that_is_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = pytest.importorskip("PIL.Image")
    image.new("1", (30, 50)).save(tmp_path / "a.png")
    for pixels in (1000, 100):  # Pillow warns of the first and refuses the second
        monkeypatch.setattr(image, "MAX_IMAGE_PIXELS", pixels)
        with pytest.raises(TomatoError, match=r"cannot read the picture: Image size \(1500 pixels\) exceeds limit"):
            read(tmp_path, SHAPE)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp"])
def test_damaged_picture(suffix: str, tmp_path: Path) -> None:
    """Another picture, or one error."""
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / f"a.{suffix}"
    image.fromarray(np.arange(8 * 6 * 3, dtype=np.uint8).reshape(8, 6, 3)).save(path)

    def use(damaged: bytes) -> None:
        path.write_bytes(damaged)
        with warnings.catch_warnings(action="ignore"):
            read(tmp_path, SHAPE)

    taken_or_refused(mutants(path.read_bytes(), 100), use)


def packed(**members: bytes) -> bytes:
    """A zip archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return made.getvalue()


def array(values: Any, **options: Any) -> bytes:
    made = io.BytesIO()
    np.save(made, np.asarray(values, **options))
    return made.getvalue()


def claiming(shape: str) -> bytes:
    """An npy with little in it and that shape in its header."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header + bytes(64)


GOOD = packed(x_npy=array(np.ones((2, *SHAPE))), labels_npy=array([0, 1]))
CENTRAL = GOOD.index(b"PK\x01\x02")


def with_byte(data: bytes, *changes: tuple[int, int]) -> bytes:
    made = bytearray(data)
    for at, value in changes:
        made[at] = value
    return bytes(made)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (with_byte(GOOD, (6, 1), (CENTRAL + 8, 1)), "File 'x.npy' is encrypted, password required for extraction"),
        (with_byte(GOOD, (8, 99), (CENTRAL + 10, 99)), "That compression method is not supported"),
        (packed(x_npy=b"text"), "its member x is no array"),
        (packed(x_npy=array([{}], dtype=object)), "Object arrays cannot be loaded when allow_pickle=False"),
        (packed(x_npy=array(np.ones((2, *SHAPE)))[:-9]), "EOF: reading array data"),
        (GOOD[:-30], "File is not a zip file"),
        (packed(x_npy=claiming(f"({9 * 10**30},)")), "Python int too large to convert to C long"),
        (packed(x_npy=claiming(f"({10**15}, 3)")), "Unable to allocate"),
        (claiming(f"({10**15}, 3)"), "Unable to allocate"),
        (claiming(f"({'9' * 5000},)"), "Cannot parse header"),
        (claiming("(" * 3000), ""),
    ],
)
def test_archive_that_is_damaged(data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "d.npz").write_bytes(data)
    text = message(tmp_path / "d.npz")
    assert text.startswith(f"error: cannot read the data: {says}")
    assert text.endswith("\n  --> d.npz\n  hint: give a .npz, a .npy or a folder of images")
    assert len(text) < 400


@pytest.mark.parametrize("data", [GOOD, array(np.ones((2, *SHAPE), np.float32))], ids=["npz", "npy"])
def test_mutants(data: bytes, tmp_path: Path) -> None:
    """Frames, or one error."""
    path = tmp_path / "d"

    def use(damaged: bytes) -> None:
        path.write_bytes(damaged)
        with warnings.catch_warnings(action="ignore"):
            read(path, SHAPE)

    taken_or_refused(mutants(data, 400), use)


@pytest.mark.parametrize("name", ["a\0b", "n" * 300, "\ud800"])
def test_names_that_no_file_has(name: str, tmp_path: Path) -> None:
    for path in (Path(name), Path(f"{name}.npz"), tmp_path / name):
        with pytest.raises(TomatoError):
            read(path, SHAPE)


def npz(path: Path, labels: Any) -> Path:
    np.savez(path / "d.npz", x=np.ones((2, *SHAPE)), labels=labels)
    return path / "d.npz"


@pytest.mark.parametrize("labels", [[0, 3], [[0], [3]], [0.0, 3.0], np.array([0, 3], np.uint8), [False, True]])
def test_labels(labels: Any, tmp_path: Path) -> None:
    data = read(npz(tmp_path, labels), SHAPE)
    assert data.labels is not None
    assert data.labels.dtype == np.int64
    assert data.labels.tolist() == np.asarray(labels).reshape(-1).tolist()


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (["cat", "dog"], "the labels are (2,) of <U3: expected one whole number per frame"),
        (np.eye(2), "the labels are (2, 2) of float64: expected one whole number per frame"),
        (7, "the labels are () of int64: expected one whole number per frame"),
        ([0, np.nan], "label nan of frame 1 is not the number of a class"),
        ([0, np.inf], "label inf of frame 1 is not the number of a class"),
        ([-1, 0], "label -1 of frame 0 is not the number of a class"),
        ([0, 0.5], "label 0.5 of frame 1 is not the number of a class"),
        ([0, 2**40], f"label {2**40} of frame 1 is not the number of a class"),
        ([1j, 0], "the labels are (2,) of complex128: expected one whole number per frame"),
        ([0, 1, 2], "3 labels for 2 frames"),
    ],
)
def test_labels_that_are_none(labels: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(TomatoError) as error:
        read(npz(tmp_path, labels), SHAPE)
    assert (error.value.what, error.value.where) == (says, str(tmp_path / "d.npz"))
