"""`vigil train --model sequence`: the network that carries a patient's state, over every data set that is given."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.main.cli import NOT_THERE, Trouble
from streams.replay.cinc2012 import NotACinc2012File
from streams.replay.cinc2019 import NotACinc2019File
from streams.replay.eicu import NoEicuTables


def on_sets(paths: Mapping[str, Path], hashes: Mapping[str, str], out: Path, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Trains, or goes on where a run in this folder stopped; returns the metrics. `paths`, `hashes`: by the name of the data set."""
    try:
        from scoring.models.sequence.run import NotTheSame, train_sequence  # noqa: PLC0415 (an extra: running Vigil needs none of it)
        from scoring.models.sequence.sets import encoded  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise Trouble(f"training needs {error.name}", "install it: make setup-dev", exit_code=NOT_THERE) from error
    patients = []
    try:
        for source, path in paths.items():
            say(f"steps of {source}")
            patients += encoded(source, path, out / "steps", hashes[source])
    except (NotACinc2019File, NotACinc2012File, NoEicuTables) as error:
        raise Trouble(f"no such data: {error}", "give the folder that its README describes") from error
    try:
        return train_sequence(patients, out, seed=seed, data_sha256=hashes, say=say)
    except NotTheSame as error:
        raise Trouble(f"{out} holds another run: {error}", "give an empty folder") from error
