"""A small network that has columns side by side at the rate that it is built for: fewer cycles a frame than pixels."""

from tomato.core.ir import Graph
from tools.bench.joins import Network

FPS = 190_000


def several() -> Graph:
    """A convolution, one with a filter for each channel, and a matrix product on every pixel."""
    net = Network(20, 1)
    deep = net.depthwise(net.conv("x", 3, "conv"), "depthwise")
    result = net.requant(net.products(deep, 4, "mix"), "mix_q")
    graph = Graph("several", (("x", net.build.types["x"]),), tuple(net.build.nodes), (result,))
    graph.verify()
    return graph
