"""MobileNet-V1 (Howard et al., 2017) and MobileNet-V2 (Sandler et al., 2018), width 1.0.

Windows are padded by one on all sides, as PyTorch does it; TensorFlow pads strided windows below and to the
right only. Neither changes a shape or a count.
"""

from typing import Final

import onnx

from examples.networks.builder import BRANCH_GAIN, LINEAR_GAIN, Activation, Builder, Value

RELU6: Final = Activation.RELU6

V1_BLOCKS: Final = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip
"""Output channels and stride of every depthwise-separable block."""

V2_STAGES: Final = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip
"""Expansion, output channels, blocks, and stride of the first block: table 2 of the paper."""


def mobilenet_v1(seed: int, size: int) -> onnx.ModelProto:
    """MobileNet-V1 1.0: 568,740,352 multiply-accumulates at 224 x 224."""
    net = Builder("mobilenet_v1", size, seed)
    x = net.conv(net.image, "stem", 32, 3, stride=2, activation=RELU6)
    for i, (channels, stride) in enumerate(V1_BLOCKS, 1):
        x = net.conv(x, f"block{i}.depthwise", x.channels, 3, stride=stride, groups=x.channels, activation=RELU6)
        x = net.conv(x, f"block{i}.pointwise", channels, 1, activation=RELU6)
    return net.model(net.dense(net.global_average_pool(x), "classify", 1000))


def mobilenet_v2(seed: int, size: int) -> onnx.ModelProto:
    """MobileNet-V2 1.0: 300,774,272 multiply-accumulates at 224 x 224."""
    net = Builder("mobilenet_v2", size, seed)
    x = net.conv(net.image, "stem", 32, 3, stride=2, activation=RELU6)
    for stage, (expansion, channels, blocks, stride) in enumerate(V2_STAGES, 1):
        for block in range(1, blocks + 1):
            x = _bottleneck(net, x, f"stage{stage}.{block}", expansion, channels, stride if block == 1 else 1)
    x = net.conv(x, "head", 1280, 1, activation=RELU6)
    return net.model(net.dense(net.global_average_pool(x), "classify", 1000))


def _bottleneck(net: Builder, x: Value, name: str, expansion: int, channels: int, stride: int) -> Value:
    """Expand, filter every channel, project without activation; add the input where the shape is kept."""
    y, residual = x, stride == 1 and x.channels == channels
    if expansion > 1:
        y = net.conv(y, f"{name}.expand", expansion * x.channels, 1, activation=RELU6)
    y = net.conv(y, f"{name}.depthwise", y.channels, 3, stride=stride, groups=y.channels, activation=RELU6)
    gain = BRANCH_GAIN if residual else LINEAR_GAIN
    y = net.conv(y, f"{name}.project", channels, 1, activation=Activation.NONE, gain=gain)
    return net.add(x, y, f"{name}.add", Activation.NONE) if residual else y
