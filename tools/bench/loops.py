"""A small recurrent network: what inputs give to the gates, a gated recurrent unit, and codes of eight bits behind."""

import numpy as np

from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Builder, Encoding, Graph, TensorType
from tomato.ops.dense import Dense
from tomato.ops.recurrent import Gru
from tomato.ops.requant import Requant
from tomato.quantise.lower_recurrent import on_codes
from tomato.quantise.precision import LayerFormat

S8, S16 = Codes.of(8, signed=True), Codes.of(16, signed=True)
STEPS, INPUTS, HIDDEN = 16, 8, 8
REACH = 8.0
"""What sums of gates reach."""
SHIFT = 16


def loops() -> Graph:
    """A row of steps through one layer that resets behind its product."""
    rng, build = np.random.default_rng(0), Builder([("x", TensorType((1, STEPS, INPUTS), S8))])

    def narrow(x: str, to: Codes, name: str) -> str:
        """To codes of these bits, of which most are used."""
        kind = build.types[x]
        gain = to.hi / max(-kind.codes.lo, kind.codes.hi)
        mult, half = (np.full(kind.channels, value, np.int64) for value in (round(gain * (1 << SHIFT)), 1 << SHIFT - 1))
        return build.add(Requant(Tensor(mult), Tensor(half), SHIFT, to.lo, to.hi), [x], name)

    dense = build.add(Dense(Tensor(rng.integers(-127, 128, (INPUTS, 3 * HIDDEN)))), ["x"], "inputs")
    weight = rng.normal(0, 1 / np.sqrt(HIDDEN), (HIDDEN, 3 * HIDDEN))
    functions = (("sigmoid", "x"), ("tanh", "x"))
    real = Gru(Tensor(weight), Tensor(np.zeros((1, HIDDEN))), functions, inner=Tensor(rng.normal(0, 0.5, HIDDEN)))
    loop = on_codes(real, Encoding(REACH / S16.hi), S16, LayerFormat(), 16)
    result = narrow(build.add(loop, [narrow(dense, S16, "inputs_q")], "loop"), S8, "loop_q")
    graph = Graph("loops", (("x", build.types["x"]),), tuple(build.nodes), (result,))
    graph.verify()
    return graph
