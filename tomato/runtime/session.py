"""One accelerator, wherever it is: arrays as the ONNX model takes them in, arrays as it gives them out."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .codec import Codec
from .device import Device, Registers
from .errors import HostError

Array = NDArray[Any]
Given = Mapping[str, object] | Sequence[object] | Array
NONE = -1
"""No sequence has begun, or nobody knows which."""
DEVICES = "sim, serial:PORT, pynq or xrt"
BITSTREAMS = {"pynq": "*.bit", "xrt": "*.xclbin"}


class Session:
    """The accelerator of a build folder, or of its folder host/ alone, on a device.

    device: "sim", Verilator with the whole shell; "serial:PORT", a board on a serial line; "pynq"; "xrt". bitstream:
    the file to load, if not the only one in the folder. `inputs` and `outputs` are names of the ONNX model. Raises
    HostError, here and wherever it is used.
    """

    def __init__(self, folder: str | Path, device: str = "sim", *, bitstream: str | Path | None = None) -> None:
        folder = Path(folder).resolve()
        self.folder = folder / "host" if (folder / "host" / "host.json").exists() else folder
        described = _read(self.folder / "host.json")
        with np.load(self.folder / "orders.npz") as orders:
            self._inputs = tuple(Codec.of(p, orders) for p in described["inputs"])
            self._outputs = tuple(Codec.of(p, orders) for p in described["outputs"])
        self._ends = _ends(self.folder, described)
        self._lasting: bool = described["sequence"]
        self._sequence, self._begun = 0, NONE
        self.inputs: tuple[str, ...] = tuple(described["whole"]["inputs"])
        self.outputs: tuple[str, ...] = tuple(described["whole"]["outputs"])
        self._device = _opened(device, self.folder, bitstream, lasting=self._lasting)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="accelerator")

    def run(self, x: Given, *, codes: bool = False) -> dict[str, Array]:
        """The model's outputs by name, for a batch of any size: an array, one per input in order, or by name.

        codes: integers as the chip gives them, before anything that the host does behind it. Where layers keep states
        from frame to frame, the frames follow those of the run before, see `restart`.
        """
        return self._run(x, self._sequence, codes=codes)

    def run_async(self, x: Given, *, codes: bool = False) -> "Future[dict[str, Array]]":
        """The same, while you go on; batches are run in the order in which they are given."""
        return self._worker.submit(self._run, x, self._sequence, codes=codes)

    def restart(self) -> None:
        """Begin a new sequence with the next run that is given: states are what they are at first.

        So does the first run, and the next one after an error of the device. Where no layer keeps a state from frame to
        frame, nothing changes.
        """
        self._sequence += 1

    def _run(self, x: Given, sequence: int, *, codes: bool) -> dict[str, Array]:
        given = self._named(x)
        taken = self._ends.enter(given) if self._ends else given
        frames = len(next(iter(taken.values())))
        if not frames:
            raise HostError("there are no frames", hint="the first axis counts them")
        packed = {c.pointer: c.encode(taken[c.name]) for c in self._inputs}
        if len({len(p) for p in packed.values()}) != 1:
            raise HostError("the inputs have different numbers of frames")
        restart, self._begun = self._lasting and self._begun != sequence, NONE
        got = self._device.exchange(frames, packed, restart=restart)
        self._begun = sequence
        results = {c.name: c.decode(c.arranged(got[c.pointer]), codes=codes) for c in self._outputs}
        if self._ends is None or codes:
            return results
        return self._ends.leave(given, results)

    def counters(self) -> Mapping[str, int]:
        """What the hardware counts: cycles a frame, latency, waits; see registers.json."""
        return self._device.counters()

    def close(self) -> None:
        """Wait for what runs, and give the device back."""
        self._worker.shutdown()
        self._device.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, what: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _named(self, x: Given) -> dict[str, Array]:
        if isinstance(x, Mapping):
            given = {str(k): np.asarray(v) for k, v in x.items()}
        else:
            arrays = [x] if isinstance(x, np.ndarray) else list(x)
            if len(arrays) != len(self.inputs):
                raise HostError(f"{len(arrays)} arrays given, but the inputs are {', '.join(self.inputs)}")
            given = {name: np.asarray(a) for name, a in zip(self.inputs, arrays, strict=True)}
        missing = [n for n in self.inputs if n not in given]
        if missing or len(given) != len(self.inputs):
            raise HostError(f"given are {', '.join(given) or 'no inputs'}, but the inputs are {', '.join(self.inputs)}")
        return given


class Ends:
    """The parts of the model in front of the chip and behind it, run by ONNX Runtime."""

    def __init__(self, folder: Path, described: Mapping[str, Any]) -> None:
        self.inputs, self.outputs = (tuple(described["whole"][side]) for side in ("inputs", "outputs"))
        self.chip = described["chip"]
        try:
            import onnxruntime
        except ImportError as reason:
            raise HostError(
                "the host runs a part of this model, for which ONNX Runtime is missing", hint="pip install onnxruntime"
            ) from reason
        self.parts = {
            name: onnxruntime.InferenceSession(str(folder / name), providers=["CPUExecutionProvider"])
            for name in described["ends"]
        }

    def enter(self, given: Mapping[str, Array]) -> dict[str, Array]:
        """What the chip takes."""
        wanted = [n for n in self.chip["inputs"] if n not in given]
        made = self._each("before.onnx", wanted, given) if wanted else {}
        return {n: made[n] if n in made else given[n] for n in self.chip["inputs"]}

    def leave(self, given: Mapping[str, Array], results: Mapping[str, Array]) -> dict[str, Array]:
        """The whole model's outputs."""
        known = {**given, **results}
        wanted = [n for n in self.outputs if n not in known]
        known |= self._each("after.onnx", wanted, known) if wanted else {}
        return {n: known[n] for n in self.outputs}

    def _each(self, part: str, names: Sequence[str], values: Mapping[str, Array]) -> dict[str, Array]:
        """Outputs of a part, frame by frame: it takes one."""
        session = self.parts[part]
        rows = []
        for i in range(len(next(iter(values.values())))):
            feed = {}
            for port in session.get_inputs():
                frame = values[port.name][i : i + 1]
                feed[port.name] = frame if frame.ndim == len(port.shape) else frame.reshape(frame.shape[1:])
            rows.append(session.run(list(names), feed))
        return {n: np.stack([_frame(np.asarray(r[k])) for r in rows]) for k, n in enumerate(names)}


