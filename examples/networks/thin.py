"""Zeros in the weights of a model, whole words of an engine at a time, as pruning leaves them."""

import numpy as np
import onnx
from onnx import numpy_helper

WORD = (16, 16)
"""Inputs and filters of a word, of one tap."""


def thin(model: onnx.ModelProto, share: float, *, seed: int = 0, word: tuple[int, int] = WORD) -> None:
    """Zero that share of the words of every convolution and dense layer, in place.

    What is left, a word of each layer at least, grows so that values keep their size. Layers of fewer inputs than a
    word stay whole.
    ValueError says what is wrong with the share.
    """
    if not 0 <= share < 1:
        raise ValueError(f"the share of zero words is at least 0 and less than 1, not {share:g}")
    rng = np.random.default_rng(seed)
    layers = {node.input[1] for node in model.graph.node if node.op_type in ("Conv", "Gemm")}
    for tensor in model.graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if tensor.name not in layers or weights.shape[1] < word[0]:
            continue
        filters, inputs = (-(-n // w) for n, w in zip(weights.shape, (word[1], word[0]), strict=False))
        words = rng.permutation(filters * inputs * int(np.prod(weights.shape[2:], dtype=int)))
        there = (words >= min(round(share * words.size), words.size - 1)).reshape(filters, inputs, *weights.shape[2:])
        spread = there.repeat(word[1], axis=0).repeat(word[0], axis=1)[: weights.shape[0], : weights.shape[1]]
        left = (weights * spread / np.sqrt(1 - share)).astype(weights.dtype)
        tensor.CopyFrom(numpy_helper.from_array(left, tensor.name))
