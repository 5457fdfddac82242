"""A model that the door has let in, and all that must be known of it to read on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import onnx

from tomato.frontend import door


@dataclass(frozen=True, slots=True)
class Checked:
    """A model, the file it comes from, its version of ONNX's operator set, and why nodes are not valid, by index.

    lasting: the first outputs of recurrent layers whose states last from frame to frame. loops: why loops are no
    recurrent layers, by their first outputs.
    """

    proto: onnx.ModelProto
    path: Path
    opset: int
    invalid: Mapping[int, str]
    lasting: frozenset[str] = frozenset()
    loops: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, proto: onnx.ModelProto, path: Path) -> Self:
        """A model through the door; TomatoError where it is not let in."""
        opset = door.opset(proto, path)
        return cls(proto, path, opset, door.admit(proto, path, opset))

    def copy(self) -> Self:
        """The same, of which the model may be changed."""
        proto = onnx.ModelProto()
        proto.CopyFrom(self.proto)
        return replace(self, proto=proto)
