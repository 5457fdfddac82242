"""User-facing errors: what is wrong, where, and the way out."""

import math


class TomatoError(Exception):
    """An error the user can act on.

    `what` is one sentence, `where` uses the user's words (file, ONNX node, attribute),
    `hint` says what to do. The command line prints it and exits with 1, without a traceback.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.hint = what, where, hint

    def __str__(self) -> str:
        lines = [f"error: {self.what}"]
        if self.where:
            lines.append(f"  --> {self.where}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class IllFormedError(Exception):
    """A graph breaks the rules of the IR: a bug of ours, never of the user."""


def check_number(
    what: str, value: float, least: float = 0, most: float = math.inf, *, open_: bool = False, where: str = ""
) -> None:
    """Raise TomatoError unless a number is finite and within bounds, of which `open_` leaves out the least."""
    wrong = isinstance(value, bool) or not isinstance(value, int | float)
    if wrong or not (least < value if open_ else least <= value) or not value <= most or value == math.inf:
        bounds = f"above {least:g}" if open_ else f"{least:g} or more" if most == math.inf else f"from {least:g}"
        rest = "" if most == math.inf else f" and at most {most:g}" if open_ else f" to {most:g}"
        raise TomatoError(f"{what} must be a number {bounds}{rest}, not {value!r:.40}", where=where)
