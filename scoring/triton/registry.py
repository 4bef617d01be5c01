"""A Triton model repository as Vigil keeps it: versions are added sealed, and only those whose seal holds are laid out for the server."""

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from scoring.models.metadata import Metadata, versions
from scoring.models.sequence.carried import KEPT
from scoring.models.sequence.metadata import is_sequence, sequence_metadata
from scoring.models.sequence.step import CODES, CONTEXT
from scoring.models.sequence.step import VERSION as STEP_VERSION
from scoring.models.twin import TWIN, TWIN_FILES
from scoring.triton import seal
from scoring.triton.seal import Manifest, Refused
from streams.features import VERSION as FEATURES_VERSION

RUN_FILES: Final = (
    "model.onnx", "metadata.json", "metrics.json", "guard.json", "trees.npz", "weights.npz", "calibration.json",
    *(f"{TWIN}/{name}" for name in TWIN_FILES), *sorted(seal.PAPERS),
)  # fmt: skip
"""What of a training run's folder goes into a version; the first two must be there."""
BACKEND: Final = Path(str(files("scoring"))) / "triton" / "onnx_backend.py"
"""The python backend's model file, the same for every version on a CPU."""

CPU: Final = """# The {name} model on a CPU: Triton's python backend runs the ONNX file. {elsewhere}
name: "{name}"
backend: "python"
max_batch_size: 0
input [ {inputs} ]
output [ {outputs} ]
instance_group [ {{ kind: KIND_CPU, count: 1 }} ]
version_policy {{ specific {{ versions: [ {versions} ] }} }}
model_warmup [ {{ name: "a ward", batch_size: 0, count: 2, {warmed} }} ]
"""
GPU: Final = """# The {name} model on a GPU, by the stock Triton image's ONNX Runtime backend: same name, same inputs, same outputs, same warm-up.
# Put it in the place of ../../repository/{name}/config.pbtxt, and let `vigil model check` pass first: this backend reads no seal.
# ONNX Runtime has trees (ai.onnx.ml) on the CPU alone; CUDA and TensorRT take what else is in a graph, such as the sequence model.
# Written from Triton's documentation; it has NOT been run on a GPU.
name: "{name}"
backend: "onnxruntime"
max_batch_size: 0
input [ {inputs} ]
output [ {outputs} ]
instance_group [ {{ kind: KIND_GPU, count: 1 }} ]
version_policy {{ specific {{ versions: [ {versions} ] }} }}
optimization {{ execution_accelerators {{ gpu_execution_accelerator [ {{ name: "tensorrt", parameters {{ key: "precision_mode", value: "FP32" }} }} ] }} }}
model_warmup [ {{ name: "a ward", batch_size: 0, count: 2, {warmed} }} ]
"""
"""FP32, since half precision would not hold the parity of 1e-5."""


TENSOR: Final = '{{ name: "{name}", data_type: TYPE_FP32, dims: [ -1, {size} ] }}'
WARMED: Final = 'inputs {{ key: "{name}", value: {{ data_type: TYPE_FP32, dims: [ 32, {size} ], zero_data: true }} }}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What goes in and what comes out, each a matrix with a row a patient: how many columns, by name."""

    inputs: Mapping[str, int]
    outputs: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One version in a repository: its manifest, or why it may not serve."""

    model: str
    number: str
    manifest: Manifest | None
    refused: Refused | None


def configuration(name: str, shape: Shape, numbers: Sequence[str], *, gpu: bool = False) -> str:
    """`config.pbtxt` for these versions side by side."""
    inputs, outputs = (
        ", ".join(TENSOR.format(name=one, size=size) for one, size in part.items()) for part in (shape.inputs, shape.outputs)
    )
    warmed = " ".join(WARMED.format(name=one, size=size) for one, size in shape.inputs.items())
    elsewhere = "The same contract for ONNX Runtime on a GPU: ../../gpu/."
    text = GPU if gpu else CPU
    return text.format(name=name, inputs=inputs, outputs=outputs, warmed=warmed, versions=", ".join(numbers), elsewhere=elsewhere)


def shape_of(folder: Path) -> Shape:
    """Of the model in a version's folder, by its metadata. Raises FileNotFoundError, msgspec.DecodeError."""
    if not is_sequence(folder):
        metadata = msgspec.json.decode((folder / "metadata.json").read_bytes(), type=Metadata)
        return Shape(inputs={"features": len(metadata.feature_names)}, outputs={"probability": 1})
    told = sequence_metadata(folder)
    state = told.hidden + 1 + KEPT * len(CODES)
    return Shape(
        inputs={"state": state, "values": len(CODES), "context": len(CONTEXT)},
        outputs={"next_state": state, "risks": len(told.tasks) * len(told.horizons_h), "worth": 1},
    )


