"""What a netlist is, whatever its wires and instances are called: a hash that equal circuits share."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]
Pins = Sequence[tuple[str, Sequence[Any]]]
"""The ports of a cell, each with the bits that it is connected to."""

MEMORY = "MEMID"
"""The parameter of a port of a memory that names it: like a wire, it joins the ports."""
NOTHING = frozenset({"$scopeinfo"})
"""Cells that are no hardware."""
ASIDE = frozenset({"hdlname", "src"})
"""Attributes of a memory that say where it comes from; by the others it is mapped."""
COMMUTATIVE = frozenset(
    {"$add", "$mul", "$and", "$or", "$xor", "$xnor", "$eq", "$ne", "$eqx", "$nex", "$logic_and", "$logic_or"}
)
"""Cells whose inputs A and B may change places."""
EITHER = "either"
ROUNDS = 16
"""How far around a cell is looked at most, in cells."""


def circuit(netlist: Json) -> str:
    """The hash of the flattened top module: of cells by kind, parameters and what they are connected to.

    Labels of cells and wires are refined by those of their neighbours until no more can be told apart.
    """
    (top,) = [m for m in netlist["modules"].values() if m["attributes"].get("top")]
    cells = [cell for cell in top["cells"].values() if cell["type"] not in NOTHING]
    connected = {bit for cell in cells for bits in cell["connections"].values() for bit in bits}
    ports = [(name, port["bits"]) for name, port in top["ports"].items() if _leads(port, connected)]
    pins = [sorted(ports), *map(_pins, cells)]
    asked = {f"\\{name}": _asked(memory["attributes"]) for name, memory in top.get("memories", {}).items()}
    labels = [_hash("top"), *(_kind(cell, asked.get(cell["parameters"].get(MEMORY), "")) for cell in cells)]
    kinds = len(set(labels))
    for _ in range(ROUNDS):
        wires = _wires(labels, pins)
        labels = [
            _hash(label, *sorted(f"{port}:{','.join(wires[bit] for bit in bits)}" for port, bits in ends))
            for label, ends in zip(labels, pins, strict=True)
        ]
        before, kinds = kinds, len(set(labels))
        if kinds == before:
            break
    return _hash(*(f"{label} {n}" for label, n in sorted(Counter(labels).items())))


def _leads(port: Json, connected: Collection[Any]) -> bool:
    """Whether a port leads anywhere: an input that nothing reads is no hardware."""
    return port.get("direction") != "input" or any(bit in connected for bit in port["bits"])


def _pins(cell: Json) -> Pins:
    either = ("A", "B") if cell["type"] in COMMUTATIVE else ()
    pins = [(EITHER if port in either else port, bits) for port, bits in cell["connections"].items()]
    return [*pins, *((name, [(value,)]) for name, value in cell["parameters"].items() if name == MEMORY)]


def _asked(attributes: Json) -> str:
    """How a memory is to be mapped."""
    return ",".join(f"{name}={value}" for name, value in sorted(attributes.items()) if name not in ASIDE)


def _kind(cell: Json, asked: str) -> str:
    values = {name: value for name, value in cell["parameters"].items() if name != MEMORY}
    if cell["type"] in COMMUTATIVE:
        values["A_WIDTH"], values["B_WIDTH"] = sorted((values["A_WIDTH"], values["B_WIDTH"]))
    return _hash(cell["type"], asked, *(f"{name}={value}" for name, value in sorted(values.items())))


def _wires(labels: Sequence[str], pins: Iterable[Pins]) -> dict[Any, str]:
    """The label of every wire: the ends it has. Constants are what they are."""
    ends: dict[Any, list[str]] = {}
    for label, connections in zip(labels, pins, strict=True):
        for port, bits in connections:
            for i, bit in enumerate(bits):
                ends.setdefault(bit, []).append(f"{label} {port} {i}")
    return {bit: bit if isinstance(bit, str) else _hash(*sorted(found)) for bit, found in ends.items()}


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
