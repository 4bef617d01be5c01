"""The exported step in an ONNX Runtime session of this process: for evaluation and the parity test; the bedside asks Triton instead."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf

from scoring.models.sequence.carried import KEPT
from scoring.models.sequence.step import CODES, VERSION
from scoring.models.sequence.whole import version_of

Floats = npt.NDArray[np.float32]


class NotASequenceModel(ValueError):
    """The file is no model, or one of other quantities than a step's today, or of the same in another order."""


class Session:
    """A `Cell` over a file. Raises NotASequenceModel."""

    def __init__(self, path: Path) -> None:
        content = path.read_bytes()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf) as error:
            raise NotASequenceModel(f"{path.name} cannot be read") from error
        if self._session.get_modelmeta().custom_metadata_map.get("step") != VERSION:
            raise NotASequenceModel(f"{path.name} was not trained on the steps of this version ({VERSION})")
        shapes = {one.name: one.shape[-1] for one in self._session.get_inputs()}
        self.version = version_of(content)
        self.hidden: int = shapes["state"] - 1 - KEPT * len(CODES)

    def step(self, state: Floats, values: Floats, context: Floats) -> tuple[Floats, Floats, Floats]:
        """One step of N patients."""
        found = self._session.run(["next_state", "risks", "worth"], {"state": state, "values": values, "context": context})
        return found[0], found[1], found[2]
