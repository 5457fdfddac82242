"""Whoever works: the same results, one task lost where a worker dies, clear errors, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from click.testing import CliRunner

from tests import digits
from tests.unit.work import jobs
from tomato import work
from tomato.cli import main
from tomato.core.errors import TomatoError
from tomato.host.data import Data
from tomato.measure.evaluate import evaluate
from tomato.work import Workers, cluster

ROOT = Path(__file__).parents[3]
TASKS = list(range(7))
REFUSED = "error: not 3\n  --> here\n  hint: take another"
Opened = Callable[[str], Workers]


@pytest.fixture(scope="module")
def opened() -> Iterator[Opened]:
    """Workers by name: a number, or dask for two of a scheduler on this machine."""
    with work.opened(2) as two, work.opened(3) as three:
        yield {"1": work.HERE, "2": two, "3": three}.__getitem__


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a Dask scheduler with two workers, who give a task up at once."""
    import dask
    from distributed import LocalCluster

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as local,
    ):
        yield local.scheduler_address


@pytest.fixture(scope="module")
def dask(scheduler: str) -> Iterator[Workers]:
    with work.opened(scheduler=scheduler) as workers:
        yield workers


@pytest.fixture(params=["1", "2", "3", "dask"])
def workers(request: pytest.FixtureRequest, opened: Opened) -> Workers:
    found: Workers = request.getfixturevalue("dask") if request.param == "dask" else opened(request.param)
    return found


@pytest.fixture(params=["2", "dask"])
def others(request: pytest.FixtureRequest, opened: Opened) -> Workers:
    """Workers outside of this process."""
    found: Workers = request.getfixturevalue("dask") if request.param == "dask" else opened(request.param)
    return found


def test_the_same_results_in_the_order_of_the_tasks(workers: Workers) -> None:
    steps = []
    found = workers.map(partial(jobs.rounded, 3.0), TASKS, lambda *step: steps.append(step), what="sums")
    assert found == work.HERE.map(partial(jobs.rounded, 3.0), TASKS, what="sums")
    assert steps == [("sums", done, 7) for done in range(8)]
    assert list(workers.stream(partial(jobs.rounded, 3.0), TASKS, what="sums")) == found
    assert workers.map(jobs.view, [], what="nothing") == []


def test_linear_algebra_takes_one_thread(workers: Workers) -> None:
    ((most, told),) = workers.map(jobs.threads, [0], what="threads")
    assert most == 1
    assert told == "1" or workers is work.HERE


def test_views_of_mappings_travel(others: Workers) -> None:
    values = MappingProxyType({"a": 1})
    (found,) = others.map(jobs.view, [values], what="views")
    assert isinstance(found, MappingProxyType)
    assert found == values


def test_a_worker_that_dies_costs_its_task_only(others: Workers, tmp_path: Path) -> None:
    assert others.map(partial(jobs.die_once, tmp_path), TASKS, what="squares") == [n * n for n in TASKS]
    assert (tmp_path / "died").exists()
    begun = Counter(map(int, (tmp_path / "done").read_text().split()))
    assert begun[2] == 2
    again = isinstance(others, cluster.Cluster)  # a result that is still with the worker is lost, too
    assert again or all(begun[n] == 1 for n in TASKS if n != 2)


def test_a_task_that_kills_who_does_it_is_given_up(others: Workers, tmp_path: Path) -> None:
    with pytest.raises(TomatoError) as error:
        others.map(partial(jobs.die, tmp_path), TASKS, what="numbers", name=lambda n: f"number {n}")
    dask = isinstance(others, cluster.Cluster)
    how, hint = ("Dask has given it up", cluster.HINT) if dask else (
        "killed by SIGKILL", "where memory ran out, fewer workers need less"
    )  # fmt: skip
    assert str(error.value) == (
        f"error: one worker after the other died at the same task: {how}\n  --> numbers: number 1\n  hint: {hint}"
    )
    deaths = (tmp_path / "deaths").read_text().split()
    assert len(set(deaths)) == len(deaths) == (2 if dask else 3)
    assert others.map(jobs.view, TASKS, what="after that") == TASKS


def test_the_error_of_a_task_comes_back(workers: Workers) -> None:
    """Of several the first one's."""
    with pytest.raises(TomatoError) as refused:
        workers.map(jobs.refuse, TASKS, what="numbers")
    assert str(refused.value) == REFUSED
    with pytest.raises(ZeroDivisionError, match="integer division or modulo by zero") as failed:
        workers.map(jobs.fail, TASKS, what="numbers")
    assert workers is work.HERE or "jobs.py" in failed.value.__notes__[0]


