"""Who may be judged on the patients held out: a model that was grown on every patient has a twin beside it, grown by the same recipe without them."""

from pathlib import Path
from typing import Final

import msgspec

from scoring.models.metadata import Metadata

TWIN: Final = "twin"
"""The folder within a version's, and within a run's."""
TWIN_FILES: Final = ("model.onnx", "metadata.json", "guard.json")
"""What is needed to judge it; nobody is explained its scores."""


class NoTwin(Exception):
    """This model was grown on the patients held out, and no twin that never saw them lies beside it: nobody can be judged on them."""


def unseen_by(folder: Path) -> Path:
    """The folder of the model that never saw the hold-out: the version's own, or its twin's. Raises NoTwin, or FileNotFoundError where there is no model at all."""
    wanted = metadata_in(folder).twin
    if not wanted:
        return folder
    twin = folder / TWIN
    if not (twin / "metadata.json").exists():
        raise NoTwin(f"{folder.parent.name}/{folder.name} was grown on the patients held out, and its twin {wanted} is not beside it")
    found = metadata_in(twin)
    if found.version != wanted or found.twin:
        raise NoTwin(f"{folder.parent.name}/{folder.name} has {found.version} beside it, which is not its twin {wanted}")
    return twin


def metadata_in(folder: Path) -> Metadata:
    """What the model in this folder says of itself. Raises FileNotFoundError, or msgspec.ValidationError where it is no such file."""
    return msgspec.json.decode((folder / "metadata.json").read_bytes(), type=Metadata)
