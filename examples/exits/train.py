"""A network of two heads for Fashion-MNIST: python -m examples.exits.train FOLDER writes it, and its data.

heads.onnx has the outputs `early` and `late`, late.onnx the same late head alone; calibration.npz holds training frames
that were not trained on, with labels, test.npz the test frames, some.npz the first of these. Needs PyTorch (the extra
`train`) and the four files of Fashion-MNIST (Debian's package dataset-fashion-mnist). Takes about five minutes of a
core.
"""

import argparse
import gzip
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

DATA = Path("/usr/share/datasets/fashion-mnist")
KEPT = 4096
"""Training frames that calibration gets."""
SOME = 240
"""Test frames that are enough for a simulation."""
EARLY_WEIGHT = 0.5
"""What the loss of the early head counts beside that of the late one."""


def block(channels: int, filters: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, normalisation, ReLU."""
    conv = nn.Conv2d(channels, filters, size, stride, size // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(filters), nn.ReLU())


class Heads(nn.Module):
    """Two small convolutions and a dense layer for the early scores; the late ones cost 11 times as much."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = block(1, 16, 5, 2)  # 14 x 14
        self.early = nn.Sequential(block(16, 24, 3, 2), nn.Flatten(), nn.Linear(7 * 7 * 24, 10))
        self.late = nn.Sequential(
            block(16, 24), block(24, 32), nn.MaxPool2d(2), block(32, 64), nn.Flatten(), nn.Dropout(0.3),
            nn.Linear(7 * 7 * 64, 10),
        )  # fmt: skip

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both heads' scores."""
        shared = self.stem(x)
        return self.early(shared), self.late(shared)


class Late(nn.Module):
    """The late head alone."""

    def __init__(self, whole: Heads) -> None:
        super().__init__()
        self.stem, self.late = whole.stem, whole.late

    def forward(self, x: Tensor) -> Tensor:
        """Its scores."""
        scores: Tensor = self.late(self.stem(x))
        return scores


def images(name: str) -> tuple[Tensor, Tensor]:
    """Pictures, values 0 to 1, and their classes."""
    pixels, classes = (
        np.frombuffer(gzip.decompress((DATA / f"{name}-{kind}-ubyte.gz").read_bytes()), np.uint8, offset=offset)
        for kind, offset in (("images-idx3", 16), ("labels-idx1", 8))
    )
    x = torch.from_numpy(pixels.reshape(-1, 1, 28, 28).astype(np.float32) / 255)
    return x, torch.from_numpy(classes.astype(np.int64))


def train(net: Heads, x: Tensor, y: Tensor, epochs: int, batch: int = 128) -> None:
    """Both heads at once."""
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=epochs * (len(x) // batch))
    for epoch in range(epochs):
        net.train()
        order, total = torch.randperm(len(x)), 0.0
        for start in range(0, len(x) // batch * batch, batch):
            chosen = order[start : start + batch]
            frames, mirrored = x[chosen], torch.rand(batch) < 0.5
            frames[mirrored] = frames[mirrored].flip(3)
            early, late = net(frames)
            loss = cross_entropy(late, y[chosen]) + EARLY_WEIGHT * cross_entropy(early, y[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        print(f"epoch {epoch + 1}: loss {total / (len(x) // batch):.4f}", flush=True)


def main() -> None:
    """Train, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    torch.set_num_threads(asked.threads)
    (x, y), (test, labels) = images("train"), images("t10k")
    order = torch.randperm(len(x))
    x, y = x[order], y[order]
    net = Heads()
    train(net, x[KEPT:], y[KEPT:], asked.epochs)
    net.eval()
    with torch.no_grad():
        for name, scores in zip(("early", "late"), net(test), strict=True):
            print(f"{name}: {float((scores.argmax(1) == labels).float().mean()):.2%} of the test frames")
    for part, names in ((net, ["early", "late"]), (Late(net).eval(), ["late"])):
        path = asked.folder / ("heads.onnx" if len(names) > 1 else "late.onnx")
        torch.onnx.export(part, (x[:1],), path, input_names=["image"], output_names=names, dynamo=False)
    np.savez_compressed(asked.folder / "calibration.npz", x=x[:KEPT].numpy(), labels=y[:KEPT].numpy())
    for file, count in (("test.npz", len(test)), ("some.npz", SOME)):
        np.savez_compressed(asked.folder / file, x=test[:count].numpy(), labels=labels[:count].numpy())


if __name__ == "__main__":
    main()
