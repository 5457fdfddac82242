"""What other orders of channels gain: python -m tools.bench.reordered writes the second table of docs/sparse.md.

Networks of TOMATO_MODELS of which the smallest weights of every layer are made zero, without training: their speed is
right, what they say is not. Each is planned for a board in its own order of channels, and in the best that is found.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from tomato import board, frontend, targets
from tomato.core.formats import Tensor
from tomato.core.ir import Graph
from tomato.frontend import Network
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.quantise.integers import from_real
from tomato.quantise.precision import Precision
from tomato.schedule import Plan, schedule
from tomato.schedule.alternatives import best, reordered
from tomato.schedule.plan import NO_WISHES, Wishes
from tomato.schedule.streams import edges, interval_cycles
from tomato.schedule.units import bind
from tools.bench.cases import MODELS
from tools.bench.precision import fill
from tools.bench.sparse import DOCUMENT

BEGIN: Final = "<!-- made by python -m tools.bench.reordered -->\n"
NETWORKS: Final = ("kws_float", "resnet8_float")
ZEROS: Final = (0.7, 0.8, 0.9)
BOARDS: Final = ("ulx3s", "pynq-z2")


def pruned(graph: Graph, zeros: float) -> Graph:
    """The real graph with that share of the weights of every layer zero, the smallest; not of depthwise ones."""
    nodes = []
    for node in graph:
        op = node.op
        if isinstance(op, Dense) or (isinstance(op, Conv2d) and op.groups == 1):
            values = op.weight.values
            least = np.quantile(np.abs(values), zeros)
            node = replace(node, op=replace(op, weight=Tensor(np.where(np.abs(values) < least, 0.0, values))))
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def plans(network: Network, name: str) -> tuple[tuple[Graph, Plan], tuple[Graph, Plan]]:
    """The network as it is with its plan for a board, and in the order that is best."""
    target = targets.load(name)
    graph = from_real(network, None, "auto", Precision(), compensate=True).graph

    def planned(some: Graph, wishes: Wishes) -> Plan:
        return schedule(some, target, wishes=wishes, around=board.around(board.SHELLS[0], target))

    plain = (graph, planned(graph, NO_WISHES))
    return plain, best([plain, *reordered([plain], planned, target, NO_WISHES, fps=None)], target, fps=None)


def rows() -> Iterator[str]:
    """A line for each network, share of zeros and board."""
    for name in NETWORKS:
        network = frontend.load(Path(os.environ[MODELS], f"{name}.onnx"))
        for zeros in ZEROS:
            some = replace(network, graph=pruned(network.graph, zeros))
            for where in BOARDS:
                before, after = (_cycles(*one, where) for one in plans(some, where))
                yield f"| {name} | {zeros:.0%} | {where} | {before:,} | {after:,} | {after / before:.2f} |"


def _cycles(graph: Graph, plan: Plan, where: str) -> int:
    units = bind(graph, plan.layers, targets.load(where))
    return interval_cycles(units, edges(graph, units))


def table() -> str:
    """The table, with its head."""
    heads = ("network", "weights zero", "board", "cycles a frame", "in another order", "of them")
    return "\n".join([f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *rows()]) + "\n"


def main(document: Path = DOCUMENT) -> None:
    """Write it into the page."""
    document.write_text(fill(document.read_text(), BEGIN, table()))


if __name__ == "__main__":
    main()
