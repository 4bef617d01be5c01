"""The model that commands judge on the patients held out: one that never saw them, or two lines on stderr."""

from pathlib import Path

from infra.main.cli import Trouble
from scoring.models.twin import NoTwin, unseen_by


def judged_in(served: Path) -> Path:
    """The folder of the served version, where it never saw them, or of its twin. Raises Trouble."""
    try:
        return unseen_by(served)
    except NoTwin as error:
        raise Trouble(str(error), "train it again, and add it: vigil train, vigil model add") from error
