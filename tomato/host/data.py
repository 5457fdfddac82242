"""Frames from files: npz, npy, or a folder of images, in the shape that a model wants."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.files import reading, refusals
from tomato.core.formats import Array
from tomato.core.interface import whole_numbers

NUMBERS, INTEGERS = "biuf", "biu"
"""Kinds of NumPy types."""
CLASSES = (np.dtype(np.int64), np.dtype(np.int32))
"""Types of an ArgMax, cast or not: narrower integers are codes."""
COLOURS = (1, 3)
"""Channels of a picture: grey, or red, green and blue."""
LARGEST = 2**31 - 1
"""No class has a larger number."""
IMAGES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".webp")
MAGIC = (b"\x93NUMPY", b"PK")
"""How a .npy and a .npz begin."""
GIVE = "give a .npz, a .npy or a folder of images"
FRAME_KEYS = ("x", "images", "data", "input")
LABEL_KEYS = ("labels", "label", "targets")


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Frames as the ONNX model takes them, batch first, and their labels if there are any."""

    frames: Array
    labels: Array | None = None


@refusals("cannot read the data")
def read(
    path: Path, shape: tuple[int, ...], dtype: str = "float32", *, name: str = "", limit: int | None = None
) -> Data:
    """Frames for an input of `shape` (without the batch) and type from a .npz, a .npy, or a folder of images.

    An npz holds the frames as `x` (or is the only array) and optionally `labels`. Raises TomatoError
    when the file cannot be read or the frames do not suit the input, which `name` names.
    """
    where = str(path)
    if path.is_dir():
        return Data(suit(_images(path, shape, limit), shape, dtype, name=name, where=where))
    frames, labels = opened(path, _arrays)
    labels = None if labels is None else labels[:limit]
    return Data(suit(frames[:limit] if frames.ndim else frames, shape, dtype, name=name, where=where), labels)


def opened(path: Path, load: Callable[[Path], tuple[Array, Array | None]]) -> tuple[Array, Array | None]:
    """The frames as a .npz or .npy has them, and checked labels: `load` gets both from it. Raises TomatoError."""
    where = str(path)
    if not path.exists():
        raise TomatoError("the data file does not exist", where=where)
    with reading("cannot read the data", where=path, hint=GIVE):
        with path.open("rb") as file:
            start = file.read(len(MAGIC[0]))
        if not start.startswith(MAGIC):
            raise TomatoError("this is neither a .npz nor a .npy file", where=where, hint=GIVE)
        frames, labels = load(path)
    if labels is not None:
        labels = classes_of(labels, len(frames) if frames.ndim else 0, where=where)
    return frames, labels


def members(path: Path, names: list[str]) -> list[str]:
    """Of the names in an npz that of the frames, and that of the labels if there are any. Raises TomatoError."""
    return [key_of(path, names, FRAME_KEYS), *[k for k in LABEL_KEYS if k in names][:1]]


def _arrays(path: Path) -> tuple[Array, Array | None]:
    """The frames in a .npz or .npy, and the labels that an npz may hold."""
    stored = np.load(path, allow_pickle=False)
    if isinstance(stored, np.ndarray):
        return stored, None
    with stored:
        names = [key_of(path, stored.files, FRAME_KEYS), *[k for k in LABEL_KEYS if k in stored.files][:1]]
        frames, *labels = (_member(stored, name) for name in names)
    return frames, labels[0] if labels else None


def _member(stored: Any, name: str) -> Array:
    found = stored[name]
    if not isinstance(found, np.ndarray):
        raise TypeError(f"its member {name} is no array")
    return found


def classes_of(labels: object, count: int, *, where: str = "") -> Array:
    """Labels as whole numbers, one per frame. Raises TomatoError for any others."""
    with reading("the labels are no array", where=where):
        given = np.asarray(labels)
    plain = given.reshape(-1) if given.ndim == 1 or (given.ndim == 2 and given.shape[1] == 1) else None
    if plain is None or plain.dtype.kind not in NUMBERS:
        raise TomatoError(
            f"the labels are {given.shape} of {given.dtype}: expected one whole number per frame",
            where=where,
            hint="labels are the numbers of classes, from 0; of one-hot rows take labels.argmax(axis=1)",
        )
    if len(plain) != count:
        raise TomatoError(f"{len(plain)} labels for {count} frames", where=where)
    with np.errstate(invalid="ignore"):
        wrong = ~((plain >= 0) & (plain <= LARGEST) & (plain == np.floor(plain)))
    if np.any(wrong):
        raise TomatoError(
            f"label {plain[wrong][0]} of frame {np.flatnonzero(wrong)[0]} is not the number of a class",
            where=where,
            hint="classes are counted from 0",
        )
    return plain.astype(np.int64)


