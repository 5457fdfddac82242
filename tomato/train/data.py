"""Frames to train on: mapped from their files, split honestly, and varied."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, prod
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch

from tomato.core.errors import TomatoError, check_number
from tomato.core.files import refusals
from tomato.core.formats import Array
from tomato.core.interface import Slot
from tomato.host import data
from tomato.train.stored import mapped

CHUNK = 1 << 24
"""Values checked at once."""
FEWEST = 8
"""Frames of every part of a split."""


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Frames of every input of a model, batch first, perhaps mapped from files, and their labels if there are any.

    chosen: which of the stored frames these are.
    """

    slots: tuple[Slot, ...]
    stored: tuple[Array, ...]
    labels: Array | None
    chosen: Array

    @classmethod
    def of(
        cls, slots: Sequence[Slot], stored: Sequence[Array], labels: Array | None = None, where: Sequence[str] = ()
    ) -> "Frames":
        """All of some arrays, each from a place `where`, checked a few at a time. TomatoError if one does not suit."""
        places = where or [""] * len(slots)
        given = list(zip(stored, slots, places, strict=True))
        views = tuple(data.arranged(x, slot.shape, name=slot.name, where=place) for x, slot, place in given)
        total = len(views[0])
        if any(len(x) != total for x in views):
            raise TomatoError(f"the inputs have different numbers of frames: {', '.join(str(len(x)) for x in views)}")
        for x, slot, place in zip(views, slots, places, strict=True):
            step = max(1, CHUNK // prod(slot.shape))
            for start in range(0, total, step):
                data.typed(x[start : start + step], slot.dtype, name=slot.name, where=place)
        plain = None if labels is None else data.classes_of(labels, total, where=places[0])
        return cls(tuple(slots), views, plain, np.arange(total))

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
            data.typed(np.asarray(s[self.chosen[order]]), slot.dtype, name=slot.name)[back]
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
    """Frames of every input from a .npz, .npy (both mapped) or folder of images each, and the labels of the first.

    Raises TomatoError.
    """
    if len(paths) != len(slots):
        names = ", ".join(s.name for s in slots)
        raise TomatoError(f"data files given: {len(paths)}, but inputs of the model: {len(slots)} ({names})")
    found = [_stored(path, slot) for path, slot in zip(paths, slots, strict=True)]
    return Frames.of(slots, [frames for frames, _ in found], found[0][1], [str(path) for path in paths])


def _stored(path: Path, slot: Slot) -> tuple[Array, Array | None]:
    if path.is_dir():
        given = data.read(path, slot.shape, slot.dtype, name=slot.name)
        return given.frames, given.labels
    return data.opened(path, mapped)


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Frames that are trained on, chosen by (when to stop, which epoch is best, how much a layer bears), reported on.

    None is in two of them: what is chosen by some frames is better on these than on others.
    """

    train: Frames
    choice: Frames
    report: Frames


def parts(frames: Frames, share: float, seed: int, valid: Frames | None = None) -> Parts:
    """A share of the frames is set aside to choose by, and as many to report on unless `valid` are given for that.

    Raises TomatoError if there are too few.
    """
    if valid is not None:
        return Parts(*split(frames, share, seed), valid)
    return Parts(*_apart(frames, share, seed, 2))


def split(frames: Frames, share: float, seed: int) -> tuple[Frames, Frames]:
    """Frames to train on, and a share of them set aside, drawn by the seed, with labels in the same proportions.

    Raises TomatoError if there are too few.
    """
    train, aside = _apart(frames, share, seed, 1)
    return train, aside


def _apart(frames: Frames, share: float, seed: int, times: int) -> list[Frames]:
    """What is left, and the share set aside so many times."""
    check_number("the share of frames set aside", share, 0, 1, open_=True)

    if times * share >= 1:
        raise TomatoError(f"{times} times {share:.0%} of the frames set aside leave none to train on")
    each = int(len(frames) * share + 1e-9)
    if min(each, len(frames) - times * each) < FEWEST:
        enough = max(ceil(FEWEST / part - 1e-9) for part in (share, 1 - times * share))
        raise TomatoError(
            f"{len(frames)} frames are too few to set {share:.0%} of them aside{' twice' if times > 1 else ''}: "
            f"{enough} are enough",
            hint="give more frames, or frames to judge by: --valid VALID.npz",
        )
    rng, held = np.random.default_rng([seed, 1]), times * each
    order = rng.permutation(len(frames))
    labels = frames.classes()
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    places = ((np.arange(held) + rng.random()) * len(frames) / held).astype(np.int64)
    found = [np.delete(order, places), *(order[places[i::times]] for i in range(times))]
    return [frames.take(np.sort(part)) for part in found]


def check_labels(frames: Frames, classes: int, where: str = "") -> None:
    """Raise TomatoError where a label is not the number of one of so many classes."""
    found = frames.classes()
    if found is None:
        return
    wrong = np.flatnonzero(found >= classes)
    if wrong.size:
        first = wrong[np.argmin(frames.chosen[wrong])]
        raise TomatoError(
            f"label {found[first]} of frame {frames.chosen[first]} is out of range: "
            f"the network has {classes} classes, from 0",
            where=where,
        )


Border = Literal["edge", "zero"]


@dataclass(frozen=True, slots=True)
class Variation:
    """How frames are varied while training; nothing unless asked. Inputs without height and width are only mixed.

    shift: up to so many rows and columns, each frame its own; what comes in is the edge again, or 0 (`border`). flip:
    mirror half of them left to right. cutout: side of a square of zeros, which may reach over the edge (DeVries and
    Taylor, Cutout, 2017). mixup: the parameter of the beta distribution that mixes two frames (Zhang et al., mixup,
    2018); 0 for none. All inputs of a frame are varied alike.
    """

    shift: tuple[int, int] = (0, 0)
    flip: bool = False
    mixup: float = 0.0
    cutout: int = 0
    border: Border = "edge"

    def __post_init__(self) -> None:
        for name, pixels in (("shift", self.shift[0]), ("shift", self.shift[1]), ("cutout", self.cutout)):
            check_number(name, pixels)
            if pixels % 1:
                raise TomatoError(f"{name} must be a whole number of pixels, not {pixels!r:.40}")
        check_number("mixup", self.mixup)
        if self.border not in get_args(Border):
            raise TomatoError(f"border must be {' or '.join(get_args(Border))}, not {self.border!r:.40}")

    def __call__(self, frames: Sequence[torch.Tensor], rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
        """Frames of every input, batch first, varied but not mixed."""
        many = len(frames[0])
        moved = [rng.integers(-most, most, many, endpoint=True) for most in self.shift]
        mirrored, centres = rng.random(many) < 0.5, rng.random((2, many))
        return tuple(self._varied(x, moved, mirrored, centres) if x.ndim == 4 else x for x in frames)

    def mixed(
        self, frames: Sequence[torch.Tensor], rng: np.random.Generator
    ) -> tuple[tuple[torch.Tensor, ...], torch.Tensor, float]:
        """Frames mixed with each other, with which of the batch each is, and how much of itself is left."""
        many = len(frames[0])
        if self.mixup == 0:
            return tuple(frames), torch.arange(many), 1.0
        share, order = float(rng.beta(self.mixup, self.mixup)), torch.from_numpy(rng.permutation(many))
        return tuple(x.lerp(x[order.to(x.device)], 1.0 - share) for x in frames), order, share

    def _varied(self, x: torch.Tensor, moved: Sequence[Array], mirrored: Array, centres: Array) -> torch.Tensor:
        axes = (1, 2) if data.colours_last(tuple(x.shape[1:])) else (2, 3)
        for axis, by in zip(axes, moved, strict=True):
            if by.any():
                x = _moved(x, axis, torch.from_numpy(by).to(x.device), self.border)
        if self.flip:
            x = torch.where(torch.from_numpy(mirrored).to(x.device)[:, None, None, None], x.flip(axes[1]), x)
        if self.cutout:
            rows, columns = (_span(x, axis, at, self.cutout) for axis, at in zip(axes, centres, strict=True))
            x = x.masked_fill(rows & columns, 0.0)
        return x


def _moved(x: torch.Tensor, axis: int, by: torch.Tensor, border: Border) -> torch.Tensor:
    """Every frame moved along an axis by its own number of pixels."""
    at = torch.arange(x.shape[axis], device=x.device)[None] - by[:, None]
    inside = at.clamp(0, x.shape[axis] - 1)
    y = x.movedim(axis, 1)[torch.arange(len(x), device=x.device)[:, None], inside]
    if border == "zero":
        y = y.masked_fill((at != inside)[:, :, None, None], 0.0)
    return y.movedim(1, axis)


def _span(x: torch.Tensor, axis: int, centres: Array, side: int) -> torch.Tensor:
    """Where frames have `side` pixels around their centre (0 to 1) along an axis."""
    size = x.shape[axis]
    first = torch.from_numpy((centres * size).astype(np.int64) - side // 2).to(x.device)[:, None]
    at = torch.arange(size, device=x.device)[None]
    shape = [len(x), 1, 1, 1]
    shape[axis] = size
    return ((at >= first) & (at < first + side)).reshape(shape)
