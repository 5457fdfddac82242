"""What becomes of the networks that libraries bring, see tools/bench/exporters.py.

Needs torchvision, timm, segmentation-models-pytorch and ultralytics, of which nothing is downloaded: weights are
seeded, normalisations know their own activations. Every network is exported, imported, run and quantised in a process
of its own; what is imported is compared with PyTorch in double precision on one frame, and every layer has an engine.
"""

import importlib
import logging
import multiprocessing
import os
import resource
import signal
import tempfile
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

from tomato import complete, targets
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interface import AS_IT_IS
from tomato.core.interpret import interpret
from tomato.core.ir import Graph
from tomato.engines import CATALOGUE
from tomato.frontend import Network
from tomato.frontend.read import Source
from tomato.host.ends import around
from tomato.quantise.integers import from_real
from tomato.quantise.precision import Precision
from tomato.schedule.units import sites
from tools.bench.cases import ROOT
from tools.bench.precision import END, fill
from tools.bench.written import WRITTEN

NEAR: Final = 1e-4
"""Of the largest output; or four times as far from PyTorch in double precision as ONNX Runtime is."""
LARGEST: Final = "u250"
NORMS: Final = (nn.BatchNorm1d, nn.BatchNorm2d)
SECONDS, WAITED, BYTES = 120, 900, 12 << 30
"""Of a process: seconds of a processor, seconds that may pass meanwhile, memory."""
EXPORTERS: Final[Mapping[str, bool]] = {"classic": False, "dynamo": True}
INSTALL: Final = "pip install torchvision timm segmentation-models-pytorch ultralytics"
TABLE, SUMMARY = ROOT / "docs" / "networks.md", ROOT / "docs" / "importing.md"
BEGIN: Final = "<!-- made by python -m tools.bench.exporters --zoo -->\n"
NOT_TRIED: Final = "-"


@dataclass(frozen=True)
class Kept:
    """A network of a library: what makes it, and the shapes of its inputs, or the side of the picture that is one."""

    make: Callable[[], nn.Module]
    takes: int | tuple[tuple[int, ...], ...] = 64

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of the inputs, batch included."""
        return ((1, 3, self.takes, self.takes),) if isinstance(self.takes, int) else self.takes


@dataclass(frozen=True)
class Verdict:
    """`kind` is yes, refused, wrong, crash, too long, or of a network that never came here not made or not exported."""

    kind: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.kind}{': ' if self.why else ''}{self.why}".replace("|", "\\|")


def torchvision_networks() -> Mapping[str, Kept]:
    """Classifiers, and networks that segment."""
    models = _library("torchvision.models")
    plain = {
        "alexnet": 224, "convnext_tiny": 64, "densenet121": 64, "efficientnet_b0": 64, "efficientnet_v2_s": 64,
        "googlenet": 64, "inception_v3": 96, "maxvit_t": 224, "mnasnet0_5": 64, "mobilenet_v2": 64,
        "mobilenet_v3_small": 64, "regnet_x_400mf": 64, "regnet_y_400mf": 64, "resnet18": 64, "resnext50_32x4d": 64,
        "shufflenet_v2_x0_5": 64, "squeezenet1_1": 64, "swin_t": 64, "swin_v2_t": 64, "vgg11_bn": 224,
        "wide_resnet50_2": 64,
    }  # fmt: skip
    most: dict[str, dict[str, Any]] = {"googlenet": {"init_weights": False}, "inception_v3": {"init_weights": False}}
    found = {n: Kept(partial(models.get_model, n, weights=None, **most.get(n, {})), s) for n, s in plain.items()}
    found["vit_b_16"] = Kept(
        partial(models.VisionTransformer, image_size=64, patch_size=16, num_layers=4, num_heads=4, hidden_dim=128,
                mlp_dim=256)
    )  # fmt: skip
    for name in ("lraspp_mobilenet_v3_large", "deeplabv3_mobilenet_v3_large", "fcn_resnet50"):
        found[name] = Kept(partial(_segmenting, models.segmentation, name))
    return found


def _library(name: str) -> Any:
    """The module of a library."""
    _declare()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as reason:
        raise click.ClickException(f"{reason}; {INSTALL}") from reason


def _declare() -> None:
    """What torchvision asks of its extension when it is imported, where that does not load beside this torch."""
    try:
        importlib.import_module("torchvision")
    except ModuleNotFoundError:
        return
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        LIBRARIES.append(library)


LIBRARIES: Final[list[Any]] = []
"""What is declared lasts as long as these."""


class Answers(nn.Module):
    """The picture that a network of torchvision answers with under the name `out`."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.net(x)["out"]
        return found


