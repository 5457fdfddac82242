"""Arrays in files, larger than memory: mapped, not read."""

import math
import os
import shutil
import struct
import zipfile
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np
from numpy.lib import format as npy

from tomato.core.formats import Array
from tomato.host.data import MAGIC, members

NAME_LENGTHS, LOCAL_HEADER = 26, 30
"""Bytes of a zip's local header in front of the lengths of its names, and in all but those names."""
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
"""How a .npy is read, by its version."""


def mapped(path: Path) -> tuple[Array, Array | None]:
    """The frames of a .npz or .npy, and the labels that an npz may hold: views of the file, which must stay.

    Compressed members are unpacked into a nameless file first. Raises whatever damaged bytes lead to.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC[0])) == MAGIC[0]:
            return _map(file, 0, os.fstat(file.fileno()).st_size), None
        with zipfile.ZipFile(file) as archive:
            inside = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            frames, *labels = (_member(path, file, archive, inside[n]) for n in members(path, list(inside)))
    return frames, labels[0] if labels else None


def _member(path: Path, file: IO[bytes], archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
        file.seek(info.header_offset + NAME_LENGTHS)
        name, extra = struct.unpack("<HH", file.read(4))
        return _map(file, info.header_offset + LOCAL_HEADER + name + extra, info.file_size)
    with archive.open(info) as packed, _beside(path) as plain:
        shutil.copyfileobj(packed, plain)
        plain.flush()
        return _map(plain, 0, info.file_size)


def _beside(path: Path) -> IO[bytes]:
    """A file that vanishes with its last user, on the disk of another that is large, or where such files are."""
    with suppress(OSError):
        return TemporaryFile(dir=path.parent)
    return TemporaryFile()


def _map(file: IO[bytes], start: int, size: int) -> Array:
    """The array of a .npy that begins at byte `start` and has `size` bytes."""
    file.seek(start)
    version = npy.read_magic(file)
    if version not in HEADERS:
        raise ValueError(f"version {version[0]}.{version[1]} of .npy files is for tables, not arrays")
    shape, fortran, kind = HEADERS[version](file)
    if kind.hasobject:
        raise ValueError("Object arrays cannot be loaded: they are programs, not numbers")
    offset, count = file.tell(), math.prod(shape)
    if offset + count * kind.itemsize > min(start + size, os.fstat(file.fileno()).st_size):
        raise ValueError("the file ends before the array does")
    if count == 0:
        return np.zeros(shape, kind)
    return np.memmap(file, kind, "r", offset, shape, "F" if fortran else "C")