def key_of(path: Path, names: list[str], known: tuple[str, ...]) -> str:
    """The array of a .npz that is called by a known name, or is the only one. Raises TomatoError if there is none."""
    for name in known:
        if name in names:
            return name
    if len(names) == 1:
        return names[0]
    raise TomatoError(
        f"the npz has {', '.join(names) or 'no arrays'}, but none called x",
        where=str(path),
        hint="store the frames as x",
    )


def suit(frames: Array, shape: tuple[int, ...], dtype: str = "float32", *, name: str = "", where: str = "") -> Array:
    """Frames as (batch, *shape) of a type: as they are, with size-1 axes added, or channels-last made channels-first.

    Integers stay exact: for an integer type every value must be one that it has. Raises TomatoError when the shapes
    do not suit, a value is not finite, or the type of input `name` does not have it.
    """
    return typed(arranged(frames, shape, name=name, where=where), dtype, name=name, where=where)


def arranged(frames: Array, shape: tuple[int, ...], *, name: str = "", where: str = "") -> Array:
    """The part of `suit` that looks at shapes: a view. Raises TomatoError when they do not suit."""
    where = _place(name, where)
    expected = f"expected (frames, {', '.join(map(str, shape))})"
    if frames.ndim == 0 or frames.dtype.kind not in NUMBERS or not len(frames):
        raise TomatoError(f"the data is {frames.shape} of {frames.dtype}: {expected}", where=where)
    got = frames.shape[1:]
    if got == shape:
        return frames
    if [n for n in got if n > 1] == [n for n in shape if n > 1]:
        return frames.reshape(len(frames), *shape)
    if len(shape) == 3 and got == (shape[1], shape[2], shape[0]):
        return frames.transpose(0, 3, 1, 2)
    raise TomatoError(
        f"the data has the shape {frames.shape}: {expected}",
        where=where,
        hint="the first axis counts frames, the others are those of the model's input",
    )


def typed(frames: Array, dtype: str = "float32", *, name: str = "", where: str = "") -> Array:
    """The part of `suit` that looks at values, of as many frames as wanted. Raises TomatoError as it does."""
    where = _place(name, where)
    if not np.all(np.isfinite(frames)):
        raise TomatoError("the data has values that are not finite", where=where)
    kind = np.dtype(dtype)
    if kind.kind in INTEGERS:
        _check_whole(frames, kind, name, where)
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(frames, dtype=kind)
    if not np.all(np.isfinite(result)):
        raise TomatoError(f"the data has values that {dtype} does not hold", where=where)
    return result


def _place(name: str, where: str) -> str:
    return where or (f"input {name}" if name else "")


def _check_whole(frames: Array, kind: np.dtype, name: str, where: str) -> None:
    """Raise TomatoError unless all values are whole numbers that the type has."""
    lo, hi = whole_numbers(kind)
    wrong = (frames < lo) | (frames > hi) | ((frames != np.rint(frames)) if frames.dtype.kind == "f" else False)
    if np.any(wrong):
        raise TomatoError(
            f"input {name!r} takes {kind.name}, whole numbers from {lo} to {hi}, but the data has {frames[wrong][0]}",
            where=where,
            hint="give the numbers that the model takes: nothing is scaled or rounded for it",
        )


def classes(output: Array) -> Array | None:
    """The class of each frame, if the output is one vector of scores per frame, or the class itself; else None."""
    flat = output.reshape(len(output), -1)
    if flat.shape[1] == 1 and output.dtype in CLASSES:
        return flat[:, 0]
    if flat.shape[1] > 1 and flat.shape[1] == max(output.shape[1:]):
        return np.asarray(flat.argmax(axis=1))
    return None


def colours_last(shape: tuple[int, ...]) -> bool:
    """Whether a picture of that shape has its channels behind height and width."""
    return len(shape) == 3 and shape[0] not in COLOURS and shape[2] in COLOURS


def _images(folder: Path, shape: tuple[int, ...], limit: int | None) -> Array:
    """Pictures resized to the model's input, values 0 to 255."""
    try:
        from PIL import Image
    except ImportError as reason:
        raise TomatoError(
            "reading pictures needs Pillow", where=str(folder), hint="pip install pillow, or give a .npz"
        ) from reason
    last = colours_last(shape)
    if not last and (len(shape) != 3 or shape[0] not in COLOURS):
        raise TomatoError(f"pictures do not suit an input of shape {shape}", where=str(folder), hint="give a .npz")
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGES)[:limit]
    if not paths:
        raise TomatoError("the folder has no pictures", where=str(folder), hint=f"known are {', '.join(IMAGES)}")
    height, width, colours = shape if last else (shape[1], shape[2], shape[0])
    frames = []
    hint = "remove it, or put a picture in its place"
    for path in paths:
        with (
            reading("cannot read the picture", where=path, hint=hint),
            warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
            Image.open(path) as picture,
        ):
            plain = picture.convert("L" if colours == 1 else "RGB").resize((width, height))
            pixels = np.asarray(plain, dtype=np.float32).reshape(height, width, colours)
            frames.append(pixels if last else pixels.transpose(2, 0, 1))
    return np.stack(frames)