class Named(NamedTuple):
    """What a training run made. `schema`: the list it was trained on."""

    name: str
    version: str
    schema: str


def schemas() -> frozenset[str]:
    """The lists that the bedside has today: of features, and of a step's quantities. A model of another list may not serve."""
    return frozenset({FEATURES_VERSION, STEP_VERSION})


def held(repository: Path, features: str | Collection[str] = "") -> list[Held]:
    """Every version of every model, checked."""
    found: list[Held] = []
    for folder in sorted(one for one in repository.iterdir() if (one / "config.pbtxt").exists()) if repository.is_dir() else ():
        for number in versions(repository, folder.name):
            try:
                found.append(Held(model=folder.name, number=number, manifest=seal.checked(folder / number, features), refused=None))
            except Refused as refused:
                found.append(Held(model=folder.name, number=number, manifest=None, refused=refused))
    return found


def add(run: Path, repository: Path, number: str = "") -> Manifest:
    """Lays a training run's files down as a version, with the backend's file and its seal; an existing number is replaced as a whole.

    Raises FileNotFoundError where the run lacks its model or metadata, msgspec.ValidationError where that is none.
    """
    metadata = _of_run(run)
    model = repository / metadata.name
    chosen = number or str(int((versions(repository, metadata.name) or ["0"])[-1]) + 1)
    fresh = model / f".{chosen}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name in RUN_FILES:
        if (run / name).exists() or name in RUN_FILES[:2]:
            (fresh / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(run / name, fresh / name)
    shutil.copyfile(BACKEND, fresh / "model.py")
    manifest = seal.seal(fresh, model=metadata.name, version=metadata.version, features=metadata.schema)
    shutil.rmtree(model / chosen, ignore_errors=True)
    fresh.rename(model / chosen)
    write_configuration(repository, metadata.name)
    return manifest


def _of_run(run: Path) -> Named:
    if is_sequence(run):
        network = sequence_metadata(run)
        return Named(network.name, network.version, network.step)
    trees = msgspec.json.decode((run / "metadata.json").read_bytes(), type=Metadata)
    return Named(trees.name, trees.version, trees.features)


def write_configuration(repository: Path, model: str) -> None:
    """`config.pbtxt` for every version there is, and the GPU's in the folder `gpu` beside the repository where there is one."""
    numbers = versions(repository, model)
    shape = shape_of(repository / model / numbers[-1])
    for folder, gpu in ((repository, False), (repository.parent / "gpu", True)):
        if not gpu or folder.is_dir():
            (folder / model).mkdir(exist_ok=True)
            (folder / model / "config.pbtxt").write_text(configuration(model, shape, numbers, gpu=gpu))


def lay_out(repository: Path, served: Path, leave_out: Collection[str] = (), features: str | Collection[str] = "") -> list[Held]:
    """Copies what may serve to where the server looks; whatever lay there goes. Returns every version with its seal or why it is not there.

    Copies, so that what is altered afterwards does not serve either. `leave_out`: `model/number` of what was unloaded.
    """
    found = held(repository, features)
    fresh = served.with_name(f".{served.name}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for model in dict.fromkeys(one.model for one in found):
        numbers = [one.number for one in found if one.model == model and one.refused is None and f"{model}/{one.number}" not in leave_out]
        for number in numbers:
            shutil.copytree(repository / model / number, fresh / model / number)
        if numbers:
            text = (repository / model / "config.pbtxt").read_text()
            (fresh / model / "config.pbtxt").write_text(with_versions(text, numbers))
    shutil.rmtree(served, ignore_errors=True)
    fresh.rename(served)
    return found


def with_versions(configuration: str, numbers: Sequence[str]) -> str:
    """The same configuration for these versions alone.

    >>> with_versions('name: "m"\\nversion_policy { all {} }\\n', ["1", "3"])
    'name: "m"\\nversion_policy { specific { versions: [ 1, 3 ] } }\\n'
    """
    lines = [line for line in configuration.splitlines() if not line.startswith("version_policy")]
    return "\n".join([*lines, f"version_policy {{ specific {{ versions: [ {', '.join(numbers)} ] }} }}"]) + "\n"
