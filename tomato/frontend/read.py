"""An ONNX file becomes a checked model; every way in which a file can be unusable is told apart here."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import external_data_helper

from tomato.core.errors import TomatoError
from tomato.core.interface import AS_IT_IS, Reading
from tomato.frontend import channels_last, door
from tomato.frontend.checked import Checked
from tomato.frontend.exact import CODED, twin
from tomato.frontend.likely_states import reminded
from tomato.frontend.model import Model
from tomato.frontend.reading import changed, ends, fix_inputs
from tomato.frontend.recurrent import loops, unrolled
from tomato.frontend.shapes import resolve, survey
from tomato.frontend.states import connect

SHOWN = 80
"""Letters of a file's name in a message."""
LFS_POINTER = b"version https://git-lfs"
IR_VERSION_TAG = b"\x08"
"""First byte of nearly every ONNX file: the field ir_version."""


class Source:
    """A model file, which is read and checked once, when first needed, however often and as whatever it is read.

    What reads a model takes a Source for its path: who reads it several times passes one on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last: tuple[Reading, Model] | None = None

    @cached_property
    def checked(self) -> Checked:
        """What is in the file and beside it. Raises TomatoError where it cannot be used."""
        proto = _load_external(_parse(self.path), self.path)
        opset = door.opset(proto, self.path)
        proto = door.inline(proto, self.path)
        channels_last.unwrap(proto)
        door.mend(proto)
        return Checked(proto, self.path, opset, door.admit(proto, self.path, opset))

    def fixed(self, reading: Reading) -> tuple[Checked, tuple[str, ...]]:
        """A copy with the sizes of its inputs fixed and its states connected, and notes of what was chosen."""
        checked = self.checked.copy()
        with reminded(self.checked.proto.graph, reading):
            notes = fix_inputs(checked, reading.sizes, reading.states)
        checked = unrolled.roll_up(loops.roll_up(checked), reading.states)
        return connect(checked, reading.states), notes

    def read(self, reading: Reading) -> Model:
        """The model with static shapes and folded constants, or TomatoError."""
        if self._last is None or self._last[0] != reading:
            checked, notes = self.fixed(reading)
            if reading.changes:
                again = Checked.of(changed(checked, reading), self.path)
                checked = replace(again, lasting=checked.lasting, loops=checked.loops)
            self._last = reading, resolve(checked, notes)
        return self._last[1]

    def __str__(self) -> str:
        return str(self.path)


def source(model: Path | Source) -> Source:
    """The model file at a path; one that is open already as it is."""
    return model if isinstance(model, Source) else Source(model)


def read(model: Path | Source, reading: Reading = AS_IT_IS) -> Model:
    """The model in the file, with static shapes and folded constants, or TomatoError."""
    return source(model).read(reading)


def read_changed(model: Path | Source, reading: Reading) -> onnx.ModelProto:
    """The model that the chip computes, with a batch of one."""
    return changed(source(model).fixed(reading)[0], reading)


def read_stepwise(model: Path | Source, reading: Reading) -> onnx.ModelProto:
    """The model that the chip computes, with a batch of one, whose states are inputs and outputs still."""
    checked = source(model).checked.copy()
    fix_inputs(checked, reading.sizes, reading.states)
    if reading.outputs:
        inputs, outputs = (*reading.inputs, *reading.states), (*reading.outputs, *reading.states.values())
        reading = replace(reading, inputs=inputs, outputs=outputs)
    return changed(checked, reading)


def read_ends(model: Path | Source, reading: Reading) -> tuple[onnx.ModelProto | None, onnx.ModelProto | None]:
    """What the host runs in front of the chip and behind it, with a batch of one; None for nothing."""
    return ends(source(model).fixed(reading)[0], reading)


def read_twin(model: Path | Source, reading: Reading = AS_IT_IS) -> onnx.ModelProto | None:
    """The twin of the model in the file, see `exact.py`; None if it would be the same."""
    given = source(model)
    checked = given.checked.copy()
    if reading.changes:
        checked = Checked.of(read_changed(given, reading), given.path)
    kinds = {node.op_type for node in checked.proto.graph.node}
    return twin(checked.proto, survey(checked)) if kinds & {"DequantizeLinear", *CODED} else None


def _parse(path: Path) -> onnx.ModelProto:
    if not path.exists():
        raise TomatoError("the file does not exist", where=str(path), hint="check the path and the working directory")
    if path.is_dir():
        raise TomatoError(
            "this is a directory, not an ONNX file", where=str(path), hint="name the .onnx file inside it"
        )
    data = path.read_bytes()
    if data.startswith(LFS_POINTER):
        raise TomatoError("this is a Git LFS pointer, not the model itself", where=str(path), hint="run git lfs pull")
    model = onnx.ModelProto()
    whole = True
    try:
        model.ParseFromString(data)
    except DecodeError:
        whole = False
    if data[:1] == IR_VERSION_TAG and not (whole and _has_readable_names(model.graph)):
        raise TomatoError(
            "the ONNX file is truncated or damaged", where=str(path), hint="copy, download or export it again"
        )
    if not model.graph.node:
        raise TomatoError(
            "this is not an ONNX file, or it holds no network",
            where=str(path),
            hint="export the network to ONNX, for example with torch.onnx.export or tf2onnx",
        )
    return model


def _has_readable_names(graph: onnx.GraphProto) -> bool:
    """Whether all names are text: bytes that are not show that the file is damaged."""
    names: list[object] = [v.name for v in (*graph.input, *graph.output, *graph.initializer)]
    for node in graph.node:
        names += [node.name, node.op_type, node.domain, *node.input, *node.output, *(a.name for a in node.attribute)]
    return all(isinstance(name, str) for name in names)


def _load_external(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    files = dict.fromkeys(
        next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
        for tensor in _tensors(model)
        if tensor.data_location == onnx.TensorProto.EXTERNAL
    )
    if missing := [name for name in files if not _is_file(path.parent / name)]:
        raise TomatoError(
            f"the file with the model's weights is missing: {', '.join(map(_shown, missing))}",
            where=str(path),
            hint="put it next to the ONNX file, or save the model with its weights inside: onnx.save(onnx.load(...))",
        )
    if files:
        try:
            external_data_helper.load_external_data_for_model(model, str(path.parent))
        except (onnx.checker.ValidationError, ValueError, OSError) as error:
            raise TomatoError(
                f"the file with the model's weights cannot be read: {', '.join(map(_shown, files))}",
                where=str(path),
                hint="export the model again",
            ) from error
    return model


def _is_file(path: Path) -> bool:
    """Whether a file is there; names that no file can have are those of no file."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _shown(name: str) -> str:
    if not name:
        return "it has no name"
    return name if len(name) <= SHOWN else f"{name[:SHOWN]}... ({len(name):,} letters)"


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                yield attribute.t
