"""Graph and plan become a netlist: engines, forks, width converters, FIFOs."""

from collections.abc import Mapping
from dataclasses import dataclass

from tomato.core.ir import Graph
from tomato.engines import CATALOGUE
from tomato.hardware.netlist import Instance, Netlist, Stream, stream
from tomato.hardware.plumbing import ULTRA, Width, fifo_cost, fork_cost, register_cost, width_cost
from tomato.schedule.plan import Plan
from tomato.schedule.plumb import fifo_ram
from tomato.schedule.regions import crossings
from tomato.schedule.streams import OUTPUT, WIRING, Edge, edges, site
from tomato.targets import Resources, Target


@dataclass(frozen=True, slots=True)
class Lowered:
    """The netlist, and what each of its instances takes on the target, by instance name."""

    netlist: Netlist
    costs: Mapping[str, Resources]


def lower(graph: Graph, plan: Plan, target: Target) -> Lowered:
    """Build the netlist of a planned graph."""
    return _Lowering(graph, plan, target).run()


class _Lowering:
    """Collects instances while it walks the graph once."""

    def __init__(self, graph: Graph, plan: Plan, target: Target) -> None:
        self.graph, self.plan, self.target = graph, plan, target
        self.links = edges(graph, plan.layers)
        self.hops = crossings(self.links, plan.regions)
        self.readers: dict[str, list[Edge]] = {}
        for edge in self.links:
            self.readers.setdefault(edge.value, []).append(edge)
        self.instances: list[Instance] = []
        self.costs: dict[str, Resources] = {}
        self.arriving: dict[str, Stream] = {}  # by edge name
        self.taken = {f"{kind}_{value}" for kind in "su" for value in graph.types}  # streams and engines of the graph

    def run(self) -> Lowered:
        inputs = tuple(self._source(name) for name, _ in self.graph.inputs if name in self.readers)
        for source in inputs:
            self._distribute(source)
        for node in self.graph:
            if isinstance(node.op, WIRING):
                continue
            choice = self.plan.layers[node.name]
            engine, place = CATALOGUE[choice.engine], site(self.graph, node)
            _, lanes = engine.lanes(place, choice.knobs)
            out = stream(f"s_{node.name}", node.name, node.type, lanes)
            made = Instance(
                module=f"tom_{engine.stem}",
                name=f"u_{node.name}",
                params=engine.params(place, choice.knobs),
                inputs=tuple(self.arriving[f"{node.name}.{i}"] for i in range(len(node.args))),
                outputs=(out,),
                memories=engine.memories(place, choice.knobs),
                comment=str(node),
                loaded=choice.knobs.get("weight_ram") == ULTRA,
            )
            self._add(made, self.target.fitted(engine.stem, engine.cost(place, choice.knobs, self.target)))
            self._distribute(out)
        outputs = tuple(self.arriving[f"{OUTPUT}.{i}"] for i in range(len(self.graph.outputs)))
        return Lowered(Netlist(self.graph.name, tuple(self.instances), inputs, outputs), self.costs)

    def _add(self, instance: Instance, cost: Resources) -> None:
        self.instances.append(instance)
        self.costs[instance.name] = cost

    def _unused(self, name: str) -> str:
        """`name`, longer if the graph or another part has it, from now on taken."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def _source(self, name: str) -> Stream:
        edge = self.readers[name][0]
        return stream(f"s_{name}", name, edge.from_type, edge.from_lanes)

    def _distribute(self, source: Stream) -> None:
        """Fork a value to its consumers, and fit each copy to its consumer."""
        readers = self.readers.get(source.value, [])
        copies: tuple[Stream, ...] = (source,)
        if len(readers) > 1:
            copies = tuple(_renamed(source, self._unused(f"{source.name}_{i}")) for i in range(len(readers)))
            fork = Instance(
                module="tom_fork",
                name=self._unused(f"u_fork_{source.value}"),
                params={"Outputs": len(copies), "Width": source.width},
                inputs=(source,),
                outputs=copies,
                memories={},
                comment=f"%{source.value} goes to {', '.join('%' + e.consumer for e in readers)}",
            )
            self._add(fork, self.target.fitted("fork", fork_cost(len(copies), source.width, self.target)))
        for edge, copy in zip(readers, copies, strict=False):
            self.arriving[edge.name] = self._queued(edge, self._converted(edge, self._carried(edge, copy)))

    def _carried(self, edge: Edge, source: Stream) -> Stream:
        """The stream behind the registers that take it from one region of the chip to another."""
        for hop in range(self.hops.get(edge.name, 0)):
            out = _renamed(source, self._unused(f"{source.name}_r"))
            made = Instance(
                module="tom_register",
                name=self._unused(f"u_cross_{edge.consumer}_{edge.index}_{hop}"),
                params={"Width": source.width},
                inputs=(source,),
                outputs=(out,),
                memories={},
                comment=f"%{edge.value} crosses to the region of %{edge.consumer}",
            )
            self._add(made, self.target.fitted("register", register_cost(source.width)))
            source = out
        return source

    def _converted(self, edge: Edge, source: Stream) -> Stream:
        a, b = edge.from_type.channels, edge.to_type.channels
        if not Width(a, edge.from_lanes, b, edge.to_lanes).needed:
            same = edge.from_type.shape == edge.to_type.shape
            return source if same else stream(source.name, edge.value, edge.to_type, edge.to_lanes)
        name = self._unused(f"{source.name}_w{edge.to_lanes}")
        fits = stream(name, edge.value, edge.to_type, edge.to_lanes)
        made = Instance(
            module="tom_width",
            name=self._unused(f"u_width_{edge.consumer}_{edge.index}"),
            params={
                "Bits": source.bits,
                "InChannels": a,
                "InLanes": edge.from_lanes,
                "OutChannels": b,
                "OutLanes": edge.to_lanes,
            },
            inputs=(source,),
            outputs=(fits,),
            memories={},
            comment=f"%{edge.value}: {edge.from_lanes} codes a beat to {edge.to_lanes}, for %{edge.consumer}",
        )
        cost = width_cost(a, edge.from_lanes, b, edge.to_lanes, source.bits, self.target)
        self._add(made, self.target.fitted("width", cost))
        return fits

    def _queued(self, edge: Edge, source: Stream) -> Stream:
        depth = self.plan.fifos.get(edge.name)
        if depth is None:
            return source
        out = _renamed(source, self._unused(f"{source.name}_q{edge.index}"))
        ram = fifo_ram(source.width, depth)
        made = Instance(
            module="tom_fifo",
            name=self._unused(f"u_fifo_{edge.consumer}_{edge.index}"),
            params={"Width": source.width, "Depth": depth, "Ram": ram},
            inputs=(source,),
            outputs=(out,),
            memories={},
            comment=f"%{edge.value} waits for its turn at %{edge.consumer}",
        )
        self._add(made, self.target.fitted("fifo", fifo_cost(source.width, depth, ram, self.target)))
        return out


def _renamed(source: Stream, name: str) -> Stream:
    return Stream(name, source.value, source.shape, source.bits, source.signed, source.lanes)
