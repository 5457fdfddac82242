"""A network that comes quantised becomes integers: every Quantise absorbs the real operators in front of it."""

from tomato.passes.absorb.absorb import Absorbed, absorb
from tomato.passes.absorb.held import SeveralWaysError, UnquantisedError
from tomato.passes.absorb.proof import PROPERTIES, Proof
from tomato.passes.absorb.realise import ORDINARY, SHARE, Allowed

__all__ = [
    "ORDINARY",
    "PROPERTIES",
    "SHARE",
    "Absorbed",
    "Allowed",
    "Proof",
    "SeveralWaysError",
    "UnquantisedError",
    "absorb",
]
