"""The commands on a model. Heavy imports wait inside them, so that help is immediate."""

from pathlib import Path
from typing import Any

import click

from tomato.cli.frames import read_frames
from tomato.cli.group import main
from tomato.cli.options import (
    DATA,
    FOLDER,
    MODEL,
    echo_page,
    exit_options,
    host_option,
    quiet_option,
    read_backends,
    read_exits,
    read_shapes,
    read_states,
    refuse_alone,
    shape_option,
    state_option,
    workers_options,
)
from tomato.core.errors import TomatoError


@main.command("compile")
@click.argument("model", type=MODEL)
@click.option("--target", required=True, help="Board: a name from `tomato targets`, or your own .toml; or several, "
              "one behind the other: u250,u250, or a .toml file that lists them.")  # fmt: skip
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
@click.option(
    "--weights",
    type=click.Choice(["auto", "chip", "memory"]),
    default="auto",
    show_default=True,
    help="Where weights are: all on the chip, or also in memory beside it; auto: there if they do not fit.",
)
@click.option(
    "--share",
    type=click.Choice(["auto", "never"]),
    default="auto",
    show_default=True,
    help="Whether layers may take turns on one engine, in Verilog alone; auto: where they do not fit otherwise, or are "
    "smaller at --fps.",
)
@click.option("--double-clock", is_flag=True, help="Let layers multiply at twice the clock, with half as many "
              "multipliers: the design has a second clock then.")  # fmt: skip
@click.option("--plan", type=DATA, metavar="TOML", help="Keep the choices of this plan.toml.")
@click.option("--backend", default="verilog", show_default=True, metavar="NAMES", help="What to write: verilog, hls "
              "(C++ for Vitis HLS), or verilog,hls.")  # fmt: skip
@workers_options
@quiet_option
def compile_command(
    model: Path, target: str, output: Path | None, calibrate: tuple[Path, ...], ranges: Any, precision: str | None,
    max_drop: float | None, objective: Any, compensate: bool, fps: float | None, clock: float | None,
    requant_bits: int | None, allow_error: float | None, shapes: tuple[str, ...], states: tuple[str, ...],
    exits: tuple[str, ...], exit_shares: tuple[str, ...], exit_loss: float | None, exit_order: Any,
    host: Any, shell: str, weights: Any, share: Any, double_clock: bool, plan: Path | None, backend: str, workers: int,
    scheduler: str | None, quiet: bool,
) -> None:  # fmt: skip
    """Compile MODEL for a board and write the build folder."""
    from tomato import frontend, targets, work
    from tomato.build.folder import check_writable
    from tomato.cli import show
    from tomato.cli.progress import progress
    from tomato.compiler import compile_model, compile_on_boards
    from tomato.core.interface import Reading
    from tomato.exits import LOSS
    from tomato.search import AUTO, Goal

    if precision != AUTO and (max_drop is not None or objective):
        raise TomatoError("--max-drop and --objective guide a search", hint="add --precision auto")
    if precision != AUTO and (workers > 1 or scheduler):
        raise TomatoError("--workers and --scheduler share the work of a search", hint="add --precision auto")
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
    if targets.is_cluster(target):
        refuse_alone({"--precision auto": precision == AUTO, "--plan": plan, "--exit": exits,
                      "--backend hls": "hls" in backends, "--weights memory": weights == "memory",
                      "--double-clock": double_clock})  # fmt: skip
        with progress(quiet) as shown:
            boards = compile_on_boards(
                source, target, calibration=frames, precision=precision, compensate=compensate, ranges=ranges, fps=fps,
                clock_mhz=clock, requant_bits=requant_bits, allow_error=allow_error, shapes=sizes, states=kept,
                host=host, progress=shown,
            )  # fmt: skip
            boards.write(folder, shown)
        show.warnings(boards.report)
        if not quiet:
            show.cluster(boards.report)
            click.echo(f"written: {folder}")
            echo_page(folder)
        return
    with work.opened(workers, scheduler) as crew, progress(quiet) as shown:
        accelerator = compile_model(
            source, target, calibration=frames, labels=labels, precision=precision, goal=goal, compensate=compensate,
            ranges=ranges, fps=fps, clock_mhz=clock, plan=plan, requant_bits=requant_bits, allow_error=allow_error,
            shapes=sizes, states=kept, early=doors, early_loss=LOSS if exit_loss is None else exit_loss,
            early_order=exit_order, host=host, shell=shell if "verilog" in backends else "none", weights=weights,
            share=share if backends == ("verilog",) else "never", double_clock=double_clock, workers=crew,
            progress=shown,
        )  # fmt: skip
        accelerator.write(folder, shown, backends=backends)
    show.warnings(accelerator.report)
    if not quiet:
        show.report(accelerator.report)
        click.echo(f"written: {folder}")
        echo_page(folder)


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
