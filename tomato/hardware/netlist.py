"""The netlist: which parts, how connected. Both backends print it; it holds no Verilog."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tomato.core.formats import Array
from tomato.core.ir import Shape, TensorType


@dataclass(frozen=True, slots=True)
class Stream:
    """One valid/ready channel. A beat carries `lanes` codes of `bits` bits of one pixel, lane 0 in the low bits.

    The beats of a pixel carry its channels in order; lanes beyond the last channel carry anything.
    `value` is the graph value on the stream.
    """

    name: str
    value: str
    shape: Shape
    bits: int
    signed: bool
    lanes: int

    @property
    def beats(self) -> int:
        """Beats per pixel."""
        return -(-self.shape[2] // self.lanes)

    @property
    def cycles(self) -> int:
        """Beats per frame."""
        return self.shape[0] * self.shape[1] * self.beats

    @property
    def width(self) -> int:
        """Bits per beat."""
        return self.bits * self.lanes


def stream(name: str, value: str, kind: TensorType, lanes: int) -> Stream:
    """The stream of a quantised value with `lanes` codes per beat."""
    return Stream(name, value, kind.shape, kind.codes.bits, kind.codes.signed, lanes)


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """Contents of a read-only memory: `fields` (words, fields) of `bits[i]` bits each, field 0 in the low bits.

    `reads`: words that its part reads at once. `ram`: its kind (0 LUTs, 1 block RAM, 2 UltraRAM).
    """

    fields: Array
    bits: tuple[int, ...]
    reads: int = 1
    ram: int = 0

    @property
    def width(self) -> int:
        """Bits per word."""
        return sum(self.bits)

    @property
    def depth(self) -> int:
        """Number of words."""
        return int(self.fields.shape[0])


def uniform_memory(words: Array, bits: int, reads: int = 1, ram: int = 0) -> Memory:
    """A memory whose words hold equally wide codes: `words` has the shape (depth, codes per word)."""
    return Memory(words, (bits,) * words.shape[1], reads, ram)


def pack(fields: Array, bits: Sequence[int]) -> list[int]:
    """Each row of `fields` as one non-negative integer, field 0 in the low bits, two's complement per field."""
    if len(set(bits)) == 1 and bits[0] <= 16:
        return _pack_uniform(fields, bits[0])
    offsets = np.concatenate([[0], np.cumsum(bits)[:-1]]).tolist()
    masks = [(1 << b) - 1 for b in bits]
    return [sum((int(v) & m) << o for v, m, o in zip(row, masks, offsets, strict=True)) for row in fields.tolist()]


def _pack_uniform(fields: Array, bits: int) -> list[int]:
    unpacked = ((fields[..., None] >> np.arange(bits)) & 1).astype(np.uint8)
    packed = np.packbits(unpacked.reshape(fields.shape[0], -1), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


def beats(values: Array, lanes: int, bits: int) -> list[int]:
    """Codes (frames, height, width, channels) as the beats of a stream; unused lanes are zero."""
    channels = values.shape[-1]
    pixels = values.reshape(-1, channels)
    padding = -channels % lanes
    padded = np.pad(pixels, ((0, 0), (0, padding))) if padding else pixels
    return pack(padded.reshape(-1, lanes), (bits,) * lanes)


def lane_mask(channels: int, lanes: int, bits: int) -> list[int]:
    """For each beat of a pixel, ones where a lane carries a channel: what a checker compares."""
    ones = np.full((1, 1, 1, channels), (1 << bits) - 1, dtype=np.int64)
    return beats(ones, lanes, bits)


@dataclass(frozen=True, slots=True)
class Instance:
    """One part: a module with parameters, the streams at its ports, and the memories it reads.

    Several streams on one side are concatenated, the first in the low bits. `comment` tells the
    reader which node of the graph this is. `loaded`: its memory cannot be initialised; the loader fills it.
    """

    module: str
    name: str
    params: Mapping[str, int | str]
    inputs: tuple[Stream, ...]
    outputs: tuple[Stream, ...]
    memories: Mapping[str, Memory]
    comment: str
    loaded: bool = False


@dataclass(frozen=True, slots=True)
class Netlist:
    """A whole accelerator: its parts, and the streams at its edges."""

    name: str
    instances: tuple[Instance, ...]
    inputs: tuple[Stream, ...]
    outputs: tuple[Stream, ...]

    @property
    def loaded(self) -> tuple[Instance, ...]:
        """The parts whose memories the loader fills, in the order of its chain."""
        return tuple(i for i in self.instances if i.loaded)

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Every stream once, in order of the parts that drive them."""
        driven = [s for i in self.instances for s in i.outputs]
        return tuple(dict.fromkeys((*self.inputs, *driven)))


def load_beats(parts: Sequence[Instance], bits: int) -> Iterator[int]:
    """The loader's stream for a chain of parts: every word of every memory in beats of `bits`, low bits first."""
    for part in parts:
        for memory in part.memories.values():
            count = -(-memory.width // bits)
            for word in pack(memory.fields, memory.bits):
                yield from (word >> (i * bits) & ((1 << bits) - 1) for i in range(count))


def load_count(parts: Sequence[Instance], bits: int) -> int:
    """Beats of the loader's stream."""
    return sum(m.depth * -(-m.width // bits) for part in parts for m in part.memories.values())
