"""The host of an accelerator, wherever that is: NumPy and nothing else of ours or of others.

Every build folder carries this package as host/tomato_host; so it imports nothing from elsewhere in Tomato.
"""

from .errors import HostError
from .session import Session

__all__ = ["HostError", "Session"]
