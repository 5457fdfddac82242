"""What PyTorch's two exporters make of networks that people write, and whether Tomato takes it.

Usage: python -m tools.bench.exporters [NAME...]. Needs torch and onnxscript. Every network has seeded weights; what is
imported is compared with PyTorch on one frame. The table goes into docs/importing.md.

With --zoo the same for networks of libraries, see zoo.py; names are those of libraries or networks.
"""

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as f

from tomato.core.errors import TomatoError
from tomato.core.interpret import interpret
from tomato.frontend import load
from tools.bench.cases import ROOT
from tools.bench.precision import fill
from tools.bench.zoo import EXPORTERS, count

DOCUMENT: Final = ROOT / "docs" / "importing.md"
BEGIN: Final = "<!-- made by python -m tools.bench.exporters -->\n"
NEAR: Final = 1e-4
"""Of the largest output: PyTorch computes in float32."""
WIDTH, HEADS, TOKENS = 16, 2, 7


class Attention(nn.Module):
    """Heads from one packed layer, as timm writes them; `style` says how the rest is written."""

    def __init__(self, style: str) -> None:
        super().__init__()
        self.style, self.packed = style, nn.Linear(WIDTH, 3 * WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        each = width // HEADS
        q, k, v = self.packed(x).reshape(batch, tokens, 3, HEADS, each).permute(2, 0, 3, 1, 4).unbind(0)
        match self.style:
            case "fused" | "causal":
                mixed = f.scaled_dot_product_attention(q, k, v, is_causal=self.style == "causal")
            case "einsum":
                shares = torch.einsum("bhnd,bhmd->bhnm", q, k).mul(each**-0.5).softmax(-1)
                mixed = torch.einsum("bhnm,bhmd->bhnd", shares, v)
            case "covariance":  # of channels instead of tokens: El-Nouby et al., XCiT, 2021
                q, k = f.normalize(q, dim=-2), f.normalize(k, dim=-2)
                mixed = v @ (q.transpose(-2, -1) @ k).softmax(-1).transpose(-2, -1)
            case _:
                mixed = (q * each**-0.5 @ k.transpose(-2, -1)).softmax(-1) @ v
        return mixed.transpose(1, 2).reshape(batch, tokens, width)


class Multihead(nn.Module):
    """PyTorch's own layer."""

    def __init__(self, *, weights: bool) -> None:
        super().__init__()
        self.weights, self.attention = weights, nn.MultiheadAttention(WIDTH, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.attention(x, x, x, need_weights=self.weights)[0]
        return x + mixed


class Query(nn.Module):
    """Learned queries over the tokens, as in Perceiver's and DETR's decoders."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = nn.Parameter(torch.randn(1, 3, 8)), nn.Linear(WIDTH, 8), nn.Linear(WIDTH, 8)

    def forward(self, x: Tensor) -> Tensor:
        return (self.query @ self.key(x).transpose(1, 2) / 8**0.5).softmax(-1) @ self.value(x)


class Tokens(nn.Module):
    """A class token and positions around two layers of an encoder."""

    def __init__(self, *, first: bool) -> None:
        super().__init__()
        self.begin, self.place = nn.Parameter(torch.randn(1, 1, WIDTH)), nn.Parameter(torch.randn(1, TOKENS + 1, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 32, batch_first=True, norm_first=first, activation="gelu")
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        encoded: Tensor = self.layers(torch.cat([self.begin.expand(len(x), -1, -1), x], 1) + self.place)
        return encoded[:, 0]


class Windows(nn.Module):
    """Attention in windows of 4 x 4 with a bias for every pair, moved by `shift`: Liu et al., Swin, 2021."""

    def __init__(self, shift: int) -> None:
        super().__init__()
        self.shift, self.begin, self.packed = shift, nn.Linear(6, WIDTH), nn.Linear(WIDTH, 3 * WIDTH)
        self.bias = nn.Parameter(torch.randn(HEADS, 16, 16))

    def forward(self, x: Tensor) -> Tensor:
        x = self.begin(x)
        if self.shift:
            x = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        batch, height, width, channels = x.shape
        parts = x.view(batch, height // 4, 4, width // 4, 4, channels).permute(0, 1, 3, 2, 4, 5)
        packed = self.packed(parts.reshape(-1, 16, channels)).reshape(-1, 16, 3, HEADS, channels // HEADS)
        q, k, v = packed.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = (q @ k.transpose(-2, -1) + self.bias).softmax(-1) @ v
        whole = mixed.transpose(1, 2).reshape(batch, height // 4, width // 4, 4, 4, channels)
        return whole.permute(0, 1, 3, 2, 4, 5).reshape(batch, height, width, channels)


class Pixels(nn.Module):
    """Attention over the pixels of a picture: Zhang et al., SAGAN, 2018."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1), nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (layer(x).flatten(2) for layer in (self.q, self.k, self.v))
        shares = torch.bmm(q.transpose(1, 2), k).softmax(-1)
        return x + torch.bmm(v, shares.transpose(1, 2)).view_as(x)


class Mixer(nn.Module):
    """Tokens mixed, then channels: Tolstikhin et al., MLP-Mixer, 2021."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)])
        self.tokens = nn.Sequential(nn.Linear(TOKENS, 14), nn.GELU(), nn.Linear(14, TOKENS))
        self.channels = nn.Sequential(nn.Linear(WIDTH, 32), nn.GELU(), nn.Linear(32, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.tokens(self.norms[0](x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norms[1](x))


class Graphs(nn.Module):
    """Two graph convolutions over a fixed adjacency: Kipf and Welling, 2017."""

    def __init__(self) -> None:
        super().__init__()
        near = (torch.rand(TOKENS, TOKENS) > 0.6).float() + torch.eye(TOKENS)
        self.near = nn.Buffer(near / near.sum(1, keepdim=True))
        self.first, self.second = nn.Linear(WIDTH, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.near @ self.second((self.near @ self.first(x)).relu())


class UNet(nn.Module):
    """One step down and up again, by a transposed convolution or by interpolation."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.down, self.deep = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, 2, 1)
        up = nn.ConvTranspose2d(16, 8, 2, 2) if mode == "transposed" else nn.Conv2d(16, 8, 1)
        self.up = up if mode == "transposed" else nn.Sequential(nn.Upsample(scale_factor=2, mode=mode), up)
        self.last = nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        wide = self.down(x).relu()
        return self.last(torch.cat([wide, self.up(self.deep(wide).relu())], 1))


class Causal(nn.Module):
    """Dilated convolutions that see the past: Bai et al., TCN, 2018."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 3, dilation=d) for d in (1, 2))

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)
        for layer in self.layers:
            x = x + layer(f.pad(x, (2 * layer.dilation[0], 0))).relu()
        return x


class Boxes(nn.Module):
    """The distance head of YOLOv8: the mean of 16 bins by their softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.bins, self.mean = nn.Conv2d(3, 64, 3, padding=1), nn.Conv2d(16, 1, 1, bias=False)
        self.mean.weight.data[:] = torch.arange(16.0).view(1, 16, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        bins = self.bins(x).flatten(2).view(1, 4, 16, -1).transpose(2, 1)
        found: Tensor = self.mean(bins.softmax(1))
        return found.view(1, 4, -1)


class Memory(nn.Module):
    """Recurrent layers; the last state answers."""

    def __init__(self, kind: type[nn.RNNBase], layers: int = 1, *, both: bool = False) -> None:
        super().__init__()
        self.layer = kind(WIDTH, 8, layers, batch_first=True, bidirectional=both)

    def forward(self, x: Tensor) -> Tensor:
        states: Tensor = self.layer(x)[0]
        return states[:, -1]


class Style(nn.Module):
    """A layer and a residual block of a network that repaints: Johnson et al., 2016, with Ulyanov et al., 2016."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.block, self.last = self.layer(3, 5), self.layer(8, 3), nn.Conv2d(8, 3, 5)

    @staticmethod
    def layer(channels: int, kernel: int) -> nn.Module:
        """A border that mirrors the picture, a convolution, a norm of each picture."""
        parts = nn.ReflectionPad2d(kernel // 2), nn.Conv2d(channels, 8, kernel), nn.InstanceNorm2d(8, affine=True)
        return nn.Sequential(*parts, nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.last(f.pad(x + self.block(x), (2, 2, 2, 2), mode="reflect"))


class Chosen(nn.Module):
    """One of two layers' results at every place, or a function that is written as a choice."""

    def __init__(self, style: str) -> None:
        super().__init__()
        self.style, self.a, self.b = style, nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.a(x), self.b(x)
        match self.style:
            case "torch.maximum":
                return torch.maximum(a, b)
            case "torch.minimum":
                return torch.minimum(a, b)
            case "torch.where of one value":
                return torch.where(a > 0, a, 0.1 * a) + b
            case "masked_fill":
                return a.masked_fill(b < 0, 0.5)
            case _:
                return torch.where((a > b) & (b <= 0.3), a, b)


class Cells(nn.Module):
    """A loop over PyTorch's LSTM cell."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(WIDTH, 8)

    def forward(self, x: Tensor) -> Tensor:
        h, c = torch.zeros(1, 8), torch.zeros(1, 8)
        every: list[Tensor] = []
        for t in range(x.shape[1]):
            h, c = self.cell(x[:, t], (h, c))
            every.append(h)
        return torch.stack(every, 1)


class Gated(nn.Module):
    """A gated recurrent unit by hand, with one matrix of inputs and state."""

    def __init__(self) -> None:
        super().__init__()
        self.gates, self.candidate = nn.Linear(WIDTH + 8, 16), nn.Linear(WIDTH + 8, 8)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(1, 8)
        for t in range(x.shape[1]):
            reset, update = torch.sigmoid(self.gates(torch.cat([x[:, t], h], 1))).chunk(2, 1)
            new = torch.tanh(self.candidate(torch.cat([x[:, t], reset * h], 1)))
            h = (1 - update) * h + update * new
        return h


SEQUENCE, PICTURE, PLACES = (1, TOKENS, WIDTH), (1, 3, 8, 8), (1, 8, 8, 6)
CASES: Final[Mapping[str, tuple[Callable[[], nn.Module], tuple[int, ...]]]] = {
    **{f"attention, {s}": (lambda s=s: Attention(s), SEQUENCE)
       for s in ("written out", "fused", "causal", "einsum", "covariance")},
    "nn.MultiheadAttention": (lambda: Multihead(weights=False), SEQUENCE),
    "nn.MultiheadAttention, weights": (lambda: Multihead(weights=True), SEQUENCE),
    "learned queries": (Query, SEQUENCE),
    "nn.TransformerEncoder": (lambda: Tokens(first=False), SEQUENCE),
    "nn.TransformerEncoder, norm first": (lambda: Tokens(first=True), SEQUENCE),
    "windows": (lambda: Windows(0), PLACES),
    "windows, shifted": (lambda: Windows(2), PLACES),
    "attention over pixels": (Pixels, PICTURE),
    "MLP-Mixer": (Mixer, SEQUENCE),
    "graph convolutions": (Graphs, SEQUENCE),
    **{f"U-Net, {m}": (lambda m=m: UNet(m), PICTURE) for m in ("transposed", "nearest", "bilinear")},
    "causal convolutions": (Causal, SEQUENCE),
    **{s: (lambda s=s: Chosen(s), PICTURE)
       for s in ("torch.maximum", "torch.minimum", "torch.where of one value", "torch.where of two", "masked_fill")},
    **{f"nn.{m.__class__.__name__}": (lambda m=m: nn.Sequential(nn.Conv2d(3, 4, 3), m), PICTURE)
       for m in (nn.Hardshrink(), nn.Softshrink(0.3), nn.Threshold(0.1, -0.2), nn.Softsign(), nn.Tanhshrink())},
    "boxes of bins": (Boxes, PICTURE),
    "style transfer": (Style, PICTURE),
    **{f"convolution, {m} padding": (lambda m=m: nn.Conv2d(3, 4, 3, padding=1, padding_mode=m), PICTURE)
       for m in ("reflect", "replicate", "circular")},
    "U-Net, bicubic": (lambda: UNet("bicubic"), PICTURE),
    "LSTM": (lambda: Memory(nn.LSTM), SEQUENCE),
    "GRU": (lambda: Memory(nn.GRU), SEQUENCE),
    "RNN": (lambda: Memory(nn.RNN), SEQUENCE),
    "LSTM, two layers, both directions": (lambda: Memory(nn.LSTM, 2, both=True), SEQUENCE),
    "RNN, both directions": (lambda: Memory(nn.RNN, both=True), SEQUENCE),
    "LSTM cells in a loop": (Cells, SEQUENCE),
    "GRU by hand in a loop": (Gated, SEQUENCE),
    "LSTM cells in a loop, scripted": (lambda: torch.jit.script(Cells()), SEQUENCE),
    "GRU by hand in a loop, scripted": (lambda: torch.jit.script(Gated()), SEQUENCE),
}  # fmt: skip


def answer(make: Callable[[], nn.Module], shape: tuple[int, ...], *, dynamo: bool) -> str:
    """Yes, or why not."""
    torch.manual_seed(0)
    net, x = make().eval(), torch.randn(shape)
    with tempfile.TemporaryDirectory(prefix="tomato-") as folder:
        path = Path(folder) / "net.onnx"
        try:
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
                torch.onnx.export(net, (x,), path, opset_version=18 if dynamo else 17, dynamo=dynamo)
        except (RuntimeError, torch.onnx.OnnxExporterError) as reason:
            return f"not exported: {str(reason).splitlines()[0].split('. ')[0]}"
        try:
            read = load(path)
        except TomatoError as reason:
            return str(reason).splitlines()[1].strip()
        (port,), (out,) = read.inputs, read.outputs
        feed = {port.value: port.to_graph(x.numpy().astype(np.float64), dict(read.graph.inputs)[port.value].shape)}
        got = out.finish(out.from_graph(interpret(read.graph, feed)[out.value]))
        wanted = net(x).detach().numpy()
        off = float(np.abs(np.asarray(got).reshape(wanted.shape) - wanted).max() / np.abs(wanted).max())
        return "yes" if off <= NEAR else f"WRONG by {off:.1%}"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--zoo", is_flag=True, help="Networks of libraries, into docs/networks.md.")
@click.option(
    "--exporter",
    "exporters",
    multiple=True,
    type=click.Choice(list(EXPORTERS)),
    default=list(EXPORTERS),
    help="Of the zoo.",
)
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...], exporters: tuple[str, ...], *, zoo: bool) -> None:
    """Export, import and compare the networks of these names (or all; only then the table is written)."""
    if zoo:
        count(names, exporters)
        return
    logging.disable(logging.CRITICAL)
    rows = ["| network | " + " | ".join(EXPORTERS) + " |\n", "|---" * (1 + len(EXPORTERS)) + "|\n"]
    for name in names or CASES:
        found = [answer(*CASES[name], dynamo=dynamo) for dynamo in EXPORTERS.values()]
        rows.append(f"| {name} | {' | '.join(found)} |\n")
        click.echo(rows[-1], nl=False)
    if not names:
        DOCUMENT.write_text(fill(DOCUMENT.read_text(), BEGIN, "".join(rows)))


if __name__ == "__main__":
    main()
