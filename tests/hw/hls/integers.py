"""What checker.cpp must print: ap_int and ap_uint in Python's integers, by the widths of UG1399."""

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Type:
    """ap_int<width> or ap_uint<width>."""

    width: int
    signed: bool

    def __str__(self) -> str:
        return f"ap_{'' if self.signed else 'u'}int<{self.width}>"

    def wrap(self, value: int) -> int:
        value &= (1 << self.width) - 1
        return value - (1 << self.width) if self.signed and value >> (self.width - 1) else value

    def bits(self, value: int) -> int:
        return value & ((1 << self.width) - 1)

    def values(self, draw: random.Random) -> Iterator[int]:
        """The edges, then random numbers of random length."""
        yield from (self.wrap(v) for v in (0, 1, -1, 1 << (self.width - 1), (1 << (self.width - 1)) - 1))
        while True:
            yield self.wrap(draw.getrandbits(draw.randint(1, self.width)) * draw.choice((1, -1)))

    def show(self, value: int) -> str:
        return f"{self.width}:{self.wrap(value)}"


@dataclass(frozen=True)
class Input:
    """One line for the checker."""

    case: int
    a: int
    b: int
    count: int
    hi: int
    lo: int

    def __str__(self) -> str:
        return f"{self.case} {self.a:x} {self.b:x} {self.count} {self.hi} {self.lo}"


def integer(width: int, signed: bool, value: int) -> str:
    """An exact result: it must be a value of its type as it is."""
    kind = Type(width, signed)
    assert kind.wrap(value) == value
    return kind.show(value)


def common(a: Type, b: Type) -> Type:
    """The type that holds both, of UG1399's bitwise operators; sums have one bit more."""
    width = max(a.width + (b.signed and not a.signed), b.width + (a.signed and not b.signed))
    return Type(width, a.signed or b.signed)


def comparable(a: Type, b: Type, x: int, y: int) -> bool:
    """AMD's simulation compares by value, except where C's conversion of a negative number steps in."""
    if a.signed == b.signed:
        return True
    unsigned, signed, value = (b, a, x) if a.signed else (a, b, y)
    return value >= 0 or unsigned.width < 32 or unsigned.width < signed.width


def binary(a: Type, b: Type, x: int, y: int) -> dict[str, str]:
    """What checker.cpp's binary() prints."""
    both = common(a, b)
    joined = integer(a.width + b.width, False, a.bits(x) << b.width | b.bits(y))
    compared = {"eq": x == y, "ne": x != y, "lt": x < y, "gt": x > y, "le": x <= y, "ge": x >= y}
    product = a.wrap(x * y)
    return {
        "add": integer(both.width + 1, both.signed, x + y),
        "sub": integer(both.width + 1, True, x - y),
        "mul": integer(a.width + b.width, both.signed, x * y),
        "and": both.show(x & y),
        "or": both.show(x | y),
        "xor": both.show(x ^ y),
        "joined": joined,
        "concat": joined,
        **({name: str(int(value)) for name, value in compared.items()} if comparable(a, b, x, y) else {}),
        "converted": a.show(y),
        "+=": a.show(x + y),
        "-=": a.show(x),
        "*=": a.show(product),
        "&=": a.show(x & y),
        "|=": a.show(x | y),
        "^=": a.show(x ^ y),
    }


def put_bits(value: int, hi: int, lo: int, source: int) -> int:
    mask = (1 << (hi - lo + 1)) - 1
    return value & ~(mask << lo) | (source & mask) << lo


def unary(a: Type, x: int, line: Input) -> dict[str, str]:
    """What checker.cpp's unary() prints."""
    count, hi, lo = line.count, line.hi, line.lo
    size, bits = hi - lo + 1, a.bits(x)
    part = bits >> lo & ((1 << size) - 1)
    room = a.width - size
    plain = Type(a.width, False)
    flipped = bits ^ (1 << lo)
    assigned = put_bits(flipped, hi, hi, flipped >> lo)
    top, bottom = assigned >> hi & 1, assigned >> lo & 1
    int_sum = common(a, Type(32, True)).width + 1
    left, right = a.show(x << count), a.show(x >> count)
    return {
        "value": a.show(x),
        "minus": integer(max(a.width, 1 + a.signed) + 1, True, -x),
        "not": a.show(~x),
        "zero": str(int(x == 0)),
        "after++": a.show(x),
        "++": a.show(x + 2),
        "after--": a.show(x + 2),
        "--": a.show(x),
        "<<": left,
        ">>": right,
        "<<ap": left,
        ">>ap": right,
        "<<=": left,
        ">>=": right,
        "+int": integer(int_sum, True, x + 77),
        "int-": integer(int_sum, True, -77 - x),
        "*unsigned": integer(a.width + 32, a.signed, x * 77),
        "+bool": integer(common(a, Type(1, False)).width + 1, a.signed, x + 1),
        "to_int": str(Type(32, True).wrap(x)),
        "to_uint": str(Type(32, False).wrap(x)),
        "to_int64": str(Type(64, True).wrap(x)),
        "to_uint64": str(Type(64, False).wrap(x)),
        "all": str(int(bits + 1 == 1 << a.width)),
        "any": str(int(bits != 0)),
        "odd": str(bits.bit_count() % 2),
        "hex": str(x),
        "string": str(x),
        "parsed": a.show(x),
        "range": plain.show(part),
        "range()": Type(a.width, True).show(part),
        "size": str(size),
        "bits": str(Type(64, False).wrap(part)),
        "bits+": integer(common(plain, a).width + 1, a.signed, part + x),
        "bits==": "1",
        "bits<<": plain.show(part << count),
        "joined bits": plain.show(part << 1),
        "range=int": a.show(put_bits(bits, hi, lo, -5)),
        "range=wide": a.show(put_bits(bits, hi, lo, -5)),
        "moved down": a.show(put_bits(bits, size - 1, 0, part)),
        "moved up": a.show(put_bits(bits, room + size - 1, room, part)),
        "copied": a.show(put_bits(~bits, hi, lo, part)),
        "bit": str(bits >> hi & 1),
        "flipped": a.show(flipped),
        "bit=bit": a.show(assigned),
        "~bit": str(1 - top),
        "two bits": f"2:{2 * top + bottom}",
    }


def native(x: int) -> dict[str, str]:
    """What checker.cpp's native() prints; bit 63 of an ap_uint<64> is the sign of a long long."""
    return {"native": str(Type(64, True).wrap(x)), "bool": str(int(x != 0)), "to_bool": str(int(x != 0))}


STREAM = {
    "wrong": "0",
    "size": "400",
    "empty": "0",
    "full": "0",
    "item": "70:39999",
    "read_nb": "1",
    "last": "70:-1",
    "drained": "1",
    "read_nb again": "0",
    "write_nb": "1",
    "read": "70:7",
}