def _frame(value: Array) -> Array:
    return np.asarray(value[0]) if value.ndim and value.shape[0] == 1 else value


def _ends(folder: Path, described: Mapping[str, Any]) -> Ends | None:
    return Ends(folder, described) if described["ends"] else None


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as reason:
        raise HostError(f"{path} does not exist", hint="give the folder that tomato compile wrote") from reason
    except ValueError as reason:
        raise HostError(f"{path} is damaged ({reason})", hint="compile again") from reason


def _opened(device: str, folder: Path, bitstream: str | Path | None, *, lasting: bool) -> Device:
    kind, _, port = device.partition(":")
    if kind == "serial":
        path = folder / "serial.json"
        if not path.exists():
            raise HostError("this board has no serial shell", hint=f"give {DEVICES}")
        from .serial_device import Serial

        return Serial(_read(path), folder, port)
    if kind not in ("sim", "pynq", "xrt") or port:
        raise HostError(f"there is no device {device!r}", hint=f"give {DEVICES}")
    path = folder / "registers.json"
    if not path.exists():
        raise HostError("this build has no AXI shell", hint="compile with --shell axi, or give --device serial:PORT")
    registers = Registers.of(_read(path))
    if kind == "sim":
        from .sim_device import Simulated

        return Simulated(registers, folder, lasting=lasting)
    if kind == "xrt":
        from .xrt_device import Xrt

        return Xrt(registers, folder, _bitstream(kind, folder, bitstream))
    from .pynq_device import Pynq

    made = Pynq(registers, folder, _bitstream(kind, folder, bitstream))
    made.open()
    return made


def _bitstream(kind: str, folder: Path, given: str | Path | None) -> Path:
    """The file to load: the one given, or the only one in host/ or board/."""
    if given is not None:
        if not Path(given).exists():
            raise HostError(f"{given} does not exist")
        return Path(given)
    pattern = BITSTREAMS[kind]
    found = sorted(folder.glob(pattern)) or sorted((folder.parent / "board").rglob(pattern))
    if len(found) != 1:
        said = "several" if found else "no"
        raise HostError(f"there are {said} files {pattern} in {folder}", hint="put it there, or give bitstream=")
    return found[0]
