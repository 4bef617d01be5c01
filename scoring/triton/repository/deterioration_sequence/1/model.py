"""Triton's python backend for an ONNX file that lies beside it: features in, probabilities out, one thread; an altered file is not opened."""

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """What the python backend loads; the names are the backend's."""

    def initialize(self, args: dict[str, str]) -> None:
        """Opens the model; refuses one that its manifest does not name, and numpy 2, with which this backend silently answers nothing."""
        if int(np.__version__.split(".")[0]) > 1:
            raise pb_utils.TritonModelException(f"numpy {np.__version__}: this backend needs numpy 1")
        folder = Path(args["model_repository"]) / args["model_version"]
        content = (folder / "model.onnx").read_bytes()
        if sha256(content).hexdigest() != json.loads((folder / "manifest.json").read_text())["files"]["model.onnx"]:
            raise pb_utils.TritonModelException("model.onnx is not what was sealed: it is not served")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.inputs = [one["name"] for one in json.loads(args["model_config"])["input"]]
        self.outputs = [one["name"] for one in json.loads(args["model_config"])["output"]]

    def execute(self, requests: list["pb_utils.InferenceRequest"]) -> list["pb_utils.InferenceResponse"]:
        """One run for each request; a request is a batch already."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: "pb_utils.InferenceRequest") -> "pb_utils.InferenceResponse":
        given = {name: pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self.inputs}
        answers = self.session.run(self.outputs, given)
        return pb_utils.InferenceResponse([pb_utils.Tensor(name, answer) for name, answer in zip(self.outputs, answers, strict=True)])
