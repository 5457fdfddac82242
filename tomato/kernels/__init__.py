"""What the CPU kernels of ONNX Runtime compute for quantised models, code for code.

Pure functions of integer codes and float32 scales; each names the file of ONNX Runtime
that it follows. "MLAS" is ONNX Runtime's library of CPU kernels (onnxruntime/core/mlas/lib),
"contrib" its folder onnxruntime/contrib_ops/cpu/quantization. Which operators of a model
reach which kernel, and where codes may differ from machine to machine, is told in
docs/onnxruntime.md.
"""

from tomato.kernels.join import add, concat, multiply
from tomato.kernels.linear import (
    Quantisation,
    dequantize_linear,
    in_float32,
    merge_pairs,
    quantize_linear,
    requantise_codes,
)
from tomato.kernels.matrix import float_product, product_scale, real_output, requantise
from tomato.kernels.pool import average_pool, float_average, global_average
from tomato.kernels.softmax import softmax

__all__ = [
    "Quantisation",
    "add",
    "average_pool",
    "concat",
    "dequantize_linear",
    "float_average",
    "float_product",
    "global_average",
    "in_float32",
    "merge_pairs",
    "multiply",
    "product_scale",
    "quantize_linear",
    "real_output",
    "requantise",
    "requantise_codes",
    "softmax",
]
