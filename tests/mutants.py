"""Files that somebody damaged: seeded changes of bytes."""

import random
from collections.abc import Iterator

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
