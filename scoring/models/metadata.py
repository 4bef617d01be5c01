"""What a served model says of itself: its version, the features it was trained on, and its threshold."""

from importlib.resources import files
from pathlib import Path

import msgspec
from msgspec import Struct

SHIPPED = Path(str(files("scoring"))) / "triton" / "repository"
"""The model repository that comes with Vigil."""


class Metadata(Struct, frozen=True, kw_only=True):
    """`threshold`: the probability from which the policy pages; `utility_threshold`: where the challenge's utility was highest on patients the members
    never saw. `twin`: the version that was grown without the hold-out to be judged there (`scoring.models.twin`); empty where this one itself was."""

    name: str
    version: str
    features: str
    feature_names: tuple[str, ...]
    threshold: float
    utility_threshold: float
    seed: int
    data_sha256: str
    twin: str = ""


def versions(repository: Path, model: str) -> list[str]:
    """The numbers of a model's folders in a Triton model repository, the oldest first."""
    folder = repository / model
    return sorted((one.name for one in folder.iterdir() if one.is_dir() and one.name.isdecimal()), key=int) if folder.is_dir() else []


def metadata_of(repository: Path, model: str, number: str = "") -> Metadata:
    """Reads `metadata.json` of one version's folder, without a number of the oldest. Raises FileNotFoundError, or msgspec.ValidationError where it is no such file."""
    chosen = number or next(iter(versions(repository, model)), "1")
    return msgspec.json.decode((repository / model / chosen / "metadata.json").read_bytes(), type=Metadata)
