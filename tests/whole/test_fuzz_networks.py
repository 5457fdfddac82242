"""The tool that plays random networks: what is wrong is told, kept, and the exit code."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tools.fuzz import run


def test_what_is_wrong_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def check(case: int, seed: int, folder: Path) -> None:
        print(f"the network of seed {seed}")
        assert seed != 6, "beat 3 differs"

    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "FAILURES", tmp_path / "fuzz")
    monkeypatch.setattr(run, "make", lambda seed, style: seed)
    monkeypatch.setattr(run, "check", check)
    result = CliRunner().invoke(run.main, ["3", "5"])
    first, last = result.output.splitlines()
    assert first.startswith("[2/3] seed 6: AssertionError: beat 3 differs")
    assert first.endswith("(fuzz/hardware-6.txt)")
    assert last.endswith("wrong")
    assert "1 of them" in last
    assert result.exit_code == 1
    assert "the network of seed 6" in (tmp_path / "fuzz" / "hardware-6.txt").read_text()
    assert CliRunner().invoke(run.main, ["2", "0"]).exit_code == 0
