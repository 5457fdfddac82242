"""Where AMD's headers are looked for, and what is said when they are not there."""

import subprocess
import sys
from pathlib import Path

import hls_headers
import pytest


def with_headers(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()
    return folder


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation whose hls4ml cannot be imported, only found."""
    site = tmp_path / "site"
    (site / "hls4ml").mkdir(parents=True)
    (site / "hls4ml/__init__.py").write_text("raise ImportError('found, not imported')\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "hls4ml", raising=False)
    monkeypatch.delenv(hls_headers.VARIABLE, raising=False)
    return site


def test_package_is_found_and_not_imported(site: Path) -> None:
    folder = with_headers(site / "hls4ml/templates/vivado/ap_types", "ap_int.h", "hls_stream.h")
    assert hls_headers.find() == folder


def test_package_without_headers_is_none(site: Path) -> None:
    with_headers(site / "hls4ml/templates/vivado/ap_types", "ap_int.h")
    assert hls_headers.find() is None


def test_nothing_installed_is_none(tmp_path: Path) -> None:
    """In an interpreter that sees no packages, with the module alone: it needs nothing else."""
    source = Path(hls_headers.__file__)
    code = f"import sys; sys.path[:0] = [{str(source.parent)!r}]; import hls_headers; print(hls_headers.find())"
    alone = [sys.executable, "-ISc", code]
    done = subprocess.run(alone, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "None\n", "")


def test_variable_comes_first(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_headers(site / "hls4ml/templates/vivado/ap_types", "ap_int.h", "hls_stream.h")
    vendor = with_headers(tmp_path / "vitis/include", "ap_int.h", "hls_stream.h", "ap_axi_sdata.h")
    monkeypatch.setenv(hls_headers.VARIABLE, str(vendor))
    assert hls_headers.find() == vendor


@pytest.mark.parametrize(("present", "missing"), [((), "ap_int.h and hls_stream.h"), (("hls_stream.h",), "ap_int.h")])
def test_variable_names_a_folder_without_headers(
    present: tuple[str, ...], missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = with_headers(tmp_path / "vitis", *present)
    monkeypatch.setenv(hls_headers.VARIABLE, str(folder))
    with pytest.raises(hls_headers.HeadersError) as error:
        hls_headers.find()
    assert str(error.value) == (
        f"TOMATO_HLS_INCLUDE names {folder}, which lacks {missing}: "
        "name the include folder of a Vitis HLS installation, or unset it"
    )


def test_flags_let_the_vendor_go_first() -> None:
    ours = str(hls_headers.STAND_INS)
    assert hls_headers.flags(None) == [f"-I{ours}"]
    assert hls_headers.flags(Path("/vitis")) == ["-isystem", "/vitis", "-isystem", ours]
