"""The netlist: which parts, how connected. Both backends print it; it holds no Verilog."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tomato.core.errors import IllFormedError
from tomato.core.formats import Array
from tomato.core.ir import Shape, TensorType


@dataclass(frozen=True, slots=True)
class Stream:
    """One valid/ready channel. A beat carries `lanes` codes of `bits` bits of one pixel, lane 0 in the low bits.

    The beats of a pixel carry its channels in order; lanes beyond the last channel carry anything.
    `value` is the graph value on the stream. `framed`: it leaves the netlist, in whole bytes and with the last beat
    of a frame marked. `number`: bits of the frame's number that its last codes are, where frames come in any order.
    """

    name: str
    value: str
    shape: Shape
    bits: int
    signed: bool
    lanes: int
    framed: bool = False
    number: int = 0

    @property
    def signal(self) -> str:
        """Its name in what is printed, apart from those of parts."""
        return f"s_{self.name}"

    @property
    def beats(self) -> int:
        """Beats per pixel."""
        return -(-self.shape[2] // self.lanes)

    @property
    def frame_beats(self) -> int:
        """Beats per frame."""
        return self.shape[0] * self.shape[1] * self.beats

    @property
    def width(self) -> int:
        """Bits per beat that carry codes."""
        return self.bits * self.lanes


def number_places(port: Stream, bits: int) -> list[tuple[int, int]]:
    """In which beat of a frame, and from which bit on, each digit of the frame's number is: its last codes."""
    channels = port.shape[2]
    return [(c // port.lanes, c % port.lanes * port.bits) for c in range(channels - -(-bits // port.bits), channels)]


def stream(name: str, value: str, kind: TensorType, lanes: int) -> Stream:
    """The stream of a quantised value with `lanes` codes per beat."""
    return Stream(name, value, kind.shape, kind.codes.bits, kind.codes.signed, lanes)


ULTRA = 2
"""The kind of memory that no bitstream fills."""


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
    def loaded(self) -> bool:
        """Whether the loader fills it, as nothing else can: it is UltraRAM."""
        return self.ram == ULTRA

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


def to_beats(values: Array, lanes: int, bits: int) -> list[int]:
    """Codes (frames, height, width, channels) as the beats of a stream; unused lanes are zero."""
    channels = values.shape[-1]
    pixels = values.reshape(-1, channels)
    padding = -channels % lanes
    padded = np.pad(pixels, ((0, 0), (0, padding))) if padding else pixels
    return pack(padded.reshape(-1, lanes), (bits,) * lanes)


def lane_mask(channels: int, lanes: int, bits: int) -> list[int]:
    """For each beat of a pixel, ones where a lane carries a channel: what a checker compares."""
    ones = np.full((1, 1, 1, channels), (1 << bits) - 1, dtype=np.int64)
    return to_beats(ones, lanes, bits)


@dataclass(frozen=True, slots=True)
class MemoryMaster:
    """A memory-mapped port (AXI4) through which a part reads or writes memory beside the chip.

    data_bits: of a beat, a power of two from 32 to 1,024. address_bits: of an address in bytes.
    """

    name: str
    data_bits: int
    address_bits: int = 64
    reads: bool = True
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """A port with registers (AXI4-Lite), 32 bits each; `address_bits` of an address in bytes."""

    name: str
    address_bits: int


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What a reader of memory is told: where each of `channels` parts of what it reads is, and when it is there."""

    name: str
    channels: int


Bus = MemoryMaster | Control | Whereabouts
"""What a part speaks besides streams; a backend makes it a port of the top level."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One part: a module with parameters, the streams at its ports, and the memories it reads.

    Several streams on one side are concatenated, the first in the low bits. `comment` tells the
    reader which node of the graph this is. `loaded`: its memory cannot be initialised; the loader fills it.
    `buses`: by the prefix of the module's ports. `lasting`: its state lasts from frame to frame, until a reset.
    `watches`: an input of the netlist that it looks at, and leaves as it is. `region`: where it is placed (on AMD's
    large parts a super logic region). `doubled`: it has the second clock, of twice the rate.
    """

    module: str
    name: str
    params: Mapping[str, int | str]
    inputs: tuple[Stream, ...]
    outputs: tuple[Stream, ...]
    memories: Mapping[str, Memory]
    comment: str
    loaded: bool = False
    buses: Mapping[str, Bus] = field(default_factory=dict)
    region: int = 0
    lasting: bool = False
    watches: Stream | None = None
    doubled: bool = False

    @property
    def label(self) -> str:
        """Its name in what is printed, apart from those of streams."""
        return f"u_{self.name}"


WEIGHTS, QUEUE = "weights", "queue"
"""Names of ports to memory: with weights, and, with a number behind it, of a queue."""
LOADER, FRAME_END, FRAME_CHECK, FETCH = "tom_loader", "tom_frame_end", "tom_frame_check", "tom_fetch"
SPILL = "tom_spill"
"""Modules at the edges of a netlist: one fills memories, one ends frames at an output, one counts them at an input, one
reads weights from memory beside the chip, one is a queue there.
"""


SHARED_FOLD, SHARED_FETCHED = "tom_shared_fold", "tom_shared_fetched"
"""The modules of engines that several layers share: with weights on the chip, or fetched from memory beside it."""
READERS = FETCH, SHARED_FETCHED
"""The modules that read weights from memory."""


@dataclass(frozen=True, slots=True)
class Netlist:
    """A whole accelerator: its parts, and the streams at its edges. The outputs are framed."""

    name: str
    instances: tuple[Instance, ...]
    inputs: tuple[Stream, ...]
    outputs: tuple[Stream, ...]

    @property
    def loaded(self) -> tuple[Instance, ...]:
        """The parts whose memories the loader fills, in the order of its chain."""
        return tuple(i for i in self.instances if i.loaded)

    @property
    def loader(self) -> Instance | None:
        """The part that fills memories, if any must be."""
        return next((i for i in self.instances if i.module == LOADER), None)

    @property
    def lasting(self) -> bool:
        """Whether states last from frame to frame, until a reset."""
        return any(i.lasting for i in self.instances)

    @property
    def doubled(self) -> bool:
        """Whether some part has the second clock, of twice the rate."""
        return any(i.doubled for i in self.instances)

    @property
    def checks(self) -> tuple[Instance, ...]:
        """The parts that watch inputs."""
        return tuple(i for i in self.instances if i.module == FRAME_CHECK)

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Every stream between parts once, in order of the parts that drive them."""
        driven = [s for i in self.instances for s in i.outputs if not s.framed]
        return tuple(dict.fromkeys((*self.inputs, *driven)))

    @property
    def spilled(self) -> tuple[Instance, ...]:
        """The queues in memory beside the chip, in the order of their ports' numbers."""
        return tuple(i for i in self.instances if i.module == SPILL)

    @property
    def buses(self) -> tuple[Bus, ...]:
        """Every port that is no stream."""
        return tuple(bus for i in self.instances for bus in i.buses.values())

    def verify(self) -> None:
        """Raise IllFormedError unless streams are driven once and read once, alike, and memories are complete."""
        names = Counter(i.name for i in self.instances)
        driven = Counter(s.name for s in (*self.inputs, *(s for i in self.instances for s in i.outputs)))
        read = Counter(s.name for s in (*self.outputs, *(s for i in self.instances for s in i.inputs)))
        wrong = [f"two parts are called {name}" for name, count in names.items() if count > 1]
        wrong += [f"stream {s} is driven {driven[s]} times" for s in driven | read if driven[s] != 1]
        wrong += [f"stream {s} is read {read[s]} times" for s in driven | read if read[s] != 1]
        wrong += [f"output {s.name} has no end of its frames" for s in self.outputs if not s.framed]
        sources = {s.name: s for s in (*self.inputs, *(s for i in self.instances for s in i.outputs))}
        for part in self.instances:
            wrong += [
                f"{part.name} reads {s.name} as {s.width} bits, which has {sources[s.name].width}"
                for s in part.inputs
                if s.name in sources and s.width != sources[s.name].width
            ]
            wrong += [
                f"memory {name} of {part.name} has words of {len(m.bits)} fields, not {m.fields.shape[1:]}"
                for name, m in part.memories.items()
                if m.fields.shape[1:] != (len(m.bits),) or not m.depth
            ]
            if part.watches is not None and part.watches not in self.inputs:
                wrong.append(f"{part.name} watches {part.watches.name}, which is no input")
            if part.loaded and not part.memories:
                wrong.append(f"{part.name} has nothing to load")
        if bool(self.loaded) != (self.loader is not None):
            wrong.append("a loader stands where nothing is loaded" if self.loader else "no loader fills the memories")
        ports = Counter((type(bus), bus.name) for bus in self.buses)
        wrong += [f"two ports are called {name}" for (_, name), count in ports.items() if count > 1]
        if wrong:
            raise IllFormedError(f"netlist {self.name}: {'; '.join(wrong)}")


def load_beats(parts: Sequence[Instance], bits: int) -> Iterator[int]:
    """The loader's stream for a chain of parts: every word of what it fills, in beats of `bits`, low bits first."""
    for part in parts:
        for memory in part.memories.values():
            if not memory.loaded:
                continue
            count = -(-memory.width // bits)
            for word in pack(memory.fields, memory.bits):
                yield from (word >> (i * bits) & ((1 << bits) - 1) for i in range(count))


def load_count(parts: Sequence[Instance], bits: int) -> int:
    """Beats of the loader's stream."""
    return sum(m.depth * -(-m.width // bits) for part in parts for m in part.memories.values() if m.loaded)
