"""A network that hears a frame at a time, and keeps its state: python denoise.py OUT.onnx FRAMES.npz [EPOCHS].

Of the size of RNNoise (Valin, A Hybrid DSP/Deep Learning Approach to Real-Time Full-Band Speech Enhancement, 2018): 42
features of a frame, three GRU layers of 24, 48 and 96 units, gains of 22 bands. It learns to keep what is voice-like
in made-up band energies and to suppress what is not: harmonics that come and go over noise that changes slowly. Plain
PyTorch, five CPU minutes. FRAMES.npz gets 4,000 frames of one recording for calibration, and FRAMES_test.npz
1,000 of another. Every GRU has a state among the model's inputs and outputs:

    tomato compile denoise.onnx --target pynq-z2 --calibrate FRAMES.npz --state h0=n0 --state h1=n1 --state h2=n2
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

BANDS, FEATURES = 22, 42
UNITS = (24, 48, 96)
STEPS, BATCH, ROUNDS = 50, 32, 60
"""Frames of a sequence, sequences at a time, and those of an epoch."""


class Denoiser(nn.Module):
    """A frame (1, 1, FEATURES) and a state for each layer to gains (1, 1, BANDS) and the states after it."""

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.mean, self.deviation = nn.Buffer(mean), nn.Buffer(deviation)
        self.enter = nn.Linear(FEATURES, UNITS[0])
        sizes = zip((UNITS[0], *UNITS), UNITS, strict=False)
        self.layers = nn.ModuleList(nn.GRU(size, units, batch_first=True) for size, units in sizes)
        self.leave = nn.Linear(UNITS[-1], BANDS)

    def forward(self, x: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        x = torch.tanh(self.enter((x - self.mean) / self.deviation))
        after = []
        for layer, state in zip(self.layers, states, strict=True):
            x, last = layer(x, state)
            after.append(last)
        return (torch.sigmoid(self.leave(x)), *after)


def recording(rng: np.random.Generator, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Features (frames, FEATURES) and the gains (frames, BANDS) that keep the voice, as float32."""
    time, band = np.arange(frames)[:, np.newaxis], np.arange(BANDS)
    spoken = np.repeat(rng.random(frames // 25 + 1) < 0.6, 25)[:frames, np.newaxis]
    pitch = 3.0 + np.sin(time / rng.uniform(20, 40)) + 0.5 * np.sin(time / rng.uniform(5, 9))
    formant = 8.0 + 5.0 * np.sin(time / rng.uniform(15, 30) + rng.uniform(0, 6))
    voice = spoken * (1 + np.cos(2 * np.pi * band / pitch)) * np.exp(-(((band - formant) / 5.0) ** 2))
    tilt = rng.uniform(-0.1, 0.1) * band + 0.5 * np.sin(time / rng.uniform(100, 200) + band / 4)
    noise = 0.3 * np.exp(tilt) * rng.gamma(4.0, 0.25, (frames, BANDS))
    heard = np.log(voice + noise + 1e-3)
    change = np.diff(heard, axis=0, prepend=heard[:1])[:, : FEATURES - BANDS]
    return np.hstack([heard, change]).astype(np.float32), np.sqrt(voice / (voice + noise)).astype(np.float32)


def train(net: Denoiser, rng: np.random.Generator, epochs: int) -> None:
    """Whole sequences from their beginning: states go along within, and start at 0."""
    optimiser = torch.optim.Adam(net.parameters(), 2e-3)
    for epoch in range(epochs):
        total = 0.0
        for _ in range(ROUNDS):
            parts = [recording(rng, STEPS) for _ in range(BATCH)]
            x, wanted = (torch.from_numpy(np.stack(side)) for side in zip(*parts, strict=True))
            gains = net(x, *(torch.zeros(1, BATCH, units) for units in UNITS))[0]
            loss = ((gains.sqrt() - wanted.sqrt()) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += float(loss.detach())
        print(f"epoch {epoch + 1}: loss {total / ROUNDS:.4f}")


def main(target: Path, frames: Path, epochs: int = 5) -> None:
    """Train, export, and keep frames of two recordings."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    x = recording(rng, 4000)[0]
    net = Denoiser(torch.from_numpy(x.mean(axis=0)), torch.from_numpy(x.std(axis=0)))
    train(net, rng, epochs)
    net.eval()
    states = tuple(torch.zeros(1, 1, units) for units in UNITS)
    names = [[f"{side}{n}" for n in range(len(UNITS))] for side in "hn"]
    torch.onnx.export(
        net, (torch.from_numpy(x[:1, np.newaxis]), *states), str(target), dynamo=False,
        input_names=["features", *names[0]], output_names=["gains", *names[1]],
    )  # fmt: skip
    np.savez(frames, x=x[:, np.newaxis])
    np.savez(frames.with_name(f"{frames.stem}_test.npz"), x=recording(rng, 1000)[0][:, np.newaxis])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *(int(n) for n in sys.argv[3:4]))
