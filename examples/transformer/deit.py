"""DeiT-tiny with random weights: python deit.py OUT.onnx [SIZE PATCH WIDTH HEADS LAYERS CLASSES].

The structure of Touvron et al., Training data-efficient image transformers, 2021, as PyTorch exports it: for speed
and exactness, which do not depend on what the weights are. Beside the model lies OUT.npz, noise to calibrate with.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

DEIT_TINY = (224, 16, 192, 3, 12, 1000)
FRAMES = 8


class Attention(nn.Module):
    """Several heads, queries, keys and values from one layer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.each = heads, width // heads
        self.packed, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        packed = self.packed(x).reshape(batch, tokens, 3, self.heads, self.each).permute(2, 0, 3, 1, 4)
        query, key, value = packed.unbind(0)
        shares = (query * self.each**-0.5 @ key.transpose(-2, -1)).softmax(-1)
        mixed: Tensor = self.out((shares @ value).transpose(1, 2).reshape(batch, tokens, width))
        return mixed


class Block(nn.Module):
    """Attention and a perceptron, each behind a normalisation."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), Attention(width, heads))
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(x)
        return x + self.perceptron(x)


class VisionTransformer(nn.Module):
    """Frames (batch, 3, size, size) to scores."""

    def __init__(self, size: int, patch: int, width: int, heads: int, layers: int, classes: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.first = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.place = nn.Parameter(0.02 * torch.randn(1, 1 + (size // patch) ** 2, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, classes))

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.first.expand(x.shape[0], -1, -1), tokens], 1) + self.place
        scores: Tensor = self.head(self.blocks(tokens)[:, 0])
        return scores


def main(out: str, *numbers: str) -> None:
    """Make the network, and noise."""
    torch.manual_seed(0)
    size, *others = map(int, numbers or DEIT_TINY)
    net, frames = VisionTransformer(size, *others).eval(), torch.randn(FRAMES, 3, size, size)
    torch.onnx.export(net, (frames[:1],), out, input_names=["x"], output_names=["y"], opset_version=17, dynamo=False)
    np.savez(Path(out).with_suffix(".npz"), x=frames.numpy())


if __name__ == "__main__":
    main(*sys.argv[1:])
