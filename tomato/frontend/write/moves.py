"""Movements of data: parts, borders, orders, sizes."""

import numpy as np

from tomato.core.ir import Node, Shape
from tomato.frontend.write.codes import numpy_type
from tomato.frontend.write.model import Writer
from tomato.ops.edge_pad import EdgePad
from tomato.ops.move import DepthToSpace, Flip, Pad, Reshape, Slice, SpaceToDepth, Transpose, Upsample


def concat(writer: Writer, node: Node, args: list[str]) -> str:
    """Values side by side."""
    return writer.emit("Concat", args, node.name, axis=1)


def sliced(writer: Writer, node: Node, args: list[str]) -> str:
    """A part of a picture."""
    op = node.op
    assert isinstance(op, Slice)
    parts = [np.array([v[2], *v[:2]], np.int64) for v in (op.begin, op.end, (*op.step, 1))]
    begin, end, step = (writer.constant(p, f"{node.name}_{n}") for p, n in zip(parts, ("begin", "end", "step"),
                                                                             strict=True))  # fmt: skip
    axes = writer.constant(np.array([1, 2, 3], np.int64), f"{node.name}_axes")
    return writer.emit("Slice", [*args, begin, end, axes, step], node.name)


def flip(writer: Writer, node: Node, args: list[str]) -> str:
    """A picture with rows or columns in the other order."""
    op = node.op
    assert isinstance(op, Flip)
    axes = [axis for axis, wanted in ((2, op.rows), (3, op.columns)) if wanted]
    first, last = np.iinfo(np.int64).max, np.iinfo(np.int64).min
    parts = (("begin", first), ("end", last), ("axes", axes), ("step", -1))
    given = [writer.constant(np.resize(v, len(axes)).astype(np.int64), f"{node.name}_{n}") for n, v in parts]
    return writer.emit("Slice", [*args, *given], node.name)


def pad(writer: Writer, node: Node, args: list[str]) -> str:
    """A border of one number."""
    op = node.op
    assert isinstance(op, Pad)
    top, left, bottom, right = op.pads
    pads = writer.constant(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64), f"{node.name}_pads")
    value = writer.constant(np.array(op.value, numpy_type(writer, node.args[0])), f"{node.name}_border")
    return writer.emit("Pad", [*args, pads, value], node.name)


def edge_pad(writer: Writer, node: Node, args: list[str]) -> str:
    """A border of what the picture has at its edge."""
    op = node.op
    assert isinstance(op, EdgePad)
    top, left, bottom, right = op.pads
    pads = writer.constant(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64), f"{node.name}_pads")
    return writer.emit("Pad", [*args, pads], node.name, mode="reflect" if op.mirrored else "edge")


def upsample(writer: Writer, node: Node, args: list[str]) -> str:
    """Pixels repeated."""
    assert isinstance(node.op, Upsample)
    scales = writer.constant(np.array([1, 1, *node.op.factor], np.float32), f"{node.name}_scales")
    return writer.emit("Resize", [*args, "", scales], node.name, mode="nearest", nearest_mode="floor",
                     coordinate_transformation_mode="asymmetric")  # fmt: skip


def blocks(writer: Writer, node: Node, args: list[str]) -> str:
    """Channels as blocks of pixels, or back."""
    assert isinstance(node.op, DepthToSpace | SpaceToDepth)
    kind = "DepthToSpace" if isinstance(node.op, DepthToSpace) else "SpaceToDepth"
    return writer.emit(kind, args, node.name, blocksize=node.op.block)


def reorder(writer: Writer, node: Node, args: list[str]) -> str:
    """Through the order (height, width, channels) of the graph."""
    op, shape = node.op, writer.types[node.args[0]].shape
    assert isinstance(op, Reshape | Transpose)
    tensor: str = args[0]
    given: tuple[int, ...] = (shape[2], *shape[:2])
    if not _same_order(shape):
        tensor, given = writer.emit("Transpose", [tensor], f"{node.name}_last", perm=[0, 2, 3, 1]), shape
    if isinstance(op, Transpose):
        tensor = writer.shaped(tensor, given, op.view, node.name)
        tensor = writer.emit("Transpose", [tensor], f"{node.name}_moved", perm=[0, *(p + 1 for p in op.perm)])
        given = tuple(op.view[p] for p in op.perm)
    if _same_order(op.shape):
        return writer.shaped(tensor, given, (op.shape[2], *op.shape[:2]), node.name)
    return writer.emit("Transpose", [writer.shaped(tensor, given, op.shape, node.name)], node.name, perm=[0, 3, 1, 2])


def _same_order(shape: Shape) -> bool:
    """Whether (height, width, channels) and (channels, height, width) have the same order."""
    return shape[0] * shape[1] == 1 or shape[2] == 1
