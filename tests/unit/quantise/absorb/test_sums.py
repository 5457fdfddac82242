"""Sums of two values with different steps: proved where all pairs are checked, and not called so where they are not."""

import numpy as np

from tomato.core.formats import Codes, Real, Tensor
from tomato.core.ir import Builder, Graph, TensorType
from tomato.ops.join import Add
from tomato.ops.quantise import Dequantise, Quantise
from tomato.quantise.absorb import Proof, absorb
from tomato.quantise.absorb.proof import NEAREST, SAMPLED


def number(value: float) -> Tensor:
    """A scale or zero point, a float32 number."""
    return Tensor(np.full(1, np.float32(value), np.float64))


def proof_of_a_sum(bits: int) -> Proof:
    """How the sum of two inputs of so many bits is proved."""
    codes, shape = Codes.of(bits, signed=True), (2, 2, 1)
    build = Builder([("a", TensorType(shape, Real())), ("b", TensorType(shape, Real()))])
    values = []
    for name, scale in (("a", 0.37), ("b", 1.1307)):
        build.add(Quantise(number(scale), number(0.0), codes.lo, codes.hi), [name], f"{name}_q")
        values.append(build.add(Dequantise(number(scale), number(0.0)), [f"{name}_q"], f"{name}_r"))
    build.add(Add(), values, "sum")
    out = build.add(Quantise(number(1.7), number(0.0), codes.lo, codes.hi), ["sum"], "y")
    kinds = tuple((name, build.types[name]) for name in ("a", "b"))
    (proof,) = absorb(Graph("sum", kinds, tuple(build.nodes), (out,))).proofs
    return proof


def test_all_pairs_of_narrow_codes_are_checked() -> None:
    proof = proof_of_a_sum(8)
    assert (proof.checked, proof.caveat) == (1 << 16, "")
    assert str(Proof("y", "sum", 9)) == "sum: proved equal for all 9 inputs"


def test_a_sum_of_wide_codes_is_sampled_and_not_called_proved() -> None:
    proof = proof_of_a_sum(16)
    assert proof.caveat in (SAMPLED, NEAREST)
    assert not proof.proved
    assert proof.checked < 1 << 32
    assert str(Proof("y", "sum", 9, caveat=SAMPLED)) == "sum: equal for a sample of 9 inputs"
