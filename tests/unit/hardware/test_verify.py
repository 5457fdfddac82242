"""A netlist says what is wrong with it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.networks.codenets import residual
from tomato.core.errors import IllFormedError
from tomato.hardware.netlist import LOADER, Instance, Memory, MemoryMaster, Netlist
from tomato.lower import lower
from tomato.schedule import schedule
from tomato.targets import load

TARGET = load("u250")
GRAPH = residual()
WHOLE = lower(GRAPH, schedule(GRAPH, TARGET), TARGET).netlist


def part(name: str) -> Instance:
    """A part of the whole."""
    (found,) = (i for i in WHOLE.instances if i.name == name)
    return found


def changed(name: str, change: Callable[[Instance], Instance]) -> Netlist:
    """The whole with one part changed."""
    return replace(WHOLE, instances=tuple(change(i) if i.name == name else i for i in WHOLE.instances))


def test_what_lowering_makes_is_well_formed() -> None:
    WHOLE.verify()


ENGINE = next(i for i in WHOLE.instances if "MemFile" in i.memories and i.name in GRAPH.types)
OUT = ENGINE.outputs[0]


@pytest.mark.parametrize(
    ("netlist", "told"),
    [
        (replace(WHOLE, instances=WHOLE.instances[2:]), "is driven 0 times"),
        (replace(WHOLE, instances=WHOLE.instances[:-1]), "is driven 0 times"),
        (replace(WHOLE, instances=(*WHOLE.instances, ENGINE)), f"two parts are called {ENGINE.name}"),
        (changed(ENGINE.name, lambda i: replace(i, outputs=())), f"stream {OUT.name} is driven 0 times"),
        (
            changed(ENGINE.name, lambda i: replace(i, outputs=(replace(OUT, bits=OUT.bits + 1),))),
            f"as {OUT.width} bits, which has {OUT.width + OUT.lanes}",
        ),
        (
            changed(ENGINE.name, lambda i: replace(i, memories={"MemFile": Memory(np.zeros((0, 1)), (1,))})),
            f"memory MemFile of {ENGINE.name} has words of 1 fields",
        ),
        (changed(WHOLE.checks[0].name, lambda i: replace(i, watches=OUT)), f"watches {OUT.name}, which is no input"),
        (changed(ENGINE.name, lambda i: replace(i, loaded=True)), "no loader fills the memories"),
        (changed(ENGINE.name, lambda i: replace(i, loaded=True, memories={})), f"{ENGINE.name} has nothing to load"),
        (changed(ENGINE.name, lambda i: replace(i, module=LOADER)), "a loader stands where nothing is loaded"),
        (
            replace(WHOLE, outputs=tuple(replace(s, framed=False) for s in WHOLE.outputs)),
            f"output {WHOLE.outputs[0].name} has no end of its frames",
        ),
        (
            changed(ENGINE.name, lambda i: replace(i, buses={"a": MemoryMaster("m", 32), "b": MemoryMaster("m", 64)})),
            "two ports are called m",
        ),
    ],
)
def test_what_is_wrong_is_told(netlist: Netlist, told: str) -> None:
    with pytest.raises(IllFormedError) as error:
        netlist.verify()
    assert told in str(error.value)
    assert str(error.value).startswith("netlist net: ")
