"""The output stages of convolutions and matrix products, on accumulators next to ties."""

from dataclasses import dataclass

import numpy as np
import pytest

from tests.unit.kernels.runtime import (
    QDQ,
    QOPERATOR,
    S8,
    S16,
    TYPES,
    U8,
    Model,
    on_x86,
    qdq,
    random_codes,
    random_quantisations,
)
from tomato.core.formats import Array, Codes
from tomato.kernels import (
    Quantisation,
    float_product,
    product_scale,
    quantize_linear,
    real_output,
    requantise,
)

pytestmark = on_x86
KERNELS = {"Conv": "QLinearConv", "Gemm": "QGemm", "MatMul": "QLinearMatMul"}
KINDS = pytest.mark.parametrize("kind", KERNELS)
CHANNELS = 1000


@dataclass(frozen=True)
class Layer:
    """A matrix product of one row: `weight` has the shape (inputs, outputs)."""

    kind: str
    x: Array
    qx: Quantisation
    weight: Array
    weight_type: Codes
    weight_zero: int
    weight_scale: Array
    bias: Array
    y: Quantisation

    @property
    def acc(self) -> Array:
        """The exact accumulators."""
        acc: Array = (self.x - self.qx.zero) @ (self.weight - self.weight_zero)
        return acc if self.kind == "MatMul" else acc + self.bias

    @property
    def image(self) -> Array:
        """The input in the shape that the operator takes."""
        return self.x[:, :, np.newaxis, np.newaxis] if self.kind == "Conv" else self.x

    @property
    def constants(self) -> tuple[Array, Array, Array]:
        """Weights in the operator's shape, and their zero points; the bias."""
        kind = TYPES[self.weight_type]
        codes = self.weight.T[:, :, np.newaxis, np.newaxis] if self.kind == "Conv" else self.weight
        zeros = np.full(np.shape(self.weight_scale), self.weight_zero, kind)
        return codes.astype(kind), zeros, self.bias.astype(np.int32)

    def real(self, model: Model, x: str, bias_scale: float = 1) -> str:
        """The operator between DequantizeLinear and QuantizeLinear."""
        codes, zeros, bias = self.constants
        scale = np.asarray(self.weight_scale, np.float32)
        names = [x, model.weights(codes, scale, zeros, axis=0 if self.kind == "Conv" else 1)]
        if self.kind != "MatMul":
            bias_scales = self.qx.step * scale * np.float32(bias_scale)
            names.append(model.weights(bias, bias_scales, np.zeros(bias_scales.shape), axis=0))
        return model.op(self.kind, *names)

    def as_operator(self) -> Array:
        """Codes of QLinearConv, QGemm or QLinearMatMul in a model of its own."""
        model = Model()
        codes, zeros, bias = self.constants
        x = model.feed_value(self.image.astype(TYPES[self.qx.codes]))
        scale = model.constant(np.asarray(self.weight_scale, np.float32))
        inputs = [x, *model.parameters(self.qx), model.constant(codes), scale, model.constant(zeros)]
        y, bias_name = list(model.parameters(self.y)), [model.constant(bias)]
        ends = {"Conv": y + bias_name, "Gemm": bias_name + y, "MatMul": y}[self.kind]
        domain = {"domain": "com.microsoft", "alpha": 1.0} if self.kind == "Gemm" else {}
        value, _ = model.run(model.op(KERNELS[self.kind], *inputs, *ends, **domain))
        return value.reshape(self.x.shape[0], -1).astype(np.int64)


def near_ties(rng: np.random.Generator, kind: str, codes: Codes, weight_type: Codes, *, per_channel: bool) -> Layer:
    """A layer whose accumulators lie next to a tie of the output, per channel through its scale."""
    qx, y = random_quantisations(rng, codes, 2)
    inputs = int(rng.integers(1, 400))
    zero = 0 if weight_type == S8 else int(rng.integers(100, 150))
    layer = Layer(
        kind,
        x=random_codes(rng, codes, 1, inputs),
        qx=qx,
        weight=random_codes(rng, weight_type, inputs, CHANNELS),
        weight_type=weight_type,
        weight_zero=zero,
        weight_scale=np.ones(CHANNELS),
        bias=rng.integers(-20_000, 20_000, CHANNELS),
        y=y,
    )
    acc = np.where(layer.acc[0] == 0, 1, layer.acc[0])
    ties = np.sign(acc) * (rng.integers(0, 120, CHANNELS) + 0.5)
    scale = ties * y.scale / (qx.scale * acc)
    return Layer(**{**vars(layer), "weight_scale": (scale if per_channel else scale[0]).astype(np.float32)})


