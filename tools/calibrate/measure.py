"""Measures a netlist that Yosys wrote: what it takes, and how deep its logic is."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Json = Mapping[str, Any]

LUTS = {
    **{f"LUT{n}": 1 for n in range(1, 7)},
    "SRL16E": 1, "SRLC32E": 1,
    "RAM32X1S": 1, "RAM64X1S": 1, "RAM32X1D": 2, "RAM64X1D": 2,
    "RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8,
    "LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6,
}  # fmt: skip
"""LUTs of each primitive. A CCU2C is two LUT4 with a carry; a TRELLIS_DPR16X4 takes three slices of two LUT4."""
FLIPFLOPS = frozenset({"FDRE", "FDSE", "FDCE", "FDPE", "TRELLIS_FF"})
DSPS = frozenset({"DSP48E2", "MULT18X18D"})
BRAM18 = {"RAMB18E2": 1, "RAMB36E2": 2, "DP16KD": 1, "PDPW16KD": 1}
URAMS = frozenset({"URAM288"})
CLOCKED = frozenset(kind for kind in LUTS if kind.startswith(("RAM", "SRL", "TRELLIS")))
"""LUTs that hold data: they end the paths to their data and write ports."""
FREE = frozenset({"INV", "MUXF7", "MUXF8", "MUXF9", "PFUMX", "L6MUX21", "CARRY4", "CARRY8", "BUFG", "GND", "VCC"})
"""Cells that count nowhere: inverters go into the LUTs they feed, multiplexers and carries come with the slice."""
CARRIES = {"CARRY4": ("CI", "CO"), "CARRY8": ("CI", "CO"), "CCU2C": ("CIN", "COUT")}
"""Ports through which a carry chain goes from cell to cell."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one synthesis gave. levels, carries: LUTs and carry chains of the longest path between registers."""

    lut: int
    ff: int
    dsp: int
    bram18: int
    uram: int
    levels: int
    carries: int
    path: tuple[str, ...]


class Depth(NamedTuple):
    """LUTs and carry chains on the way to a signal, compared in this order."""

    levels: int
    carries: int


def measure(netlist: Json) -> Measured:
    """Count and follow the cells of the flattened top module. An unknown cell is an error, never a zero."""
    (top,) = [m for m in netlist["modules"].values() if m["attributes"].get("top")]
    count = Counter(cell["type"] for cell in top["cells"].values() if not cell["type"].startswith("$"))
    known = {*LUTS, *FLIPFLOPS, *DSPS, *BRAM18, *URAMS, *FREE}
    assert not set(count) - known, f"cells without a rule: {sorted(set(count) - known)}"
    depth, path = longest(top)
    return Measured(
        lut=sum(LUTS.get(kind, 0) * n for kind, n in count.items()),
        ff=sum(n for kind, n in count.items() if kind in FLIPFLOPS),
        dsp=sum(n for kind, n in count.items() if kind in DSPS),
        bram18=sum(BRAM18.get(kind, 0) * n for kind, n in count.items()),
        uram=sum(n for kind, n in count.items() if kind in URAMS),
        levels=depth.levels,
        carries=depth.carries,
        path=path,
    )


@dataclass(frozen=True, slots=True)
class Arc:
    """A way through a cell: from the bit that enters at `port` to one that it drives."""

    cell: str
    kind: str
    port: str
    source: int

    def after(self, depth: Depth, *, chained: bool) -> Depth:
        """Depth behind the cell; `chained`: the signal comes out of the same carry chain."""
        lut = self.kind in LUTS and not (chained and self.kind in CARRIES)
        return Depth(depth.levels + lut, depth.carries + (self.kind in CARRIES and not chained))


