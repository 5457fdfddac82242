"""Why a goal is out of reach: how full the board would be at that speed, at least."""

from typing import Any

import numpy as np

from tomato.accelerator import Accelerator
from tomato.build.report import shares
from tomato.schedule import options, total
from tomato.schedule.offers import fast_enough


def at_goal(accelerator: Accelerator, interval: int) -> dict[str, Any]:
    """The engines that fill the board least at `interval` cycles a frame: what they take, as counts and shares.

    The shares are of what a design may use; parts between the engines come on top. `unreachable` names the
    layers that no option makes so fast.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    usable = accelerator.target.usable
    lists = fast_enough(options(accelerator.graph, accelerator.target), interval)
    found: dict[str, Any] = {"interval_cycles": interval, "unreachable": [n for n, found in lists.items() if not found]}
    if found["unreachable"]:
        return found
    flat = [(name, option) for name, candidates in lists.items() for option in candidates]
    names = list(lists)
    one = np.zeros((len(names), len(flat) + 1))  # the last variable: how full the scarcest resource is
    one[[names.index(name) for name, _ in flat], range(len(flat))] = 1
    budget = np.array(usable)
    use = np.array([option.cost for _, option in flat], dtype=float).T / np.maximum(budget, 1)[:, None]
    result = milp(
        np.eye(len(flat) + 1)[-1],
        integrality=np.append(np.ones(len(flat)), 0),
        bounds=Bounds(0, np.append(np.ones(len(flat)), np.inf)),
        constraints=[
            LinearConstraint(one, 1, 1),
            LinearConstraint(np.column_stack([use, -1.0 * (budget > 0)]), -np.inf, 0),
        ],
        options={"node_limit": 2000},
    )
    assert result.x is not None, "every layer has an option, and nothing limits them"
    least = total({name: option for (name, option), x in zip(flat, result.x, strict=False) if x > 0.5})
    parts = {kind: round(share, 4) for kind, share in shares(least.counts(), usable.counts()).items()}
    return found | {
        "resources": least.counts(),
        "budget_shares": parts,
        "bound": round(float(result.mip_dual_bound), 4),
    }
