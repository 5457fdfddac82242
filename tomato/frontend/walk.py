"""The state of a translation: where every ONNX value lies, and the nodes emitted so far. Rules drive it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from tomato.core.formats import Array, Codes, Real, Tensor
from tomato.core.interface import HostStep
from tomato.core.ir import Builder, Node, Op, Shape, TensorType
from tomato.frontend import layout, limits
from tomato.frontend.coded import Coded
from tomato.frontend.integers import Ranges
from tomato.frontend.layout import Index
from tomato.frontend.lookahead import wanted
from tomato.frontend.model import BehindError, Model, OnnxNode, RefusedError
from tomato.frontend.names import identifier, unused
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add
from tomato.ops.move import Concat, Flip, Pad, Reshape, Slice, Transpose
from tomato.ops.quantise import Bias, Dequantise
from tomato.ops.real import Affine

MOST_PARTS = 8
"""Ranges of channels up to which an exchange is slices that are joined again; more of them are a product."""


@dataclass(frozen=True, eq=False)
class View:
    """An ONNX value: flat index into the graph value `value` of each of its elements, batch axis included.

    `host` are steps that remain for the host; only an output can have them.
    """

    value: str
    order: Index
    host: tuple[HostStep, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The ONNX shape (before the host's steps)."""
        return self.order.shape


Rule = Callable[["Walk", OnnxNode], None]
"""Translates one node: reads views, emits operators, puts a view for every output; or raises RefusedError."""


