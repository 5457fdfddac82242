"""The commands on a build folder. Heavy imports wait inside them, as in commands.py."""

from pathlib import Path
from typing import Any

import click

from tomato.cli.frames import check_count, choose_vectors, read_frames
from tomato.cli.group import main
from tomato.cli.options import DATA, FOLDER, echo_page, quiet_option, refuse_alone, workers_options
from tomato.core.errors import TomatoError

MOST_FRAMES = 1_000_000
"""No simulation plays more."""


@main.command("simulate")
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option("--backend", type=click.Choice(["verilog", "hls"]), help="The Verilog, in Verilator, or the HLS C++, "
              "compiled with g++.  [default: what DIR has, verilog first]")  # fmt: skip
@click.option("--input", "data", type=DATA, multiple=True, metavar="DATA", help="Frames to play, instead of the "
              "samples in DIR: .npy or .npz. Once per model input.")  # fmt: skip
@click.option("--frames", type=click.IntRange(1, MOST_FRAMES), help="Frames to play; beyond those there are, they "
              "repeat.  [default: 4, or all of --input]")  # fmt: skip
@click.option("--stall", type=click.FloatRange(0, 0.99), default=0.0, help="Probability per cycle that either side "
              "stalls.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the stalls.")
@click.option("--waves", is_flag=True, help="Write the waveforms of every signal: dump.vcd.")
@click.option("--checked", is_flag=True, help="With the assertions of the hardware switched on.")
@click.option("--bisect", is_flag=True, help="Compare every stream between the layers, not the outputs alone.")
@quiet_option
def simulate_command(
    folder: Path, backend: str | None, data: tuple[Path, ...], frames: int | None, stall: float, seed: int,
    waves: bool, checked: bool, bisect: bool, quiet: bool,
) -> None:  # fmt: skip
    """Play frames through the hardware in DIR and compare every beat with the golden model."""
    from tomato.accelerator import opened
    from tomato.build import page
    from tomato.build.simulation import choose, csim, describe, first_difference, simulate
    from tomato.cli import show
    from tomato.cli.progress import progress
    from tomato.cluster import design as cluster
    from tomato.cluster import page as cluster_page
    from tomato.measure.played import keep, played

    if cluster.is_cluster(folder):
        refuse_alone(
            {"--bisect": bisect, "--waves": waves, "--backend hls": backend == "hls"},
            "leave it out; a board alone is simulated in its own folder below boards/, with make sim",
        )
        with cluster.opened(folder) as boards, progress(quiet) as shown:
            given = read_frames(boards.takes, data)[0] if data else None
            chosen = boards.enter(*given) if given else None
            choose_vectors(boards, folder, chosen, shown)
            count = frames or (len(chosen[0]) if chosen else 4)
            summary = simulate(folder, frames=count, stall=stall, seed=seed, checked=checked, progress=shown)
            cluster_page.write(folder)
        show.played(describe(summary), summary)
        if not summary["bit_exact"]:
            click.get_current_context().exit(1)
        if not quiet:
            echo_page(folder)
        return
    with opened(folder) as accelerator, progress(quiet) as shown:
        backend = choose(folder, backend)
        if backend == "hls" and (stall or waves or checked):
            raise TomatoError("--stall, --waves and --checked are for the Verilog", hint="leave them out")
        given = read_frames(accelerator.takes, data)[0] if data else None
        chosen = accelerator.enter(*given) if given else None
        count = frames or (len(chosen[0]) if chosen else 4)
        choose_vectors(accelerator, folder, chosen, shown)

        def play(*, probe: bool) -> dict[str, Any]:
            if backend == "hls":
                return csim(folder, frames=count, probe=probe, progress=shown)
            return simulate(folder, frames=count, stall=stall, seed=seed, waves=waves, checked=checked, probe=probe,
                            progress=shown)  # fmt: skip

        summary = play(probe=bisect)
        found = None
        if bisect or not summary["bit_exact"]:
            if not bisect:
                play(probe=True)
            found = first_difference(
                folder, accelerator.graph, accelerator.plan, accelerator.target, count, backend=backend
            )
        known = played(accelerator, chosen or accelerator.samples, count) if backend == "verilog" else None
        summary = keep(folder, summary, known) if known else summary
        page.write(folder)
    show.simulation(describe(summary), summary, found, bisected=bisect)
    if not summary["bit_exact"] or found:
        click.get_current_context().exit(1)
    if not quiet:
        echo_page(folder)


@main.command("run")
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option("--input", "data", type=DATA, required=True, metavar="DATA", help="Frames: .npz with an array per input "
              "by its name, or .npy of the only one.")  # fmt: skip
