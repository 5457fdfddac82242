"""Graph and plan become a netlist: engines, and the parts between them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tomato.core.ir import Graph
from tomato.core.state import lasting
from tomato.engines.parts.shared import Group
from tomato.engines.parts.shared_unit import Member, units_of
from tomato.hardware.memory import LOAD_BITS, Source
from tomato.hardware.netlist import (
    FETCH,
    FRAME_CHECK,
    QUEUE,
    SPILL,
    WEIGHTS,
    Bus,
    Instance,
    MemoryMaster,
    Netlist,
    Stream,
    Whereabouts,
    load_count,
    stream,
)
from tomato.hardware.parts import Converter, Fifo, FrameEnd, Loader, Part, Register, Spill
from tomato.ops.exits import number_bits
from tomato.schedule.fetching import WORDS, Fetching, fetching
from tomato.schedule.plan import Plan
from tomato.schedule.route import Routes, routes_of
from tomato.schedule.streams import OUTPUT, Edge, edges, interval_cycles
from tomato.schedule.units import Units, bind
from tomato.targets import Resources, Target


@dataclass(frozen=True, slots=True)
class Lowered:
    """The netlist, what each of its instances takes on the target, by instance name, and what it was made from.

    reader: what brings weights from memory beside the chip.
    """

    netlist: Netlist
    costs: Mapping[str, Resources]
    units: Units
    routes: Routes
    reader: Fetching | None = None


def lower(graph: Graph, plan: Plan, target: Target) -> Lowered:
    """Build the netlist of a planned graph."""
    units = bind(graph, plan.layers, target)
    ways = routes_of(plan, edges(graph, units), target)
    return _Lowering(graph, units, ways, target, plan.regions).run()


class _Lowering:
    """Collects instances while it walks the graph once."""

    def __init__(self, graph: Graph, units: Units, ways: Routes, target: Target, regions: Mapping[str, int]) -> None:
        self.graph, self.units, self.ways, self.target = graph, units, ways, target
        self.readers = ways.readers
        self.instances: list[Instance] = []
        self.costs: dict[str, Resources] = {}
        self.arriving: dict[str, Stream] = {}  # by edge name
        self.regions = regions
        self.reader: Fetching | None = None
        self.streams, self.parts = set(graph.types), set(graph.types)  # names that are taken

    def run(self) -> Lowered:
        inputs = tuple(self._source(name) for name, _ in self.graph.inputs if name in self.readers)
        for source in inputs:
            self._check(source)
            self._distribute(source)
        reader = fetching(self.units, self.target, interval_cycles(self.units, self.ways.links))
        self.reader = reader
        if reader and not reader.shared:
            self._fetch(reader)
        for name, unit in self.units.items():
            out = stream(name, name, unit.out, unit.lanes[1])
            if isinstance(unit, Member):
                self._distribute(out)
                if unit.ends:
                    self._share(unit.group)
                continue
            comes = tuple(self.arriving[f"{name}.{i}"] for i in range(len(unit.args)))
            made = Instance(
                module=f"tom_{unit.stem}",
                name=name,
                params=unit.params,
                inputs=comes + ((self.arriving[f"{name}.{WORDS}"],) if unit.fetches else ()),
                outputs=(out,),
                memories=unit.memories,
                comment=str(unit.site.node),
                loaded=any(store.source is Source.LOADER for store in unit.stores.values()),
                region=self._region(name),
                lasting=lasting(unit.op),
                doubled=unit.doubles,
            )
            self._add(made, unit.cost)
            self._distribute(out)
        outputs = tuple(self.arriving[f"{OUTPUT}.{i}"] for i in range(len(self.graph.outputs)))
        if loaded := [part for part in self.instances if part.loaded]:
            loader = Loader(load_count(loaded, LOAD_BITS), len(loaded))
            self._part(loader, "loader", (), (), "the loader fills the memories that the bitstream cannot", OUTPUT)
        netlist = Netlist(self.graph.name, tuple(self.instances), inputs, outputs)
        netlist.verify()
        return Lowered(netlist, self.costs, self.units, self.ways, reader)

    def _share(self, group: Group) -> None:
        """The engine of layers that take turns; it has the name of the first."""
        units = units_of(group)
        first = units[0]
        names = [unit.site.node.name for unit in units]
        made = Instance(
            module=f"tom_{first.stem}",
            name=names[0],
            params=first.params,
            inputs=tuple(self.arriving[f"{name}.0"] for name in names),
            outputs=tuple(stream(n, n, u.out, u.lanes[1]) for n, u in zip(names, units, strict=True)),
            memories=first.memories,
            comment=f"{', '.join('%' + name for name in names)} take turns",
            buses=_masters(self.reader) if first.fetches and self.reader else {},
            region=self._region(names[0]),
        )
        self._add(made, first.cost)
        self.costs |= dict.fromkeys(names[1:], Resources())

    def _add(self, instance: Instance, cost: Resources) -> None:
        self.instances.append(instance)
        self.costs[instance.name] = cost

    def _renamed(self, source: Stream, suffix: str) -> Stream:
        """The stream behind a part: the same name with a suffix, longer if the graph or another stream has it."""
        return replace(source, name=_unused(f"{source.name}{suffix}", self.streams))

    def _region(self, beside: str) -> int:
        """Where a layer is, and what stands beside it."""
        return self.regions.get(beside, 0)

    def _source(self, name: str) -> Stream:
        edge = self.readers[name][0]
        return stream(name, name, edge.from_type, edge.from_lanes)

    def _part(
        self, part: Part, name: str, inputs: tuple[Stream, ...], outputs: tuple[Stream, ...], why: str, beside: str
    ) -> None:
        """Add an instance of a part; one that is in memory beside the chip has a port to it."""
        name, buses = _unused(name, self.parts), dict[str, Bus]()
        if isinstance(part, Spill):
            port = f"{QUEUE}{sum(i.module == SPILL for i in self.instances)}"
            buses = {"axi": MemoryMaster(port, part.data_bits, writes=True), "memory": Whereabouts(port, 1)}
        made = Instance(
            f"tom_{part.stem}", name, part.params, inputs, outputs, {}, why, buses=buses, region=self._region(beside)
        )
        self._add(made, part.cost(self.target))

    def _fetch(self, reader: Fetching) -> None:
        """The reader of weights, which stands beside its first client, and what makes words of its beats."""
        beside, costs = reader.clients[0].layer, reader.costs(self.target)
        wide = [self._beat(f"fetch_{c.layer}", f"{c.layer}.beats", reader.beat_bits) for c in reader.clients]
        made = Instance(
            FETCH, _unused("fetch", self.parts), reader.params(self.target), (), tuple(wide), {},
            str(reader), buses=_masters(reader), region=self._region(beside),
        )  # fmt: skip
        self._add(made, costs[0])
        for client, beats, cost in zip(reader.clients, wide, costs[1:], strict=True):
            fetched = self.units[client.layer].fetched
            assert fetched is not None
            name = _unused(f"words_{client.layer}", self.streams)
            words = stream(name, f"{client.layer}.{WORDS}", fetched.stream, fetched.stream.channels)
            self.arriving[f"{client.layer}.{WORDS}"] = words
            params = {"InBits": reader.beat_bits, "WordBits": client.word_bits}
            part, why = _unused(f"words_{client.layer}", self.parts), f"the words of %{client.layer}"
            made = Instance("tom_words", part, params, (beats,), (words,), {}, why, region=self._region(client.layer))
            self._add(made, cost)

    def _beat(self, name: str, value: str, bits: int) -> Stream:
        """A stream of bits that are no codes."""
        return Stream(_unused(name, self.streams), value, (1, 1, 1), bits, False, 1)

    def _check(self, source: Stream) -> None:
        """Watch an input."""
        part = self.ways.checks[source.value]
        name, beside = _unused(f"check_{source.value}", self.parts), self.readers[source.value][0].consumer
        why = f"%{source.value} comes in: beats that were lost on the way are noticed"
        made = Instance(FRAME_CHECK, name, part.params, (), (), {}, why, region=self._region(beside), watches=source)
        self._add(made, part.cost(self.target))

    def _distribute(self, source: Stream) -> None:
        """Fork a value to its consumers, and fit each copy to its consumer."""
        readers = self.readers.get(source.value, [])
        copies: tuple[Stream, ...] = (source,)
        if fork := self.ways.forks.get(source.value):
            copies = tuple(self._renamed(source, f"_{i}") for i in range(fork.outputs))
            why = f"%{source.value} goes to {', '.join('%' + e.consumer for e in readers)}"
            self._part(fork, f"fork_{source.value}", (source,), copies, why, readers[0].consumer)
        for edge, copy in zip(readers, copies, strict=False):
            self.arriving[edge.name] = self._carried(edge, copy)

    def _carried(self, edge: Edge, source: Stream) -> Stream:
        """The stream behind all parts of an edge, which stand beside its reader, or its maker if it leaves the chip."""
        hop, beside = 0, edge.value if edge.consumer == OUTPUT else edge.consumer
        for part in self.ways.parts[edge.name]:
            before = source
            match part:
                case Register():
                    name = f"cross_{edge.consumer}_{edge.index}_{hop}"
                    why = f" crosses to the region of %{edge.consumer}"
                    source, hop = self._renamed(before, "_r"), hop + 1
                case Converter():
                    name = f"width_{edge.consumer}_{edge.index}"
                    why = f": {edge.from_lanes} codes a beat to {edge.to_lanes}, for %{edge.consumer}"
                    fits = self._renamed(before, f"_w{edge.to_lanes}").name
                    source = stream(fits, edge.value, edge.to_type, edge.to_lanes)
                case Fifo():
                    name, why = f"fifo_{edge.consumer}_{edge.index}", f" waits for its turn at %{edge.consumer}"
                    source = self._renamed(before, f"_q{edge.index}")
                case Spill():
                    name, why = (
                        f"spill_{edge.consumer}_{edge.index}",
                        f" waits in memory for its turn at %{edge.consumer}",
                    )
                    source = self._renamed(before, f"_q{edge.index}")
                case FrameEnd():
                    name, why = f"end_of_{edge.value}", " leaves: the last beat of a frame is marked"
                    value = self.graph.outputs[edge.index]  # what leaves, which may be a reshape of what is carried
                    ends = stream(before.name, value, edge.to_type, edge.to_lanes)
                    source = replace(ends, framed=True, number=number_bits(self.graph, edge.value))
                    source = self._renamed(source, "_end")
                case _:
                    raise AssertionError(f"{part} does not stand on an edge")
            self._part(part, name, (before,), (source,), f"%{edge.value}{why}", beside)
        if source.shape != edge.to_type.shape:
            source = stream(source.name, edge.value, edge.to_type, edge.to_lanes)
        return source


def _masters(reader: Fetching) -> dict[str, Bus]:
    """The ports of what reads weights: a master for each channel, and where they lie."""
    masters = {str(c): MemoryMaster(f"{WEIGHTS}{c}", reader.data_bits) for c in range(reader.channels)}
    return {**masters, "": Whereabouts(WEIGHTS, reader.channels)}


def _unused(name: str, taken: set[str]) -> str:
    """`name`, longer if it is taken; from now on it is."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name