def test_an_error_that_cannot_travel_is_told(others: Workers) -> None:
    with pytest.raises(RuntimeError, match=r"^OddError: odd: very"):
        others.map(jobs.fail_oddly, TASKS, what="numbers")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_nothing_goes_on_behind_the_one_who_asked(ending: signal.Signals, tmp_path: Path) -> None:
    """Neither workers nor what they started, even if their parent could not say goodbye."""
    places = tmp_path / "pids", tmp_path / "temporary"
    for place in places:
        place.mkdir()
    code = (
        "import signal; from pathlib import Path; from tests.unit.work.jobs import long_work; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); "  # a shell's background ignores it
        f"long_work(Path({str(places[0])!r}))"
    )
    surroundings = os.environ | {"TMPDIR": str(places[1]), "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=surroundings, stderr=subprocess.PIPE) as parent:
        within(lambda: len(list(places[0].glob("*.pids"))) == 2)
        pids = [int(pid) for path in places[0].glob("*.pids") for pid in path.read_text().split()]
        assert all(alive(pid) for pid in pids)
        parent.send_signal(ending)
    within(lambda: not any(alive(pid) for pid in pids))
    assert ending == signal.SIGKILL or not list(places[1].iterdir())


def test_who_stops_listening_stops_the_work(tmp_path: Path) -> None:
    """An error of progress, such as an interrupt, ends the others at once."""

    def stop(_: str, done: int, __: int) -> None:
        if done:
            raise EOFError

    with pytest.raises(EOFError), work.opened(2) as workers:
        workers.map(partial(jobs.end_first, tmp_path), [0, 1], stop, what="long work")
    pids = [int(pid) for pid in (tmp_path / "1.pids").read_text().split()]
    within(lambda: not any(alive(pid) for pid in pids), 2.0)


def within(true: Callable[[], bool], seconds: float = 20.0) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs: one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@cache
def evaluated() -> tuple[Data, dict[str, Any]]:
    """Frames, and what is found in this process."""
    data = Data(*(x[:100] for x in digits.frames()))
    return data, evaluate(digits.compiled(), data)


def test_evaluate_says_the_same_whoever_works(opened: Opened) -> None:
    data, expected = evaluated()
    steps: list[tuple[Any, ...]] = []
    found = evaluate(digits.compiled(), data, workers=opened("2"), progress=lambda *step: steps.append(step))
    assert found == expected
    assert steps == [("Frames", done, 100) for done in (0, 32, 64, 96, 100)]


def test_evaluate_loses_nothing_with_a_worker_of_a_cluster(dask: Workers) -> None:
    assert isinstance(dask, cluster.Cluster)
    pids = list(dask._client.run(os.getpid).values())

    def kill(_: str, done: int, __: int) -> None:
        if done == 32:
            os.kill(pids[0], signal.SIGKILL)

    data, expected = evaluated()
    assert evaluate(digits.compiled(), data, workers=dask, progress=kill) == expected
    assert not alive(pids[0])


@pytest.mark.parametrize("count", [0, -1, 1.5, True])
def test_a_number_of_workers_that_is_none(count: Any) -> None:
    with pytest.raises(TomatoError, match=r"^error: workers must be a (number|whole)"), work.opened(count):
        pass


def asked(*options: str) -> str:
    """What evaluate says to options, which it reads before anything else."""
    result = CliRunner().invoke(main, ["evaluate", "no-folder", "--data", "none.npz", *options])
    assert result.exit_code == 1
    return result.stderr


def test_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.2)
    zero = asked("--workers", "0")
    assert zero == "error: Invalid value for '--workers': 0 is not in the range 1<=x<=1024\n"
    both = asked("--workers", "2", "--scheduler", "tcp://127.0.0.1:1")
    assert both == (
        "error: --workers and --scheduler both say who works\n"
        "  hint: give --workers for processes on this machine, or --scheduler for those of a Dask scheduler\n"
    )
    for address in ("tcp://127.0.0.1:1", "nonsense", "carrier-pigeon://roof"):
        assert asked("--scheduler", address) == (
            f"error: no Dask scheduler answers\n  --> {address}\n  hint: start one with: dask scheduler, and "
            f"on every machine: dask worker {address} --nworkers N --nthreads 1\n"
        )
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert asked("--scheduler", "tcp://127.0.0.1:1") == (
        "error: --scheduler needs Dask's distributed, which is not installed\n  hint: pip install 'tomato[cluster]'\n"
    )


def test_only_a_search_is_shared() -> None:
    result = CliRunner().invoke(main, ["compile", str(digits.MODEL), "--target", "u250", "--workers", "2"])
    assert (
        result.stderr == "error: --workers and --scheduler share the work of a search\n  hint: add --precision auto\n"
    )


def test_a_scheduler_without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr(cluster, "PATIENCE", 2.0)
    with LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=50) as local:
        address = local.scheduler_address
        with pytest.raises(TomatoError) as error, work.opened(scheduler=address):
            pass
    assert str(error.value) == (
        f"error: the Dask scheduler has no workers\n  --> {address}\n"
        f"  hint: start them on every machine: dask worker {address} --nworkers N --nthreads 1"
    )


def test_workers_of_another_version(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "__version__", "0.0.1")
    with (
        pytest.raises(TomatoError, match=r"^error: a worker has Tomato .*, this is 0\.0\.1\n"),
        work.opened(scheduler=scheduler),
    ):
        pass
