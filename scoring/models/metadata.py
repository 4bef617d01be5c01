"""What a served model says of itself: its version, the features it was trained on, and its threshold."""

from importlib.resources import files
from pathlib import Path

import msgspec
from msgspec import Struct

SHIPPED = Path(str(files("scoring"))) / "triton" / "repository"
"""The model repository that comes with Vigil."""


class Metadata(Struct, frozen=True, kw_only=True):
    """`threshold`: the probability from which the policy pages; `utility_threshold`: where the challenge's utility was highest on validation."""

    name: str
    version: str
    features: str
    feature_names: tuple[str, ...]
    threshold: float
    utility_threshold: float
    seed: int
    data_sha256: str


def metadata_of(repository: Path, model: str) -> Metadata:
    """Reads `metadata.json` in the model's folder. Raises FileNotFoundError, or msgspec.ValidationError where it is no such file."""
    return msgspec.json.decode((repository / model / "metadata.json").read_bytes(), type=Metadata)
