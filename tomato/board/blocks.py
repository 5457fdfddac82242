"""Registers beside the blocks of the ECP5 go into them."""

from typing import Any

from tomato.board import ahead, multipliers, retiming


def with_registers(netlist: dict[str, Any]) -> dict[str, Any]:
    """The netlist, in which memories and multipliers have their registers; what a memory takes, no multiplier can."""
    return multipliers.with_registers(retiming.with_registers(ahead.with_registers(netlist)))