def _segmenting(models: Any, name: str) -> nn.Module:
    return Answers(getattr(models, name)(weights=None, weights_backbone=None))


def timm_networks() -> Mapping[str, Kept]:
    """One of each family, the smallest."""
    timm = _library("timm")
    sizes: Mapping[str, int] = dict.fromkeys(
        ("resnet10t", "mobilenetv3_small_050", "efficientnet_lite0", "convnext_atto", "pvt_v2_b0", "regnetx_002",
         "ghostnet_050", "repvgg_a0", "edgenext_xx_small", "mobilevit_xxs", "poolformer_s12", "fastvit_t8",
         "res2net50_14w_8s", "dpn48b", "densenet121", "nfnet_l0", "ecaresnet26t", "skresnet18", "hrnet_w18_small",
         ), 64)  # fmt: skip
    sized: Mapping[str, dict[str, Any]] = {
        "vit_tiny_patch16_224": {}, "deit_tiny_patch16_224": {}, "xcit_nano_12_p16_224": {}, "mixer_s32_224": {},
        "swin_tiny_patch4_window7_224": {"window_size": 4}, "coat_lite_tiny": {}, "cait_xxs24_224": {"depth": 4},
        "beit_base_patch16_224": {"depth": 3, "embed_dim": 192, "num_heads": 3},
    }  # fmt: skip
    rarer = (
        "convit_tiny", "convnextv2_atto", "davit_tiny", "efficientvit_m0", "lambda_resnet26t", "mambaout_femto",
        "mvitv2_tiny", "sequencer2d_s", "starnet_s050", "tiny_vit_5m_224", "twins_svt_small", "volo_d1_224",
    )  # fmt: skip
    fixed = dict.fromkeys(("convit_tiny", "efficientvit_m0", "mvitv2_tiny", "sequencer2d_s", "volo_d1_224"), 224) | {
        "levit_128s": 224,
        "efficientformer_l1": 224,
        "vgg11": 224,
        "maxvit_pico_rw_256": 256,
        "inception_v3": 96,
    }
    make = partial(timm.create_model, pretrained=False)
    return {
        **{n: Kept(partial(make, n), side) for n, side in (sizes | dict.fromkeys(rarer, 64) | fixed).items()},
        **{n: Kept(partial(make, n, img_size=64, **more)) for n, more in sized.items()},
    }


def segmentation_networks() -> Mapping[str, Kept]:
    """Decoders on a light encoder."""
    models = _library("segmentation_models_pytorch")
    kinds = ("Unet", "UnetPlusPlus", "FPN", "PSPNet", "Linknet", "MAnet", "DeepLabV3Plus", "PAN")
    return {
        k: Kept(partial(getattr(models, k), "resnet18", encoder_weights=None), 128 if k == "PAN" else 96) for k in kinds
    }


def ultralytics_networks() -> Mapping[str, Kept]:
    """Networks that find, classify and segment, as the library exports them."""
    names = ("yolov8n", "yolov5n", "yolo11n", "yolov8n-cls", "yolov8n-seg")
    return {n: Kept(partial(_yolo, f"{n}.yaml"), 64) for n in names}


def _yolo(name: str) -> nn.Module:
    net: nn.Module = _library("ultralytics").YOLO(name).model
    for module in net.modules():
        if hasattr(module, "export") and hasattr(module, "format"):
            module.export, module.format, module.dynamic = True, "onnx", False
        elif module.__class__.__name__ == "Classify":
            module.export = True
    return net


ZOO: Final[Mapping[str, Callable[[], Mapping[str, Kept]]]] = {
    "written": lambda: {name: Kept(make, shapes) for name, (make, shapes) in WRITTEN.items()},
    "torchvision": torchvision_networks,
    "timm": timm_networks,
    "segmentation-models-pytorch": segmentation_networks,
    "ultralytics": ultralytics_networks,
}


