"""What a sequence model says of itself, in `metadata.json` beside its weights."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct


class SequenceMetadata(Struct, frozen=True, kw_only=True):
    """`step`: names the lists of values and context it was trained on. `hidden`: numbers the network itself carries. `learned`: the tasks that its
    data had labels for; of the others its heads learned nothing, and are not told. `worth_it`: where an alarm's expected gain is 0.
    """

    name: str
    version: str
    step: str
    hidden: int
    tasks: tuple[str, ...]
    learned: tuple[str, ...]
    horizons_h: tuple[float, ...]
    worth_it: float
    seed: int
    data_sha256: Mapping[str, str]


def sequence_metadata(folder: Path) -> SequenceMetadata:
    """Of one version's folder. Raises FileNotFoundError, or msgspec.ValidationError where it is no sequence model's."""
    return msgspec.json.decode((folder / "metadata.json").read_bytes(), type=SequenceMetadata)


def is_sequence(folder: Path) -> bool:
    """Whether a folder holds a sequence model's metadata, by the one thing only it has. Raises FileNotFoundError, msgspec.DecodeError."""
    return "step" in msgspec.json.decode((folder / "metadata.json").read_bytes(), type=dict[str, msgspec.Raw])
