"""Numbers as people read them."""

SIZES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
CROSS = "\N{MULTIPLICATION SIGN}"
TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def count(value: float, unit: str = "") -> str:
    """Three digits and a unit: 3.91 MB."""
    size, prefix = next(((size, prefix) for size, prefix in SIZES if value >= size), (1.0, ""))
    return f"{digits(value / size)}\N{NO-BREAK SPACE}{prefix}{unit}".rstrip("\N{NO-BREAK SPACE}")


def duration(seconds: float) -> str:
    """Three digits and a unit: 1.50 µs."""
    for size, unit in TIMES:
        if seconds >= size:
            return f"{digits(seconds / size)}\N{NO-BREAK SPACE}{unit}"
    return f"{digits(seconds * 1e9)}\N{NO-BREAK SPACE}ns"


def digits(value: float) -> str:
    """About three digits, without an exponent."""
    places = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{places}f}"


def percent(share: float) -> str:
    """A share: 39.5 %, 100 %."""
    text = f"{100 * share:.1f}".removesuffix(".0")
    return f"{text}\N{NO-BREAK SPACE}%"


def accuracy(share: float) -> str:
    """A share of frames, to a hundredth of a percent."""
    return f"{100 * share:.2f}\N{NO-BREAK SPACE}%"


def decibels(ratio: float | None) -> str:
    """A signal-to-noise ratio; None is no noise."""
    return "exact" if ratio is None else f"{ratio:.1f}\N{NO-BREAK SPACE}dB"


def plural(n: int, word: str) -> str:
    """A number and what is counted."""
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def middle(text: str, room: int) -> str:
    """A text that fits: its middle left out, as names of layers differ at their ends."""
    if len(text) <= room:
        return text
    front = (room - 1) * 2 // 5
    return f"{text[:front]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - (room - 1 - front) :]}"


def shape(kind: str) -> str:
    """A type as report.json spells it, `8x8x16:s18[-5..5]`, as a shape and a format."""
    sizes, _, codes = kind.partition(":")
    return f"{CROSS.join(sizes.split('x'))} {codes.split('[')[0]}"