def prepare(net: nn.Module, frames: Sequence[Tensor]) -> None:
    """Seed what a library begins with a constant, and let batch norms know their activations."""
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.numel() > 1 and bool((parameter == parameter.reshape(-1)[0]).all()):
                begun = float(parameter.reshape(-1)[0])
                seeded = torch.rand_like(parameter) * 0.4 + 0.8
                parameter.copy_(seeded * begun if abs(begun) > 0.1 else 0.1 * torch.randn_like(parameter))
        net.eval()
        norms = [m for m in net.modules() if isinstance(m, NORMS)]
        for norm in norms:
            norm.train()
            norm.momentum = 1.0
        if norms:
            net(*(torch.cat([x, torch.randn(3, *x.shape[1:])]) for x in frames))
        net.eval()


def seeded(kept: Kept) -> tuple[nn.Module, list[Tensor]]:
    """A network with seeded weights, and a frame for each of its inputs."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net, frames = kept.make(), [torch.randn(shape) for shape in kept.shapes]
    prepare(net, frames)
    return net, frames


def export(net: nn.Module, frames: Sequence[Tensor], path: Path, *, dynamo: bool) -> None:
    """Write a network to an ONNX file, by one of the exporters of torch."""
    names = [f"x{i}" for i in range(len(frames))]
    opset = 18 if dynamo else 17
    torch.onnx.export(net, tuple(frames), path, input_names=names, opset_version=opset, dynamo=dynamo)


def save(name: str, path: Path, *, size: int) -> None:
    """Write `library/network` for pictures of size x size to an ONNX file, its folder included.

    ValueError says which networks there are.
    """
    library, _, network = name.partition("/")
    if library not in ZOO:
        raise ValueError(f"there is no library {library!r}; there are {', '.join(ZOO)}")
    networks = ZOO[library]()
    if network not in networks:
        raise ValueError(f"{library} has no {network!r} here; there are {', '.join(networks)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    export(*seeded(replace(networks[network], takes=size)), path, dynamo=False)


def judge(kept: Kept, *, dynamo: bool) -> Verdict:
    """What becomes of a network."""
    net, frames = seeded(kept)
    with tempfile.TemporaryDirectory(prefix="tomato-") as folder:
        path = Path(folder) / "net.onnx"
        try:
            export(net, frames, path, dynamo=dynamo)
        except (RuntimeError, torch.onnx.OnnxExporterError) as reason:
            return Verdict("not exported", str(reason).splitlines()[0].split(". ")[0])
        exact = answers(net.double(), frames)
        return judge_file(path, [x.numpy() for x in frames], exact)


def answers(net: nn.Module, frames: Sequence[Tensor]) -> list[Array]:
    """What a network says in double precision."""
    with torch.no_grad():
        found = net(*(x.double() for x in frames))
    return [a.numpy() for a in _leaves(found)]


def _leaves(found: Any) -> list[Tensor]:
    """The tensors of lists within lists, and of other collections."""
    if isinstance(found, Tensor):
        return [found]
    parts = found.values() if isinstance(found, Mapping) else found
    return [leaf for part in parts for leaf in _leaves(part)]


def judge_file(path: Path, frames: Sequence[Array], exact: Sequence[Array]) -> Verdict:
    """What becomes of a model whose answers are known."""
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    near = 4 * _off(session.run(None, dict(zip(names, frames, strict=True))), exact)
    try:
        network, given = complete.settle(Source(path), AS_IT_IS, "ends", frames)
        assert given is not None
        got = run(network, given)
        host = around(Source(path), network)
        off = _off(host.leave(frames, got) if host else got, exact)
        if not off <= max(near, NEAR):
            return Verdict("wrong", f"by {off:.1%}")
        integers = from_real(network, given, "minmax", Precision.parse("w8a8"), compensate=False).graph
        integers.verify()
        if without := without_engine(integers):
            return Verdict("refused", "; ".join(without))
    except TomatoError as reason:
        return Verdict("refused", _first(reason))
    return Verdict("yes", f"{network.ends}" if network.ends else "")


def _first(reason: TomatoError) -> str:
    """The first node that is refused, and why."""
    lines = str(reason).splitlines()
    return (lines[1] if lines[0].endswith(":") else lines[0].removeprefix("error: ")).strip()


def _off(found: Sequence[Array], wanted: Sequence[Array]) -> float:
    """The largest difference, as a share of the largest value of its output."""
    pairs = zip(found, wanted, strict=True)
    return max(float(np.abs(np.asarray(a).reshape(w.shape) - w).max() / np.abs(w).max()) for a, w in pairs)


def without_engine(graph: Graph) -> list[str]:
    """The layers that no engine can do on the largest chip, and why."""
    found = []
    for place in sites(graph, targets.load(LARGEST)).values():
        reasons = {s: e.refuses(place) for s, e in CATALOGUE.items() if isinstance(place.op, e.ops)}
        if all(reasons.values()):
            found.append(f"{place.node.name} ({place.op.name}): {reasons}")
    return found


def run(network: Network, frames: Sequence[Array]) -> list[Array]:
    """The outputs of the chip's part, batch first."""
    types = dict(network.graph.inputs)
    feed = {
        p.value: p.to_graph(f.astype(np.float64), types[p.value].shape)
        for p, f in zip(network.inputs, frames, strict=True)
    }
    values = interpret(network.graph, feed)
    return [np.asarray(p.finish(p.from_graph(values[p.value])), np.float32) for p in network.outputs]


