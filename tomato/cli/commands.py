"""The commands. Heavy imports wait inside them, so that help is immediate."""

import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tomato.core.errors import TomatoError
from tomato.core.files import refusals
from tomato.version import __version__

if TYPE_CHECKING:
    from tomato.accelerator import Accelerator
    from tomato.core.formats import Array
    from tomato.core.interface import Slot
    from tomato.core.progress import Progress
    from tomato.schedule.plan import Early

MODEL = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path)
DATA = click.Path(path_type=Path)
INTERRUPTED = 130
LONGEST_SIZE = 18
"""Digits of a size."""
MOST_FRAMES = 1_000_000
"""No simulation plays more."""


class Commands(click.Group):
    """A group that turns the user's errors into a message and exit code 1; a bug of ours keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # names may hold what the terminal has no character for
        try:
            with refusals():
                return super().invoke(ctx)
        except click.MissingParameter:
            raise
        except click.BadParameter as reason:
            click.echo(TomatoError(reason.format_message().removesuffix(".")), err=True)
            ctx.exit(1)
        except TomatoError as reason:
            click.echo(reason, err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tomato", message="%(prog)s %(version)s")
def main() -> None:
    """Turn a trained network (ONNX) into a streaming, bit-exact FPGA accelerator."""


def shape_option(command: Callable[..., None]) -> Callable[..., None]:
    """The option that fixes dynamic sizes."""
    option = click.option("--shape", "shapes", multiple=True, metavar="NAME=N", help="Size of a dynamic axis by its "
                          "name, such as height=224, or the shape of an input, such as x=1x3x224x224. May be "
                          "repeated.")  # fmt: skip
    return option(command)


def state_option(command: Callable[..., None]) -> Callable[..., None]:
    """The option that connects states."""
    return click.option("--state", "states", multiple=True, metavar="INPUT=OUTPUT", help="An input that is what that "
                        "output was at the frame before: the state stays on the chip, and is 0 after a reset. May be "
                        "repeated.")(command)  # fmt: skip


def exit_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of early exits."""
    options = (
        click.option("--exit", "exits", multiple=True, metavar="OUTPUT[=MARGIN]", help="An output at which frames "
                     "leave whose first score is MARGIN ahead; without a number calibration chooses it. May be "
                     "repeated."),
        click.option("--exit-share", "exit_shares", multiple=True, metavar="OUTPUT=SHARE", help="The share of the "
                     "frames at that exit which go on.  [default: as in the calibration frames]"),
        click.option("--exit-loss", type=click.FloatRange(min=0), metavar="POINTS", help="Percentage points of "
                     "accuracy that chosen margins may cost.  [default: 0.5]"),
        click.option("--exit-order", type=click.Choice(["frames", "arrival"]), help="Results leave in the order of the "
                     "frames, or as they come, with the frame's number behind the scores.  [default: the plan's, or "
                     "frames]"),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def host_option(command: Callable[..., None]) -> Callable[..., None]:
    """The option that says what the host may compute."""
    return click.option("--host", type=click.Choice(["none", "ends", "any"]), default="ends", show_default=True,
                        help="What the host may run in front of the chip and behind it where the chip cannot: nothing, "
                        "up to half of the multiply-accumulates, or anything.")(command)  # fmt: skip


def quiet_option(command: Callable[..., None]) -> Callable[..., None]:
    """The option that every long command has."""
    return click.option("--quiet", "-q", is_flag=True, help="Print results and errors only.")(command)


@main.command("compile")
@click.argument("model", type=MODEL)
@click.option("--target", required=True, help="Board: a name from `tomato targets`, or your own .toml file.")
@click.option("-o", "--output", type=FOLDER, help="Build folder.  [default: build/<model>]")
@click.option("--calibrate", type=DATA, multiple=True, metavar="DATA", help="Frames that show typical values: .npz, "
              ".npy, or a folder of pictures. Once per model input, in their order.")  # fmt: skip
@click.option("--ranges", type=click.Choice(["auto", "minmax", "percentile", "mse"]), default="auto", show_default=True,
              help="How ranges follow from the calibration frames; auto: mse below 8 bits, else minmax.")  # fmt: skip
@click.option("--precision", metavar="FORMAT", help="Weights and activations, such as w4a8, shift4a8 or ternary, and "
              "of layers by name: 'w4a8, conv*=ternary'; or auto: search for each layer's.  [default: the plan's, or "
              "w8a8]")  # fmt: skip
@click.option("--max-drop", type=click.FloatRange(min=0), metavar="POINTS", help="With --precision auto: percentage "
              "points of accuracy that may be lost.  [default: 1.0]")  # fmt: skip
@click.option("--objective", type=click.Choice(["fps", "area", "weights"]), help="With --precision auto: most "
              "frames/s, least LUTs and DSP blocks, or fewest bits of weights.  [default: fps]")  # fmt: skip
@click.option("--compensate/--no-compensate", default=True, show_default=True, help="Let weights of few bits make up "
              "for each other's rounding errors.")  # fmt: skip
@click.option("--fps", type=click.FloatRange(min=0, min_open=True), help="The smallest design that reaches this "
              "rate, instead of the fastest that fits.")  # fmt: skip
@click.option("--clock", type=click.FloatRange(min=0, min_open=True), metavar="MHZ", help="Clock, instead of the "
              "board's default.")  # fmt: skip
@click.option("--requant-bits", type=click.IntRange(4, 32), metavar="N", help="Of a model that comes quantised: at "
              "most N bits of a requantisation's multiplier. The report counts what that changes.")  # fmt: skip
@click.option("--allow-error", type=click.FloatRange(0, 1), metavar="SHARE", help="Of a model that comes quantised: "
              "the share of a requantisation's inputs that may be off by one step where nothing exact is small enough; "
              "0 allows none, 1 allows any error. The report counts them.  [default: 0.01]")  # fmt: skip
@shape_option
@state_option
@exit_options
@host_option
@click.option("--shell", type=click.Choice(["axi", "none"]), default="axi", show_default=True, help="What stands "
              "around the Verilog: masters of memory and registers, or nothing but streams.")  # fmt: skip
@click.option("--plan", type=DATA, metavar="TOML", help="Keep the choices of this plan.toml.")
@click.option("--backend", default="verilog", show_default=True, metavar="NAMES", help="What to write: verilog, hls "
              "(C++ for Vitis HLS), or verilog,hls.")  # fmt: skip
@quiet_option
def compile_command(
    model: Path, target: str, output: Path | None, calibrate: tuple[Path, ...], ranges: Any, precision: str | None,
    max_drop: float | None, objective: Any, compensate: bool, fps: float | None, clock: float | None,
    requant_bits: int | None, allow_error: float | None, shapes: tuple[str, ...], states: tuple[str, ...],
    exits: tuple[str, ...], exit_shares: tuple[str, ...], exit_loss: float | None, exit_order: Any,
    host: Any, shell: str, plan: Path | None, backend: str, quiet: bool,
) -> None:  # fmt: skip
    """Compile MODEL for a board and write the build folder."""
    from tomato import frontend
    from tomato.build.folder import check_writable
    from tomato.cli import show
    from tomato.cli.progress import progress
    from tomato.compiler import compile_model
    from tomato.core.interface import Reading
    from tomato.exits import LOSS
    from tomato.search import AUTO, Goal

    if precision != AUTO and (max_drop is not None or objective):
        raise TomatoError("--max-drop and --objective guide a search", hint="add --precision auto")
    folder = output or Path("build") / model.stem
    check_writable(folder)
    backends = read_backends(backend)
    goal = Goal(1.0 if max_drop is None else max_drop, objective or "fps")
    sizes, kept, doors = read_shapes(shapes), read_states(states), read_exits(exits, exit_shares)
    if exit_loss is not None and all(early.margin is not None for early in doors.values()):
        raise TomatoError("--exit-loss guides the choice of margins", hint="add --exit OUTPUT, without a number")
    source = frontend.source(model)
    reading = Reading(sizes, states=kept)
    frames, labels = read_frames(frontend.takes(source, reading), calibrate) if calibrate else (None, None)
    with progress(quiet) as shown:
        accelerator = compile_model(
            source, target, calibration=frames, labels=labels, precision=precision, goal=goal, compensate=compensate,
            ranges=ranges, fps=fps, clock_mhz=clock, plan=plan, requant_bits=requant_bits, allow_error=allow_error,
            shapes=sizes, states=kept, early=doors, early_loss=LOSS if exit_loss is None else exit_loss,
            early_order=exit_order, host=host, shell=shell if "verilog" in backends else "none", progress=shown,
        )  # fmt: skip
        accelerator.write(folder, shown, backends=backends)
    show.warnings(accelerator.report)
    if not quiet:
        show.report(accelerator.report)
        click.echo(f"written: {folder}")
        echo_page(folder)


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
    from tomato.measure.leaving import keep, leaving

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
        left = leaving(accelerator, chosen or accelerator.samples, count) if backend == "verilog" else None
        summary = keep(folder, summary, left) if left else summary
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
    show.simulation(describe(result), result, None, bisected=False)
    if not result["bit_exact"]:
        click.get_current_context().exit(1)


@main.command("train")
@click.argument("model", type=MODEL)
@click.option("--data", type=DATA, multiple=True, required=True, metavar="DATA", help="Frames to train on, and labels "
              "if there are any: a .npz with x and labels. Once per model input.")  # fmt: skip
@click.option("--valid", type=DATA, multiple=True, metavar="DATA", help="Frames that results are reported on, and that "
              "nothing is chosen by.  [default: some of --data, kept aside]")  # fmt: skip
@click.option("--precision", metavar="FORMAT", help="Weights and activations to train for, such as w4a4 or ternary, "
              "and of layers by name, as for compile.")  # fmt: skip
@click.option(
    "--recipe", type=DATA, metavar="TOML", help="Several steps, see docs/training.md; instead of --precision."
)
@click.option("--target", help="Board: say after every step what the network would be there.")
@click.option("-o", "--output", type=DATA, help="The trained model.  [default: <model>_trained.onnx]")
@click.option("--epochs", type=click.IntRange(min=1, max=100_000), help="With --precision: how often every frame is "
              "seen.  [default: 30]")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), help="Of all that is random.  [default: the recipe's, or 0]")
