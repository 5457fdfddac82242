"""onnx's reference evaluator in the shape of an ONNX Runtime session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx
from onnx.reference import ReferenceEvaluator

from tomato.core.formats import Array


@dataclass(frozen=True)
class Input:
    """An input: its name, and its sizes."""

    name: str
    shape: list[int]


@dataclass(frozen=True)
class Evaluator:
    """A model that onnx's reference evaluator runs."""

    evaluator: ReferenceEvaluator
    model: onnx.ModelProto

    def get_inputs(self) -> list[Input]:
        """The inputs that are no constants."""
        constants = {t.name for t in self.model.graph.initializer}
        return [
            Input(i.name, [d.dim_value for d in i.type.tensor_type.shape.dim])
            for i in self.model.graph.input
            if i.name not in constants
        ]

    def run(self, names: Sequence[str] | None, feed: Mapping[str, Array]) -> list[Any]:
        """Outputs by name."""
        return list(self.evaluator.run(list(names) if names else None, dict(feed)))
