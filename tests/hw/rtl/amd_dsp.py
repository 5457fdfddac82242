"""DSP blocks of AMD's chips as the vendor's guides have them, in Python: what models of them are compared with."""

import random
from dataclasses import dataclass, fields

from tests.hw.rtl.amd_cells import Cell, Pins, bits


def signed(value: int, width: int) -> int:
    """Bits in two's complement as a number."""
    return value - (1 << width) if value >> (width - 1) else value


@dataclass(frozen=True, slots=True)
class Registers:
    """Registers of a DSP block on A, B, C, D, the sum in front, the product and P; of A and B on their cascades."""

    a: int = 0
    b: int = 0
    c: int = 0
    d: int = 0
    ad: int = 0
    m: int = 0
    p: int = 0
    acasc: int = 0
    bcasc: int = 0


class Dsp(Cell):
    """DSP48E1 (UG479) and DSP48E2 (UG579).

    `z`: what OPMODE may add; `summed`: D + A or D - A is multiplied; `cascaded`: A and B come along the cascades.
    """

    clocks = ("CLK",)

    def __init__(
        self, kind: str, registers: Registers, z: tuple[int, ...], *, summed: bool = False, cascaded: bool = False
    ) -> None:
        self.kind, self.has, self.z, self.summed, self.cascaded = kind, registers, z, summed, cascaded
        self.first, new = (25, False) if kind == "DSP48E1" else (27, True)
        enables = ("CEA1", "CEA2", "CEAD", "CEB1", "CEB2", "CEC", "CED", "CEM", "CEP")
        resets = ("RSTA", "RSTB", "RSTC", "RSTD", "RSTM", "RSTP")
        self.pins = {
            **dict.fromkeys((*enables, *resets, "CARRYIN"), 1), "A": 30, "ACIN": 30, "B": 18, "BCIN": 18, "C": 48,
            "PCIN": 48, "D": self.first, "OPMODE": 9 if new else 7, "INMODE": 5, "ALUMODE": 4, "CARRYINSEL": 3,
        }  # fmt: skip
        self.results = {"ACOUT": 30, "BCOUT": 18, "P": 48, "PCOUT": 48}
        names = {field.name: getattr(registers, field.name) for field in fields(registers)}
        source = '"CASCADE"' if cascaded else '"DIRECT"'
        self.parameters = {
            **{f"{name.upper()}REG": f"{count}" for name, count in names.items()},
            **dict.fromkeys(("ALUMODEREG", "CARRYINREG", "CARRYINSELREG", "INMODEREG", "OPMODEREG"), "0"),
            "A_INPUT": source, "B_INPUT": source,
            **({"AMULTSEL": '"AD"' if summed else '"A"'} if new else {"USE_DPORT": '"TRUE"' if summed else '"FALSE"'}),
        }  # fmt: skip
        self.q = dict.fromkeys(("a1", "a2", "b1", "b2", "c", "d", "ad", "m", "p"), 0)

    def drawn(self, rng: random.Random) -> dict[str, int]:
        """Enabled and not reset, but now and then; in the modes that are modelled."""
        found = super().drawn(rng)
        found |= {pin: int(rng.random() < 0.9) for pin in self.pins if pin.startswith("CE")}
        found |= {pin: int(rng.random() < 0.05) for pin in self.pins if pin.startswith("RST")}
        found |= {"OPMODE": rng.choice(self.z) << 4 | rng.choice((0b0101, 0b0101, 0)), "INMODE": 4 * rng.getrandbits(2)}
        return found | {"ALUMODE": 0, "CARRYINSEL": 0, "CARRYIN": 0}

    def _now(self, pins: Pins) -> dict[str, int]:
        """What stands in front of each register, and behind it where it is there."""
        q, has = self.q, self.has
        a, b = (pins["ACIN"], pins["BCIN"]) if self.cascaded else (pins["A"], pins["B"])
        first, second = q["a2"] if has.a else a, q["b2"] if has.b else b
        added = (q["d"] if has.d else pins["D"]) * bits(pins["INMODE"], 2, 1)
        total = bits(added - first if bits(pins["INMODE"], 3, 1) else added + first, 0, self.first)
        operand = (q["ad"] if has.ad else total) if self.summed else bits(first, 0, self.first)
        product = signed(operand, self.first) * signed(second, 18)
        term = (q["m"] if has.m else product) if bits(pins["OPMODE"], 0, 4) == 0b0101 else 0
        along, behind = signed(pins["PCIN"], 48), signed(q["p"], 48)
        z = {0: 0, 1: along, 2: behind, 3: q["c"] if has.c else pins["C"], 5: along >> 17, 6: behind >> 17}
        p = bits(z[bits(pins["OPMODE"], 4, 3)] + term, 0, 48)
        return {"a": a, "b": b, "ad": total, "m": product, "p": p}

    def shown(self, pins: Pins) -> Pins:
        """P and what goes along the cascades."""
        now, q, has = self._now(pins), self.q, self.has
        p = q["p"] if has.p else now["p"]
        out = {x: now[x] if not n else q[f"{x}2"] if n == most else q[f"{x}1"]
               for x, n, most in (("a", has.acasc, has.a), ("b", has.bcasc, has.b))}  # fmt: skip
        return {"ACOUT": out["a"], "BCOUT": out["b"], "P": p, "PCOUT": p}

    def clock(self, pins: Pins) -> None:
        """Every register, there or not."""
        now, q = self._now(pins), dict(self.q)
        for x, count in (("a", self.has.a), ("b", self.has.b)):
            upper = x.upper()
            if pins[f"CE{upper}1"]:
                self.q[f"{x}1"] = now[x]
            if pins[f"CE{upper}2"]:
                self.q[f"{x}2"] = q[f"{x}1"] if count == 2 else now[x]
            if pins[f"RST{upper}"]:
                self.q[f"{x}1"] = self.q[f"{x}2"] = 0
        taken = {"c": ("C", "C", pins["C"]), "d": ("D", "D", pins["D"]), "ad": ("AD", "D", now["ad"]),
                 "m": ("M", "M", now["m"]), "p": ("P", "P", now["p"])}  # fmt: skip
        for register, (enable, reset, value) in taken.items():
            if pins[f"RST{reset}"]:
                self.q[register] = 0
            elif pins[f"CE{enable}"]:
                self.q[register] = value
