"""The host's side of the chip: frames become codes, codes become results."""

from collections.abc import Mapping, Sequence

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interface import Port
from tomato.core.ir import TensorType
from tomato.frontend import Network
from tomato.host.data import suit
from tomato.ops.quantise import Quantise


def encode(network: Network, x: Sequence[Array]) -> dict[str, Array]:
    """The integer codes of the graph's inputs, for frames as the chip takes them. Raises TomatoError."""
    if len(x) != len(network.inputs):
        names = ", ".join(p.name for p in network.inputs)
        raise TomatoError(f"{len(x)} arrays given, but the model has {len(network.inputs)} inputs: {names}")
    kinds, found = dict(network.graph.inputs), {}
    for port, frames in zip(network.inputs, x, strict=True):
        given = suit(np.asarray(frames), port.shape, port.dtype, name=port.name)
        found[port.value] = _codes(network, port, given, kinds[port.value])
    return found


def decode(network: Network, values: Mapping[str, Array], *, codes: bool = False) -> tuple[Array, ...]:
    """What the chip gives, one array per output port, for the codes of the graph's outputs; with `codes` those."""
    types = network.graph.types
    return tuple(
        _result(network, port, values[port.value].reshape(-1, *types[port.value].shape), codes=codes)
        for port in network.outputs
    )  # a stream may have columns side by side


def _result(network: Network, port: Port, values: Array, *, codes: bool) -> Array:
    if codes:
        return port.from_graph(values)
    decoded = port.run(values) if network.quantised else network.graph.encodings[port.value].decode(values)
    return port.typed(port.finish(port.from_graph(decoded)))


def _codes(network: Network, port: Port, frames: Array, kind: TensorType) -> Array:
    if takes_codes(port):
        return np.clip(port.to_graph(frames, kind.shape), kind.codes.lo, kind.codes.hi).astype(np.int64)
    real = port.to_graph(port.real(frames), kind.shape)
    return port.run(real) if port.chain else network.graph.encodings[port.value].encode(real, kind.codes)


def takes_codes(port: Port) -> bool:
    """Whether the values of an input are its codes: integers, of any size, that no float32 may round."""
    match port.chain:
        case (Quantise(scale, zero),):
            return np.dtype(port.dtype).kind in "iu" and bool(np.all(scale.values == 1) and np.all(zero.values == 0))
    return False
