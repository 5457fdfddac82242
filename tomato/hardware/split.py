"""A netlist over several chips: one netlist for each, and the links between them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tomato.core.errors import IllFormedError
from tomato.hardware.netlist import FRAME_CHECK, FRAME_END, LOADER, Instance, Netlist, Stream
from tomato.hardware.parts import FrameCheck, FrameEnd


@dataclass(frozen=True, slots=True)
class Link:
    """A stream from one chip to another: bits of a beat in whole bytes, beats of a frame."""

    value: str
    source: int
    sink: int
    width: int
    frame_beats: int


@dataclass(frozen=True, slots=True)
class Split:
    """The netlists by chip, and the links, in the order of the parts that drive them."""

    chips: Mapping[int, Netlist]
    links: tuple[Link, ...]


def split(netlist: Netlist) -> Split:
    """Cut a netlist where a stream goes from a part on one chip to a part on another.

    A link is an output of the one, with the end of its frames marked, and an input of the other, which checks them. An
    input of the whole goes to the chip that reads it. Raises IllFormedError where a loader would have to fill memories
    of another chip.
    """
    reader = {s.name: part for part in netlist.instances for s in part.inputs}
    chips = sorted({part.place.chip for part in netlist.instances})
    parts: dict[int, list[Instance]] = {chip: [] for chip in chips}
    inputs: dict[int, list[Stream]] = {chip: [] for chip in chips}
    outputs: dict[int, list[Stream]] = {chip: [] for chip in chips}
    links: list[Link] = []
    for source in netlist.inputs:
        inputs[reader[source.name].place.chip].append(source)
    for part in netlist.instances:
        chip = reader[part.watches.name].place.chip if part.watches else part.place.chip
        parts[chip].append(part)
        for out in part.outputs:
            if out.framed:
                outputs[chip].append(out)
                continue
            sink = reader[out.name].place.chip
            if sink != chip:
                end = _end(out, part)
                parts[chip].append(end)
                outputs[chip] += end.outputs
                inputs[sink].append(out)
                parts[sink].append(_check(out, reader[out.name]))
                links.append(Link(out.value, chip, sink, int(end.params["Width"]), out.frame_beats))
    made = {
        chip: Netlist(f"{netlist.name}_{chip}", tuple(parts[chip]), tuple(inputs[chip]), tuple(outputs[chip]))
        for chip in chips
    }
    for one in made.values():
        if {i.module for i in one.loaded} and one.loader is None:
            raise IllFormedError(f"netlist {one.name}: its memories are filled by a {LOADER} on another chip")
        one.verify()
    return Split(made, tuple(links))


def _check(coming: Stream, beside: Instance) -> Instance:
    """What counts the beats of a link's frames, on the chip that it goes to."""
    part, why = FrameCheck(coming.frame_beats), f"%{coming.value} comes from another chip"
    return Instance(
        FRAME_CHECK, f"check_{coming.name}", part.params, (), (), {}, why, place=beside.place, watches=coming
    )


def _end(out: Stream, beside: Instance) -> Instance:
    """What marks the end of the frames of a link, on the chip that it leaves."""
    part = FrameEnd.of(out.width, out.frame_beats)
    leaving = replace(out, name=f"{out.name}_link", framed=True)
    why = f"%{out.value} goes to another chip"
    return Instance(FRAME_END, f"link_{out.name}", part.params, (out,), (leaving,), {}, why, place=beside.place)
