"""Every way in which a model is refused, with its full text."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.models import model_path
from tests.unit.frontend.tiny import THIRDS, Tiny, op, randoms
from tomato.core.errors import TomatoError
from tomato.frontend import inspect, load
from tomato.frontend.unsupported import CALIBRATE

HINT = "  hint: tomato inspect lists every node; change the network or export it differently"


def message(path: Path) -> str:
    with pytest.raises(TomatoError) as error:
        load(path)
    return str(error.value).replace(f"{path.parent}/", "")


def refusal(case: Tiny, folder: Path) -> list[str]:
    """The lines of the one error that name the refused nodes."""
    first, *lines, where, hint = message(case.save(folder)).splitlines()
    assert first == f"error: {len(lines)} of {len(case.nodes)} nodes cannot be compiled:"
    assert where == "  --> tiny.onnx"
    assert hint == HINT
    return [line.strip() for line in lines]


def test_missing_file(tmp_path: Path) -> None:
    assert message(tmp_path / "no.onnx") == (
        "error: the file does not exist\n  --> no.onnx\n  hint: check the path and the working directory"
    )


def test_directory(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    assert message(folder) == (
        "error: this is a directory, not an ONNX file\n  --> model\n  hint: name the .onnx file inside it"
    )


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n", b"import torch\n", b"\x08\x07"])
def test_not_onnx(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    assert message(path) == (
        "error: this is not an ONNX file, or it holds no network\n"
        "  --> m.onnx\n"
        "  hint: export the network to ONNX, for example with torch.onnx.export or tf2onnx"
    )


def test_pointer_of_git_lfs(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert message(path) == (
        "error: this is a Git LFS pointer, not the model itself\n  --> m.onnx\n  hint: run git lfs pull"
    )


def test_truncated(tmp_path: Path) -> None:
    path = Tiny([op("Conv", "x", "w")], constants={"w": randoms(8, 4, 3, 3)}).save(tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    assert message(path) == (
        "error: the ONNX file is truncated or damaged\n  --> tiny.onnx\n  hint: copy, download or export it again"
    )


def test_name_that_is_no_text(tmp_path: Path) -> None:
    path = Tiny([op("Relu", "x", name="activation")]).save(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"activation", b"activ\xb1tion"))
    assert message(path) == (
        "error: the ONNX file is truncated or damaged\n  --> tiny.onnx\n  hint: copy, download or export it again"
    )


def test_damaged_constant(tmp_path: Path) -> None:
    proto = Tiny([op("Conv", "x", "w")], constants={"w": randoms(2, 4, 1, 1)}).proto()
    proto.graph.initializer[0].dims[0] = 3
    path = tmp_path / "m.onnx"
    onnx.save(proto, path)
    assert message(path) == (
        "error: the constant 'w' is damaged (TensorProto (tensor name: w) raw_data size (32 bytes) is too small for "
        "the declared shape and type (48 bytes required).)\n"
        "  --> m.onnx\n"
        "  hint: copy, download or export the file again"
    )


def test_missing_external_data(tmp_path: Path) -> None:
    proto = Tiny([op("Conv", "x", "w")], constants={"w": randoms(8, 4, 3, 3)}).proto()
    path = tmp_path / "m.onnx"
    onnx.save(proto, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    (tmp_path / "weights.bin").unlink()
    assert message(path) == (
        "error: the file with the model's weights is missing: weights.bin\n"
        "  --> m.onnx\n"
        "  hint: put it next to the ONNX file, or save the model with its weights inside: onnx.save(onnx.load(...))"
    )


def test_old_operator_set(tmp_path: Path) -> None:
    assert message(Tiny([op("Relu", "x")], opset=6).save(tmp_path)) == (
        "error: operator set 6 is too old: 7 is the oldest that is supported\n"
        "  --> tiny.onnx\n"
        "  hint: convert the model with onnx.version_converter.convert_version(model, 13)"
    )


def test_dynamic_size(tmp_path: Path) -> None:
    assert message(Tiny([op("Relu", "x")], {"x": ("N", 3, "height", 8)}).save(tmp_path)) == (
        "error: axis 2 ('height') has a dynamic size, but hardware needs a fixed one\n"
        "  --> tiny.onnx: input 'x'\n"
        "  hint: fix it: --shape height=N"
    )


def test_fixed_batch(tmp_path: Path) -> None:
    assert message(Tiny([op("Softmax", "x", axis=0, name="odd")], {"x": (8, 3, 4, 4)}).save(tmp_path)) == (
        "error: the batch (axis 0) is fixed to 8, but an accelerator takes one frame at a time, "
        "and Softmax 'odd' may mix frames\n"
        "  --> tiny.onnx: input 'x'\n"
        "  hint: export the model with a batch of 1 or with a dynamic batch"
    )


def test_graph_that_reads_what_nothing_computes(tmp_path: Path) -> None:
    assert message(Tiny([op("Relu", "lost", name="act")]).save(tmp_path)) == (
        "error: Relu 'act' reads 'lost', which nothing computes\n"
        "  --> tiny.onnx\n"
        "  hint: export the model again: its graph is not well formed"
    )


def test_output_that_nothing_computes(tmp_path: Path) -> None:
    assert message(Tiny([op("Relu", "x")], outputs=("z",)).save(tmp_path)) == (
        "error: nothing computes the output 'z'\n"
        "  --> tiny.onnx\n"
        "  hint: export the model again: its graph is not well formed"
    )


def test_constant_output(tmp_path: Path) -> None:
    case = Tiny([op("Relu", "x"), op("Relu", "c", to="z")], constants={"c": 1.0}, outputs=("y", "z"))
    assert message(case.save(tmp_path)) == (
        "error: output 'z' is a constant: it depends on no input\n"
        "  --> tiny.onnx\n"
        "  hint: remove it from the model's outputs"
    )


def test_all_problems_at_once_and_grouped(tmp_path: Path) -> None:
    nodes = [
        op("LRN", "x", to="a", size=3, name="norm1"),
        op("LRN", "a", to="b", size=3),
        op("LRN", "b", to="c", size=3),
        op("LRN", "c", to="d", size=3),
        op("LRN", "d", to="e", size=3),
        op("Blur", "e", to="f", name="blur", domain="acme"),
        op("Conv", "e", "w", to="g", name="conv"),
        op("Hardmax", "g"),
    ]
    case = Tiny(nodes, constants={"w": randoms(2, 4, 1, 1)}, outputs=("y", "f"))
    assert message(case.save(tmp_path)) == (
        "error: 7 of 8 nodes cannot be compiled:\n"
        "    norm1, LRN #1, LRN #2 and 2 more (LRN): normalisation across channels is not supported; "
        "use BatchNormalization instead\n"
        "    blur (Blur): an operator of domain 'acme' is not supported; export with standard ONNX operators\n"
        "    Hardmax #7 (Hardmax): the operator is not supported; replace it in the network by supported ones\n"
        "  --> tiny.onnx\n" + HINT
    )


NAN = np.array([1.0, np.nan, np.inf, 2.0])

SCATTERED = {"x": (1, 4), "z": (1, 2)}
REFUSALS: dict[str, tuple[Tiny, str]] = {
    "quantised": (
        Tiny([op("DynamicQuantizeLinear", "x", to=("y", "s", "z"), name="quantise")], outputs=("y",)),
        f"quantise (DynamicQuantizeLinear): its scale depends on the data; {CALIBRATE}",
    ),
    "nan": (
        Tiny([op("Add", "x", "bias")], {"x": (1, 4)}, {"bias": NAN}),
        "Add #0 (Add): the constant 'bias' holds 2 NaN or infinite values; check the training and export again",
    ),
    "conv_3d": (
        Tiny([op("Conv", "x", "w")], {"x": (1, 2, 4, 4, 4)}, {"w": randoms(2, 2, 1, 1, 1)}),
        "Conv #0 (Conv): expected a 1-D or 2-D convolution, not 3-D; only those are supported",
    ),
    "conv_dynamic": (
        Tiny([op("Conv", "x", "z")], {"x": (1, 2, 4, 4), "z": (1, 2, 3, 3)}),
        "Conv #0 (Conv): expected a constant weight, not an activation; only constant ones are supported",
    ),
    "conv_attribute": (
        Tiny([op("Conv", "x", "w", padding=1)], constants={"w": randoms(2, 4, 1, 1)}),
        (
            "Conv #0 (Conv): the node is not valid ONNX (Unrecognized attribute: padding for operator Conv); "
            "export the model again"
        ),
    ),
    "conv_padding": (
        Tiny([op("Conv", "x", "w", auto_pad="SAME")], constants={"w": randoms(2, 4, 1, 1)}),
        "Conv #0 (Conv): the padding 'SAME' is unknown; use SAME_UPPER, SAME_LOWER, VALID or explicit pads",
    ),
    "conv_dilation": (
        Tiny([op("Conv", "x", "w", dilations=[0, 1])], constants={"w": randoms(2, 4, 3, 3)}),
        (
            "Conv #0 (Conv): its shapes do not fit for one frame (Attribute dilations must only contain positive "
            "values); export with a batch of 1"
        ),
    ),
    "conv_transpose_3d": (
        Tiny([op("ConvTranspose", "x", "w", name="up")], {"x": (1, 4, 2, 2, 2)}, {"w": randoms(4, 2, 3, 3, 3)}),
        "up (ConvTranspose): expected a 1-D or 2-D convolution, not 3-D; only those are supported",
    ),
    "conv_transpose_larger_than_it_reaches": (
        Tiny(
            [op("ConvTranspose", "x", "w", auto_pad="SAME_UPPER", strides=[3, 3])], constants={"w": randoms(4, 2, 1, 1)}
        ),
        (
            "ConvTranspose #0 (ConvTranspose): expected a result no larger than the 16 pixels that its kernel reaches, "
            "not 18; give pads and output_padding"
        ),
    ),
    "conv_transpose_of_nothing": (
        Tiny([op("ConvTranspose", "x", "w", pads=[9, 9, 9, 9])], constants={"w": randoms(4, 2, 3, 3)}),
        "ConvTranspose #0 (ConvTranspose): expected a result of at least one pixel; make its padding smaller",
    ),
    "layer_norm_axis": (
        Tiny([op("LayerNormalization", "x", "s", axis=5)], {"x": (1, 3, 2)}, {"s": randoms(3, 2)}, opset=17),
        "LayerNormalization #0 (LayerNormalization): expected an axis of 3, not 5; check the exported model",
    ),
    "einsum_sizes": (
        Tiny([op("Einsum", "x", "c", equation="bij,jk->bik")], {"x": (1, 3, 4)}, {"c": randoms(1, 5)}),
        ("Einsum #0 (Einsum): expected one size of an axis of both operands, not 4 and 1; repeat the smaller operand"),
    ),
    "einsum_diagonal": (
        Tiny([op("Einsum", "x", "z", equation="bii,bij->bj")], {"x": (1, 3, 3), "z": (1, 3, 4)}),
        "Einsum #0 (Einsum): expected no diagonals, but 'bii,bij->bj' names an axis twice; take the diagonal elsewhere",
    ),
    "einsum_lonely_sum": (
        Tiny([op("Einsum", "x", "z", equation="bij,bik->bk")], {"x": (1, 3, 3), "z": (1, 3, 4)}),
        (
            "Einsum #0 (Einsum): expected sums over axes of both operands, not 'bij,bik->bk'; "
            "sum the others by a ReduceSum"
        ),
    ),
    "einsum_of_one": (
        Tiny([op("Einsum", "x", equation="bij->bji")], {"x": (1, 3, 4)}),
        "Einsum #0 (Einsum): expected two operands, not 1; write one Einsum for every two",
    ),
    "varies_over_pixels": (
        Tiny([op("PRelu", "x", "c")], constants={"c": randoms(4, 6, 5)}),
        (
            "PRelu #0 (PRelu): expected a constant that is the same for all pixels, not one of shape 4x6x5; "
            "make it a number or one value per channel"
        ),
    ),
    "enlarges": (
        Tiny([op("Add", "x", "c")], {"x": (1, 4)}, {"c": randoms(3, 4)}),
        "Add #0 (Add): expected a constant that does not enlarge its input; expand the input explicitly",
    ),
    "div_zero": (
        Tiny([op("Div", "x", "c")], {"x": (1, 4)}, {"c": 0.0}),
        "Div #0 (Div): the constant 'c' divides by zero; check the exported model",
    ),
    "clip_dynamic": (
        Tiny([op("Clip", "x", "z")], {"x": (1, 4), "z": (1,)}),
        "Clip #0 (Clip): expected a constant min; dynamic limits are not supported",
    ),
    "max_pool_indices": (
        Tiny([op("MaxPool", "x", to=["y", "z"], kernel_shape=[2, 2])], outputs=("y", "z")),
        "MaxPool #0 (MaxPool): expected only the first output of MaxPool to be used; remove the other from the model",
    ),
    "pool_vector": (
        Tiny([op("Flatten", "x", to="f"), op("GlobalMaxPool", "f")]),
        (
            "GlobalMaxPool #1 (GlobalMaxPool): expected an image of shape 1xCxHxW or 1xCxL, not 1x120; "
            "only 1-D and 2-D are supported"
        ),
    ),
    "reduce_nothing": (
        Tiny([op("ReduceSum", "x", noop_with_empty_axes=1)]),
        "ReduceSum #0 (ReduceSum): expected a reduction over at least one axis; remove the node",
    ),
    "pad_reflect_far": (
        Tiny([op("Pad", "x", pads=[0, 0, 1, 1, 0, 0, 1, 5], mode="reflect")], {"x": (1, 4, 6, 5)}, opset=10),
        "Pad #0 (Pad): expected a border of at most 4 on axis 3 in mode reflect, not 5; pad less, or in several steps",
    ),
    "gather_rows": (
        Tiny(
            [op("Relu", "x", to="r"), op("Gather", "r", "i", axis=2)],
            {"x": (1, 1, 99, 2)},
            {"i": np.arange(99) ** 2 % 99},
        ),
        (
            "Gather #1 (Gather): expected indices of axis 2 in at most 64 evenly spaced parts of one length; "
            "choose among the channels instead"
        ),
    ),
    "scatter_twice": (
        Tiny(
            [op("ScatterND", "x", "i", "z")], {"x": (1, 4), "z": (1, 2)}, {"i": np.array([[[0, 1], [0, 1]]])}, opset=16
        ),
        "ScatterND #0 (ScatterND): expected every place once; add the values instead",
    ),
    "scatter_here_and_there": (
        Tiny(
            [op("ScatterND", "x", "i", "z")], {"x": (1, 4), "z": (1, 2)}, {"i": np.array([[[0, 1], [0, 3]]])}, opset=16
        ),
        "ScatterND #0 (ScatterND): expected to replace a range of every axis; join the parts by a Concat",
    ),
    "normalisation_of_a_broken_square": (
        Tiny(
            [
                op("Pow", "x", to="q"),
                op("ReduceMean", "q", to="v", axes=[-1]),
                op("Add", "v", "tiny", to="e"),
                op("Sqrt", "e", to="s"),
                op("Div", "x", "s"),
            ],
            constants={"tiny": np.float32(1e-3)},
        ),
        (
            "Pow #0 (Pow): the node is not valid ONNX (Node with schema(::Pow:13) has input size 1 not in range "
            "[min=2, max=2].); export the model again"
        ),
    ),
    "resize_mode": (
        Tiny([op("Resize", "x", "", "s", mode="other")], constants={"s": [1.0, 1.0, 2.0, 2.0]}),
        "Resize #0 (Resize): expected a mode of nearest, linear, cubic, not 'other'; use one of them",
    ),
    "resize_corners_of_a_fraction": (
        Tiny(
            [op("Resize", "x", "", "s", mode="linear", coordinate_transformation_mode="align_corners")],
            constants={"s": np.array([1, 1, 0.6, 2], np.float32)},
        ),
        (
            "Resize #0 (Resize): expected a whole number of pixels, not 3.6: runtimes differ in align_corners of others"
            "; give its sizes"
        ),
    ),
    "resize_antialias": (
        Tiny([op("Resize", "x", "", "s", mode="linear", antialias=1)], constants={"s": [1.0, 1.0, 0.5, 0.5]}, opset=18),
        "Resize #0 (Resize): expected no antialias; use a pooling layer",
    ),
    "resize_to_nothing": (
        Tiny([op("Resize", "x", "", "s", mode="linear")], constants={"s": [1.0, 1.0, 0.1, 1.0]}),
        "Resize #0 (Resize): expected a result of at least one pixel; enlarge it, or give its sizes",
    ),
    "log_softmax_inside": (
        Tiny([op("LogSoftmax", "x", to="s", axis=1, name="attention"), op("Relu", "s")]),
        (
            "attention (LogSoftmax): expected right before an output, but Relu 'Relu #1' reads its result; "
            "only the host computes it: end the network before it"
        ),
    ),
    "softmax_flattens": (
        Tiny([op("Softmax", "x")], opset=11),
        (
            "Softmax #0 (Softmax): expected a single axis; before operator set 13 Softmax spans 120 values here; "
            "export with operator set 13 or newer"
        ),
    ),
    "softmax_inside_of_a_batch": (
        Tiny([op("Softmax", "x", axis=0, to="s"), op("Relu", "s")], {"x": (1, 4)}),
        "Softmax #0 (Softmax): expected an axis within the frame, not the batch; give the axis of the classes",
    ),
    "softmax_written_out_over_a_batch": (
        Tiny(
            [op("Exp", "x", to="e"), op("ReduceSum", "e", "a", to="s"), op("Div", "e", "s")],
            {"x": (1, 4)},
            {"a": np.array([0])},
        ),
        "Div #2 (Div): expected an axis within the frame, not the batch; give the axis of the classes",
    ),
    "softmax_inside_of_no_transposition": (
        Tiny(
            [
                op("Conv", "x", "w", to="c"),
                op("Reshape", "c", "s", to="r"),
                op("Softmax", "r", axis=1, to="m"),
                op("Relu", "m"),
            ],
            {"x": (1, 4, 6)},
            {"w": randoms(4, 4, 1), "s": np.array([1, 3, 8])},
        ),
        (
            "Softmax #2 (Softmax): the order of its input is no transposition, no flip and no exchange of channels; "
            "simplify the reshapes in front of it"
        ),
    ),
    "softmax_batch": (
        Tiny([op("Softmax", "x", axis=0)], {"x": (1, 4)}),
        "Softmax #0 (Softmax): expected an axis within the frame, not the batch; give the axis of the classes",
    ),
    "batch_norm_training": (
        Tiny(
            [op("BatchNormalization", "x", *"gbmv", to=["y", "n", "o"], training_mode=1)],
            constants=dict.fromkeys("gbmv", np.ones(4)),
            opset=15,
        ),
        (
            "BatchNormalization #0 (BatchNormalization): expected inference mode with one scale per channel; "
            "export the model in evaluation mode"
        ),
    ),
    "reshape_across": (
        Tiny(
            [op("Conv", "x", "w", to="c"), op("Reshape", "c", "s", to="r"), op("MaxPool", "r", kernel_shape=[2])],
            {"x": (1, 4, 6)},
            {"w": randoms(4, 4, 1), "s": np.array([1, 3, 8])},
        ),
        (
            "MaxPool #2 (MaxPool): the order of its input is no transposition, no flip and no exchange of channels; "
            "simplify the reshapes in front of it"
        ),
    ),
    "reshape_batch": (
        Tiny([op("Reshape", "x", "s")], {"x": ("N", 4)}, {"s": np.array([8, 4])}),
        "Reshape #0 (Reshape): expected 4 elements for one frame, not 8x4; export with a batch of 1",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name: str, tmp_path: Path) -> None:
    case, text = REFUSALS[name]
    assert refusal(case, tmp_path) == [text]


def test_a_layer_behind_a_refused_one_is_not_blamed(tmp_path: Path) -> None:
    nodes = [op("Hardmax", "x", to="a"), op("LRN", "a", to="b", size=3), op("Conv", "b", "w")]
    case = Tiny(nodes, constants={"w": randoms(2, 4, 1, 1)})
    assert [line.split(":")[0] for line in message(case.save(tmp_path)).splitlines()[1:3]] == [
        "    Hardmax #0 (Hardmax)",
        "    LRN #1 (LRN)",
    ]


def test_nodes_with_the_same_problem_are_one_line(tmp_path: Path) -> None:
    assert message(THIRDS.save(tmp_path)) == (
        "error: 2 of 5 nodes cannot be compiled:\n"
        "    most, last_most (Hardmax): the operator is not supported; replace it in the network by supported ones\n"
        "  --> tiny.onnx\n" + HINT
    )


def test_inspect_reports_every_node(tmp_path: Path) -> None:
    nodes = [
        op("Shape", "x", to="s"),
        op("Conv", "x", "w", "b", to="c", name="conv", pads=[1, 1, 1, 1]),
        op("Reshape", "c", "s", to="r"),
        op("Hardmax", "r"),
    ]
    path = Tiny(nodes, constants={"w": randoms(4, 4, 3, 3), "b": randoms(4)}).save(tmp_path)
    image = (1, 4, 6, 5)
    assert [(r.name, r.supported, r.macs, r.parameters, r.outputs) for r in inspect(path)] == [
        ("Shape #0", True, 0, 0, ((4,),)),
        ("conv", True, 6 * 5 * 4 * 4 * 9, 4 * 4 * 9 + 4, (image,)),
        ("Reshape #2", True, 0, 0, (image,)),
        ("Hardmax #3", False, 0, 0, (image,)),
    ]
    assert inspect(path)[3].reason == "the operator is not supported; replace it in the network by supported ones"
    assert inspect(path)[1].inputs == (image, (4, 4, 3, 3), (4,))


@pytest.mark.models
def test_inspect_counts_the_work_of_a_trained_network() -> None:
    reports = inspect(model_path("resnet8_float.onnx"))
    assert sum(r.macs for r in reports) == 12_501_632
    assert all(r.supported for r in reports)
