"""A quantised graph on disk: JSON for the structure, one npz for the constants. No code is stored or run."""

import dataclasses
import json
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

import tomato.ops
from tomato.core import formats, interface, ir
from tomato.core.errors import TomatoError
from tomato.core.files import reading, write_text
from tomato.core.formats import Array, Codes, Tensor
from tomato.frontend import Network

VERSION = 4
DAMAGED = "this is not a folder that tomato compile wrote, or it is damaged"


KEPT = ("graph", "inputs", "outputs", "reading", "ends")
"""What is kept of a network on codes."""


def save(folder: Path, network: Network) -> None:
    """Write graph.json and constants.npz into `folder`, deterministically."""
    constants: dict[str, Array] = {}
    parts = {name: _encode(getattr(network, name), constants) for name in KEPT}
    write_text(folder / "graph.json", json.dumps({"version": VERSION} | parts, indent=1) + "\n")
    np.savez_compressed(folder / "constants.npz", **constants)  # type: ignore[arg-type]  # stubs know no mapping


def load(folder: Path) -> Network:
    """Read what `save` wrote. Raises TomatoError when it is missing or from another version."""
    with reading(DAMAGED, where=folder.parent, hint="compile the model again"):
        document = json.loads((folder / "graph.json").read_text())
        constants = arrays(folder / "constants.npz")
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise TomatoError(
            f"the folder was written by another version (format {_version(document)}, not {VERSION})",
            where=str(folder.parent),
            hint="compile the model again",
        )
    with reading(DAMAGED, where=folder.parent, hint="compile the model again"):
        found = Network(**{name: _decode(document[name], constants) for name in KEPT})
        found.graph.verify()
        return found


def arrays(path: Path) -> dict[str, Array]:
    """The arrays of an npz."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _version(document: object) -> object:
    return document.get("version") if isinstance(document, dict) else "unknown"


@cache
def _classes() -> Mapping[str, type]:
    """The dataclasses that may appear, by name."""
    modules = [formats, interface, ir]
    modules += [import_module(f"tomato.ops.{m.name}") for m in pkgutil.iter_modules(tomato.ops.__path__)]
    return {
        name: item
        for module in modules
        for name, item in vars(module).items()
        if isinstance(item, type) and dataclasses.is_dataclass(item) and item.__module__ == module.__name__
    }


def _encode(value: object, constants: dict[str, Array]) -> Any:
    if isinstance(value, Tensor):
        constants[value.digest] = _narrow(value)
        return {"tensor": value.digest}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        name = type(value).__name__
        fields = {f.name: _encode(getattr(value, f.name), constants) for f in dataclasses.fields(value)}
        return {"is": name, **fields}
    if isinstance(value, Mapping):
        return {"map": {k: _encode(v, constants) for k, v in value.items()}}
    if isinstance(value, tuple):
        return [_encode(v, constants) for v in value]
    if isinstance(value, np.integer):
        return int(value)
    assert value is None or isinstance(value, (str, int, float)), f"cannot store a {type(value).__name__}"
    return value


def _narrow(constant: Tensor) -> Array:
    """Codes in the narrowest integers that hold them: a quarter of the time to compress, and of the memory to load."""
    if not isinstance(constant.fmt, Codes):
        return constant.values
    lo, hi = constant.fmt.lo, constant.fmt.hi
    kinds = (k for k in (np.int8, np.int16, np.int32, np.int64) if np.iinfo(k).min <= lo and hi <= np.iinfo(k).max)
    return constant.values.astype(next(kinds))


def _decode(data: Any, constants: Mapping[str, Array]) -> Any:
    if isinstance(data, list):
        return tuple(_decode(v, constants) for v in data)
    if not isinstance(data, dict):
        return data
    if "tensor" in data:
        return Tensor(constants[data["tensor"]])
    if "map" in data:
        return {k: _decode(v, constants) for k, v in data["map"].items()}
    fields = {k: _decode(v, constants) for k, v in data.items() if k != "is"}
    return _classes()[data["is"]](**fields)
