"""A network of which most weights are zero, in no pattern."""

from tests.networks.nets import Net
from tomato.core.ir import Graph
from tomato.ops.join import Add
from tomato.ops.move import Concat, Reshape
from tomato.ops.pool import MaxPool
from tomato.ops.window import Window
from tools.bench.reordered import pruned as zeroed

SAME = Window((3, 3), pads=(1, 1, 1, 1))


def pruned(channels: int = 32, size: int = 8, left: float = 0.2, seed: int = 0) -> tuple[Graph, Net]:
    """Convolutions, a sum, a concatenation, a depthwise convolution, a flattened classifier; and the maker of data.

    left: the share of the weights of all layers but the depthwise one that are not zero: the largest.
    """
    net = Net(size, size, 4, seed=seed)
    first = net.relu(net.affine(net.conv("x", channels, SAME, name="first"), name="a1"), name="r1")
    wide = net.relu(net.affine(net.dense(first, channels, name="wide"), name="a2"), name="r2")
    deep = net.affine(net.conv(wide, channels, SAME, name="deep"), name="a3")
    both = net.relu(net.add(Add(), deep, first, name="both"), name="r3")
    each = net.relu(net.affine(net.conv(both, channels, SAME, groups=channels, name="each"), name="a4"), name="r4")
    side = net.add(Concat(), each, wide, name="side")
    last = net.relu(net.affine(net.dense(side, channels, name="last"), name="a5"), name="r5")
    pooled = net.add(MaxPool(Window((2, 2), stride=(2, 2))), last, name="pooled")
    flat = net.add(Reshape((1, 1, channels * (size // 2) ** 2)), pooled, name="flat")
    graph = net.graph(net.dense(flat, 10, name="scores"))
    return zeroed(graph, 1 - left), net
