"""Where the headers of HLS C++ are: AMD's, from an installed package or tool, and our stand-ins.

Stands alone: it is copied beside the sources it serves and needs nothing but the standard library.
"""

import importlib.util
import os
from pathlib import Path

STAND_INS = Path(__file__).parent / "hls"
"""Our own ap_int.h, hls_stream.h and ap_axi_sdata.h."""

VARIABLE = "TOMATO_HLS_INCLUDE"
"""Names a folder with AMD's headers, for example the include folder of a Vitis installation."""

NEEDED = ("ap_int.h", "hls_stream.h")
PACKAGE, FOLDER = "hls4ml", Path("templates/vivado/ap_types")
"""The Python package that carries AMD's open-source headers (Apache-2.0), and where."""


class HeadersError(Exception):
    """The folder that the user named lacks headers; the text says which and what to do."""


def find() -> Path | None:
    """The folder with AMD's headers: $TOMATO_HLS_INCLUDE, else the installed package's; None without either.

    The package is located, not imported. Raises HeadersError when the variable names a folder without them.
    """
    if named := os.environ.get(VARIABLE):
        if missing := _missing(Path(named)):
            raise HeadersError(
                f"{VARIABLE} names {named}, which lacks {' and '.join(missing)}: "
                "name the include folder of a Vitis HLS installation, or unset it"
            )
        return Path(named).resolve()
    spec = importlib.util.find_spec(PACKAGE)
    roots = (spec and spec.submodule_search_locations) or []
    return next((Path(r, FOLDER) for r in roots if not _missing(Path(r, FOLDER))), None)


def flags(vendor: Path | None) -> list[str]:
    """The compiler's include flags for AMD's headers in `vendor` (None: the stand-ins alone).

    What AMD's folder lacks, ap_axi_sdata.h in the package, the stand-ins fill in. Warnings in a vendor's
    headers are not ours to mend, so these count as system headers; both folders then, because -I comes first.
    """
    if vendor is None:
        return [f"-I{STAND_INS}"]
    return ["-isystem", str(vendor), "-isystem", str(STAND_INS)]


def _missing(folder: Path) -> list[str]:
    return [name for name in NEEDED if not (folder / name).is_file()]
