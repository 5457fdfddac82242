"""What is known of a design before any simulation."""

import json
from math import ceil

from tests import digits
from tests.networks.codenets import interval_of
from tomato.build.report import shares
from tomato.lower import lower
from tomato.targets import Resources


def test_sums_agree_with_their_parts() -> None:
    acc = digits.compiled()
    report = acc.report
    parts = [layer["resources"] for layer in report["layers"]] + [report["between_layers"]]
    assert report["resources"] == {k: sum(p[k] for p in parts) for k in report["resources"]}
    assert report["macs"] == 533_824
    assert report["fps"] == report["clock_mhz"] * 1e6 / report["interval_cycles"]
    assert report["interval_cycles"] == interval_of(acc.graph, acc.plan, acc.target)
    assert report["interval_cycles"] >= max(layer["cycles"] for layer in report["layers"])
    assert Resources(**report["resources"]).fits(acc.target.usable)


def test_layers_speak_of_the_model() -> None:
    layers = {layer["name"]: layer for layer in digits.compiled().report["layers"]}
    stem = layers["stem_stem_0_Conv"]
    assert stem["onnx"] == ["/stem/stem.0/Conv"]
    assert (stem["weight_format"], stem["activation_format"]) == ("s8", "u8")
    assert stem["macs"] == 8 * 8 * 9 * 16
    assert stem["weight_bits"] == 9 * 16 * 8
    assert report_is_plain(digits.compiled().report)


def test_fifos_hold_the_beats_that_the_plan_has() -> None:
    acc = digits.compiled()
    parts = {part.name: part for part in lower(acc.graph, acc.plan, acc.target).netlist.instances}
    queues = {name: parts[f"fifo_{name.replace('.', '_')}"] for name in acc.plan.fifos}
    assert len({queue.params["Width"] for queue in queues.values()}) > 1
    bits = sum(int(queue.params["Width"]) * acc.plan.fifos[name] for name, queue in queues.items())
    assert acc.report["fifo_bytes"] == ceil(bits / 8)


def report_is_plain(report: object) -> bool:
    return bool(json.loads(json.dumps(report)) == report)


def test_shares_leave_out_what_the_target_lacks() -> None:
    assert shares({"lut": 5, "uram": 0}, {"lut": 10, "uram": 0}) == {"lut": 0.5}
