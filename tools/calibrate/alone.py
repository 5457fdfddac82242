"""Puts a synthesised module of the ECP5 alone on a chip: three pins, and a register at every bit of its ports."""

from typing import Any

CLOCK = "clk_i"
FLIPFLOP = {
    "GSR": "DISABLED", "CEMUX": "1 ", "CLKMUX": "CLK", "LSRMUX": "LSR", "REGSET": "RESET", "SRMODE": "LSR_OVER_CE",
}  # fmt: skip
"""A text of digits has a space behind it, as Yosys writes it, or it would be a number."""
XOR = {"INIT": "0110011001100110"}
"""The LUT4 that joins its inputs A and B."""


def alone(netlist: dict[str, Any], top: str) -> dict[str, Any]:
    """The netlist with its ports behind registers: a shift register feeds the inputs, another folds the outputs up.

    The ports that remain are the clock, `alone_i` and `alone_o`.
    """
    module = netlist["modules"][top]
    ports, cells = module["ports"], module["cells"]
    (clock,) = ports.pop(CLOCK)["bits"]
    wires = _bits(module)
    fresh = 1 + max(bit for bit in wires if isinstance(bit, int))

    def put(kind: str, parameters: dict[str, str], result: str, **inputs: Any) -> int:
        """A cell with one result, a new wire."""
        nonlocal fresh
        fresh += 1
        ways = dict.fromkeys(inputs, "input") | {result: "output"}
        pins = {port: [bit] for port, bit in (inputs | {result: fresh}).items()}
        cells[f"alone_{fresh}"] = {
            "hide_name": 0, "type": kind, "parameters": parameters, "attributes": {},
            "port_directions": ways, "connections": pins,
        }  # fmt: skip
        return fresh

    def register(bit: int | str) -> int:
        return put("TRELLIS_FF", FLIPFLOP, "Q", CLK=clock, DI=bit, LSR="0", CE="1")

    last, folded = fresh, fresh
    entry = last
    fed: dict[Any, int] = {}
    for port in (p for p in ports.values() if p["direction"] == "input"):
        for bit in port["bits"]:
            fed[bit] = last = register(last)
    for cell in cells.values():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "input":
                cell["connections"][port] = [fed.get(bit, bit) for bit in bits]
    for port in (p for p in ports.values() if p["direction"] == "output"):
        for bit in port["bits"]:
            mixed = put("LUT4", XOR, "Z", A=register(fed.get(bit, bit)), B=folded, C="0", D="0")
            folded = register(mixed)
    module["ports"] = {
        CLOCK: {"direction": "input", "bits": [clock]},
        "alone_i": {"direction": "input", "bits": [entry]},
        "alone_o": {"direction": "output", "bits": [folded]},
    }
    module["netnames"] = {name: net for name, net in module["netnames"].items() if not fed.keys() & set(net["bits"])}
    return netlist


def _bits(module: dict[str, Any]) -> set[Any]:
    """Every wire and constant that cells and ports are connected to."""
    found = {bit for cell in module["cells"].values() for bits in cell["connections"].values() for bit in bits}
    return found | {bit for port in module["ports"].values() for bit in port["bits"]}