@click.option(
    "-o", "--output", type=DATA, default=Path("outputs.npz"), show_default=True, help="Where to keep outputs."
)
@click.option("--device", default="sim", show_default=True, metavar="DEVICE", help="Where the accelerator is: sim, "
              "serial:PORT, pynq or xrt.")  # fmt: skip
@click.option("--bitstream", type=DATA, metavar="FILE", help="What to load, if not the only one in DIR.")
@click.option("--codes", is_flag=True, help="Integers as the chip gives them.")
def run_command(folder: Path, data: Path, output: Path, device: str, bitstream: Path | None, codes: bool) -> None:
    """Run the accelerator of DIR on frames, wherever it is: in simulation, or on a board."""
    from tomato.build.folder import check_build
    from tomato.core.files import in_use
    from tomato.runtime import HostError, Session
    from tomato.runtime.__main__ import read, said, save

    check_build(folder)
    try:
        with in_use(folder), Session(folder, device, bitstream=bitstream) as session:
            results = session.run(read(data, session.inputs), codes=codes)
            for line in said(results, session.counters()):
                click.echo(line)
    except HostError as reason:
        raise TomatoError(reason.what, hint=reason.hint) from reason
    save(output, results)
    click.echo(f"written: {output}")


@main.command("build")
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option("--check", is_flag=True, help="Instead: synthesise the accelerator, and play frames through the cells "
              "that it was made of, in Verilator.")  # fmt: skip
@click.option("--frames", type=click.IntRange(1, MOST_FRAMES), default=2, show_default=True, help="With --check: "
              "frames to play.")  # fmt: skip
@quiet_option
def build_command(folder: Path, check: bool, frames: int, quiet: bool) -> None:
    """Make what the board of DIR loads: synthesis, place and route, bitstream."""
    from tomato.build import gates, page
    from tomato.build.bitstream import build
    from tomato.build.folder import check_build
    from tomato.build.simulation import describe
    from tomato.cli import show
    from tomato.cli.progress import progress
    from tomato.core.files import in_use

    check_build(folder)
    with in_use(folder), progress(quiet) as shown:
        result = gates.check(folder, frames=frames, progress=shown) if check else build(folder, shown)
        if not check:
            page.write(folder)
    if not check:
        show.built(result, folder)
        echo_page(folder)
        return
    show.played(describe(result), result)
    show.cells(result)
    if not result["bit_exact"]:
        click.get_current_context().exit(1)


@main.command("evaluate")
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option("--data", type=DATA, multiple=True, required=True, metavar="DATA", help="Frames, and optionally "
              "labels: a .npz with x and labels. Once per model input.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), help="Only the first frames.")
@workers_options
@quiet_option
def evaluate_command(
    folder: Path, data: tuple[Path, ...], limit: int | None, workers: int, scheduler: str | None, quiet: bool
) -> None:
    """Accuracy of the float model (ONNX Runtime) and of the accelerator, side by side."""
    from tomato import work
    from tomato.accelerator import opened
    from tomato.build import page
    from tomato.cli import show
    from tomato.cli.progress import progress
    from tomato.cluster import design as cluster
    from tomato.host.data import read
    from tomato.measure.evaluate import evaluate, write

    several = cluster.is_cluster(folder)
    with work.opened(workers, scheduler) as crew, (cluster.opened if several else opened)(folder) as accelerator:
        check_count(accelerator.takes, data)
        parts = [
            read(path, slot.shape, slot.dtype, name=slot.name, limit=limit)
            for path, slot in zip(data, accelerator.takes, strict=True)
        ]
        with progress(quiet) as shown:
            result = evaluate(accelerator, parts, workers=crew, progress=shown)
        write(folder, result)
        if not several:
            page.write(folder)
    show.evaluation(result, brief=quiet)
    if not quiet and not several:
        echo_page(folder)


@main.command("report")
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option("--compare", type=FOLDER, multiple=True, metavar="DIR2", help="Another design to show beside it. May be "
              "repeated.")  # fmt: skip
def report_command(folder: Path, compare: tuple[Path, ...]) -> None:
    """Write DIR/report.html anew: the design at a glance, for a browser."""
    from tomato.build import page
    from tomato.build.folder import check_build
    from tomato.cluster import design as cluster
    from tomato.cluster import page as cluster_page
    from tomato.core.files import in_use

    several = cluster.is_cluster(folder)
    if several:
        refuse_alone({"--compare": compare}, "leave it out")
    check_build(folder, several=several)
    with in_use(folder):
        if several:
            cluster_page.write(folder)
        else:
            page.write(folder, compare)
    echo_page(folder)
