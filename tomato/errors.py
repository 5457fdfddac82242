"""User-facing errors: what is wrong, where, and the way out."""


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
