"""Frames that a command is given."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tomato.core.errors import TomatoError

if TYPE_CHECKING:
    from tomato.accelerator import Accelerator
    from tomato.cluster.design import Clustered
    from tomato.core.formats import Array
    from tomato.core.interface import Slot
    from tomato.core.progress import Progress


def choose_vectors(
    accelerator: "Accelerator | Clustered", folder: Path, frames: "tuple[Array, ...] | None", progress: "Progress"
) -> None:
    """Have the folder hold golden vectors of these frames, or (None) of the samples that it was compiled with."""
    other = folder / "sim" / "vectors" / "not-the-samples"
    if frames is not None:
        other.touch()
        accelerator.write_vectors(folder, *frames, progress=progress)
    elif other.exists():
        accelerator.write_vectors(folder, *accelerator.samples, progress=progress)
        other.unlink()


def check_count(inputs: "Sequence[Slot]", paths: tuple[Path, ...]) -> None:
    """Raise TomatoError unless there is one file per input."""
    if len(paths) != len(inputs):
        names = ", ".join(p.name for p in inputs)
        raise TomatoError(
            f"data files given: {len(paths)}, but inputs of the model: {len(inputs)} ({names})",
            hint="repeat the option, once per input and in this order",
        )


def read_frames(inputs: "Sequence[Slot]", paths: tuple[Path, ...]) -> "tuple[tuple[Array, ...], Array | None]":
    """The frames in the files, one per input, equally many, and the labels that the first file may have."""
    from tomato.host.data import read

    check_count(inputs, paths)
    parts = [read(path, port.shape, port.dtype, name=port.name) for path, port in zip(paths, inputs, strict=True)]
    frames = tuple(p.frames for p in parts)
    if len({len(f) for f in frames}) > 1:
        counts = ", ".join(f"{path.name} {len(f)}" for path, f in zip(paths, frames, strict=True))
        raise TomatoError(f"the inputs have different numbers of frames: {counts}")
    return frames, parts[0].labels
