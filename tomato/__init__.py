"""Tomato: trained networks (ONNX) into streaming FPGA accelerators."""

from typing import TYPE_CHECKING, Any

from tomato.core.errors import TomatoError
from tomato.version import __version__

if TYPE_CHECKING:
    from tomato.accelerator import Accelerator, load
    from tomato.compiler import compile_model as compile

__all__ = ["Accelerator", "TomatoError", "__version__", "compile", "load"]


def __getattr__(name: str) -> Any:
    """Import the API on first use, so that `import tomato` stays light."""
    if name == "compile":
        from tomato.compiler import compile_model

        return compile_model
    if name in ("Accelerator", "load"):
        from tomato import accelerator

        return getattr(accelerator, name)
    raise AttributeError(f"module 'tomato' has no attribute {name!r}")
