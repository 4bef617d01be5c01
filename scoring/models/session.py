"""The exported model run within this process, without Triton: for looking back over many patients."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from scoring.models.metadata import Metadata


class Session:
    """`scoring.bedside.Model` over an ONNX file. One thread: whoever wants more runs several processes. Raises ModuleNotFoundError without onnxruntime."""

    def __init__(self, file: Path, metadata: Metadata) -> None:
        import onnxruntime  # noqa: PLC0415 (an extra: running Vigil needs none of it)

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.name, self.version = metadata.name, metadata.version
        self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(N, F) to (N,) in 0..1."""
        [answers] = self._session.run(["probability"], {"features": matrix})
        found: npt.NDArray[np.float32] = answers[:, 0]
        return found
