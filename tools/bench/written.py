"""Small networks as papers and courses write them, for the table of tools/bench/zoo.py."""

from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as f

Shapes = tuple[tuple[int, ...], ...]


class Wave(nn.Module):
    """Gated dilated convolutions: van den Oord et al., WaveNet, 2016."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs = nn.ModuleList(nn.Conv1d(8, 16, 2, dilation=2**i) for i in range(3))
        self.mixes = nn.ModuleList(nn.Conv1d(8, 8, 1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        kept = torch.zeros_like(x)
        for pair, mix in zip(self.pairs, self.mixes, strict=True):
            a, b = pair(f.pad(x, (pair.dilation[0], 0))).chunk(2, 1)
            new = mix(torch.tanh(a) * torch.sigmoid(b))
            x, kept = x + new, kept + new
        return kept.relu()


class Signals(nn.Module):
    """Filters over time, then over electrodes: Lawhern et al., EEGNet, 2018."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, (1, 16), padding="same", bias=False), nn.BatchNorm2d(8),
            nn.Conv2d(8, 16, (8, 1), groups=8, bias=False), nn.BatchNorm2d(16), nn.ELU(), nn.AvgPool2d((1, 4)),
            nn.Conv2d(16, 16, (1, 16), padding="same", groups=16, bias=False), nn.Conv2d(16, 16, 1, bias=False),
            nn.BatchNorm2d(16), nn.ELU(), nn.AvgPool2d((1, 8)), nn.Flatten(), nn.Linear(32, 4),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layers(x)
        return found


class Denoise(nn.Module):
    """The noise is learned and taken away: Zhang et al., DnCNN, 2017."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8),
            nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.net(x)).clamp(0, 1)


class Codes(nn.Module):
    """Mean and logarithm of the variance of a code: Kingma and Welling, 2013."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU())
        self.mean, self.log, self.back = nn.Linear(32, 4), nn.Linear(32, 4), nn.Linear(4, 64)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        body = self.body(x)
        mean, log = self.mean(body), self.log(body)
        return torch.sigmoid(self.back(mean)).view_as(x), mean, log.exp()


class Text(nn.Module):
    """Columns of a picture read by a recurrent layer: Shi et al., CRNN, 2015."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
            nn.MaxPool2d((2, 1)), nn.Conv2d(16, 16, (4, 1)),
        )  # fmt: skip
        self.memory, self.last = nn.LSTM(16, 8, bidirectional=True), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        columns = self.body(x).squeeze(2).permute(2, 0, 1)
        return self.last(self.memory(columns)[0]).log_softmax(2)


class Points(nn.Module):
    """A cloud of points, turned by what is learned of it: Qi et al., PointNet, 2017."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = nn.Sequential(nn.Conv1d(3, 16, 1), nn.BatchNorm1d(16), nn.ReLU())
        self.matrix = nn.Linear(16, 9)
        self.body = nn.Sequential(nn.Conv1d(3, 32, 1), nn.BatchNorm1d(32), nn.ReLU())
        self.last = nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        matrix = self.matrix(self.turn(x).max(2)[0]).view(-1, 3, 3) + torch.eye(3)
        turned = torch.bmm(x.transpose(2, 1), matrix).transpose(2, 1)
        return self.last(torch.max(self.body(turned), 2, keepdim=True)[0].view(-1, 32))


class Twins(nn.Module):
    """How much two pictures are alike: Koch et al., 2015."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.last = nn.Linear(32, 1)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        a, b = self.body(x), self.body(z)
        match self.how:
            case "cosine":
                return f.cosine_similarity(a, b)
            case "distance":
                return f.pairwise_distance(a, b)
            case _:
                return torch.sigmoid(self.last((a - b).abs()))


class Focus(nn.Module):
    """What matters of channels, then of places: Woo et al., CBAM, 2018."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(8, 2), nn.ReLU(), nn.Linear(2, 8))
        self.places = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        mean, most = (self.shared(pool(x, 1).flatten(1)) for pool in (f.adaptive_avg_pool2d, f.adaptive_max_pool2d))
        x = x * torch.sigmoid(mean + most)[:, :, None, None]
        both = torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True)[0]], 1)
        return x * torch.sigmoid(self.places(both))


