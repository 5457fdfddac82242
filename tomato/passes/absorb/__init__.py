"""A network that comes quantised becomes integers: every Quantise absorbs the real operators in front of it."""

from tomato.passes.absorb.absorb import Absorbed, absorb
from tomato.passes.absorb.narrow import Proof

__all__ = ["Absorbed", "Proof", "absorb"]
