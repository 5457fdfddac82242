"""The command that needs no model."""

from pathlib import Path

import click

from tomato.cli.group import main
from tomato.cli.options import DATA, FOLDER, quiet_option, workers_options
from tomato.core.errors import TomatoError


@main.command("search")
@click.option("--data", type=DATA, required=True, metavar="DATA", help="Labelled frames to learn from: a .npz with x "
              "(frames, channels, height, width) and labels; with --space graph, a graph: docs/graphs.md.")  # fmt: skip
@click.option("--target", required=True, help="Board: a name from `tomato targets`, or your own .toml file.")
@click.option("--valid", type=DATA, metavar="DATA", help="Frames that results are reported on, and that nothing is "
              "chosen by.  [default: some of --data, kept aside]")  # fmt: skip
@click.option("--fps", type=click.FloatRange(min=0, min_open=True), help="The rate that every network must reach; "
              "designs are the smallest that do.")  # fmt: skip
@click.option("--space", metavar="SPACE", help="What is chosen from: cnn, mobile, graph, few, or your own .toml file, "
              "see docs/search.md.  [default: cnn, or few with --shots]")  # fmt: skip
@click.option("--precision", default="mixed", show_default=True, metavar="FORMAT", help="Weights and activations of "
              "all layers, such as w4a4; mixed: chosen stage by stage.")  # fmt: skip
@click.option("--objective", "objectives", type=click.Choice(["fps", "area", "memory", "latency", "weights"]),
              multiple=True, help="What counts beside accuracy. May be repeated.  [default: fps, or area with --fps]",
              )  # fmt: skip
@click.option("--hours", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True, help="About how "
              "long all of it may take.")  # fmt: skip
@click.option("--epochs", type=click.IntRange(min=1), help="How often the shared weights see every frame, or graph; "
              "with --shots, hundreds of steps.  [default: as --hours allows]")  # fmt: skip
@click.option("--candidates", "count", type=click.IntRange(min=1), help="Networks that are looked at.  [default: as "
              "--hours allows]")  # fmt: skip
@click.option("--tune", type=click.IntRange(min=1), help="How often a chosen network sees every frame.  [default: as "
              "--hours allows]")  # fmt: skip
@click.option("--winners", type=click.IntRange(min=1), default=1, show_default=True, help="Networks of the front that "
              "are trained on and compiled.")  # fmt: skip
@click.option("--weights", type=FOLDER, metavar="FOLDER", help="Take the shared weights of another search of "
              "this space and these frames, such as for another board.")  # fmt: skip
@click.option("--random", "strategy", flag_value="random", default=None, help="Draw networks instead of breeding "
              "them: for comparison.")  # fmt: skip
@click.option("--clock", type=click.FloatRange(min=0, min_open=True), metavar="MHZ", help="Clock, instead of the "
              "board's default.")  # fmt: skip
@click.option("--nodes", type=click.IntRange(min=1), metavar="N", help="Of a graph: those that networks are compiled "
              "for.  [default: 100]")  # fmt: skip
@click.option("--shots", type=click.IntRange(min=1), metavar="N", help="Find networks that learn new classes from N "
              "frames of each: docs/few-shot.md.")  # fmt: skip
@click.option("--ways", type=click.IntRange(min=2), metavar="N", help="With --shots: classes of a task.  [default: 5]")
@click.option("--task", "own", type=DATA, metavar="DATA", help="With --shots: frames and labels of the task that "
              "networks are adapted to.  [default: a task is drawn]")  # fmt: skip
@click.option("--simulate", type=click.IntRange(min=0), default=0, metavar="N", help="Play N frames through the RTL of "
              "every chosen network.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all that is random.")
@click.option("-o", "--output", type=FOLDER, default=Path("found"), show_default=True, help="Folder for all of it.")
@workers_options
@quiet_option
def search_command(
    data: Path, target: str, valid: Path | None, fps: float | None, space: str | None, precision: str,
    objectives: tuple[str, ...], hours: float, epochs: int | None, count: int | None, tune: int | None, winners: int,
    strategy: str | None, clock: float | None, nodes: int | None, shots: int | None, ways: int | None, own: Path | None,
    weights: Path | None, simulate: int, seed: int, output: Path, workers: int, scheduler: str | None, quiet: bool,
) -> None:  # fmt: skip
    """Find networks for DATA and a board: trained, as ONNX, with their accelerators.

    Accuracy is weighed against the scheduler's own prices. The same command goes on where an interrupted one was.
    """
    from tomato import work
    from tomato.cli import few_shot, graph_search, show
    from tomato.cli.progress import progress
    from tomato.search.graphs.space import suits

    told = (lambda _: None) if quiet else _told
    space = space or (few_shot.SPACE if shots else "cnn")
    on_graph = suits(space)
    if shots is not None:
        few_shot.refuse_others(graph_search.said(click.get_current_context()), on_graph=on_graph)
    elif ways is not None or own is not None:
        raise TomatoError(f"{'--task' if ways is None else '--ways'} says something of few-shot learning alone",
                          hint="say --shots, too")  # fmt: skip
    if on_graph:
        graph_search.refuse_others(graph_search.said(click.get_current_context()))
    elif nodes is not None:
        raise TomatoError("--nodes says something of graphs alone", hint="--space graph")
    with progress(quiet) as shown:
        try:
            from tomato.train.search.command import Asked, Wish, search
        except ModuleNotFoundError as reason:
            raise TomatoError(
                "a search trains networks, which needs PyTorch",
                hint="pip install 'tomato[train]', or pip install torch",
            ) from reason
        if on_graph:
            options = {
                "path": data, "target": target, "output": output, "space": space, "precision": precision, "fps": fps,
                "clock": clock, "epochs": epochs, "count": count, "tune": tune, "winners": winners, "nodes": nodes,
                "simulate": simulate, "seed": seed,
            }  # fmt: skip
            found = graph_search.run(options, shown, told)
        elif shots is not None:
            options = {
                "path": data, "target": target, "output": output, "ways": ways, "shots": shots, "space": space,
                "precision": precision, "fps": fps, "clock_mhz": clock, "own": own, "simulate": simulate,
                "objectives": objectives, "epochs": epochs, "count": count, "tune": tune, "winners": winners,
                "seed": seed, "strategy": strategy,
            }  # fmt: skip
            with work.opened(workers, scheduler) as many:
                found = few_shot.run(options, many, shown, told)
        else:
            asked = Asked((data,), target, output, (valid,) if valid else (), space, precision, fps, clock,
                          simulate=simulate, weights=weights)  # fmt: skip
            wish = Wish(
                hours, objectives or (("area",) if fps else ("fps",)), epochs, count, tune, winners, seed=seed,
                strategy="random" if strategy else "evolve",
            )  # fmt: skip
            with work.opened(workers, scheduler) as many:
                found = search(asked, wish, workers=many, progress=shown, told=told)
    (graph_search.show if on_graph else few_shot.show if shots else show.search)(found)
    if any(row["differing"] for row in found["trained"]):
        click.get_current_context().exit(1)


def _told(line: str) -> None:
    click.echo(line, err=True)
