"""The catalogue of engines: every module of this package but base and parts, found by listing files."""

import pkgutil
from importlib import import_module
from types import MappingProxyType

from tomato.engines.base import AnyUnit


def _discover() -> dict[str, type[AnyUnit]]:
    found: dict[str, type[AnyUnit]] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.ispkg or module.name == "base":
            continue
        engine: type[AnyUnit] = import_module(f"{__name__}.{module.name}").ENGINE
        assert engine.stem == module.name, f"{module.name}.py defines stem {engine.stem!r}"
        found[engine.stem] = engine
    return found


CATALOGUE = MappingProxyType(_discover())
