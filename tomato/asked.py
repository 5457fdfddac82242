"""What a compilation is asked for, checked against what there is."""

from dataclasses import replace

from tomato import board
from tomato.core.errors import TomatoError, check_number
from tomato.quantise.precision import Precision
from tomato.schedule.plan import Wishes
from tomato.search import Goal
from tomato.targets import Target
from tomato.targets.fields import FASTEST_MHZ

REQUANT_BITS = 4, 32
"""Least and most bits of a requantisation's multiplier that may be asked for."""


def check_numbers(
    fps: float | None, clock_mhz: float | None, requant_bits: int | None, allow_error: float | None, goal: Goal | None
) -> None:
    """Raise TomatoError for a number that no option takes."""
    if fps is not None:
        check_number("fps", fps, open_=True)
    if clock_mhz is not None:
        check_number("clock", clock_mhz, 0, FASTEST_MHZ, open_=True)
    if requant_bits is not None:
        check_number("requant-bits", requant_bits, *REQUANT_BITS)
    if allow_error is not None:
        check_number("allow-error", allow_error, 0, 1)
    if goal is not None:
        check_number("max-drop", goal.max_drop)


def check_kind(
    *, quantised: bool, where: str, precision: bool, requant_bits: int | None, allow_error: float | None
) -> None:
    """Raise TomatoError for an option that models of this kind do not take."""
    if quantised and precision:
        raise TomatoError(
            "--precision is for float models: this one comes quantised",
            where=where,
            hint="leave it out, or give the float model",
        )
    if not quantised and (requant_bits is not None or allow_error is not None):
        raise TomatoError(
            "--requant-bits and --allow-error are for models that come quantised: this one is float",
            where=where,
            hint="leave them out",
        )


def check_double_clock(target: Target, shell: str, *, searched: bool = False) -> None:
    """Raise TomatoError unless a board, in what stands around the design, gives a second clock of twice the rate.

    searched: for the precision, by designs of one clock.
    """
    if searched:
        raise TomatoError("--precision auto searches for designs of one clock", hint="name a precision")
    twice, most = 2 * target.clock_mhz, target.fast_mhz
    if most is None:
        raise TomatoError(
            f"--double-clock: it is not known what clock the multipliers of {target.name} reach",
            hint="leave it out, or say fast_mhz in a target file of your own",
        )
    if twice > most:
        raise TomatoError(
            f"--double-clock: multipliers would have {twice:g} MHz, those of {target.name} reach {most:g}",
            hint=f"leave it out, or lower --clock to {most / 2:g}",
        )
    if not board.doubles(shell, target):
        raise TomatoError(
            f"--double-clock: what stands around a design for {target.name} has one clock",
            hint="leave it out, or compile with --shell none and give aclk and aclk2x from one generator yourself",
        )


def wanted(asked: str | Precision | None, wishes: Wishes) -> Precision:
    """What the call asks for, before what the plan asks for."""
    planned = wishes.precision or Precision()
    if asked is None:
        return planned
    try:
        bits = Precision.parse(asked) if isinstance(asked, str) else asked
    except ValueError as reason:  # of numbers with thousands of digits
        raise TomatoError(f"--precision: {reason}") from reason
    first = dict(bits.overrides)
    rest = {pattern: form for pattern, form in planned.overrides.items() if pattern not in first}
    return replace(bits, overrides=first | rest)