@shape_option
@quiet_option
def train_command(
    model: Path, data: tuple[Path, ...], valid: tuple[Path, ...], precision: str | None, recipe: Path | None,
    target: str | None, output: Path | None, epochs: int | None, seed: int | None, shapes: tuple[str, ...], quiet: bool,
) -> None:  # fmt: skip
    """Train MODEL, a float network, for what hardware computes, and write it as it was trained.

    The same command goes on where an interrupted one was.
    """
    if (precision is None) == (recipe is None):
        raise TomatoError("what to train for is open", hint="give --precision FORMAT, or --recipe TOML")
    if recipe and epochs:
        raise TomatoError("--epochs goes with --precision", hint="say it in the recipe, in every step")
    from tomato.cli import show
    from tomato.cli.progress import progress

    with progress(quiet) as shown:
        try:
            from tomato.train.command import train
        except ModuleNotFoundError as reason:
            raise TomatoError(
                "training needs PyTorch", hint="pip install 'tomato[train]', or pip install torch"
            ) from reason
        to = output or model.with_name(f"{model.stem}_trained.onnx")
        result = train(
            model, to, data, valid, precision=precision, recipe=recipe, target=target, epochs=epochs, seed=seed,
            shapes=read_shapes(shapes), progress=shown,
        )  # fmt: skip
    show.training(result, brief=quiet)
    if result["differing"]:
        click.get_current_context().exit(1)


