"""Why an operator without a rule is not supported, and what to do about it."""

from collections.abc import Mapping

from tomato.frontend.door import UNKNOWN
from tomato.frontend.model import OnnxNode, RefusedError

CALIBRATE = "give --calibrate DATA when compiling: the scale becomes constant, the weights stay as they are"
FAMILIES: Mapping[str, tuple[str, str]] = {
    "DynamicQuantizeLinear": ("its scale depends on the data", CALIBRATE),
    "If": ("control flow is not supported", "simplify the model (onnxsim) or export it by tracing"),
    "Loop": ("control flow is not supported", "simplify the model (onnxsim) or export it by tracing"),
    "Scan": ("control flow is not supported", "simplify the model (onnxsim) or export it by tracing"),
    "ScatterElements": (
        "what is chosen depends on the data",
        "put the values of a TopK back among zeros (ScatterElements): a gate",
    ),
    "TopK": (
        "what is chosen depends on the data",
        "put the values of a TopK back among zeros (ScatterElements): a gate",
    ),
    "LRN": ("normalisation across channels is not supported", "use BatchNormalization instead"),
}


def why_not(node: OnnxNode) -> RefusedError:
    """The refusal of a node whose operator no rule translates."""
    if node.op_type == "QuantLSTMCell":
        return RefusedError(
            "an LSTM with quantisers between its gates is not supported",
            "export the float layer, or with its weights quantised alone",
        )
    if node.domain:
        return RefusedError(
            f"an operator of domain {node.domain!r} is not supported", "export with standard ONNX operators"
        )
    if node.op_type in FAMILIES:
        return RefusedError(*FAMILIES[node.op_type])
    return RefusedError(*UNKNOWN.split("; "))
