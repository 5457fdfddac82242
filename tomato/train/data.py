"""Frames to train on: mapped from their files, split honestly, and varied."""

import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from tomato.core.errors import TomatoError
from tomato.core.files import reading, refusals
from tomato.core.formats import Array
from tomato.core.interface import Slot
from tomato.host import data

CHUNK = 256
"""Frames checked at once."""
FEWEST = 8
"""Frames on either side of a split."""


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Frames of every input of a model, batch first, perhaps mapped from files, and their labels if there are any.

    chosen: which of the stored frames these are.
    """

    slots: tuple[Slot, ...]
    stored: tuple[Array, ...]
    labels: Array | None
    chosen: Array
    kept: tuple[Any, ...] = field(default=(), repr=False)

    @classmethod
    def of(
        cls, slots: Sequence[Slot], stored: Sequence[Array], labels: Array | None = None, kept: Any = ()
    ) -> "Frames":
        """All of some arrays. Raises TomatoError where they do not suit."""
        if len({len(s) for s in stored}) != 1:
            raise TomatoError(f"the inputs have different numbers of frames: {', '.join(str(len(s)) for s in stored)}")
        count = len(stored[0])
        if labels is not None:
            labels = data.classes_of(labels, count)
        made = cls(tuple(slots), tuple(stored), labels, np.arange(count), kept)
        for start in range(0, count, CHUNK):
            made.take(np.arange(start, min(start + CHUNK, count))).arrays()
        return made

    def __len__(self) -> int:
        return len(self.chosen)

    def take(self, index: Array) -> "Frames":
        """Some of the frames."""
        return replace(self, chosen=self.chosen[index])

    def arrays(self) -> tuple[Array, ...]:
        """The frames as the model takes them, in memory."""
        order = np.argsort(self.chosen, kind="stable")
        back = np.argsort(order, kind="stable")
        return tuple(
            data.suit(np.asarray(s[self.chosen[order]]), slot.shape, slot.dtype, name=slot.name)[back]
            for s, slot in zip(self.stored, self.slots, strict=True)
        )

    def classes(self) -> Array | None:
        """The labels of the frames."""
        return None if self.labels is None else self.labels[self.chosen]

    def batches(self, size: int) -> Iterator["Frames"]:
        """All frames in their order, `size` at a time."""
        for start in range(0, len(self), size):
            yield self.take(np.arange(start, min(start + size, len(self))))

    def shuffled(self, size: int, seed: Sequence[int]) -> Iterator["Frames"]:
        """All frames once in an order of the seed's, `size` at a time; a last batch of fewer than half is left out."""
        order = np.random.default_rng(seed).permutation(len(self))
        for start in range(0, len(self), size):
            part = order[start : start + size]
            if len(part) * 2 >= min(size, len(self)):
                yield self.take(part)


@refusals("cannot read the data")
def read(paths: Sequence[Path], slots: Sequence[Slot]) -> Frames:
    """Frames of every input from a .npz or .npy each, mapped, and the labels of the first. Raises TomatoError."""
    if len(paths) != len(slots):
        names = ", ".join(s.name for s in slots)
        raise TomatoError(f"data files given: {len(paths)}, but inputs of the model: {len(slots)} ({names})")
    kept: list[Any] = []
    found = [_mapped(path, slot, kept) for path, slot in zip(paths, slots, strict=True)]
    labels = found[0][1]
    try:
        return Frames.of(slots, [frames for frames, _ in found], labels, tuple(kept))
    except TomatoError as reason:
        raise TomatoError(reason.what, where=", ".join(map(str, paths)), hint=reason.hint) from reason


def _mapped(path: Path, slot: Slot, kept: list[Any]) -> tuple[Array, Array | None]:
    """Frames of a file without reading them all, and its labels."""
    if path.is_dir() or not path.exists():
        given = data.read(path, slot.shape, slot.dtype, name=slot.name)
        return given.frames, given.labels
    with reading("cannot read the data", where=path, hint=data.GIVE):
        if path.suffix == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False), None
        with zipfile.ZipFile(path) as archive:
            names = [n.removesuffix(".npy") for n in archive.namelist()]
            key = data.key_of(path, names, data.FRAME_KEYS)
            label = next((k for k in data.LABEL_KEYS if k in names), None)
            frames = _member(path, archive, f"{key}.npy", kept)
            labels = None if label is None else np.asarray(_member(path, archive, f"{label}.npy", kept))
    return frames, labels


