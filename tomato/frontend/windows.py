"""Attributes of sliding windows: kernel, stride, dilation, padding in every spelling."""

from tomato.core.ir import Shape
from tomato.frontend import limits
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.ops.window import Window

Pads = tuple[int, int, int, int]


def window_of(node: OnnxNode, kernel: tuple[int, ...], shape: Shape) -> tuple[Window, Pads | None]:
    """The window of a node on an image of this stream shape, and a border to be added before it.

    A border at least as large as the kernel's extent cannot be part of a window and is added before.
    """
    size = _pair(kernel)
    stride = _pair(node.integers("strides") or (1,) * len(kernel))
    dilation = _pair(node.integers("dilations") or (1,) * len(kernel))
    bare = Window(size, stride, dilation)
    pads = _pads(node, bare, shape, len(kernel))
    if any(p < 0 for p in pads):
        raise RefusedError("expected no negative padding", "crop with a Slice before the layer")
    padded = (shape[0] + pads[0] + pads[2], shape[1] + pads[1] + pads[3], shape[2])
    if reason := limits.too_large(padded):
        raise RefusedError(f"with its border it needs {reason}", "make the border smaller")
    if any(padded[axis] < bare.span[axis] for axis in (0, 1)):
        span, image = "x".join(map(str, bare.span)), "x".join(map(str, padded[:2]))
        raise RefusedError(
            f"expected a window no larger than its padded input, not {span} of {image}", "make it smaller"
        )
    if any(p >= bare.span[i % 2] for i, p in enumerate(pads)):
        return bare, pads
    return Window(size, stride, dilation, pads), None


def _pair(values: tuple[int, ...]) -> tuple[int, int]:
    return (1, values[0]) if len(values) == 1 else (values[0], values[1])


def _pads(node: OnnxNode, window: Window, shape: Shape, rank: int) -> Pads:
    auto = node.text("auto_pad", "NOTSET")
    if auto == "VALID":
        return (0, 0, 0, 0)
    if auto == "NOTSET":
        given = node.integers("pads") or (0,) * (2 * rank)
        return (0, given[0], 0, given[1]) if rank == 1 else (given[0], given[1], given[2], given[3])
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        raise RefusedError(f"the padding {auto!r} is unknown", "use SAME_UPPER, SAME_LOWER, VALID or explicit pads")
    before, after = [], []
    for axis in (0, 1):
        out = -(-shape[axis] // window.stride[axis])
        total = max(0, (out - 1) * window.stride[axis] + window.span[axis] - shape[axis])
        low = total // 2 if auto == "SAME_UPPER" else total - total // 2
        before.append(low)
        after.append(total - low)
    return (before[0], before[1], after[0], after[1])


def ceiled(window: Window, shape: Shape) -> Window:
    """The window with the padding below and right that makes the size of the result round up (ceil_mode).

    A last window that would start in that padding is dropped.
    """
    pads = list(window.pads)
    for axis in (0, 1):
        stride, before, after = window.stride[axis], window.pads[axis], window.pads[axis + 2]
        room = shape[axis] + before + after - window.span[axis]
        last = -(-room // stride)
        if last * stride >= shape[axis] + before:
            last -= 1
        pads[axis + 2] = max(after, after + last * stride - room)
    return Window(window.kernel, window.stride, window.dilation, (pads[0], pads[1], pads[2], pads[3]))