class Diffusion(nn.Module):
    """A block that knows the time: Ho et al., 2020."""

    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Sequential(nn.Linear(16, 16), nn.SiLU(), nn.Linear(16, 16))
        self.first, self.second = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
        self.norms, self.last = nn.ModuleList([nn.GroupNorm(4, 16), nn.GroupNorm(4, 16)]), nn.Conv2d(16, 3, 1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        angles = t * torch.exp(torch.arange(8) * -0.5)
        time = self.time(torch.cat([angles.sin(), angles.cos()], -1))
        x = f.silu(self.norms[0](self.first(x)))
        return self.last(x + f.silu(self.norms[1](self.second(x + time[:, :, None, None]))))


class Hourglass(nn.Module):
    """Down and up again at two scales: Newell et al., 2016."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.layers = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(5))

    def forward(self, x: Tensor) -> Tensor:
        whole = self.first(x).relu()
        half = self.layers[0](f.max_pool2d(whole, 2)).relu()
        quarter = self.layers[1](f.max_pool2d(half, 2)).relu()
        up = self.layers[2](half) + f.interpolate(self.layers[3](quarter), scale_factor=2)
        return self.layers[4](whole) + f.interpolate(up, size=x.shape[-2:], mode="bilinear", align_corners=True)


class Words(nn.Module):
    """Residuals to words of a learned list, summed: Arandjelović et al., NetVLAD, 2016."""

    def __init__(self) -> None:
        super().__init__()
        self.share, self.words = nn.Conv2d(8, 4, 1), nn.Parameter(torch.randn(4, 8))

    def forward(self, x: Tensor) -> Tensor:
        x = f.normalize(x, dim=1)
        shares = self.share(x).view(1, 4, -1).softmax(1)
        rest = x.flatten(2).expand(4, -1, -1, -1).permute(1, 0, 2, 3) - self.words[None, :, :, None]
        found = (rest * shares.unsqueeze(2)).sum(-1)
        return f.normalize(f.normalize(found, dim=2).flatten(1), dim=1)


class Capsules(nn.Module):
    """Vectors whose length is a probability: Sabour et al., 2017 (without routing)."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.votes = nn.Conv2d(1, 16, 5, 2), nn.Parameter(torch.randn(144, 3, 4) / 8)

    def forward(self, x: Tensor) -> Tensor:
        capsules = self.squash(self.first(x).view(1, 4, 4, -1).permute(0, 3, 1, 2).reshape(1, -1, 4))
        votes = torch.einsum("bic,ioc->bo", capsules, self.votes)
        return votes.softmax(1)

    @staticmethod
    def squash(x: Tensor) -> Tensor:
        square = (x**2).sum(-1, keepdim=True)
        return square / (1 + square) * x / torch.sqrt(square + 1e-6)


class Factors(nn.Module):
    """Products of pairs of features by their sums: Guo et al., DeepFM, 2017."""

    def __init__(self) -> None:
        super().__init__()
        self.each, self.one, self.deep = nn.Parameter(torch.randn(12, 4)), nn.Linear(12, 1), nn.Linear(12, 8)
        self.last = nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        pairs = 0.5 * ((x @ self.each).pow(2) - x.pow(2) @ self.each.pow(2)).sum(1, keepdim=True)
        return torch.sigmoid(self.one(x) + pairs + self.last(self.deep(x).relu()))


class Decoder(nn.Module):
    """PyTorch's layer of a decoder over another sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerDecoderLayer(16, 2, 32, batch_first=True)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        found: Tensor = self.layer(x, z, tgt_mask=mask)
        return found


class Rotated(nn.Module):
    """A block with rotated positions, shared keys and a gated layer: Touvron et al., Llama 2, 2023."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.kv, self.o = nn.Linear(16, 16, False), nn.Linear(16, 16, False), nn.Linear(16, 16, False)
        self.gate, self.up, self.down = nn.Linear(16, 24, False), nn.Linear(16, 24, False), nn.Linear(24, 16, False)
        self.norms = nn.ParameterList([torch.rand(16) + 0.5, torch.rand(16) + 0.5])
        angles = torch.outer(torch.arange(7), 1 / 100 ** (torch.arange(0, 4, 2) / 4))
        self.cos, self.sin = (nn.Buffer(torch.cat([w, w], -1)) for w in (angles.cos(), angles.sin()))

    def turned(self, x: Tensor) -> Tensor:
        return x * self.cos + torch.cat([-x[..., 2:], x[..., :2]], -1) * self.sin

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x, 0)
        q = self.q(y).view(1, 7, 4, 4).transpose(1, 2)
        k, v = self.kv(y).view(1, 7, 4, 4).transpose(1, 2).chunk(2, 1)
        k, v = self.turned(k).repeat_interleave(2, 1), v.repeat_interleave(2, 1)
        mixed = f.scaled_dot_product_attention(self.turned(q), k, v, is_causal=True)
        x = x + self.o(mixed.transpose(1, 2).reshape(1, 7, 16))
        y = self.norm(x, 1)
        return x + self.down(f.silu(self.gate(y)) * self.up(y))

    def norm(self, x: Tensor, index: int) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.norms[index]