class Walk:
    """Views of ONNX values over a graph under construction.

    An input of the model is *unbound* until a consumer needs a layout; its view then counts in ONNX order.
    """

    def __init__(self, model: Model) -> None:
        self.constants = dict(model.constants)
        self.model = replace(model, constants=self.constants)
        self.coded: dict[str, Coded] = {}
        self.build = Builder(())
        self.env: dict[str, View] = {}
        self.unbound: set[str] = set()
        self.inputs: dict[str, str] = {}
        self.stand_ins: set[str] = set()
        self.weights: dict[str, Codes] = {}  # the type of a layer's weights, by the node's name
        self.merged: set[str] = set()  # codes with parameters of their own, see pairs.py
        self.node: OnnxNode | None = None
        self.ranges = Ranges(model)
        self._moved: dict[tuple[str, Shape, str], str] = {}
        for name in model.inputs:
            shape = model.shapes[name]
            value = unused(identifier(name), self.inputs.values())
            self.inputs[name] = value
            self.unbound.add(value)
            self.env[name] = View(value, np.arange(prod(shape), dtype=np.int64).reshape(shape))

    def define(self, name: str, coded: Coded) -> None:
        """A value is a constant that the model gives as codes."""
        self.coded[name] = coded
        self.constants[name] = coded.real

    def coded_as(self, name: str) -> Coded:
        """A constant that comes as codes. RefusedError where it does not."""
        if name not in self.coded:
            raise RefusedError(f"expected {name!r} as codes, like the constants beside it", "quantise all of them")
        return self.coded[name]

    def view(self, name: str, *, host: bool = False) -> View:
        """Where an ONNX value lies. RefusedError when it is constant, or (unless `host`) finished by the host."""
        if name in self.model.constants:
            raise RefusedError(f"input {name!r} is constant, expected an activation", "simplify the model first")
        view = self.env[name]
        if view.host and not host:
            raise RefusedError(f"expected no {view.host[-1].kind} in front of it", "end the network before it")
        return view

    def weight(self, node: OnnxNode, index: int, role: str) -> Array:
        """The constant at an input, as finite float64."""
        value = self.model.constant(node, index)
        if not node.has(index):
            raise RefusedError(f"expected a {role}", "export the model again")
        if value is None:
            if self.env[node.inputs[index]].value in self.stand_ins:
                raise BehindError
            raise RefusedError(f"expected a constant {role}, not an activation", "only constant ones are supported")
        return self.finite(node.inputs[index], value)

    def finite(self, name: str, value: Array) -> Array:
        """The constant as float64. RefusedError when it holds NaN or infinity, or no numbers."""
        if value.dtype.kind in "OSUc":
            raise RefusedError(f"the constant {name!r} holds no real numbers", "export the model again")
        real = value.astype(np.float64)
        if not value.size:
            raise RefusedError(f"the constant {name!r} is empty", "export the model again")
        if bad := int(np.count_nonzero(~np.isfinite(real))):
            raise RefusedError(
                f"the constant {name!r} holds {bad} NaN or infinite value{'s' if bad > 1 else ''}",
                "check the training and export again",
            )
        return real

    def factors(self, node: OnnxNode, index: int, axis: int, role: str) -> tuple[Array, Array]:
        """A constant as numbers and their steps along `axis` (output channels): integers where it comes as codes."""
        real = self.weight(node, index, role)
        if not np.all(np.abs(real) <= limits.LARGEST):
            raise RefusedError(
                f"the constant {node.inputs[index]!r} holds values up to {np.abs(real).max():.3g}, whose sums float32 "
                "cannot hold",
                "check the training and export again",
            )
        coded = self.coded.get(node.inputs[index])
        if coded is None:
            return real, np.ones(1)
        assert self.node is not None
        if coded.kind is not None:
            self.weights[self.node.label] = coded.kind
        return coded.codes.astype(np.float64), coded.steps(axis, role)

    def emit(self, op: Op, args: Sequence[str], suffix: str = "") -> str:
        """Append an operator for the current node; RefusedError with the operator's own reason if it does not fit."""
        assert self.node is not None
        name = identifier(self.node.stem) + suffix
        try:
            self._check_claims(op, args)
            return self.build.add(
                op, args, unused(name, {*self.build.types, *self.inputs.values()}), (self.node.label,)
            )
        except ValueError as reason:
            raise RefusedError(str(reason), "change the layer's attributes and export again") from reason

    def _check_claims(self, op: Op, args: Sequence[str]) -> None:
        types = [self.build.types[a] for a in args]
        shape = op.infer(types).shape
        if reason := limits.too_large(shape):
            raise RefusedError(f"it needs {reason}", "make the frames smaller, or split them into tiles")
        if (macs := op.macs(types)) > limits.MOST_MACS:
            raise RefusedError(
                f"{macs:,} multiply-accumulates a frame; {limits.MOST_MACS:,} are the most", "make the layer smaller"
            )

    def defining(self, value: str) -> Node | None:
        """The operator that defines a graph value; None for an input."""
        return next((node for node in reversed(self.build.nodes) if node.name == value), None)

    def put(self, name: str, value: str, order: Index, host: tuple[HostStep, ...] = ()) -> None:
        """Define an ONNX value."""
        if name:
            self.env[name] = View(value, order, host)

    def put_standard(self, name: str, value: str, shape: tuple[int, ...], channel: int) -> None:
        """Define an ONNX value of this shape that is streamed with axis `channel` as channels."""
        self.put(name, value, layout.order(shape, channel))

    def bind(self, value: str, shape: Shape, source: Index) -> None:
        """Choose the layout of a model input: stream place p carries the ONNX element source[p]."""
        self.build.types[value] = TensorType(shape, Real())
        self.unbound.discard(value)
        moved = layout.inverse(source)
        for name, view in self.env.items():
            if view.value == value:
                self.env[name] = replace(view, order=moved[view.order])

    def settle(self, name: str) -> View:
        """The view of a value whose layout is fixed: an unbound input gets the one that its readers want."""
        view = self.view(name)
        if view.value in self.unbound:
            shape, source = wanted(self.model, name, view.order)
            self.bind(view.value, shape, source)
        return self.env[name]

    def arrange(self, view: View, shape: Shape, index: Index) -> str:
        """The graph value that carries, at place p of a stream of this shape, the element index[p] of the view."""
        source = view.order.reshape(-1)[index.reshape(-1)]
        if view.value in self.unbound:
            self.bind(view.value, shape, source)
            return view.value
        if layout.is_identity(source):
            op: Op = Reshape(shape)
            if self.build.types[view.value].shape == shape:
                return view.value
            made = self.defining(view.value)
            if made and isinstance(made.op, Reshape) and self.build.types[made.args[0]].shape == shape:
                return made.args[0]
        else:
            factors = layout.factor(source)
            if factors is None:
                return self._exchanged(view.value, shape, source)
            op = Transpose(*factors, shape)
        key = (view.value, shape, Tensor(source).digest)
        if key not in self._moved:
            self._moved[key] = self.emit(op, [view.value], f"_{op.name}")
        return self._moved[key]

    def _exchanged(self, value: str, shape: Shape, source: Index) -> str:
        """A graph value in no transposed order: turned first, or its channels exchanged, or a RefusedError."""
        for sides in layout.SIDES:
            moved = layout.backwards(self.build.types[value].shape, *sides)[source]
            if layout.is_identity(moved) or layout.factor(moved) is not None:
                turned = self._turned(value, *sides)
                return self.arrange(View(turned, np.arange(moved.size)), shape, moved)
        key = (value, shape, Tensor(source).digest)
        taken = layout.exchange(source, shape) if self.build.types[value].shape == shape else None
        if taken is None:
            raise RefusedError(
                "the order of its input is no transposition, no flip and no exchange of channels",
                "simplify the reshapes in front of it",
            )
        if key not in self._moved:
            self._moved[key] = self.pick(value, taken)
        return self._moved[key]

    def _turned(self, value: str, *sides: bool) -> str:
        """A graph value with its rows, its columns or both in the opposite order."""
        key = (value, self.build.types[value].shape, f"flip {sides}")
        if key not in self._moved:
            self._moved[key] = self.emit(Flip(*sides), [value], "_flip")
        return self._moved[key]

    def pick(self, value: str, taken: Index) -> str:
        """The channels of a graph value in another order, some perhaps several times or not at all."""
        ranges = layout.runs(taken)
        kind = self.build.types[value]
        if len(ranges) > MOST_PARTS:
            chosen = np.arange(kind.channels)[:, np.newaxis] == taken
            return self.emit(Dense(Tensor(chosen.astype(np.int64 if kind.is_codes else np.float64))), [value], "_pick")
        parts = [self.emit(Slice((0, 0, begin), (*kind.shape[:2], end)), [value], f"_{begin}") for begin, end in ranges]
        return self.emit(Concat(), parts, "_pick") if len(parts) > 1 else parts[0]

    def repeated(self, value: str, index: Index) -> View | None:
        """The elements `index` of a graph value, some perhaps several times; None unless its pixels stay apart."""
        found = None if value in self.unbound else layout.repeated(index, self.build.types[value].shape)
        return None if found is None else View(self.pick(value, found[0]), found[1])

    def stand_in(self, name: str, shape: tuple[int, ...]) -> None:
        """Define the result of a refused node, so that the walk goes on and finds all problems at once."""
        value = f"refused {name}"
        channel = min(1, max(0, len(shape) - 1))
        self.stand_ins.add(value)
        self.build.types[value] = TensorType(layout.standard(shape, channel)[0], Real())
        self.put_standard(name, value, shape, channel)

    def streamed(self, view: View, channel: int) -> str:
        """The graph value that streams the view with axis `channel` as channels."""
        shape, index = layout.standard(view.shape, channel)
        as_is = view.order is layout.order(view.shape, channel)  # the shared map: no need to compare
        return view.value if as_is and self.build.types[view.value].shape == shape else self.arrange(view, shape, index)

    def flat(self, view: View) -> View:
        """The view on a vector (1, 1, N): the stream's order stays, so that no value moves."""
        size = view.order.size
        every = np.arange(size)
        if view.value in self.unbound:
            self.bind(view.value, (1, 1, size), view.order.reshape(-1))
            return View(view.value, every.reshape(view.shape))
        return View(self.arrange(View(view.value, every), (1, 1, size), every), view.order)

    def image(self, name: str) -> str:
        """The graph value of a (1, C, H, W) or (1, C, L) tensor, streamed as (H, W, C) or (1, L, C)."""
        view = self.view(name)
        if len(view.shape) not in (3, 4) or view.shape[0] != 1:
            dims = "x".join(map(str, view.shape))
            raise RefusedError(
                f"expected an image of shape 1xCxHxW or 1xCxL, not {dims}", "only 1-D and 2-D are supported"
            )
        return self.streamed(view, 1)

    def channels(self, name: str) -> tuple[str, Index]:
        """As `image`, but for the order of its channels: for each the channel of the graph value that it is."""
        view = self.view(name)
        if len(view.shape) in (3, 4) and view.shape[0] == 1 and view.value not in self.unbound:
            shape, index = layout.standard(view.shape, 1)
            if self.build.types[view.value].shape == shape:
                taken = layout.exchange(view.order.reshape(-1)[index], shape)
                if taken is not None:
                    return view.value, taken
        value = self.image(name)
        return value, np.arange(self.build.types[value].channels)

    def pictures(self, name: str) -> tuple[str, int]:
        """As `image`, and how many pictures the value is: the channels of several are those of one, side by side."""
        view = self.view(name)
        count = view.shape[0] if len(view.shape) in (3, 4) else 1
        if count == 1:
            return self.image(name), 1
        return self.streamed(View(view.value, view.order.reshape(1, -1, *view.shape[2:])), 1), count

    def put_image(self, name: str, value: str, rank: int, count: int = 1) -> None:
        """Define an ONNX image of this rank that lies in stream order, or `count` pictures, see `pictures`."""
        height, width, channels = self.build.types[value].shape
        order = layout.order((1, channels, height, width) if rank == 4 else (1, channels, width), 1)
        self.put(name, value, order if count == 1 else order.reshape(count, -1, *order.shape[2:]))

    def fit(self, name: str, constants: Sequence[Array]) -> tuple[View, list[Tensor]]:
        """The view in a layout in which each constant has one value per channel, and those values."""
        view = self.settle(name)
        found = self._fitted(replace(view, order=_widened(view.order, constants)), constants)
        if found is not None:
            return found
        shape = "x".join(map(str, max(constants, key=np.size).shape))
        raise RefusedError(
            f"expected a constant that is the same for all pixels, not one of shape {shape}",
            "make it a number or one value per channel",
        )

    def _fitted(self, view: View, constants: Sequence[Array]) -> tuple[View, list[Tensor]] | None:
        """As `fit`, of a view; None where no layout will do."""
        if (found := self._per_channel(view, constants)) is not None:
            return view, found
        varying = {len(view.shape) - c.ndim + a for c in constants for a in range(c.ndim) if c.shape[a] > 1}
        if len(varying) == 1:
            (channel,) = varying
            if view.order.size == view.shape[channel]:
                view = self.flat(view)
            else:
                view = View(self.streamed(view, channel), layout.order(view.shape, channel))
            if (found := self._per_channel(view, constants)) is not None:
                return view, found
        return None

    def _per_channel(self, view: View, constants: Sequence[Array]) -> list[Tensor] | None:
        shape = self.build.types[view.value].shape
        found = [layout.vector(c, view.order, shape) for c in constants]
        return None if any(f is None for f in found) else [Tensor(f) for f in found if f is not None]

    def affine(self, source: str, target: str, scale: Array, offset: Array, suffix: str = "") -> None:
        """target = source * scale + offset, the constants broadcast as in ONNX."""
        self.step(source, target, [scale, offset], Affine, suffix)

    def step(
        self, source: str, target: str, constants: Sequence[Array], make: Callable[..., Op], suffix: str = ""
    ) -> None:
        """target = `make(*constants)` of source, with the constants per channel.

        Where one differs per pixel, the frame is taken as a vector for this step: every place is a channel then.
        """
        view = self.settle(source)
        view = replace(view, order=_widened(view.order, constants))
        found = self._fitted(view, constants)
        if found is not None:
            view, tensors = found
            self.put(target, self.emit(make(*tensors), [view.value], suffix), view.order)
            return
        frame, flat = self.build.types[view.value].shape, self.flat(view)
        per_place = self._per_channel(flat, constants)
        assert per_place is not None, "a vector has a channel for every place"
        value = self.emit(make(*per_place), [flat.value], suffix)
        self.put(target, self.emit(Reshape(frame), [value], f"{suffix}_frame"), flat.order)

    def frame_affine(self, value: str, scale: Array, offset: Array, suffix: str = "") -> str:
        """A graph value times a scale plus an offset, which broadcast to its frame."""
        shape = self.build.types[value].shape
        constants = [np.broadcast_to(c, shape) for c in (scale, offset)]
        rows = [c.reshape(-1, shape[2]) for c in constants]
        if all(np.array_equal(r, np.broadcast_to(r[:1], r.shape)) for r in rows):
            return self.emit(Affine(*(Tensor(r[0]) for r in rows)), [value], suffix)
        every = np.arange(prod(shape))
        flat = self.arrange(View(value, every), (1, 1, every.size), every)
        value = self.emit(Affine(*(Tensor(c.reshape(-1)) for c in constants)), [flat], suffix)
        return self.emit(Reshape(shape), [value], f"{suffix}_frame")

    def bias(self, value: str, name: str, real: Array) -> tuple[type[Affine | Bias], list[Array]]:
        """The operator that adds the constant `name`, worth `real`, to a layer's result, and what it is made of.

        Each of these is to be given per channel. Where the layer takes codes that is a Bias, which knows the integers
        of the constant, if it comes as such.
        """
        coded = self.coded.get(name)
        if not self._of_codes(value):
            return Affine, [np.ones(1), real]
        if coded is None:
            return Bias, [real]
        return Bias, [real, coded.codes.astype(np.float64), np.broadcast_to(coded.scale, coded.codes.shape)]

    def _of_codes(self, value: str) -> bool:
        """Whether a layer whose result, but for steps, is `value` takes dequantised codes."""
        node = self.defining(value)
        while node and isinstance(node.op, Affine | Conv2d | Dense | Pad | Reshape | Transpose):
            node = self.defining(node.args[0])
        return node is not None and isinstance(node.op, Dequantise)

    def scaled(self, value: str, steps: Array) -> str:
        """A graph value times the step of each channel of its stream; unchanged where the only step is 1."""
        if steps.size == 1 and steps[0] == 1.0:
            return value
        return self.emit(Affine(Tensor(steps), Tensor(np.zeros(1))), [value], "_scale")

    def add(self, a: str, b: str) -> str:
        """Sum of two graph values."""
        return self.emit(Add(), [a, b])


def _widened(order: Index, constants: Sequence[Array]) -> Index:
    """The map with leading axes of length 1 as the constants demand; RefusedError when they enlarge the tensor."""
    try:
        shape = np.broadcast_shapes(order.shape, *(c.shape for c in constants))
    except ValueError as error:
        raise RefusedError("expected a constant that broadcasts to its input", "check the exported model") from error
    if prod(shape) != order.size:
        raise RefusedError("expected a constant that does not enlarge its input", "expand the input explicitly")
    return order.reshape(shape)
