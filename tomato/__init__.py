"""Tomato: trained networks (ONNX) into streaming FPGA accelerators."""

from typing import TYPE_CHECKING, Any

from tomato.core.errors import TomatoError
from tomato.version import __version__

if TYPE_CHECKING:
    from tomato.accelerator import Accelerator, load
    from tomato.compiler import compile_model as compile
    from tomato.compiler import compile_on_boards

__all__ = ["Accelerator", "TomatoError", "__version__", "compile", "compile_on_boards", "load"]


def __getattr__(name: str) -> Any:
    """Import the API on first use, so that `import tomato` stays light."""
    if name in ("compile", "compile_on_boards"):
        from tomato import compiler

        return compiler.compile_model if name == "compile" else compiler.compile_on_boards
    if name in ("Accelerator", "load"):
        from tomato import accelerator

        return getattr(accelerator, name)
    raise AttributeError(f"module 'tomato' has no attribute {name!r}")
