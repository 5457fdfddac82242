"""Layers as people read them."""

from typing import Any

from tomato.build.rows import merged


def layer(name: str, reads: str, *, op: str = "dense", cycles: int = 4) -> dict[str, Any]:
    told = {"onnx": [f"/{name}"], "output": f"type of {name}", "ends": cycles, "resources": {"lut": 1}}
    return {"name": name, "op": op, "reads": [reads], "cycles": cycles, **told}


def test_a_requantisation_is_part_of_its_layer_wherever_it_stands() -> None:
    layers = [layer("a", "x"), layer("b", "x"), layer("a_q", "a", op="requant", cycles=9), layer("c", "a_q")]
    rows = merged(layers)
    assert [(r["name"], r["gives"]) for r in rows] == [("a", "a_q"), ("b", "b"), ("c", "c")]
    assert rows[0] | {"gives": ""} == {**layers[0], "gives": "", "cycles": 9, "ends": 9, "output": "type of a_q",
                                       "onnx": ["/a", "/a_q"], "resources": {"lut": 2}}  # fmt: skip


def test_what_only_has_the_name_of_one_is_a_layer() -> None:
    assert len(merged([layer("a", "x"), layer("a_q", "a")])) == 2
    assert len(merged([layer("a", "x"), layer("a_q", "x", op="requant")])) == 2
    assert len(merged([layer("a_q", "x", op="requant")])) == 1
