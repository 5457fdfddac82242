"""All networks of a space in one: every choice is drawn in proportion to what is learned of it.

As in LPGNAS (Zhao et al., Learned Low Precision Graph Neural Networks, 2020). A block has one matrix of weights W for
all operators, and one beside it for what they add; widths are its first channels. Choices are drawn as hard samples of
a Gumbel softmax (Jang et al., 2017): one in the forward pass, and gradients to all.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import torch
from torch import nn
from torch.nn.functional import dropout, gumbel_softmax

from tomato.core.formats import Codes
from tomato.quantise.precision import LayerFormat
from tomato.search.graphs.data import GraphData
from tomato.search.graphs.layers import GATHERS, Matrix, Operator
from tomato.search.graphs.space import GENES, Choices, Genes, Space
from tomato.train.graphs.network import edge_matrix
from tomato.train.graphs.sparse import Sparse
from tomato.train.quantisers import ActivationQuantiser, WeightQuantiser

Picks = Mapping[str, torch.Tensor]
"""One-hot, by gene."""
ACTIVATIONS: Final[Mapping[str, Callable[[torch.Tensor], torch.Tensor]]] = {
    "none": lambda x: x, "relu": torch.relu, "hardtanh": lambda x: x.clamp(-1.0, 1.0), "tanh": torch.tanh,
}  # fmt: skip


def mixed(pick: torch.Tensor, branches: Sequence[Callable[[], torch.Tensor]]) -> torch.Tensor:
    """What was drawn; the others too where the choice itself learns from them."""
    if not pick.requires_grad:
        return branches[int(pick.argmax())]()
    return torch.stack([p * branch() for p, branch in zip(pick, branches, strict=True)]).sum(dim=0)


class Coder(nn.Module):
    """A value's codes, of every number of bits that there is to choose; steps begin with the first values (LSQ)."""

    def __init__(self, bits: Sequence[int], *, signed: bool) -> None:
        super().__init__()
        self.each = nn.ModuleList(ActivationQuantiser(1.0, 0, Codes.of(b, signed=signed)) for b in bits)
        self.begun = [False] * len(bits)

    def forward(self, x: torch.Tensor, pick: torch.Tensor) -> torch.Tensor:
        return mixed(pick, [lambda i=i: self._coded(i, x) for i in range(len(self.each))])  # type: ignore[misc]

    def _coded(self, index: int, x: torch.Tensor) -> torch.Tensor:
        quantiser = self.each[index]
        assert isinstance(quantiser, ActivationQuantiser)
        if not self.begun[index]:
            size = 2.0 * x.detach().abs().mean().clamp(min=1e-6) / max(1, quantiser.codes.hi) ** 0.5
            with torch.no_grad():
                quantiser.scale_log2.copy_(torch.log2(size))
            self.begun[index] = True
        coded: torch.Tensor = quantiser(x[None])[0]
        return coded


class Mixture(nn.Module):
    """One block with all of its choices, on `given` channels."""

    def __init__(self, choices: Choices, given: int) -> None:
        super().__init__()
        self.choices, width = choices, max(choices.widths)
        shapes = {"map": (given, width), "own": (given, width), "gate": (width, width)}
        self.weights = nn.ParameterDict({n: nn.init.xavier_uniform_(torch.empty(s)) for n, s in shapes.items()})
        self.biases = nn.ParameterDict({name: torch.zeros(width) for name in shapes})
        self.masks = torch.stack([(torch.arange(width) < w).float() for w in choices.widths])
        signed = {name: Coder(choices.values, signed=True) for name in ("map", "own", "gated", "result")}
        unsigned = {name: Coder(choices.values, signed=False) for name in ("gate", "relu")}
        self.coders = nn.ModuleDict(signed | unsigned)
        self.forms = nn.ModuleDict()
        self.coded = False

    def put_quantisers(self) -> None:
        """From now on weights and values are rounded, in the formats that are drawn."""
        for name, weight in self.weights.items():
            forms = [LayerFormat.parse(form) for form in self.choices.weights]
            values = weight.detach().numpy()
            self.forms[name] = nn.ModuleList(WeightQuantiser(values, f.kind, f.weight_bits) for f in forms)
        self.coded = True

    def forward(
        self, x: torch.Tensor | Sparse, matrices: Mapping[tuple[Matrix, int], Sparse], picks: Picks
    ) -> torch.Tensor:
        """Of every node (nodes, widest). x: (nodes, channels), or sparse features."""
        width = picks["width"] @ self.masks
        own: list[torch.Tensor] = []

        def second() -> torch.Tensor:
            """What stands beside W, once."""
            if not own:
                made = self._dense("own", x, picks["second"]) * width
                own.append(self._code("own", made, picks["second_values"]))
            return own[0]

        value = self._code("map", self._dense("map", x, picks["map"]) * width, picks["map_values"])
        branches = [self._operator(name, value, second, matrices, picks) for name in self.choices.operators]
        value = mixed(picks["operator"], branches)
        drawn = self.choices.activations[int(picks["activation"].argmax())]
        value = mixed(picks["activation"], [lambda a=a: ACTIVATIONS[a](value) for a in self.choices.activations])  # type: ignore[misc]
        return self._code("relu" if drawn == "relu" else "result", value, picks["result"])

    def _operator(
        self, name: Operator, value: torch.Tensor, second: Callable[[], torch.Tensor],
        matrices: Mapping[tuple[Matrix, int], Sparse], picks: Picks,
    ) -> Callable[[], torch.Tensor]:  # fmt: skip
        def branch() -> torch.Tensor:
            if name == "linear":
                return value
            given = self._gated(value, picks) if name == "gat" else value
            made = self._gathered(given, GATHERS[name], matrices, picks)
            if name == "sage":
                return made + second()
            kept = [lambda: made, lambda: made + second()]
            return mixed(picks["skip"], [kept[skip] for skip in self.choices.skips])

        return branch

    def _gated(self, value: torch.Tensor, picks: Picks) -> torch.Tensor:
        gate = self._code("gate", self._dense("gate", value, picks["second"]).clamp(0.0, 1.0), picks["second_values"])
        return self._code("gated", value * gate, picks["map_values"])

    def _gathered(
        self, value: torch.Tensor, kind: Matrix, matrices: Mapping[tuple[Matrix, int], Sparse], picks: Picks
    ) -> torch.Tensor:
        """As many hops as are drawn, with codes between."""
        found = [value]

        def hop(count: int) -> torch.Tensor:
            while len(found) <= count:
                x = found[-1] if len(found) == 1 else self._code("result", found[-1], picks["result"])
                products = [partial(matrices[kind, b].__matmul__, x) for b in self.choices.edges]
                found.append(mixed(picks["edges"], products))
            return found[count]

        return mixed(picks["hops"], [lambda n=n: hop(n) for n in self.choices.hops])  # type: ignore[misc]

    def _dense(self, name: str, x: torch.Tensor | Sparse, pick: torch.Tensor) -> torch.Tensor:
        weight = self.weights[name]
        if self.coded:
            forms = self.forms[name]
            assert isinstance(forms, nn.ModuleList)
            weight = mixed(pick, [lambda q=q: q(weight) for q in forms])  # type: ignore[misc]
        return x @ weight + self.biases[name]

    def _code(self, name: str, x: torch.Tensor, pick: torch.Tensor) -> torch.Tensor:
        if not self.coded:
            return x
        made: torch.Tensor = self.coders[name](x, pick)
        return made


