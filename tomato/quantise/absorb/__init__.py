"""A network that comes quantised becomes integers: every Quantise absorbs the real operators in front of it."""

from tomato.quantise.absorb.absorb import Absorbed, absorb
from tomato.quantise.absorb.proof import PROPERTIES, Proof
from tomato.quantise.absorb.realise import ORDINARY, SHARE, Allowed
from tomato.quantise.absorb.refusals import SeveralWaysError, UnquantisedError

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