@KINDS
@pytest.mark.parametrize(
    ("form", "codes", "weight_type"),
    # There is no operator of int8 activations with uint8 weights.
    [
        (QDQ, U8, U8),
        (QDQ, U8, S8),
        (QDQ, S8, U8),
        (QDQ, S8, S8),
        (QOPERATOR, U8, U8),
        (QOPERATOR, U8, S8),
        (QOPERATOR, S8, S8),
    ],
    ids=str,
)
def test_requantise(kind: str, form: str, codes: Codes, weight_type: Codes) -> None:
    rng = np.random.default_rng(1)
    for per_channel in (True, True, True, False):
        layer = near_ties(rng, kind, codes, weight_type, per_channel=per_channel)
        if form == QOPERATOR:
            got = layer.as_operator()
        else:
            # Without the option int8 activations become uint8, int8 weights do not: their products may saturate.
            same = codes == weight_type
            result = qdq(layer.real, [(layer.image, layer.qx)], layer.y, integers=same)
            assert KERNELS[kind] in result.kinds
            got = result.codes.reshape(1, -1)
        scale = product_scale(layer.qx.scale, layer.weight_scale, layer.y.scale)
        np.testing.assert_array_equal(requantise(layer.acc, scale, layer.y), got)


@pytest.mark.parametrize("kind", ["Gemm", "MatMul"])
def test_real_output(kind: str) -> None:
    rng = np.random.default_rng(2)
    for _ in range(4):
        layer = near_ties(rng, kind, U8, S8, per_channel=True)
        model = Model()
        x = model.pair(model.feed_value((layer.x - layer.qx.zero).astype(np.float32) * layer.qx.step), layer.qx)
        value, kinds = model.run(layer.real(model, x))
        assert kinds[-1] == {"Gemm": "QGemm", "MatMul": "MatMulIntegerToFloat"}[kind]
        np.testing.assert_array_equal(real_output(layer.acc, layer.qx.scale, layer.weight_scale), value)


@pytest.mark.parametrize(("bias_scale", "fused"), [(1.005, True), (1.02, False)])
def test_a_convolution_is_fused_only_with_the_bias_scale_of_its_product(bias_scale: float, fused: bool) -> None:
    """Gemm is always fused, and the bias's own scale is ignored."""
    layer = near_ties(np.random.default_rng(3), "Conv", U8, S8, per_channel=True)
    for kind, kernel in (("Conv", fused), ("Gemm", True)):
        other = Layer(**{**vars(layer), "kind": kind})
        result = qdq(lambda model, x, o=other: o.real(model, x, bias_scale), [(other.image, layer.qx)], layer.y)
        assert (KERNELS[kind] in result.kinds) == kernel
        if kernel:
            scale = product_scale(layer.qx.scale, layer.weight_scale, layer.y.scale)
            np.testing.assert_array_equal(requantise(layer.acc, scale, layer.y), result.codes.reshape(1, -1))


@pytest.mark.parametrize("codes", [U8, S16], ids=str)
def test_float_product(codes: Codes) -> None:
    """A Relu that the zero point does not absorb, or 16 bits: float32, almost always the nearest codes."""
    rng = np.random.default_rng(4)
    wrong = total = 0
    for _ in range(10):
        qx, y = random_quantisations(rng, codes, 2)
        y = Quantisation(float(np.float32(qx.scale * 4)), 1 + codes.lo // 2 + 60, codes)
        weight = random_codes(rng, S8, 200, CHANNELS)
        layer = Layer(
            "Conv", random_codes(rng, codes, 1, 200), qx, weight, S8, 0, np.asarray(2.0**-6), np.zeros(CHANNELS), y
        )
        model = Model(opset=21)
        result = qdq(lambda m, x, o=layer: m.op("Relu", o.real(m, x)), [(layer.image, qx)], y, model)
        assert "QLinearConv" not in result.kinds
        real = np.maximum(float_product(layer.acc, qx.scale, layer.weight_scale), 0)
        error = np.abs(quantize_linear(real, y) - result.codes.reshape(1, -1))
        assert error.max() <= 1
        wrong, total = wrong + int(error.sum()), total + error.size
    assert wrong < 0.01 * total