class Supernet(nn.Module):
    """All networks of a space on one graph. `choice`: what is learned of every gene, (choices,) each."""

    def __init__(self, space: Space, data: GraphData) -> None:
        super().__init__()
        self.space, self.data = space.for_classes(data.classes), data
        self.features = Sparse.of(data.x)
        given = [data.x.shape[1], *(max(b.widths) for b in self.space.blocks[:-1])]
        self.blocks = nn.ModuleList(Mixture(b, n) for b, n in zip(self.space.blocks, given, strict=True))
        self.choice = nn.ParameterList(torch.zeros(len(choices)) for choices in self.space.genes)
        bits = sorted({b for block in self.space.blocks for b in block.edges})
        kinds = {GATHERS[o] for block in self.space.blocks for o in block.operators if o in GATHERS}
        self.matrices = {(kind, b): edge_matrix(data, kind, b) for kind in sorted(kinds) for b in bits}

    @property
    def shared(self) -> list[nn.Parameter]:
        """The weights and scales."""
        return list(self.blocks.parameters())

    def draw(self, temperature: float, *, learning: bool) -> list[torch.Tensor]:
        """A choice for every gene. learning: with gradients to what is known of it."""
        logits = [p if learning else p.detach() for p in self.choice]
        return [gumbel_softmax(p, temperature, hard=True) for p in logits]

    def put_quantisers(self) -> None:
        """Round from now on."""
        for block in self.blocks:
            assert isinstance(block, Mixture)
            block.put_quantisers()

    def forward(self, picks: Sequence[torch.Tensor], share: float = 0.0) -> torch.Tensor:
        """Scores of every node. share: of what goes into layers that is dropped out."""
        x: torch.Tensor | Sparse = self.features.dropped(share) if share else self.features
        for block, named in zip(self.blocks, self._named(picks), strict=True):
            value = block(x, self.matrices, named)
            x = dropout(value, share)
        return value

    def expected(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Bits of weights, and bit operations of a frame, as choices are likely now."""
        likely = self._named([p.softmax(dim=0) for p in self.choice])
        given, entered = torch.tensor(float(self.data.x.shape[1])), torch.tensor(float(self.data.entered))
        size, operations, nodes = torch.zeros(()), torch.zeros(()), float(self.data.nodes)
        links = self.data.edge_counts()
        for choices, p in zip(self.space.blocks, likely, strict=True):
            bits = torch.tensor([float(LayerFormat.parse(form).weight_bits) for form in choices.weights])
            values = torch.tensor([float(v) for v in choices.values])
            width, hops = (p[k] @ torch.tensor([float(v) for v in c])
                           for k, c in (("width", choices.widths), ("hops", choices.hops)))  # fmt: skip
            share = dict(zip(choices.operators, p["operator"], strict=True))
            skip = sum((q for q, s in zip(p["skip"], choices.skips, strict=True) if s), torch.zeros(()))
            nothing = torch.zeros(())
            plain = share.get("gcn", nothing) + share.get("gat", nothing)
            own = share.get("sage", nothing) + skip * plain
            first, beside = given * width * (p["map"] @ bits), given * width * own * (p["second"] @ bits)
            gate = share.get("gat", nothing) * width * width * (p["second"] @ bits)
            size = size + first + beside + gate
            gathered = sum((q * links[GATHERS[o]] for o, q in share.items() if o in GATHERS), nothing)
            edge = p["edges"] @ torch.tensor([float(v) for v in choices.edges])
            inner = p["map_values"] @ values
            operations = operations + nodes * ((first + beside) * entered + gate * inner)
            operations = operations + gathered * hops * width * edge * inner
            given, entered = width, p["result"] @ values
        return size, operations

    def best(self) -> Genes:
        """The most likely choice of every gene."""
        return tuple(int(p.argmax()) for p in self.choice)

    def _named(self, picks: Sequence[torch.Tensor]) -> list[Picks]:
        each = len(GENES)
        return [dict(zip(GENES, picks[i : i + each], strict=True)) for i in range(0, len(picks), each)]