def longest(top: Json) -> tuple[Depth, tuple[str, ...]]:
    """The deepest path from a register, memory, multiplier or port to the next, and what lies on it."""
    arcs = _arcs(top["cells"])
    names, ends = _names(top["netnames"]), _ends(top["cells"])
    depth: dict[int, Depth] = {}
    origin: dict[int, Arc] = {}
    for bit in _ordered(arcs):
        for arc in arcs[bit]:
            before = origin.get(arc.source)
            chained = before is not None and before.kind == arc.kind and CARRIES.get(arc.kind, ("",))[0] == arc.port
            reached = arc.after(depth.get(arc.source, Depth(0, 0)), chained=chained)
            if bit not in depth or reached > depth[bit]:
                depth[bit], origin[bit] = reached, arc
    ports = {bit for port in top["ports"].values() if port["direction"] == "output" for bit in port["bits"]}
    reached_ends = [bit for bit in depth if bit in ends or bit in ports]
    if not reached_ends:
        return Depth(0, 0), ()
    end = max(reached_ends, key=lambda bit: depth[bit])
    path = [end]
    while path[-1] in origin:
        path.append(origin[path[-1]].source)
    steps = [names.get(bit, "") for bit in reversed(path)]
    steps += [names.get(bit, "") for bit in ends.get(end, ())]
    return depth[end], tuple(dict.fromkeys(s for s in steps if s))


def _arcs(cells: Json) -> dict[int, list[Arc]]:
    found: dict[int, list[Arc]] = {}
    for name, cell in cells.items():
        kind, pins, ways = cell["type"], cell["connections"], cell["port_directions"]
        for outgoing in (p for p in pins if ways[p] == "output"):
            for entering in (p for p in pins if ways[p] == "input" and _passes(kind, p, outgoing)):
                for bit in (b for b in pins[outgoing] if isinstance(b, int)):
                    new = [Arc(name, kind, entering, s) for s in pins[entering] if isinstance(s, int)]
                    found.setdefault(bit, []).extend(new)
    return found


def _ends(cells: Json) -> dict[int, list[int]]:
    """For every bit that enters a clocked cell, what that cell drives."""
    found: dict[int, list[int]] = {}
    for cell in cells.values():
        if cell["type"] not in FREE and (
            cell["type"] not in LUTS or cell["type"].startswith(("RAM", "SRL", "TRELLIS"))
        ):
            pins, ways = cell["connections"], cell["port_directions"]
            driven = [b for p in pins if ways[p] == "output" for b in pins[p] if isinstance(b, int)]
            for bit in (b for p in pins if ways[p] == "input" for b in pins[p] if isinstance(b, int)):
                found.setdefault(bit, driven[:1])
    return found


def _passes(kind: str, entering: str, leaving: str) -> bool:
    """Whether a signal goes from one port to the other without a clock."""
    if kind.startswith(("RAM32M", "RAM64M")):
        return entering.startswith("ADDR") and entering[-1] == leaving[-1]
    if kind in ("RAM32X1D", "RAM64X1D"):
        return entering.startswith("DPRA" if leaving == "DPO" else "A")
    if kind.startswith("RAM") and kind.endswith("X1S"):
        return entering.startswith("A")
    if kind == "TRELLIS_DPR16X4":
        return entering == "RAD"
    if kind.startswith("SRL"):
        return entering.startswith("A")
    return kind in LUTS or kind in FREE


def _ordered(arcs: Mapping[int, list[Arc]]) -> Iterator[int]:
    """Driven bits, every one after those that it depends on; fails on a combinational loop."""
    state: dict[int, bool] = {}
    for start in arcs:
        stack = [start]
        while stack:
            bit = stack[-1]
            if state.get(bit):
                stack.pop()
                continue
            waiting = [a.source for a in arcs[bit] if a.source in arcs and not state.get(a.source)]
            if not waiting or bit in state:
                assert not waiting, "a combinational loop"
                state[bit] = True
                stack.pop()
                yield bit
            else:
                state[bit] = False
                stack += waiting


def _names(netnames: Json) -> dict[int, str]:
    """The shortest name of a person's making for each bit."""
    found: dict[int, str] = {}
    for name, net in netnames.items():
        if net.get("hide_name") or re.search(r"_(LUT|CARRY|FD|DSP|INV|MUXF|RAM|SRL)\w*_", name):
            continue
        for bit in (b for b in net["bits"] if isinstance(b, int)):
            if bit not in found or len(name) < len(found[bit]):
                found[bit] = name
    return found