class Conformer(nn.Module):
    """The convolutional part of a block: Gulati et al., 2020."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.first, self.last = nn.LayerNorm(16), nn.Conv1d(16, 32, 1), nn.Conv1d(16, 16, 1)
        self.deep, self.batch = nn.Conv1d(16, 16, 7, padding=3, groups=16), nn.BatchNorm1d(16)

    def forward(self, x: Tensor) -> Tensor:
        y = f.glu(self.first(self.norm(x).transpose(1, 2)), 1)
        return x + self.last(f.silu(self.batch(self.deep(y)))).transpose(1, 2)


class Waves(nn.Module):
    """Sines of places, and sines as activations: Mildenhall et al., 2020, with Sitzmann et al., 2020."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(26, 16), nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        parts = [x] + [g(2.0**i * x) for i in range(6) for g in (torch.sin, torch.cos)]
        y = torch.sin(self.second(torch.sin(self.first(torch.cat(parts, -1)))))
        return self.last(y)


class Bells(nn.Module):
    """Radial basis functions."""

    def __init__(self) -> None:
        super().__init__()
        self.centres, self.width, self.last = (
            nn.Parameter(torch.randn(6, 4)),
            nn.Parameter(torch.rand(6)),
            nn.Linear(6, 2),
        )

    def forward(self, x: Tensor) -> Tensor:
        square = (x.unsqueeze(1) - self.centres).pow(2).sum(-1)
        return self.last(torch.exp(-self.width * square))


class Experts(nn.Module):
    """A gate mixes experts, all of which compute."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.experts = nn.Linear(16, 4), nn.ModuleList(nn.Linear(16, 8) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        found = torch.stack([e(x).relu() for e in self.experts], -1)
        return (found * self.gate(x).softmax(-1).unsqueeze(-2)).sum(-1)


class Involution(nn.Module):
    """A kernel for every place, of that place: Li et al., 2021."""

    def __init__(self) -> None:
        super().__init__()
        self.make = nn.Conv2d(8, 9, 1)

    def forward(self, x: Tensor) -> Tensor:
        parts = f.unfold(x, 3, padding=1).view(1, 8, 9, *x.shape[2:])
        return (parts * self.make(x).unsqueeze(1)).sum(2)


class Warped(nn.Module):
    """A picture moved by what is learned of it: Jaderberg et al., 2015."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 6))
        self.last = nn.Conv2d(1, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        grid = f.affine_grid(self.body(x).view(-1, 2, 3), list(x.shape), align_corners=False)
        return self.last(f.grid_sample(x, grid, align_corners=False))


class Operators(nn.Module):
    """A function of places and a function, inner product of both: Lu et al., DeepONet, 2021."""

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 8))
        self.trunk = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 8))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return torch.einsum("bi,bni->bn", self.branch(x), self.trunk(z)) + self.bias


