"""VGG-16 (Simonyan and Zisserman, 2014), configuration D."""

from typing import Final

import onnx

from examples.networks.builder import RELU_GAIN, Activation, Builder

STAGES: Final = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and number of 3x3 convolutions in front of every pooling."""


def vgg16(seed: int, size: int) -> onnx.ModelProto:
    """VGG-16: 15,470,264,320 multiply-accumulates at 224 x 224, 138 million parameters."""
    net = Builder("vgg16", size, seed)
    x = net.image
    for stage, (channels, convolutions) in enumerate(STAGES, 1):
        for i in range(1, convolutions + 1):
            x = net.conv(x, f"stage{stage}.conv{i}", channels, 3)
        x = net.max_pool(x, f"stage{stage}.pool", 2, 2)
    for i in (1, 2):
        x = net.dense(x, f"dense{i}", 4096, activation=Activation.RELU, gain=RELU_GAIN)
    return net.model(net.dense(x, "classify", 1000))
