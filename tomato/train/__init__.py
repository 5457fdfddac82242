"""Training with the compiler's own quantisers, on the compiler's own graph. Needs PyTorch: pip install 'tomato[train]'.

net = Trainable.load("model.onnx")
quantise(net, "w4a4", frames)
...  # any loop over net.module, an ordinary torch.nn.Module
net.export("small.onnx")
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tomato.train.own_loop import prune, quantise
    from tomato.train.trainable import Trainable

__all__ = ["Trainable", "prune", "quantise"]


def __getattr__(name: str) -> Any:
    """Import the API on first use: what needs no PyTorch here works without it."""
    if name == "Trainable":
        from tomato.train.trainable import Trainable

        return Trainable
    if name in ("prune", "quantise"):
        from tomato.train import own_loop

        return getattr(own_loop, name)
    raise AttributeError(f"module 'tomato.train' has no attribute {name!r}")
