"""Memories of AMD's chips as the vendor's guides have them, in Python: what models of them are compared with."""

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

Pins = Mapping[str, int]
"""A number on every pin."""


def bits(value: int, low: int, count: int) -> int:
    """Some bits of a number."""
    return (value >> low) & ((1 << count) - 1)


class Cell(ABC):
    """A cell with its state. `pins`: bits of its inputs, but for clocks; `results`: those of its outputs.

    `parameters`: as Verilog writes them.
    """

    kind: str
    clocks: tuple[str, ...]
    pins: Mapping[str, int]
    results: Mapping[str, int]
    parameters: Mapping[str, str]

    def drawn(self, rng: random.Random) -> dict[str, int]:
        """What its inputs are in a cycle."""
        return {pin: rng.getrandbits(width) for pin, width in self.pins.items()}

    @abstractmethod
    def shown(self, pins: Pins) -> Pins:
        """What its outputs are in front of the rising edge."""

    @abstractmethod
    def clock(self, pins: Pins) -> None:
        """The rising edge."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Bits of the words of both ports of a block RAM, 0 for none, and the mode of both."""

    read_a: int = 0
    read_b: int = 0
    write_a: int = 0
    write_b: int = 0
    mode: str = "READ_FIRST"


Word = tuple[int, int]
"""A word of a block RAM: its data, and a bit of parity for every eight of them."""


