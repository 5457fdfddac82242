"""States that a model takes and returns, by their shapes and names: what to tell someone who forgot `--state`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import onnx

from tomato.core.errors import TomatoError
from tomato.core.interface import Reading

OPTION = "--state "
WORDS = "input|output|in|out|new|next|prev|previous|old|last|updated"
SIDE = re.compile(rf"^(?:{WORDS})[_.\-/ ]+|[_.\-/ ]+(?:{WORDS})$")
"""Parts of a name that say on which side of a frame a state is."""
TIME = re.compile(r"(?<=[a-z])[_.\-]?(?:0|n|t|x)$")
"""h0 and hn, which numbers of layers could be too: looked at last."""
Shape = tuple[int | str, ...]


@contextmanager
def reminded(graph: onnx.GraphProto, reading: Reading) -> Iterator[None]:
    """Where a model is refused that is read without states but seems to have some, the hint names the option, once."""
    try:
        yield
    except TomatoError as reason:
        pairs = {} if reading.states or OPTION in reason.hint else likely(graph)
        if not pairs:
            raise
        which = f"{', '.join(pairs)} {'is a state that returns' if len(pairs) == 1 else 'are states that return'}"
        option = " ".join(f"{OPTION}{given}={back}" for given, back in pairs.items())
        hint = f"if {which} as {', '.join(pairs.values())}, give {option}"
        rest = f"; else {reason.hint}" if reason.hint else ""
        raise TomatoError(reason.what, where=reason.where, hint=hint + rest) from reason


def likely(graph: onnx.GraphProto) -> dict[str, str]:
    """Outputs that seem to be what inputs are at the next frame; none where nothing else goes in or comes out."""
    constants = {t.name for t in graph.initializer}
    given = {i.name: _shape(i) for i in graph.input if i.name not in constants}
    back = {o.name: _shape(o) for o in graph.output}
    found: dict[str, str] = {}
    for stem in (_stem, _bare):
        left = {n: s for n, s in given.items() if n not in found}
        other = {n: s for n, s in back.items() if n not in found.values()}
        for name, shape in left.items():
            alike = [n for n, s in other.items() if s == shape and stem(n) == stem(name)]
            if len(alike) == 1 and sum(stem(n) == stem(alike[0]) for n in left) == 1:
                found[name] = alike[0]
    return found if len(found) < min(len(given), len(back)) else {}


def _stem(name: str) -> str:
    """A name without what says on which side of a frame it is."""
    return SIDE.sub("", name.lower())


def _bare(name: str) -> str:
    """The same without a step of time."""
    return TIME.sub("", _stem(name))


def _shape(value: onnx.ValueInfoProto) -> Shape:
    return tuple(d.dim_value or d.dim_param for d in value.type.tensor_type.shape.dim)
