"""The exported step in an ONNX Runtime session of this process: for evaluation, replay and the parity test; the bedside asks Triton instead."""

from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from scoring.models.sequence.carried import KEPT
from scoring.models.sequence.step import CODES, VERSION

Floats = npt.NDArray[np.float32]


class NotASequenceModel(ValueError):
    """The file is no model of this step's quantities."""


class Session:
    """A `Cell` over a file. Raises NotASequenceModel."""

    def __init__(self, path: Path) -> None:
        content = path.read_bytes()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        shapes = {one.name: one.shape[-1] for one in self._session.get_inputs()}
        if shapes.get("values") != len(CODES) or "state" not in shapes:
            raise NotASequenceModel(path.name)
        self.version = version_of(content)
        self.hidden: int = shapes["state"] - 1 - KEPT * len(CODES)

    def step(self, state: Floats, values: Floats, context: Floats) -> tuple[Floats, Floats, Floats]:
        """One step of N patients."""
        found = self._session.run(["next_state", "risks", "worth"], {"state": state, "values": values, "context": context})
        return found[0], found[1], found[2]


def version_of(content: bytes) -> str:
    """The step's lists and the model's own content: the same training gives the same version, another model never does."""
    return f"{VERSION}-{blake2b(content, digest_size=4).hexdigest()}"