def _answer(to: Connection, kept: Kept, *, dynamo: bool) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # exporters and libraries also print past Python
    os.dup2(nowhere, 2)
    try:
        found = judge(kept, dynamo=dynamo)
    except Exception as reason:  # whatever a library, an exporter or the compiler raises: it is the answer
        place = traceback.extract_tb(reason.__traceback__)[-1]
        kind = "crash" if "tomato" in place.filename else "not made"
        text = next(iter(str(reason).splitlines()), "")
        found = Verdict(kind, f"{type(reason).__name__} in {Path(place.filename).name}: {text}")
    to.send(found)


ENDS: Final = (signal.SIGXCPU, signal.SIGKILL)
"""Signals that end a process at its limit."""


def tried(kept: Kept, *, dynamo: bool) -> Verdict:
    """The verdict of a process of its own."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(theirs, kept), kwargs={"dynamo": dynamo})
    process.start()
    theirs.close()
    try:
        if not ours.poll(WAITED):
            return Verdict("too long")
        found: Verdict = ours.recv()
        return found
    except EOFError:
        process.join()
        return Verdict("too long" if -(process.exitcode or 0) in ENDS else "crash", "the process died")
    finally:
        process.kill()
        process.join()


def count(names: Collection[str], exporters: Collection[str]) -> None:
    """Try networks or libraries of these names, or all; what the table says of the others stays."""
    logging.disable(logging.CRITICAL)
    rows = _rows(TABLE.read_text())
    for library, networks in ZOO.items():
        if names and library not in names and ZOO.keys() >= set(names):
            continue
        for name, kept in networks().items():
            if names and library not in names and name not in names:
                continue
            for exporter in exporters:
                found = str(tried(kept, dynamo=EXPORTERS[exporter]))
                rows.setdefault((library, name), {})[exporter] = found
                click.echo(f"{library}, {name}, {exporter}: {found}")
            TABLE.write_text(fill(TABLE.read_text(), BEGIN, _every(rows)))
    SUMMARY.write_text(fill(SUMMARY.read_text(), BEGIN, _counted(rows)))


Rows = dict[tuple[str, str], dict[str, str]]
"""What was found: by library and network, by exporter."""


def _rows(text: str) -> Rows:
    """The rows of the table in a document."""
    lines = text.split(BEGIN)[1].split(END, maxsplit=1)[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {(library, name): dict(zip(EXPORTERS, found, strict=True)) for library, name, *found in cells}


def _every(rows: Rows) -> str:
    head = f"| library | network | {' | '.join(EXPORTERS)} |\n{'|---' * (2 + len(EXPORTERS))}|\n"
    ordered = sorted(rows, key=lambda key: (list(ZOO).index(key[0]), key[1]))
    return head + "".join(
        f"| {' | '.join([*key, *(rows[key].get(e, NOT_TRIED) for e in EXPORTERS)])} |\n" for key in ordered
    )


def _counted(rows: Rows) -> str:
    """Of each library how many networks are taken, of how many that were tried."""
    lines = [f"| library | {' | '.join(EXPORTERS)} |\n{'|---' * (1 + len(EXPORTERS))}|\n"]
    for library in ZOO:
        cells = []
        for exporter in EXPORTERS:
            found = [row.get(exporter, NOT_TRIED) for key, row in rows.items() if key[0] == library]
            known = [f for f in found if f != NOT_TRIED]
            cells.append(f"{sum(f.startswith('yes') for f in known)} of {len(known)}")
        lines.append(f"| {library} | {' | '.join(cells)} |\n")
    return "".join(lines)
