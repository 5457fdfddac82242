"""A keyword transformer that learns from another network: python kwt.py TEACHER.onnx FRAMES.npz OUT.onnx [EPOCHS].

The teacher takes frames of (1, 49, 10) and gives scores, as `kws_float.onnx` does. The student is a small relative of
KWT-1 (Berg et al., Keyword Transformer, 2021): a token for each of 49 windows of time, one head. It trains on the first
half of the frames, without labels, and is judged by the labels of the other half. Plain PyTorch; Tomato only loads the
teacher.
"""

import sys

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div

from tomato.train import Trainable

WIDTH, HIDDEN, LAYERS = 64, 128, 4
TOKENS, FEATURES, CLASSES = 49, 10, 12
SHIFT = 4
"""Windows of time by which a frame is moved at most."""


class Attention(nn.Module):
    """One head of attention."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        scores = self.query(x) @ self.key(x).transpose(1, 2) * WIDTH**-0.5
        mixed: Tensor = self.out(scores.softmax(-1) @ self.value(x))
        return mixed


class Layer(nn.Module):
    """Attention and a perceptron, each behind a normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(WIDTH), Attention())
        self.perceptron = nn.Sequential(
            nn.LayerNorm(WIDTH), nn.Linear(WIDTH, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, WIDTH)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(x)
        return x + self.perceptron(x)


class KeywordTransformer(nn.Module):
    """Frames (batch, 1, 49, 10) to scores: a token for each window of time and one that is learned, which answers."""

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.mean, self.deviation = nn.Buffer(mean), nn.Buffer(deviation)
        self.embed = nn.Linear(FEATURES, WIDTH)
        self.first = nn.Parameter(0.02 * torch.randn(1, 1, WIDTH))
        self.place = nn.Parameter(0.02 * torch.randn(1, 1 + TOKENS, WIDTH))
        self.layers = nn.Sequential(*(Layer() for _ in range(LAYERS)))
        self.head = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed((x.flatten(1, 2) - self.mean) / self.deviation)
        tokens = torch.cat([self.first.expand(x.shape[0], -1, -1), tokens], 1) + self.place
        scores: Tensor = self.head(self.layers(tokens)[:, 0])
        return scores


def varied(x: Tensor) -> Tensor:
    """Frames moved in time, a little louder or quieter, and mixed with each other."""
    moved = torch.stack(
        [torch.roll(f, int(n), 1) for f, n in zip(x, torch.randint(-SHIFT, SHIFT + 1, (len(x),)), strict=True)]
    )
    moved = moved + torch.randn(len(x), 1, 1, 1)
    share = torch.rand(len(x), 1, 1, 1).clamp(0.7, 1.0)
    return share * moved + (1 - share) * moved[torch.randperm(len(x))]


def train(net: nn.Module, teacher: nn.Module, x: Tensor, epochs: int) -> None:
    """Distil: the answers of the teacher on varied frames."""
    optimiser = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=epochs * (len(x) // 50))
    net.train()
    for _ in range(epochs):
        for part in torch.randperm(len(x)).split(50):
            frames = varied(x[part])
            answers = teacher(frames).log_softmax(1).detach()
            loss = kl_div(net(frames).log_softmax(1), answers, log_target=True, reduction="batchmean")
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()


def main(teacher: str, frames: str, out: str, epochs: str = "150") -> None:
    """Train, judge, export."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with np.load(frames) as data:
        x, labels = torch.from_numpy(data["x"].astype(np.float32)), torch.from_numpy(data["labels"])
    half = len(x) // 2
    seen = x[:half].flatten(0, 2)
    net = KeywordTransformer(seen.mean(0), seen.std(0))
    train(net, Trainable.load(teacher).module.eval(), x[:half], int(epochs))
    net.eval()
    with torch.no_grad():
        right = (net(x[half:]).argmax(1) == labels[half:]).float().mean()
    print(f"right on {len(x) - half} frames: {100 * right:.1f} %")
    torch.onnx.export(net, (x[:1],), out, input_names=["x"], output_names=["y"], opset_version=17, dynamo=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
