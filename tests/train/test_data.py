"""Frames: mapped from files, checked, split honestly, varied."""

import io
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.mutants import mutants, taken_or_refused
from tests.train.small import CLASSES, SHAPE, SLOT, frames
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interface import Slot
from tomato.train import data
from tomato.train.data import Frames, Variation, check_labels, parts, read, split
from tomato.train.stored import mapped

RNG = np.random.default_rng(0)


def message(run: Callable[[], object]) -> str:
    with pytest.raises(TomatoError) as error:
        run()
    return str(error.value)


def is_mapped(x: Array) -> bool:
    """Whether an array is a view of a file."""
    owner: object = x
    while isinstance(owner, np.ndarray) and not isinstance(owner, np.memmap):
        owner = owner.base
    return isinstance(owner, np.memmap)


def stored(folder: Path, kind: str, x: Array, labels: Array | None = None) -> Path:
    path = folder / f"d.{'npy' if kind == 'npy' else 'npz'}"
    if kind == "npy":
        np.save(path, x)
    else:
        arrays = {"x": x} if labels is None else {"labels": labels, "x": x}
        (np.savez if kind == "npz" else np.savez_compressed)(path, **arrays)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize("kind", ["npy", "npz", "compressed"])
def test_files_are_mapped(kind: str, fortran: bool, tmp_path: Path) -> None:
    x, labels = RNG.normal(size=(20, *SHAPE)), RNG.integers(0, 3, 20)
    path = stored(tmp_path, kind, np.asfortranarray(x) if fortran else x, None if kind == "npy" else labels)
    found = read([path], [SLOT])
    assert is_mapped(found.stored[0])
    some = found.take(np.array([7, 3, 7, 19]))
    (given,) = some.arrays()
    assert given.dtype == np.float32
    assert np.array_equal(given, x[[7, 3, 7, 19]].astype(np.float32))
    classes = some.classes()
    assert (classes is None) == (kind == "npy")
    assert classes is None or np.array_equal(classes, labels[[7, 3, 7, 19]])
    assert [p.name for p in tmp_path.iterdir()] == [path.name], "nothing is left beside the data"


