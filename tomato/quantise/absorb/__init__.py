"""A network that comes quantised becomes integers: every Quantise absorbs the real operators in front of it."""

from tomato.quantise.absorb.absorb import Absorbed, absorb
from tomato.quantise.absorb.held import SeveralWaysError, UnquantisedError
from tomato.quantise.absorb.proof import PROPERTIES, Proof
from tomato.quantise.absorb.realise import ORDINARY, SHARE, Allowed

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
