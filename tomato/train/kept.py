"""The folder of a run: what it goes on from after an interruption, and that it is the same run."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tomato.core.errors import TomatoError
from tomato.core.files import reading, write_text
from tomato.train import checkpoint
from tomato.train.row import Row
from tomato.train.trainable import Trainable

RUN, TRAINING = "run.json", "training.pt"
HINT = "remove it to start anew, or give another output"


@dataclass(frozen=True, slots=True)
class Kept:
    """A folder, and the digest of all that the run depends on."""

    folder: Path
    digest: str

    def begin(self) -> tuple[int, list[Row], Trainable | None]:
        """How many steps are behind the run, their rows, and the network; nothing where it begins.

        Raises TomatoError where the folder holds another run, or is damaged.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / RUN
        if not path.exists():
            self._write(0, [])
            return 0, [], None
        with reading("this is no folder of a training run, or it is damaged", where=self.folder, hint=HINT):
            document = json.loads(path.read_text())
            done, rows = int(document["done"]), [Row.of(r) for r in document["rows"]]
            same = document["digest"] == self.digest
        if not same:
            raise TomatoError(
                "the folder holds another run: its recipe, model, target or frames differ", where=str(self.folder),
                hint=HINT,
            )  # fmt: skip
        return done, rows, checkpoint.load(self.folder / f"step{done}") if done else None

    def keep(self, done: int, rows: Sequence[Row], net: Trainable) -> None:
        """Leave what the next step starts from."""
        checkpoint.save(self.folder / f"step{done}", net)
        self._write(done, rows)
        shutil.rmtree(self.folder / f"step{done - 1}", ignore_errors=True)
        (self.folder / TRAINING).unlink(missing_ok=True)

    def keep_training(self, step: int, state: Mapping[str, Any]) -> None:
        """Leave how far the training of a step is."""
        checkpoint.write(self.folder / TRAINING, {"step": step, "digest": self.digest, "training": state})

    def training(self, step: int) -> dict[str, Any] | None:
        """The state of a step's training, if it was interrupted."""
        if not (self.folder / TRAINING).exists():
            return None
        found = checkpoint.read(self.folder / TRAINING)
        same = found.get("step") == step and found.get("digest") == self.digest
        return dict(found["training"]) if same else None

    def _write(self, done: int, rows: Sequence[Row]) -> None:
        document = {"digest": self.digest, "done": done, "rows": [asdict(r) for r in rows]}
        fresh = self.folder / f".{RUN}.new"
        write_text(fresh, json.dumps(document, indent=1) + "\n")
        fresh.replace(self.folder / RUN)
