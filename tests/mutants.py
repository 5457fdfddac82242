"""Files that somebody damaged: seeded changes of bytes."""

import random
from collections.abc import Callable, Iterable, Iterator

from tomato.core.errors import TomatoError

EDGES = (0, 1, 0x7F, 0x80, 0xFF)


def mutants(data: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """`count` damaged copies: bytes changed, cut out, put in, or the end cut off."""
    rng = random.Random(seed)
    for _ in range(count):
        made = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 5))):
            at = rng.randrange(len(made) + 1)
            match rng.randrange(4):
                case 0 if made:
                    made[at - 1] = rng.choice((*EDGES, rng.randrange(256)))
                case 1:
                    del made[at : at + rng.randrange(1, 9)]
                case 2:
                    made[at:at] = rng.randbytes(rng.randrange(1, 9))
                case _:
                    made = made[: rng.randrange(len(made) + 1)] if rng.random() < 0.3 else made
        yield bytes(made)


def taken_or_refused(damaged: Iterable[bytes], use: Callable[[bytes], object]) -> None:
    """Each is taken, or refused with a place; some are taken and some refused, or nothing was tried."""
    taken, refusals = 0, list[TomatoError]()
    for data in damaged:
        try:
            use(data)
            taken += 1
        except TomatoError as error:
            refusals.append(error)
    assert taken, "all refused: the original may be refused, too"
    assert refusals, "all taken: nothing is checked"
    assert all(error.where for error in refusals), [str(e) for e in refusals if not e.where]
