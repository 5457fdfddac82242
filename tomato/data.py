"""Frames from files: npz, npy, or a folder of images, in the shape that a model wants."""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from tomato.errors import TomatoError
from tomato.formats import Array

IMAGES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".webp")
FRAME_KEYS = ("x", "images", "data", "input")
LABEL_KEYS = ("labels", "label", "targets")


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Frames as the ONNX model takes them, batch first, and their labels if there are any."""

    frames: Array
    labels: Array | None = None


def read(path: Path, shape: tuple[int, ...], *, limit: int | None = None) -> Data:
    """Frames for an input of `shape` (without the batch) from a .npz, a .npy, or a folder of images.

    An npz holds the frames as `x` (or is the only array) and optionally `labels`. Raises TomatoError
    when the file cannot be read or the shape does not suit.
    """
    if path.is_dir():
        return Data(_images(path, shape, limit))
    labels = None
    try:
        stored = np.load(path, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            frames = stored
        else:
            frames = stored[_key(path, stored.files, FRAME_KEYS)]
            found = [k for k in LABEL_KEYS if k in stored.files]
            labels = stored[found[0]] if found else None
    except FileNotFoundError as reason:
        raise TomatoError("the data file does not exist", where=str(path)) from reason
    except (OSError, ValueError, EOFError, BadZipFile) as reason:
        raise TomatoError(
            f"cannot read the data: {reason}", where=str(path), hint="give a .npz, a .npy or a folder of images"
        ) from reason
    frames = suit(frames[:limit], shape, where=str(path))
    return Data(frames, None if labels is None else labels.reshape(-1)[: len(frames)])


def _key(path: Path, names: list[str], known: tuple[str, ...]) -> str:
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


def suit(frames: Array, shape: tuple[int, ...], *, where: str = "") -> Array:
    """Frames as float32 (batch, *shape): as they are, with size-1 axes added, or channels-last made channels-first.

    Raises TomatoError when the shapes do not suit or a value is not finite.
    """
    expected = f"expected (frames, {', '.join(map(str, shape))})"
    if frames.ndim == 0 or not np.issubdtype(frames.dtype, np.number) or not len(frames):
        raise TomatoError(f"the data is {frames.shape} of {frames.dtype}: {expected}", where=where)
    got = frames.shape[1:]
    if got == shape:
        suited = frames
    elif [n for n in got if n > 1] == [n for n in shape if n > 1]:
        suited = frames.reshape(len(frames), *shape)
    elif len(shape) == 3 and got == (shape[1], shape[2], shape[0]):
        suited = frames.transpose(0, 3, 1, 2)
    else:
        raise TomatoError(
            f"the data has the shape {frames.shape}: {expected}",
            where=where,
            hint="the first axis counts frames, the others are those of the model's input",
        )
    suited = np.ascontiguousarray(suited, dtype=np.float32)
    if not np.all(np.isfinite(suited)):
        raise TomatoError("the data has values that are not finite", where=where)
    return suited


def classes(output: Array) -> Array | None:
    """The class of each frame, if the output is one vector of scores per frame, or the class itself; else None."""
    flat = output.reshape(len(output), -1)
    if flat.shape[1] == 1 and output.dtype.kind in "iu":
        return flat[:, 0]
    if flat.shape[1] > 1 and flat.shape[1] == max(output.shape[1:]):
        return np.asarray(flat.argmax(axis=1))
    return None


def _images(folder: Path, shape: tuple[int, ...], limit: int | None) -> Array:
    """Pictures resized to the model's input, values 0 to 255."""
    try:
        from PIL import Image
    except ImportError as reason:
        raise TomatoError(
            "reading pictures needs Pillow", where=str(folder), hint="pip install pillow, or give a .npz"
        ) from reason
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise TomatoError(f"pictures do not suit an input of shape {shape}", where=str(folder), hint="give a .npz")
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGES)[:limit]
    if not paths:
        raise TomatoError("the folder has no pictures", where=str(folder), hint=f"known are {', '.join(IMAGES)}")
    frames = []
    for path in paths:
        with Image.open(path) as picture:
            plain = picture.convert("L" if shape[0] == 1 else "RGB").resize((shape[2], shape[1]))
            frames.append(np.asarray(plain, dtype=np.float32).reshape(shape[1], shape[2], shape[0]).transpose(2, 0, 1))
    return np.stack(frames)
