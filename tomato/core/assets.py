"""Where the files outside the package are: templates/, hw/ and sim/."""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from tomato.core.errors import TomatoError

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = ("templates", "hw", "sim")


def _root() -> Path:
    """A checkout keeps the folders beside the package, a wheel inside it, under _assets."""
    packed = _PACKAGE / "_assets"
    return packed if packed.is_dir() else _PACKAGE.parent


def asset(*parts: str) -> Path:
    """The file or folder `parts` below the repository, for example asset("hw", "rtl").

    The first part is templates, hw or sim. Raises TomatoError when the installation lacks it.
    """
    assert parts[:1] in [(folder,) for folder in _FOLDERS], f"assets lie in {', '.join(_FOLDERS)}, not in {parts[:1]}"
    path = _root().joinpath(*parts)
    if not path.exists():
        raise TomatoError(
            f"{'/'.join(parts)} is missing from the installation", where=str(path), hint="reinstall tomato"
        )
    return path


def package(*parts: str) -> Path:
    """A file or folder of the package itself, for example package("runtime")."""
    return _PACKAGE.joinpath(*parts)


@cache
def tool(name: str) -> ModuleType:
    """A file of sim/ as a module: the very one that stands in every build folder."""
    spec = importlib.util.spec_from_file_location(f"tomato_sim_{name}", asset("sim", f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
