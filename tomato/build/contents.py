"""What a build folder holds beside its hardware: all that is needed to have the accelerator back."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tomato import frontend, targets
from tomato.build import archive
from tomato.build.folder import MARKER, TARGET, check_build
from tomato.core.errors import TomatoError
from tomato.core.files import reading, write_text
from tomato.core.formats import Array
from tomato.frontend import Network
from tomato.host.ends import Host
from tomato.quantise.precision import Precision
from tomato.schedule.plan import ORDERS, Plan, read_wishes
from tomato.schedule.scheduler import check_complete
from tomato.targets import Target

GOLDEN = "golden"
MODEL, SAMPLES = Path(GOLDEN, "model.onnx"), Path(GOLDEN, "samples.npz")


def save(
    folder: Path, network: Network, model: Path, target: Target, *, host: Host | None, samples: Sequence[Array],
    files: Mapping[str, str],
) -> None:  # fmt: skip
    """Write the network on codes, its model, its board, the host's part, sample frames, and texts by their names."""
    keep(folder, network, model, host=host, samples=samples, files=files)
    write_text(folder / TARGET, json.dumps(targets.describe(target), indent=1) + "\n")


def keep(
    folder: Path,
    network: Network,
    model: Path,
    *,
    host: Host | None,
    samples: Sequence[Array],
    files: Mapping[str, str],
) -> None:
    """Write all of that but the board."""
    (folder / GOLDEN).mkdir()
    archive.save(folder / GOLDEN, network)
    if host:
        host.write(folder)
    frontend.copy(model, folder / MODEL)
    for name, text in files.items():
        write_text(folder / name, text)
    np.savez_compressed(folder / SAMPLES, *samples)
    write_text(folder / MARKER, "Written by tomato compile; a new compilation replaces what it wrote.\n")


def load(folder: Path) -> tuple[Network, Plan, Target, tuple[Array, ...]]:
    """The network, the plan, the board and the sample frames. Raises TomatoError if there is anything else."""
    check_build(folder)
    network = archive.load(folder / GOLDEN)
    wishes = read_wishes(folder / "plan.toml")
    if wishes.clock_mhz is None:
        raise TomatoError(
            "the plan of the build folder names no clock", where=wishes.file, hint="add clock_mhz, or compile again"
        )
    target = _target(folder, wishes.target)
    check_complete(network.graph, target, wishes)
    with reading(archive.DAMAGED, where=folder, hint="compile the model again"):
        samples = tuple(archive.arrays(folder / SAMPLES).values())
    plan = Plan(
        wishes.target,
        wishes.clock_mhz,
        wishes.layers,
        wishes.fifos,
        wishes.regions,
        wishes.precision or Precision(),
        wishes.exits,
        wishes.exit_order or ORDERS[0],
        wishes.reordered,
        wishes.spilled,
        wishes.double_clock,
    )
    return network, plan, target, samples


def _target(folder: Path, name: str) -> Target:
    """The target that a build folder was compiled for; an old one knows but its name."""
    stored = folder / TARGET
    if not stored.exists():
        return targets.load(name)
    with reading(archive.DAMAGED, where=stored, hint="compile the model again"):
        return targets.restore(json.loads(stored.read_text()), str(stored))
