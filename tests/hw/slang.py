"""hw/rtl as a second parser reads it: pyslang, with the parameters that a test gives."""

from collections.abc import Iterable, Mapping

from pyslang import SVInt
from pyslang.ast import Compilation, ParameterSymbol
from pyslang.driver import Driver

from tomato.backend import library
from tomato.backend.verilog import literal
from tomato.core.assets import asset


def elaborate(tops: Iterable[str], parameters: Mapping[str, int] | None = None) -> tuple[Driver, Compilation]:
    """The whole library with some modules of it as tops; `parameters` are those of all of them."""
    files = library.sources(library.RTL, library.files(library.RTL)).values()
    given = {name: literal(value).replace("'", r"\'") for name, value in (parameters or {}).items()}
    values = " ".join(f"-G {name}={value}" for name, value in given.items())
    chosen = " ".join(f"--top {top}" for top in tops)
    driver = Driver()
    driver.addStandardArgs()
    assert driver.parseCommandLine(f"slang -I {asset('hw', 'include')} {chosen} {values} {' '.join(map(str, files))}")
    assert driver.processOptions()
    assert driver.parseAllSources()
    return driver, driver.createCompilation()


def constant(module: str, name: str, parameters: Mapping[str, int] | None = None) -> int:
    """The value of a parameter or localparam of a module."""
    _, compilation = elaborate([module], parameters)
    (top,) = compilation.getRoot().topInstances
    found = top.body.find(name)
    assert isinstance(found, ParameterSymbol), f"{module} has no parameter {name}"
    number = found.value.value
    assert isinstance(number, SVInt), f"{name} of {module} is no number"
    return int(number)
