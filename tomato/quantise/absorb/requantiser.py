"""A Quantise absorbs what is in front of it: operators on integers that give its codes, and how they were proved."""

from dataclasses import dataclass, field, replace
from typing import NoReturn

import numpy as np

from tomato.core.formats import Codes
from tomato.core.interface import Said
from tomato.core.ir import Builder, Node, Op
from tomato.ops.join import Add
from tomato.ops.move import Reshape
from tomato.ops.piecewise import Piecewise
from tomato.ops.quantise import Quantise
from tomato.passes.groups import join_origins, requantised
from tomato.quantise.absorb.frames import is_frame, of_frame
from tomato.quantise.absorb.held import Held, Pair, alike, is_straight, one_channel
from tomato.quantise.absorb.lines import wide
from tomato.quantise.absorb.pairs import lower_pair
from tomato.quantise.absorb.proof import HALF, NEAREST, PIECEWISE, SUM_OF_TIES, UNLIKE_SCALES, Proof, caveat
from tomato.quantise.absorb.realise import EVERY, Allowed, InexactError, Realised, no_other, realise
from tomato.quantise.absorb.reference import Meaning, half, reference, unlike_pair
from tomato.quantise.absorb.refusals import refuse
from tomato.quantise.absorb.unlike import near_ties


@dataclass
class Requantiser:
    """Appends the requantisations of a graph under construction, and keeps their proofs."""

    build: Builder
    said: Said
    allowed: Allowed
    proofs: list[Proof] = field(default_factory=list)

    def joined(self, node: Node, op: Quantise, pair: Pair) -> str:
        """Codes of two values joined."""
        kinds = self.build.types[pair.a.value].codes, self.build.types[pair.b.value].codes
        try:
            found = lower_pair(pair, op, kinds, self.said, self.allowed)
        except ValueError as reason:
            self.refuse_inexact(node, pair.origin, reason)
        name = pair.node.name
        exact = self.build.add(found.ops[0], (pair.a.value, pair.b.value), name, pair.node.origin)
        result = self.append(found.ops[1:], exact, requantised(name), join_origins(pair.node, *pair.nodes, node))
        sums = isinstance(pair.join, Add)
        ties = sums and not found.sampled and op.arithmetic != "qonnx"
        loose = UNLIKE_SCALES if pair.a.line.slack or pair.b.line.slack else ""
        unlike = (
            loose
            if op.arithmetic == "qonnx"
            else HALF
            if half(op, pair.a, pair.b)
            else unlike_pair(pair, self.said) or loose
        )
        why = caveat(unlike, found.differing, SUM_OF_TIES if ties else NEAREST, sampled=found.sampled)
        how = "sum" if sums else "product"
        self.proofs.append(Proof(result, how, found.checked, found.differing, found.largest, why))
        return result

    def narrowed(self, node: Node, op: Quantise, held: Held) -> str:
        """Codes of one value."""
        kind, uniform = self.build.types[held.value], held.uniform and alike(op)
        straight = all(map(is_straight, held.tail))
        meaning = reference(held.first, one_channel(op), self.said) if uniform else reference(held, op, self.said)
        lines = wide(held, op, kind, meaning.codes, self.allowed)
        try:
            if is_frame(held) and not uniform:
                found = of_frame(held, op, kind, self.said, self.allowed)
            else:
                found = realise(
                    meaning.codes, kind.codes, kind.channels, Codes(op.lo, op.hi), self.allowed, uniform=uniform,
                    straight=straight, other=lines.realised if lines and not straight else no_other,
                )  # fmt: skip
            near = self.loosened(found, meaning, op, held, straight=straight)
        except ValueError as reason:
            self.refuse_inexact(node, held.origin, reason)
        result = self.append(found.ops, held.value, _name(held, node), join_origins(*held.nodes, node))
        if found.how != "wire":
            checked = found.sample or (kind.codes.hi - kind.codes.lo + 1) * kind.channels
            off = any(isinstance(o, Piecewise) for o in found.ops) and (found.differing or found.sample)
            why = (
                PIECEWISE
                if off
                else caveat(
                    meaning.caveat or near.caveat, found.differing, NEAREST, sampled=not straight and checked > EVERY
                )
            )
            self.proofs.append(Proof(result, found.how, checked, near.differing, near.largest, why))
        return result

    def loosened(self, found: Realised, meaning: Meaning, op: Quantise, held: Held, *, straight: bool) -> Proof:
        """What of a requantisation may differ, the integers that are not exactly what they stand for included.

        InexactError where that is more than is allowed.
        """
        kind, channels = self.build.types[held.value].codes, self.build.types[held.value].channels
        exact = Proof(held.value, found.how, 0, found.differing, found.largest)
        if not held.line.slack:
            return exact
        some = meaning.codes(np.full((1, 1), kind.lo)).shape[1]
        count, most = near_ties(meaning.codes, held.line.slack, kind, some, Codes(op.lo, op.hi))
        differing, checked = found.differing + count * (channels // some), (kind.hi - kind.lo + 1) * channels
        largest = max(most, found.largest)
        if not self.allowed.takes(differing, largest, checked):
            raise InexactError("a sum over channels of unlike scales", differing, largest, checked)
        return replace(
            exact, differing=differing, largest=largest, caveat=UNLIKE_SCALES if count or not straight else ""
        )

    def refuse_inexact(self, node: Node, origin: tuple[str, ...], reason: ValueError) -> NoReturn:
        """Nothing that is allowed computes a Quantise of these nodes."""
        bits = "" if self.allowed.bits is None else "give more --requant-bits; "
        hint = f"{bits}--allow-error {reason.share:g} takes it all the same" if isinstance(reason, InexactError) else (
            "quantise the value in front of the function, or give its result fewer bits")  # fmt: skip
        refuse(node, f"of {', '.join(origin)}, {reason}", hint)

    def append(self, ops: tuple[Op, ...], value: str, name: str, origin: tuple[str, ...]) -> str:
        """Operators one behind the other; the last one is called `name`."""
        for i, op in enumerate(ops):
            last = i == len(ops) - 1
            value = self.build.add(op, (value,), name if last else f"{name}_{op.name}", origin)
        return value


def _name(value: Held, node: Node) -> str:
    """What a requantisation is called: after the arithmetic in front of it, the function that it is, or itself."""
    if any(n.name == value.value and not isinstance(n.op, Reshape) for n in value.nodes):
        return requantised(value.value)
    return value.nodes[-1].name if value.tail else node.name
