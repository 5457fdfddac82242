"""How long a frame takes through all boards and links."""

from collections.abc import Sequence

import numpy as np

from tomato.cluster.boards import Board
from tomato.cluster.links import Crossing
from tomato.core.formats import Array
from tomato.schedule.streams import OUTPUT
from tomato.schedule.timing import latency_cycles as last_beat
from tomato.schedule.timing import simulate_times


def latency_cycles(boards: Sequence[Board]) -> int:
    """Cycles from the first input beat of a frame to its last output beat, where nothing stalls."""
    comes: dict[str, Array] = {}
    latest = 0
    for board in boards:
        made = board.lowered
        times = simulate_times(made.units, board.graph, made.routes, 1, None, comes)
        if board.goes:
            comes = {board.goes.value: _across(board.goes, times.arrival[f"{OUTPUT}.0"])}
        else:
            latest = max(latest, last_beat(times, board.graph))
    return latest


def _across(link: Crossing, sent: Array) -> Array:
    """When every pixel of a frame is there, as its reader sees it, by when it leaves: as fast as the link, at most."""
    ramp = np.arange(sent.size) * (link.cycles / sent.size)
    paced = np.maximum.accumulate(sent - ramp) + ramp
    rows, columns, channels = link.reader_shape
    last = ((np.arange(rows * columns) + 1) * channels - 1) // link.shape[2]
    return np.asarray(np.ceil(paced)).astype(np.int64)[last] + link.latency