class BlockRam(Cell):
    """RAMB18E1 and RAMB36E1 (UG473), RAMB18E2 and RAMB36E2 (UG573)."""

    def __init__(self, kind: str, ports: Ports) -> None:
        rng = random.Random(f"{kind} {ports}")
        self.kind, self.mode, self.clocks = kind, ports.mode, ("CLKARDCLK", "CLKBWRCLK")
        self.half = half = 32 if "36" in kind else 16
        self.read = {"A": ports.read_a, "B": ports.read_b}
        self.write = {"A": ports.write_a, "B": ports.write_b}
        self.wide = 9 * half // 4
        self.data, self.parity = rng.getrandbits(half * 1024), rng.getrandbits(half * 128)
        begun, self.set = ({port: self._random(width, rng) for port, width in self.read.items()} for _ in range(2))
        self.out = begun
        long = kind.endswith("E2")
        i, o = ("DIN", "DOUT") if long else ("DI", "DO")
        self.data_pin = {port: f"{i}{port}{i}" for port in "AB"}
        self.parity_pin = {port: f"{i}P{port}{i}P" for port in "AB"}
        self.data_result = {port: f"{o}{port}{o}" for port in "AB"}
        self.parity_result = {port: f"{o}P{port}{o}P" for port in "AB"}
        address = half.bit_length() + 9 + (kind == "RAMB36E1")
        self.pins = {
            **dict.fromkeys(("ENARDEN", "ENBWREN", "RSTRAMARSTRAM", "RSTRAMB"), 1),
            **dict.fromkeys(("ADDRARDADDR", "ADDRBWRADDR"), address),
            **dict.fromkeys(self.data_pin.values(), half),
            **dict.fromkeys(self.parity_pin.values(), half // 8),
            "WEA": half // 8, "WEBWE": half // 4,
        }  # fmt: skip
        self.results = dict.fromkeys(self.data_result.values(), half)
        self.results |= dict.fromkeys(self.parity_result.values(), half // 8)
        sdp = self.wide in (ports.read_a, ports.write_b)
        self.parameters = {
            **{f"INIT_{i:02X}": f"256'h{bits(self.data, 256 * i, 256):x}" for i in range(half * 4)},
            **{f"INITP_{i:02X}": f"256'h{bits(self.parity, 256 * i, 256):x}" for i in range(half // 2)},
            **{f"READ_WIDTH_{port}": f"{width}" for port, width in self.read.items()},
            **{f"WRITE_WIDTH_{port}": f"{width}" for port, width in self.write.items()},
            **{f"WRITE_MODE_{port}": f'"{self.mode}"' for port in "AB"},
            **dict.fromkeys(("DOA_REG", "DOB_REG"), "0"),
            **self._values("INIT", begun),
            **self._values("SRVAL", self.set),
            **({} if long else {"RAM_MODE": '"SDP"' if sdp else '"TDP"'}),
        }

    def drawn(self, rng: random.Random) -> dict[str, int]:
        """Ports on, and neither reset, but now and then; the other port's address mostly near."""
        found = super().drawn(rng)
        found |= {pin: int(rng.random() < 0.9) for pin in ("ENARDEN", "ENBWREN")}
        found |= {pin: int(rng.random() < 0.1) for pin in ("RSTRAMARSTRAM", "RSTRAMB")}
        if rng.random() < 0.8:
            found["ADDRBWRADDR"] = found["ADDRARDADDR"] ^ rng.getrandbits(3)
        if self.write["A"] <= 9:
            found["WEA"] = rng.choice((0, (1 << self.pins["WEA"]) - 1))
        if self.write["B"] <= 9:
            found["WEBWE"] = rng.choice((0, (1 << self.pins["WEBWE"]) - 1))
        return found

    def shown(self, pins: Pins) -> Pins:
        """The words read last; a word of both ports in the pins of both."""
        found = dict.fromkeys(self.results, 0)
        for port in "AB":
            data, parity = self.out["A" if self.read["A"] == self.wide else port]
            low = self.half if self.read["A"] == self.wide and port == "B" else 0
            found[self.data_result[port]] = bits(data, low, self.half)
            found[self.parity_result[port]] = bits(parity, low // 8, self.half // 8)
        return found

    def clock(self, pins: Pins) -> None:
        """Reads, then writes. What a port reads of the other's writing where that is unknown: see tom_cell_ramb."""
        enabled = {"A": pins["ENARDEN"], "B": pins["ENBWREN"]}
        reset = {"A": pins["RSTRAMARSTRAM"], "B": pins["RSTRAMB"]}
        address = {"A": pins["ADDRARDADDR"], "B": pins["ADDRBWRADDR"]}
        enables = {"A": pins["WEA"], "B": pins["WEBWE"]}
        writing = [port for port in "AB" if self.write[port] and enabled[port] and enables[port]]
        for port, width in self.read.items():
            if not width or not enabled[port]:
                continue
            old, (other,) = self._word(width, address[port]), {"A", "B"} - {port}
            if reset[port]:
                self.out[port] = self.set[port]
            elif other in writing and self.mode != "READ_FIRST" and self._meet(port, other, address):
                data, parity = self._masks(width)
                self.out[port] = (~old[0] & data, ~old[1] & parity)
            elif port not in writing or self.mode == "READ_FIRST":
                self.out[port] = old
            elif self.mode == "WRITE_FIRST":
                self.out[port] = self._merged(port, old, pins, enables[port])
        for port in writing:
            self._store(
                port,
                address[port],
                self._merged(port, self._word(self.write[port], address[port]), pins, enables[port]),
            )

    def _random(self, width: int, rng: random.Random) -> Word:
        data, parity = self._masks(width)
        return rng.getrandbits(72) & data, rng.getrandbits(8) & parity

    def _masks(self, width: int) -> Word:
        """All bits of a word."""
        return (1 << (width if width < 9 else width // 9 * 8)) - 1, (1 << width // 9) - 1

    def _values(self, name: str, words: Mapping[str, Word]) -> dict[str, str]:
        """Parameters of the outputs: for each port parity above its data."""
        found = {}
        for port in "AB":
            data, parity = words["A" if self.read["A"] == self.wide else port]
            width = self.half if self.read["A"] == self.wide else max(8, self.read[port] // 9 * 8)
            low = width if self.read["A"] == self.wide and port == "B" else 0
            value = bits(data, low, width) | bits(parity, low // 8, width // 8) << width
            found[f"{name}_{port}"] = f"{self.half + self.half // 8}'h{value:x}"
        return found

    def _at(self, width: int, address: int) -> tuple[int, int]:
        """Where a word begins, and its bits, counted in data."""
        size = width if width < 9 else width // 9 * 8
        return address % (self.half * 1024) // size * size, size

    def _word(self, width: int, address: int) -> Word:
        place, size = self._at(width, address)
        return bits(self.data, place, size), bits(self.parity, place // 8, width // 9)

    def _store(self, port: str, address: int, word: Word) -> None:
        width = self.write[port]
        place, _ = self._at(width, address)
        data, parity = self._masks(width)
        self.data = self.data & ~(data << place) | word[0] << place
        self.parity = self.parity & ~(parity << place // 8) | word[1] << place // 8

    def _merged(self, port: str, old: Word, pins: Pins, enables: int) -> Word:
        """A port's word where its bytes are enabled; from the pins of both if it is as wide as that."""
        width, (data, parity) = self.write[port], old
        new = [pins[names[port]] for names in (self.data_pin, self.parity_pin)]
        if width == self.wide:
            new = [
                pins[names["A"]] | pins[names["B"]] << count
                for names, count in ((self.data_pin, self.half), (self.parity_pin, self.half // 8))
            ]
        if width < 9:
            return new[0] & self._masks(width)[0] if enables & 1 else data, 0
        for i in range(width // 9):
            if bits(enables, i, 1):
                data = data & ~(255 << 8 * i) | bits(new[0], 8 * i, 8) << 8 * i
                parity = parity & ~(1 << i) | bits(new[1], i, 1) << i
        return data, parity

    def _meet(self, reader: str, writer: str, address: Mapping[str, int]) -> bool:
        """Whether what is read has bits of what is written."""
        (one, count), (other, long) = (
            self._at(self.read[reader], address[reader]),
            self._at(self.write[writer], address[writer]),
        )
        return one < other + long and other < one + count


class UltraRam(Cell):
    """URAM288 (UG573): port A comes before port B."""

    kind, clocks = "URAM288", ("CLK",)

    def __init__(self, mode: str) -> None:
        self.mode, self.words = mode, [0] * 4096
        self.out = {"A": 0, "B": 0}
        self.parameters = {f"BWE_MODE_{port}": f'"{mode}"' for port in "AB"}
        widths = {"EN": 1, "RDB_WR": 1, "RST": 1, "ADDR": 23, "BWE": 9, "DIN": 72}
        self.pins = {f"{name}_{port}": width for name, width in widths.items() for port in "AB"}
        self.results = {"DOUT_A": 72, "DOUT_B": 72}

    def drawn(self, rng: random.Random) -> dict[str, int]:
        """Both ports at one of a few addresses."""
        found = super().drawn(rng)
        return (
            found
            | {f"ADDR_{port}": rng.choice((0, 1, 2047, 4095)) for port in "AB"}
            | {"RST_A": int(rng.random() < 0.1)}
        )

    def shown(self, pins: Pins) -> Pins:
        """The words read last."""
        return {f"DOUT_{port}": word for port, word in self.out.items()}

    def clock(self, pins: Pins) -> None:
        """Each port writes or reads."""
        for port in "AB":
            address, enables = pins[f"ADDR_{port}"], pins[f"BWE_{port}"]
            old = self.words[address]
            if pins[f"EN_{port}"] and pins[f"RDB_WR_{port}"]:
                mask = sum(255 << 8 * i for i in range(8) if bits(enables, i, 1))
                interleaved = self.mode == "PARITY_INTERLEAVED"
                mask |= (bits(enables, 0, 8) if interleaved else 255 * bits(enables, 8, 1)) << 64
                self.words[address] = old & ~mask | pins[f"DIN_{port}"] & mask
            if pins[f"RST_{port}"]:
                self.out[port] = 0
            elif pins[f"EN_{port}"] and not pins[f"RDB_WR_{port}"]:
                self.out[port] = old
