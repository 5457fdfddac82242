"""How a network is behind a step of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tomato.train.sizes import Size


@dataclass(frozen=True, slots=True)
class Row:
    """right: the share of the judged frames, see `Judge`. fps: None without a target. loss: of the last epoch."""

    step: str
    right: float
    sizes: Size
    fps: float | None = None
    resources: Mapping[str, int] = field(default_factory=dict)
    loss: float | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """From plain data, as `dataclasses.asdict` makes it."""
        return cls(**{**data, "sizes": Size(**data["sizes"])})
