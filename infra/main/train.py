"""`vigil train`: makes the deterioration model again from scratch and tells its honest figures."""

import json
import pickle
import sys
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any

import click
import numpy as np

from infra.main.cli import NOT_THERE, Trouble
from infra.main.home import json_option
from infra.main.train_sequence import on_sets
from scoring.models.data_hash import data_hash
from scoring.models.tasks import SEPSIS, TASKS
from scoring.models.walk import Walked, walk_all
from streams.features import VERSION
from streams.replay.cinc2012 import NotACinc2012File
from streams.replay.cinc2019 import files
from streams.replay.eicu import NoEicuTables


def say(text: str) -> None:
    """Progress, on stderr."""
    click.echo(text, err=True)


@click.command()
@json_option
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="CinC 2019: a folder of .psv, or the .tar.gz, or the folder it lies in.",
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The run folder.")
@click.option("--seed", type=int, default=20190, show_default=True)
@click.option(
    "--task",
    type=click.Choice([SEPSIS, *TASKS]),
    default=SEPSIS,
    show_default=True,
    help="sepsis: on CinC 2019; the others: on the eICU demo.",
)
@click.option(
    "--model",
    type=click.Choice(["trees", "sequence"]),
    default="trees",
    show_default=True,
    help="The served trees, or the network beside them.",
)
@click.option("--also", type=click.Path(exists=True, path_type=Path), help="CinC 2012: beside eICU for death and aki, and for the network.")
@click.option("--eicu", type=click.Path(exists=True, path_type=Path), help="The eICU demo's hourly tables, for the network.")
def command(data: Path, out: Path, seed: int, task: str, model: str, also: Path | None, eicu: Path | None, as_json: bool) -> None:
    """Trains on CinC 2019: first a twin without the patients held out, which is judged on them, then the model that is served, on all; writes model.onnx,
    twin/, metadata.json, metrics.json and card.md into the run folder.

    Another --task is judged on eICU by cross-validation over hospitals, beside NEWS2 and with each kind of input left out: config.json, metrics.json.
    """
    if model == "sequence":
        paths = {name: path for name, path in (("cinc2019", data), ("cinc2012", also), ("eicu", eicu)) if path is not None}
        found = on_sets(paths, {name: data_hash(path) for name, path in paths.items()}, out, seed, say)
        click.echo(json.dumps(found, indent=None if as_json else 2))
        return
    if task != SEPSIS:
        click.echo(json.dumps(on_eicu(data, out, task, seed, also), indent=None if as_json else 2))
        return
    try:
        from scoring.models.run import write_run  # noqa: PLC0415 (an extra: running Vigil needs none of it)
    except ModuleNotFoundError as error:
        raise Trouble(f"training needs {error.name}", "install it: make setup-dev", exit_code=NOT_THERE) from error
    out.mkdir(parents=True, exist_ok=True)
    patients = walked(data, out)
    metrics = write_run(patients, out, seed, data_hash(data), say)
    click.echo(json.dumps(metrics, indent=None if as_json else 2))


def on_eicu(data: Path, out: Path, task: str, seed: int, also: Path | None) -> dict[str, Any]:
    """Metrics of one task on the eICU demo."""
    try:
        from scoring.models import eicu_run  # noqa: PLC0415 (an extra: running Vigil needs none of it)
    except ModuleNotFoundError as error:
        raise Trouble(f"training needs {error.name}", "install it: make setup-dev", exit_code=NOT_THERE) from error
    try:
        return eicu_run.write_run(data, out, [task], seed, say, help_from=also)
    except (NoEicuTables, NotACinc2012File) as error:
        raise Trouble(f"no such data: {error}", "give the folder that its README describes") from error


def walked(data: Path, out: Path) -> list[Walked]:
    """Every patient's features, from the run folder's cache where the data and the feature list are the same."""
    key = blake2b(f"{data_hash(data)}{VERSION}".encode(), digest_size=8).hexdigest()
    cache = out / f"features-{key}.pickle"
    if cache.exists():
        say(f"features from {cache}")
        cached: list[Walked] = pickle.loads(cache.read_bytes())  # noqa: S301 (a cache that this command wrote itself)
        return cached
    began, rows, patients = time.monotonic(), 0, []
    for one in walk_all(files(data)):
        patients.append(one)
        rows += len(one.labels)
        if sys.stderr.isatty() and len(patients) % 200 == 0:
            click.echo(f"\rwalking: {len(patients)} patients, {rows} hours", err=True, nl=False)
    if not patients:
        raise Trouble(f"no patient file under {data}", "give the folder that holds the .psv files or their .tar.gz")
    say(
        f"\rwalked {len(patients)} patients, {rows} hours in {time.monotonic() - began:.0f} s; {np.mean([p.labels.max() for p in patients]):.3f} septic"
    )
    cache.write_bytes(pickle.dumps(patients))
    return patients