@main.command("evaluate")
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option("--data", type=DATA, multiple=True, required=True, metavar="DATA", help="Frames, and optionally "
              "labels: a .npz with x and labels. Once per model input.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), help="Only the first frames.")
@quiet_option
def evaluate_command(folder: Path, data: tuple[Path, ...], limit: int | None, quiet: bool) -> None:
    """Accuracy of the float model (ONNX Runtime) and of the accelerator, side by side."""
    from tomato.accelerator import opened
    from tomato.build import page
    from tomato.cli import show
    from tomato.cli.progress import progress
    from tomato.host.data import read
    from tomato.measure.evaluate import evaluate, write

    with opened(folder) as accelerator:
        check_count(accelerator.takes, data)
        parts = [
            read(path, slot.shape, slot.dtype, name=slot.name, limit=limit)
            for path, slot in zip(data, accelerator.takes, strict=True)
        ]
        with progress(quiet) as shown:
            result = evaluate(accelerator, parts, progress=shown)
        write(folder, result)
        page.write(folder)
    show.evaluation(result, brief=quiet)
    if not quiet:
        echo_page(folder)


@main.command("report")
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option("--compare", type=FOLDER, multiple=True, metavar="DIR2", help="Another design to show beside it. May be "
              "repeated.")  # fmt: skip
def report_command(folder: Path, compare: tuple[Path, ...]) -> None:
    """Write DIR/report.html anew: the design at a glance, for a browser."""
    from tomato.build import page
    from tomato.build.folder import check_build
    from tomato.core.files import in_use

    check_build(folder)
    with in_use(folder):
        page.write(folder, compare)
    echo_page(folder)


@main.command("inspect")
@click.argument("model", type=MODEL)
@click.option("--target", help="Also say whether it fits this board.")
@shape_option
@state_option
@host_option
@quiet_option
def inspect_command(
    model: Path, target: str | None, shapes: tuple[str, ...], states: tuple[str, ...], host: Any, quiet: bool
) -> None:
    """List every node of MODEL: supported or why not, shapes, work, parameters. Writes nothing."""
    from tomato import frontend, targets
    from tomato.cli import show
    from tomato.cli.progress import progress
    from tomato.core.interface import Reading

    if target:
        targets.load(target)
    sizes, kept = read_shapes(shapes), read_states(states)
    source, reading = frontend.source(model), Reading(sizes, states=kept)
    show.nodes(frontend.inspect(source, reading))
    try:
        ends = frontend.settle(source, reading, host).ends
    except TomatoError as reason:
        show.way_out(reason)
        return
    if ends:
        show.host(ends)
    if target is None:
        return
    from tomato.compiler import compile_model

    try:
        with progress(quiet) as shown:
            report = compile_model(source, target, shapes=sizes, states=kept, host=host, progress=shown).report
    except TomatoError as reason:
        show.refusal(target, reason)
    else:
        show.fits(report)


@main.command("targets")
def targets_command() -> None:
    """List the boards: what a design may use of each, and where the numbers come from."""
    from tomato import targets
    from tomato.cli import show

    show.targets([targets.load(name) for name in targets.names()])


def echo_page(folder: Path) -> None:
    """Name the page that shows the design."""
    from tomato.build.page import PAGE

    click.echo(f"report: {folder / PAGE}")


def read_backends(text: str) -> tuple[str, ...]:
    """The backends in a list with commas, each once."""
    from tomato.backend.project import BACKENDS

    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if unknown := [name for name in names if name not in BACKENDS]:
        raise TomatoError(
            f"--backend: there is no {unknown[0]!r}", hint=f"choose from {', '.join(BACKENDS)}, or both with a comma"
        )
    return names


def choose_vectors(
    accelerator: "Accelerator", folder: Path, frames: "tuple[Array, ...] | None", progress: "Progress"
) -> None:
    """Have the folder hold golden vectors of these frames, or (None) of the samples that it was compiled with."""
    other = folder / "sim" / "vectors" / "not-the-samples"
    if frames is not None:
        other.touch()
        accelerator.write_vectors(folder, *frames, progress=progress)
    elif other.exists():
        accelerator.write_vectors(folder, *accelerator.samples, progress=progress)
        other.unlink()


def read_shapes(given: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """The sizes in texts such as height=224 or x=1x3x224x224."""
    found: dict[str, tuple[int, ...]] = {}
    for text in given:
        name, _, sizes = text.rpartition("=")
        numbers = sizes.lower().split("x")
        if not name or not all(n.isascii() and n.isdigit() and 0 < len(n) <= LONGEST_SIZE and int(n) for n in numbers):
            raise TomatoError(f"--shape {text}: expected NAME=N or NAME=NxNx...", hint="such as --shape height=224")
        found[name] = tuple(map(int, numbers))
    return found


def read_states(given: tuple[str, ...]) -> dict[str, str]:
    """The inputs and their outputs in texts such as h_in=h_out."""
    found: dict[str, str] = {}
    for text in given:
        name, _, output = text.partition("=")
        if not name or not output or name in found:
            twice = f"the input {name!r} is named twice" if name in found else "expected INPUT=OUTPUT"
            raise TomatoError(f"--state {text}: {twice}", hint="such as --state h_in=h_out")
        found[name] = output
    return found


def read_exits(given: tuple[str, ...], shares: tuple[str, ...]) -> "dict[str, Early]":
    """The exits in texts such as early or early=2.5, and what goes on at them in texts such as early=0.3."""
    from tomato.schedule.plan import Early

    found: dict[str, Early] = {}
    for text in given:
        name, equals, number = text.partition("=")
        if not name or name in found:
            raise TomatoError(f"--exit {text}: {'the output is named twice' if name else 'expected OUTPUT=MARGIN'}")
        found[name] = Early(read_number(number, f"--exit {text}") if equals else None)
    for text in shares:
        name, _, number = text.partition("=")
        if name not in found or found[name].share is not None:
            raise TomatoError(f"--exit-share {text}: there is no --exit {name}, or it has a share already")
        found[name] = Early(found[name].margin, read_number(number, f"--exit-share {text}"))
    return found


def read_number(text: str, where: str) -> float:
    """A number in an option."""
    try:
        return float(text)
    except ValueError as reason:
        raise TomatoError(f"{where}: {text!r:.40} is not a number") from reason


def check_count(inputs: "Sequence[Slot]", paths: tuple[Path, ...]) -> None:
    """Raise TomatoError unless there is one file per input."""
    if len(paths) != len(inputs):
        names = ", ".join(p.name for p in inputs)
        raise TomatoError(
            f"data files given: {len(paths)}, but inputs of the model: {len(inputs)} ({names})",
            hint="repeat the option, once per input and in this order",
        )


def read_frames(inputs: "Sequence[Slot]", paths: tuple[Path, ...]) -> "tuple[tuple[Array, ...], Array | None]":
    """The frames in the files, one per input, equally many, and the labels that the first file may have."""
    from tomato.host.data import read

    check_count(inputs, paths)
    parts = [read(path, port.shape, port.dtype, name=port.name) for path, port in zip(paths, inputs, strict=True)]
    frames = tuple(p.frames for p in parts)
    if len({len(f) for f in frames}) > 1:
        counts = ", ".join(f"{path.name} {len(f)}" for path, f in zip(paths, frames, strict=True))
        raise TomatoError(f"the inputs have different numbers of frames: {counts}")
    return frames, parts[0].labels
