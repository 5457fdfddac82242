"""Residual networks (He et al., 2015): ResNet-18 and ResNet-50 for ImageNet, ResNet-20 for CIFAR-10.

ResNet-50 is v1.5: the 3x3 convolution of a block carries the stride, not the first 1x1. Where a block
changes the shape, its skip path is a 1x1 convolution, in ResNet-20 too (the paper's option B).
"""

from collections.abc import Callable, Sequence

import onnx

from examples.networks.builder import BRANCH_GAIN, LINEAR_GAIN, Activation, Builder, Value

Branch = Callable[[Builder, Value, str, int, int], Value]
"""The residual branch of a block: (net, input, name, output channels, stride) to its output."""


def resnet18(seed: int, size: int) -> onnx.ModelProto:
    """ResNet-18: 1,814,073,344 multiply-accumulates at 224 x 224."""
    return _imagenet(Builder("resnet18", size, seed), _basic, (2, 2, 2, 2), 64)


def resnet50(seed: int, size: int) -> onnx.ModelProto:
    """ResNet-50 v1.5: 4,089,184,256 multiply-accumulates at 224 x 224."""
    return _imagenet(Builder("resnet50", size, seed), _bottleneck, (3, 4, 6, 3), 256)


def resnet20(seed: int, size: int) -> onnx.ModelProto:
    """ResNet-20: 40,813,184 multiply-accumulates at 32 x 32."""
    net = Builder("resnet20", size, seed)
    x = _stages(net, net.conv(net.image, "stem", 16, 3), _basic, (3, 3, 3), 16)
    return net.model(net.dense(net.global_average_pool(x), "classify", 10))


def _imagenet(net: Builder, branch: Branch, blocks: Sequence[int], channels: int) -> onnx.ModelProto:
    x = net.conv(net.image, "stem", 64, 7, stride=2)
    x = _stages(net, net.max_pool(x, "stem.pool", 3, 2, pad=1), branch, blocks, channels)
    return net.model(net.dense(net.global_average_pool(x), "classify", 1000))


def _stages(net: Builder, x: Value, branch: Branch, blocks: Sequence[int], channels: int) -> Value:
    """Stages of residual blocks; each but the first halves the picture and doubles the channels."""
    for stage, count in enumerate(blocks):
        for block in range(count):
            stride = 2 if stage and not block else 1
            x = _block(net, x, branch, f"stage{stage + 1}.{block + 1}", channels << stage, stride)
    return x


def _block(net: Builder, x: Value, branch: Branch, name: str, channels: int, stride: int) -> Value:
    skip = x
    if stride > 1 or x.channels != channels:
        skip = net.conv(
            x, f"{name}.skip", channels, 1, stride=stride, activation=Activation.NONE, gain=LINEAR_GAIN
        )  # fmt: skip
    return net.add(branch(net, x, name, channels, stride), skip, f"{name}.add", Activation.RELU)


def _basic(net: Builder, x: Value, name: str, channels: int, stride: int) -> Value:
    """Two 3x3 convolutions."""
    y = net.conv(x, f"{name}.conv1", channels, 3, stride=stride)
    return net.conv(y, f"{name}.conv2", channels, 3, activation=Activation.NONE, gain=BRANCH_GAIN)


def _bottleneck(net: Builder, x: Value, name: str, channels: int, stride: int) -> Value:
    """1x1 to a quarter of the channels, 3x3, 1x1 back."""
    y = net.conv(x, f"{name}.reduce", channels // 4, 1)
    y = net.conv(y, f"{name}.conv", channels // 4, 3, stride=stride)
    return net.conv(y, f"{name}.expand", channels, 1, activation=Activation.NONE, gain=BRANCH_GAIN)
