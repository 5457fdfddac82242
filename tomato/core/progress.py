"""How a long step tells how far it is."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with what runs, how much is done, and of how much (0: unknown)."""


def silent(_what: str, _done: int, _total: int) -> None:
    """No progress shown."""