def _member(path: Path, archive: zipfile.ZipFile, name: str, kept: list[Any]) -> Array:
    """An array of an archive: mapped where it is stored as it is, else unpacked into a temporary file and mapped."""
    if archive.getinfo(name).compress_type == zipfile.ZIP_STORED:
        info = archive.getinfo(name)
        with path.open("rb") as file:
            file.seek(info.header_offset + 26)
            lengths = int.from_bytes(file.read(2), "little") + int.from_bytes(file.read(2), "little")
            return _map(file, path, info.header_offset + 30 + lengths)
    folder = tempfile.TemporaryDirectory(prefix="tomato-frames-")
    kept.append(folder)
    unpacked = Path(archive.extract(name, folder.name))
    return np.load(unpacked, mmap_mode="r", allow_pickle=False)


def _map(file: IO[bytes], path: Path, start: int) -> Array:
    """The .npy that begins at a place of a file, mapped."""
    file.seek(start)
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, columns, dtype = header(file)
    if dtype.hasobject:
        raise ValueError("it holds objects")
    if int(np.prod(shape)) == 0:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, "r", file.tell(), shape, "F" if columns else "C")


def split(frames: Frames, share: float, seed: int) -> tuple[Frames, Frames]:
    """Frames to train on, and others to choose by: a share of them drawn by the seed. TomatoError if there are too few."""
    aside = round(len(frames) * share)
    if min(aside, len(frames) - aside) < FEWEST:
        need = int(np.ceil(FEWEST / min(share, 1.0 - share)))
        raise TomatoError(
            f"{len(frames)} frames are too few to keep {share:.0%} of them aside: at least {need} are needed",
            hint="give more frames, or frames to judge by: --valid VALID.npz",
        )
    order = np.random.default_rng([seed, 1]).permutation(len(frames))
    return frames.take(np.sort(order[aside:])), frames.take(np.sort(order[:aside]))


def check_labels(frames: Frames, classes: int, where: str = "") -> None:
    """Raise TomatoError where a label is not the number of one of so many classes."""
    found = frames.classes()
    if found is None:
        return
    wrong = np.flatnonzero(found >= classes)
    if wrong.size:
        raise TomatoError(
            f"label {found[wrong[0]]} of frame {wrong[0]} is out of range: the network has {classes} classes, from 0",
            where=where,
        )


@dataclass(frozen=True, slots=True)
class Variation:
    """How frames are varied while training; nothing unless asked.

    shift: up to so many rows and columns, the edge repeated. flip: mirror half of them left to right. mixup: the
    parameter of the beta distribution that mixes two frames (Zhang et al., mixup, 2018); 0 for none.
    """

    shift: tuple[int, int] = (0, 0)
    flip: bool = False
    mixup: float = 0.0

    def __call__(self, frames: Sequence[torch.Tensor], rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
        """Varied frames of every input; those without height and width only mixed."""
        found = [self._varied(x, rng) if x.ndim == 4 else x for x in frames]
        if self.mixup > 0:
            share, order = float(rng.beta(self.mixup, self.mixup)), torch.from_numpy(rng.permutation(len(found[0])))
            found = [share * x + (1.0 - share) * x[order] for x in found]
        return tuple(found)

    def _varied(self, x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        each = torch.arange(len(x))[:, None]
        for axis, most in zip((2, 3), self.shift, strict=True):
            if most:
                by = torch.from_numpy(rng.integers(-most, most, len(x), endpoint=True))
                index = (torch.arange(x.shape[axis])[None] - by[:, None]).clamp(0, x.shape[axis] - 1)
                x = x.movedim(axis, 1)[each, index].movedim(1, axis)
        if self.flip:
            mirrored = torch.from_numpy(rng.random(len(x)) < 0.5)
            x = torch.where(mirrored[:, None, None, None], x.flip(3), x)
        return x
