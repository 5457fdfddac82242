"""Max and Min of activations."""

from tomato.frontend.model import OnnxNode
from tomato.frontend.rules_arithmetic import join
from tomato.frontend.rules_unary import limit
from tomato.frontend.walk import Rule, Walk
from tomato.ops.maximum import Maximum


def from_several(walk: Walk, node: OnnxNode) -> None:
    """Any number of activations: a chain of two at a time, limited by the constants among them."""
    first, *others = (name for name in node.inputs if name not in walk.model.constants)
    found = walk.settle(first)
    for name in others:
        found = join(walk, Maximum(least=node.op_type == "Min"), found, walk.view(name))
    walk.put(node.outputs[0], found.value, found.order)
    limit(walk, node, node.outputs[0])


JOIN_RULES: dict[str, Rule] = {"Max": from_several, "Min": from_several}
