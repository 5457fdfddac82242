"""The search that `--precision auto` asks for, on an imported network and the user's frames."""

from pathlib import Path

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interface import graph_values
from tomato.core.progress import Progress
from tomato.frontend import Network
from tomato.host.data import classes_of
from tomato.passes import CLEAN, run
from tomato.quantise.calibrate import Method
from tomato.search import Exploration, Goal, Subject, explore
from tomato.targets import Target
from tomato.work import Workers


def search(
    network: Network, frames: tuple[Array, ...] | None, labels: Array | None, board: Target, goal: Goal,
    ranges: Method, model: str, *, compensate: bool, shell: str, workers: Workers,
    progress: Progress,
) -> Exploration:  # fmt: skip
    """The precision that "auto" stands for."""
    if frames is None:
        raise TomatoError(
            "--precision auto measures accuracy, but there is no calibration data",
            where=model,
            hint="give --calibrate DATA, best a .npz with x and labels",
        )
    labels = None if labels is None else classes_of(labels, len(frames[0]), where=model)
    real = run(network.graph, CLEAN)
    values = graph_values(real, network.inputs, frames)
    subject = Subject.study(real, values, labels, ranges, compensate=compensate, progress=progress)
    return explore(subject, board, goal, model=Path(model).name, shell=shell, workers=workers, progress=progress)
