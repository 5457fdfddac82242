"""What goes wrong between a host and its accelerator."""


class HostError(Exception):
    """Something the user can mend. `hint` says how."""

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.what, self.hint = what, hint

    def __str__(self) -> str:
        return f"error: {self.what}" + (f"\n  hint: {self.hint}" if self.hint else "")