def test_memory_is_not_needed_for_all_frames(tmp_path: Path) -> None:
    """A file of holes that is larger than what may be had."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "d.npy"
    np.lib.format.open_memmap(path, "w+", np.float32, (3000, 64, 64, 64)).flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    part = Frames((Slot("x", (64, 64, 64), "float32"),), (mapped(path)[0],), None, np.arange(3000))
    assert part.take(np.array([1, 2999])).arrays()[0].shape == (2, 64, 64, 64)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 18, "kilobytes; the file has 3 gigabytes"


def test_what_is_written_by_others_is_found(tmp_path: Path) -> None:
    """An archive with something in front, long names, extra fields and sizes behind the data."""
    x, path = RNG.normal(size=(9, *SHAPE)).astype(np.float16), tmp_path / "d.npz"
    member = io.BytesIO()
    np.save(member, x)
    with path.open("wb") as file:
        file.write(b"PK is what it begins with")
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a" * 300, "no array")
            info = zipfile.ZipInfo("images.npy")
            info.extra = b"\x99\x99\x04\x00abcd"
            with archive.open(info, "w", force_zip64=True) as out:
                out.write(member.getvalue())
    found = read([path], [SLOT])
    assert is_mapped(found.stored[0])
    assert np.array_equal(found.arrays()[0], x.astype(np.float32))


@pytest.mark.parametrize("kind", ["npy", "npz", "compressed"])
def test_damaged_files_are_refused_or_read(kind: str, tmp_path: Path) -> None:
    x = RNG.normal(size=(10, *SHAPE)).astype(np.float32)
    path = stored(tmp_path, kind, x)
    original = path.read_bytes()

    def use(damaged: bytes) -> None:
        path.write_bytes(damaged)
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            assert read([path], [SLOT]).arrays()[0].shape[1:] == SHAPE

    taken_or_refused(mutants(original, 120), use)


@pytest.mark.parametrize("kind", ["npy", "npz", "compressed"])
def test_an_array_longer_than_its_file(kind: str, tmp_path: Path) -> None:
    """Reading behind the end of a mapped file ends the program."""
    real, member = stored(tmp_path, "npy", np.ones((20, *SHAPE))), tmp_path / "long.npy"
    member.write_bytes(real.read_bytes().replace(b"(20,", b"(21,"))
    path = member
    if kind != "npy":
        path = tmp_path / "long.npz"
        how = zipfile.ZIP_STORED if kind == "npz" else zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(path, "w", how) as archive:
            archive.write(member, "x.npy")
            archive.writestr("more", bytes(9999))
    assert message(lambda: read([path], [SLOT])) == (
        f"error: cannot read the data: the file ends before the array does\n  --> {path}\n"
        "  hint: give a .npz, a .npy or a folder of images"
    )


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (np.ones((300, 7)), "the data has the shape (300, 7): expected (frames, 2, 6, 4)"),
        (np.ones((0, *SHAPE)), "the data is (0, 2, 6, 4) of float64: expected (frames, 2, 6, 4)"),
        (np.array(1.0), "the data is () of float64: expected (frames, 2, 6, 4)"),
        (np.array([["a"]]), "the data is (1, 1) of <U1: expected (frames, 2, 6, 4)"),
        (np.full((2, *SHAPE), 1e300), "the data has values that float32 does not hold"),
    ],
)
@pytest.mark.parametrize("kind", ["npy", "compressed"])
def test_data_that_does_not_suit(x: Array, says: str, kind: str, tmp_path: Path) -> None:
    path = stored(tmp_path, kind, x)
    assert message(lambda: read([path], [SLOT])).startswith(f"error: {says}\n  --> {path}")


def test_values_are_checked_in_all_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "CHUNK", 5 * 48)
    x = np.ones((23, *SHAPE))
    x[22, 1, 5, 3] = np.nan
    path = stored(tmp_path, "npz", x)
    assert message(lambda: read([path], [SLOT])) == f"error: the data has values that are not finite\n  --> {path}"
    assert len(read([stored(tmp_path, "npz", x[:22])], [SLOT])) == 22


@pytest.mark.parametrize("kind", ["npy", "npz", "compressed"])
def test_objects_are_not_loaded(kind: str, tmp_path: Path) -> None:
    path = stored(tmp_path, kind, np.array([{"a": 1}], dtype=object))
    text = message(lambda: read([path], [SLOT]))
    assert text.startswith("error: cannot read the data: Object arrays cannot be loaded")


def test_files_of_several_inputs(tmp_path: Path) -> None:
    slots = [Slot("a", (3,), "float32"), Slot("b", (2,), "uint8")]
    np.savez(tmp_path / "a.npz", x=np.ones((5, 3)), labels=np.arange(5))
    np.save(tmp_path / "b.npy", np.arange(10).reshape(5, 2))
    paths = [tmp_path / "a.npz", tmp_path / "b.npy"]
    a, b = read(paths, slots).take(np.array([4, 0])).arrays()
    assert (a.dtype.name, b.dtype.name, b.tolist()) == ("float32", "uint8", [[8, 9], [0, 1]])
    assert message(lambda: read(paths[:1], slots)) == "error: data files given: 1, but inputs of the model: 2 (a, b)"
    np.save(tmp_path / "b.npy", np.full((5, 2), 256))
    assert message(lambda: read(paths, slots)).startswith("error: input 'b' takes uint8, whole numbers from 0 to 255")
    np.save(tmp_path / "b.npy", np.ones((4, 2)))
    assert message(lambda: read(paths, slots)) == "error: the inputs have different numbers of frames: 5, 4"


def test_channels_last_and_missing_files(tmp_path: Path) -> None:
    x = RNG.normal(size=(4, *SHAPE)).astype(np.float32)
    path = stored(tmp_path, "npy", x.transpose(0, 2, 3, 1))
    found = read([path], [SLOT])
    assert is_mapped(found.stored[0])
    assert np.array_equal(found.arrays()[0], x)
    assert message(lambda: read([tmp_path / "no.npz"], [SLOT])).startswith("error: the data file does not exist\n")


def test_batches_have_every_frame_once() -> None:
    given = frames(50)
    in_order = [batch.chosen for batch in given.batches(16)]
    assert [len(chosen) for chosen in in_order] == [16, 16, 16, 2]
    assert np.array_equal(np.concatenate(in_order), np.arange(50))
    seeds = ([3, 1], [3, 1], [3, 2])
    orders = [np.concatenate([b.chosen for b in given.shuffled(16, seed)]).tolist() for seed in seeds]
    assert orders[0] == orders[1] != orders[2]
    assert len(set(orders[0])) == len(orders[0]) == 48, "the last two are left out"
    assert [len(b) for b in given.take(np.arange(5)).shuffled(16, [0])] == [5]


def test_a_split_has_no_frame_twice_and_labels_alike() -> None:
    given = frames(300)
    found = parts(given, 0.2, 4)
    numbers = [part.chosen for part in (found.train, found.choice, found.report)]
    assert [len(n) for n in numbers] == [180, 60, 60]
    assert sorted(np.concatenate(numbers)) == list(range(300))
    labels = given.classes()
    assert labels is not None
    for part in numbers:
        counts = np.bincount(labels[part], minlength=CLASSES) / len(part)
        assert np.abs(counts - np.bincount(labels) / 300).max() < 0.02
    again, other = parts(given, 0.2, 4), parts(given, 0.2, 5)
    assert np.array_equal(again.report.chosen, found.report.chosen)
    assert not np.array_equal(other.report.chosen, found.report.chosen)


def test_without_labels_the_order_of_the_file_does_not_matter() -> None:
    """A file sorted by class is not split by class."""
    train, aside = split(frames(200, labelled=False), 0.25, 0)
    assert (len(train), len(aside)) == (150, 50)
    assert 70 < aside.chosen.mean() < 130
    assert len(set(np.diff(aside.chosen))) > 3


def test_valid_frames_are_reported_on_and_not_chosen_by() -> None:
    given, valid = frames(100), frames(30, seed=8)
    found = parts(given, 0.2, 0, valid)
    assert found.report is valid
    assert sorted([*found.train.chosen, *found.choice.chosen]) == list(range(100))
    assert len(found.choice) == 20


def test_too_few_frames_to_split() -> None:
    given = frames(30)
    assert message(lambda: split(given, 0.1, 0)) == (
        "error: 30 frames are too few to set 10% of them aside: 80 are enough\n"
        "  hint: give more frames, or frames to judge by: --valid VALID.npz"
    )
    assert len(split(frames(80), 0.1, 0)[1]) == 8
    assert message(lambda: split(frames(79), 0.1, 0)).startswith("error: 79 frames are too few")
    assert message(lambda: parts(given, 0.4, 0)).startswith(
        "error: 30 frames are too few to set 40% of them aside twice: 40 are enough\n"
    )
    found = parts(frames(40), 0.4, 0)
    assert (len(found.train), len(found.choice), len(found.report)) == (8, 16, 16)
    assert message(lambda: parts(given, 0.5, 0)) == (
        "error: 2 times 50% of the frames set aside leave none to train on"
    )
    assert message(lambda: split(given, 1.5, 0)).startswith("error: the share of frames set aside must be a number ")


def test_a_label_out_of_range_is_named_by_its_frame_in_the_file() -> None:
    labels = np.zeros(20, np.int64)
    labels[[12, 15]] = 5
    given = Frames.of([SLOT], [np.ones((20, *SHAPE))], labels)
    check_labels(given, 6)
    wanted = "error: label 5 of frame 12 is out of range: the network has 3 classes, from 0\n  --> d.npz"
    assert message(lambda: check_labels(given.take(np.array([15, 0, 12])), 3, "d.npz")) == wanted


def varied(how: Variation, x: Array, seed: int = 1) -> Array:
    (y,) = how([torch.from_numpy(x)], np.random.default_rng(seed))
    found: Array = y.numpy()
    return found


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("border", ["edge", "zero"])
def test_shifts(border: data.Border, last: bool) -> None:
    """Every frame moves by its own numbers of rows and columns, all of them within the limits."""
    x = RNG.normal(size=(64, 3, 7, 5)).astype(np.float32)
    y = varied(Variation((2, 1), border=border), np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if last else x)
    y = y.transpose(0, 3, 1, 2) if last else y
    mode = {"mode": "edge"} if border == "edge" else {"mode": "constant"}
    padded = np.pad(x, ((0, 0), (0, 0), (2, 2), (1, 1)), **mode)  # type: ignore[call-overload]
    seen = set()
    for frame, wide in zip(y, padded, strict=True):
        found = [(r, c) for r in range(5) for c in range(3) if np.array_equal(frame, wide[:, r : r + 7, c : c + 5])]
        assert len(found) == 1
        seen.update(found)
    assert len(seen) == 15


def test_flips_half_of_the_frames() -> None:
    x = RNG.normal(size=(200, 3, 4, 5)).astype(np.float32)
    y = varied(Variation(flip=True), x)
    flipped = np.array([np.array_equal(a, b[..., ::-1]) for a, b in zip(y, x, strict=True)])
    assert all(np.array_equal(a, b) for a, b in zip(y[~flipped], x[~flipped], strict=True))
    assert 70 < flipped.sum() < 130


def test_cutout_is_a_square() -> None:
    y = varied(Variation(cutout=3), np.ones((100, 3, 9, 8), np.float32))
    assert np.array_equal(y[:, 0], y[:, 1])
    holes = [np.argwhere(frame[0] == 0) for frame in y]
    assert {tuple(np.ptp(h, axis=0) + 1) for h in holes} == {(a, b) for a in (2, 3) for b in (2, 3)}
    assert all(len(h) == np.prod(np.ptp(h, axis=0) + 1) for h in holes)
    assert len({tuple(h[0]) for h in holes}) > 20


def test_inputs_of_a_frame_are_varied_alike_and_vectors_stay() -> None:
    x, vector = torch.randn(16, 3, 6, 6), torch.randn(16, 9)
    how = Variation((2, 2), flip=True, cutout=2)
    a, b, c = how([x, x * 2, vector], np.random.default_rng(0))
    assert torch.equal(a * 2, b)
    assert torch.equal(c, vector)
    assert not torch.equal(a, x)


def test_mixup_mixes_all_inputs_alike() -> None:
    x = torch.randn(16, 3, 6, 6)
    vector = torch.randn(16, 9)
    (a, b), order, left = Variation(mixup=0.5).mixed([x, vector], np.random.default_rng(0))
    assert sorted(order.tolist()) == list(range(16))
    assert 0 < left < 1
    torch.testing.assert_close(a, left * x + (1 - left) * x[order])
    torch.testing.assert_close(b, left * vector + (1 - left) * vector[order])


def test_nothing_is_varied_unless_asked() -> None:
    x = torch.randn(4, 3, 6, 6)
    rng = np.random.default_rng(0)
    (y,), order, left = Variation().mixed(Variation()([x], rng), rng)
    assert torch.equal(x, y)
    assert (order.tolist(), left) == ([0, 1, 2, 3], 1.0)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"shift": (1, -1)}, "shift must be a number 0 or more, not -1"),
        ({"cutout": 1.5}, "cutout must be a whole number of pixels, not 1.5"),
        ({"mixup": -0.1}, "mixup must be a number 0 or more, not -0.1"),
        ({"border": "wrap"}, "border must be edge or zero, not 'wrap'"),
    ],
)
def test_variations_that_are_none(wrong: dict[str, object], says: str) -> None:
    assert message(lambda: Variation(**wrong)) == f"error: {says}"  # type: ignore[arg-type]