class Still(nn.Module):
    """A convolutional memory over a film's pictures: Shi et al., ConvLSTM, 2015."""

    def __init__(self) -> None:
        super().__init__()
        self.gates = nn.Conv2d(1 + 4, 16, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = c = torch.zeros(1, 4, *x.shape[-2:])
        for t in range(x.shape[1]):
            i, o, g, n = self.gates(torch.cat([x[:, t : t + 1], h], 1)).chunk(4, 1)
            c = torch.sigmoid(g) * c + torch.sigmoid(i) * torch.tanh(n)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h


class Pyramid(nn.Module):
    """Pools of three sizes side by side: He et al., 2014."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8 * 21, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x).relu()
        return self.last(torch.cat([f.adaptive_max_pool2d(x, n).flatten(1) for n in (1, 2, 4)], 1))


def _separable(channels: int) -> list[nn.Module]:
    """A convolution by channel, then across channels."""
    return [
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels), nn.BatchNorm2d(channels), nn.ReLU(),
        nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels), nn.ReLU(),
    ]  # fmt: skip


def _plain(*layers: nn.Module) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(*layers)


PICTURE: Final[Shapes] = ((1, 3, 16, 16),)
SEQUENCE: Final[Shapes] = ((1, 7, 16),)
WRITTEN: Final[Mapping[str, tuple[Callable[[], nn.Module], Shapes]]] = {
    "keywords (DS-CNN)": (_plain(
        nn.Conv2d(1, 16, (10, 4), (2, 2), (5, 1)), nn.BatchNorm2d(16), nn.ReLU(), *_separable(16), *_separable(16),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 12)), ((1, 1, 49, 10),)),
    "sounds (M5)": (_plain(
        nn.Conv1d(1, 16, 80, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(4), nn.Conv1d(16, 16, 3),
        nn.BatchNorm1d(16), nn.ReLU(), nn.AvgPool1d(8), nn.Flatten(), nn.Linear(32, 10), nn.LogSoftmax(1)),
        ((1, 1, 1400),)),
    "WaveNet": (Wave, ((1, 8, 32),)),
    "EEGNet": (Signals, ((1, 1, 8, 64),)),
    "ESPCN": (_plain(nn.Conv2d(1, 16, 5, padding=2), nn.Tanh(), nn.Conv2d(16, 9, 3, padding=1), nn.PixelShuffle(3)),
              ((1, 1, 12, 12),)),
    "FSRCNN": (_plain(nn.Conv2d(1, 8, 5, padding=2), nn.PReLU(8), nn.Conv2d(8, 8, 3, padding=1), nn.PReLU(8),
                      nn.ConvTranspose2d(8, 1, 9, 3, 4, 2)), ((1, 1, 12, 12),)),
    "DnCNN": (Denoise, ((1, 1, 16, 16),)),
    "DCGAN, generator": (_plain(
        nn.ConvTranspose2d(16, 16, 4, 1, 0, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.Tanh()), ((1, 16, 1, 1),)),
    "PatchGAN": (_plain(nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 16, 4, 2, 1), nn.InstanceNorm2d(16),
                        nn.LeakyReLU(0.2), nn.Conv2d(16, 1, 4, 1, 1)), ((1, 3, 32, 32),)),
    "variational autoencoder": (Codes, ((1, 1, 8, 8),)),
    "CRNN": (Text, ((1, 1, 16, 20),)),
    "PointNet": (Points, ((1, 3, 32),)),
    **{f"twins, {how}": (lambda how=how: Twins(how), ((1, 1, 10, 10),) * 2)
       for how in ("cosine", "distance", "learned")},
    "CBAM": (Focus, ((1, 8, 8, 8),)),
    "diffusion": (Diffusion, ((1, 3, 8, 8), (1, 1))),
    "hourglass": (Hourglass, PICTURE),
    "NetVLAD": (Words, ((1, 8, 6, 6),)),
    "capsules": (Capsules, ((1, 1, 16, 16),)),
    "DeepFM": (Factors, ((1, 12),)),
    "nn.TransformerDecoderLayer": (Decoder, ((1, 7, 16), (1, 5, 16))),
    "Llama": (Rotated, SEQUENCE),
    "Conformer": (Conformer, SEQUENCE),
    "sines of places": (Waves, ((1, 2),)),
    "radial basis functions": (Bells, ((1, 4),)),
    "mixture of experts": (Experts, SEQUENCE),
    "involution": (Involution, ((1, 8, 6, 6),)),
    "spatial transformer": (Warped, ((1, 1, 12, 12),)),
    "DeepONet": (Operators, ((1, 10), (1, 6, 2))),
    "ConvLSTM": (Still, ((1, 3, 8, 8),)),
    "spatial pyramid": (Pyramid, PICTURE),
}  # fmt: skip
