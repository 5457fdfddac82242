"""Train the example network on scikit-learn's digits and export it to ONNX.

The network has what a real one has: convolutions with batch normalisation, a residual block, a strided
block with a projection on its skip path, global average pooling and a dense layer. Run

    pip install torch scikit-learn onnx
    python examples/digits/train.py

It writes digits.onnx, digits_calibration.npz and digits_test.npz next to itself and prints the accuracy.
"""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

HERE = Path(__file__).parent
SEED = 7
EPOCHS = 60
CALIBRATION = 256


def conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the picture's size (up to the stride), and its batch normalisation."""
    layer = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


class Residual(nn.Module):
    """relu(body(x) + skip(x)), where the skip path is a 1x1 convolution if the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(inputs, outputs, stride=stride), nn.ReLU(), conv(outputs, outputs))
        same = inputs == outputs and stride == 1
        self.skip = nn.Identity() if same else conv(inputs, outputs, size=1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        return torch.relu(self.body(x) + self.skip(x))


def network() -> nn.Sequential:
    """8x8 pictures, values 0 to 1, to ten scores."""
    layers = {
        "stem": conv(1, 16),
        "relu": nn.ReLU(),
        "block1": Residual(16, 16),
        "block2": Residual(16, 32, stride=2),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "classify": nn.Linear(32, 10),
    }
    return nn.Sequential(OrderedDict(layers))


def augmented(x: Tensor, generator: torch.Generator) -> Tensor:
    """Every picture moved by up to one pixel, each in its own direction."""
    padded = nn.functional.pad(x, (1, 1, 1, 1))
    shifts = torch.randint(0, 3, (len(x), 2), generator=generator).tolist()
    return torch.stack([p[:, r : r + 8, c : c + 8] for p, (r, c) in zip(padded, shifts, strict=True)])


def train(x: Tensor, labels: Tensor) -> nn.Sequential:
    """The network after EPOCHS passes over the data, ready for inference."""
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    model = network()
    steps = EPOCHS * -(-len(x) // 64)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1e-2, total_steps=steps)
    for _ in range(EPOCHS):
        pictures = augmented(x, generator)
        for batch in torch.randperm(len(x), generator=generator).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(pictures[batch]), labels[batch], label_smoothing=0.05).backward()
            optimiser.step()
            schedule.step()
    return model.eval()


def export(model: nn.Sequential, path: Path) -> None:
    """Write a single ONNX file with a free batch dimension."""
    torch.onnx.export(
        model,
        (torch.zeros(1, 1, 8, 8),),
        path,
        input_names=["image"],
        output_names=["scores"],
        dynamic_axes={"image": {0: "batch"}, "scores": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    onnx.checker.check_model(onnx.load(path), full_check=True)


def dataset() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint8]]:
    """Pictures for training and test, then their labels; a stratified third is held out."""
    digits = load_digits()
    x = (digits.images / 16).astype(np.float32)[:, None]
    labels = digits.target.astype(np.uint8)
    train_x, test_x, train_y, test_y = train_test_split(x, labels, test_size=1 / 3, random_state=SEED, stratify=labels)
    return train_x, test_x, train_y, test_y


def main() -> None:
    """Train, export, report."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    train_x, test_x, train_y, test_y = dataset()
    model = train(torch.from_numpy(train_x), torch.from_numpy(train_y).long())
    with torch.no_grad():
        guess = model(torch.from_numpy(test_x)).argmax(1).numpy()
    export(model, HERE / "digits.onnx")
    np.savez_compressed(HERE / "digits_calibration.npz", x=train_x[:CALIBRATION])
    np.savez_compressed(HERE / "digits_test.npz", x=test_x, labels=test_y)
    print(f"test accuracy {np.mean(guess == test_y):.2%} ({np.sum(guess == test_y)} of {len(test_y)})")


if __name__ == "__main__":
    main()
