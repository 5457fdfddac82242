"""Frames: the ones that a model is given, in its types, and random ones for test vectors."""

from collections.abc import Sequence

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interface import Port, Slot, whole_numbers
from tomato.core.ir import Graph
from tomato.frontend import Network
from tomato.host.data import suit
from tomato.ops.quantise import Quantise

VECTOR_FRAMES = 8
"""Frames of golden vectors that a build folder carries."""
PORT_VALUES, LAYER_VALUES = 1 << 21, 1 << 25
"""Values of a port, and of a layer, in all frames for the test vectors together: where they are more, fewer frames."""
BYTES = -128, 255
"""Random frames of integers stay within these, whatever their type."""


def suited(slots: Sequence[Slot], given: Sequence[Array]) -> tuple[Array, ...]:
    """Arrays, batch first, one per input, checked and in the inputs' types. Raises TomatoError."""
    if len(given) != len(slots):
        names = ", ".join(p.name for p in slots)
        raise TomatoError(f"{len(given)} arrays given, but the model has {len(slots)} inputs: {names}")
    pairs = zip(given, slots, strict=True)
    return tuple(suit(np.asarray(frames), p.shape, p.dtype, name=p.name) for frames, p in pairs)


def calibration_frames(inputs: Sequence[Slot], calibration: Array | Sequence[Array]) -> tuple[Array, ...]:
    """Calibration frames, one array per input, checked."""
    given = (calibration,) if isinstance(calibration, np.ndarray) else tuple(calibration)
    if len(given) != len(inputs):
        names = ", ".join(p.name for p in inputs)
        raise TomatoError(f"{len(given)} calibration arrays given, but the model has the inputs {names}")
    return tuple(
        suit(np.asarray(frames), p.shape, p.dtype, name=p.name, where=f"calibration of input {p.name}")
        for frames, p in zip(given, inputs, strict=True)
    )


def samples_of(network: Network, integers: Network) -> tuple[Array, ...]:
    """Random frames for the test vectors of a network without data: all codes, where the model says what they mean."""
    rng = np.random.default_rng(0)
    count = count_of(integers.graph)
    return tuple(_random(rng, given, port, count) for given, port in zip(network.inputs, integers.inputs, strict=True))


def count_of(graph: Graph) -> int:
    """Frames for the test vectors: fewer where layers are large."""
    sizes = {name: kind.pixels * kind.channels for name, kind in graph.types.items()}
    port = max(sizes[name] for name in (*dict(graph.inputs), *graph.outputs))
    return max(1, min(VECTOR_FRAMES, PORT_VALUES // port, LAYER_VALUES // max(sizes.values())))


def _random(rng: np.random.Generator, given: Port, port: Port, count: int) -> Array:
    size = (count, *given.shape)
    match port.chain:
        case (Quantise(scale, zero, lo, hi),) if scale.shape == zero.shape == (1,):
            return port.typed((rng.integers(lo, hi, size, endpoint=True) - zero.values) * scale.values)
    if np.dtype(port.dtype).kind == "f":
        return port.typed(rng.standard_normal(size))
    lo, hi = whole_numbers(np.dtype(port.dtype))
    return port.typed(rng.integers(max(lo, BYTES[0]), min(hi, BYTES[1]), size, endpoint=True))
