"""`vigil evaluate`: a model over a data set, or a run's predictions for hospitals it never saw, hour by hour, judged as a safety board would."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np
import numpy.typing as npt

from alerts.policy_file import load
from alerts.rules import PolicyError, Rules
from infra.main.cli import NOT_THERE, Trouble
from infra.main.deployed import policy
from infra.main.held_out import judged_in
from infra.main.home import json_option
from scoring.evaluate.page import html
from scoring.evaluate.sepsis2019 import Abstains, Asked, Files, Predict, evaluate
from scoring.evaluate.unseen_hospitals import COLUMNS
from scoring.evaluate.unseen_hospitals import report as unseen_report
from scoring.guards import Guard, guard_of
from scoring.models.card import renew
from scoring.models.metadata import SHIPPED
from scoring.models.tasks import TASKS
from scoring.models.twin import metadata_in
from scoring.models.walk import fold
from streams.features import VERSION
from streams.replay.cinc2019 import NotACinc2019File, files

SEPSIS2019 = "sepsis2019"
STRESS = 400
"""Patients on whom spoilt stays are walked again: half of them with the event, where there are so many; about half a minute."""


@click.command()
@json_option
@click.option(
    "--task", type=click.Choice([SEPSIS2019, *TASKS]), required=True, help="sepsis2019: the served model; the others: a run on eICU."
)
@click.option(
    "--data", type=click.Path(exists=True, path_type=Path), required=True, help="CinC 2019, or the run folder of `vigil train --task`."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option(
    "--repository", type=click.Path(exists=True, file_okay=False, path_type=Path), default=SHIPPED, help="Another model repository."
)
@click.option("--policy", "policy_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Another alert policy.")
@click.option("--held-out", is_flag=True, help="Only the patients held out, judged by the model that never saw them.")
@click.option(
    "--stress", type=click.IntRange(min=0), default=STRESS, show_default=True, help="Patients for the missing-data stress; 0 for none."
)
@click.option("--card", is_flag=True, help="Renew the model's card with these figures; asks for --held-out.")
def command(
    task: str, data: Path, out: Path, repository: Path, policy_file: Path | None, held_out: bool, stress: int, card: bool, as_json: bool
) -> None:
    """Writes report.json and report.html, and of sepsis2019 P.psv for every patient file P.psv.

    The other tasks are judged on a run folder's predictions, each made by boosters that never saw its hospital; of the options they take --out alone.
    """
    if task != SEPSIS2019:
        if card or held_out or policy_file is not None:
            raise Trouble(
                f"--card, --held-out and --policy are of {SEPSIS2019}", "leave them out: every hospital of a run was held out once"
            )
        report = _unseen(data, task)
    else:
        report = _sepsis(data, out, repository, policy_file, held_out, stress, card)
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
    (out / "report.html").write_text(html(report))
    if card:
        renew(repository / "deterioration" / "1", report)
    click.echo(msgspec.json.format(msgspec.json.encode(report), indent=0 if as_json else 2).decode())


def _unseen(run: Path, task: str) -> dict[str, Any]:
    predictions, config = run / f"{task}.npz", run / "config.json"
    if not predictions.is_file() or not config.is_file():
        raise Trouble(f"{run} holds no predictions of {task}", f"make them: vigil train --task {task} --data DIR --out {run}")
    with np.load(predictions, allow_pickle=False) as columns:
        if missing := set(COLUMNS) - set(columns):
            raise Trouble(
                f"{predictions}: no {', '.join(sorted(missing))}: another version made it", f"run vigil train --task {task} again"
            )
        return unseen_report(dict(columns), task, json.loads(config.read_bytes()))


def _sepsis(data: Path, out: Path, repository: Path, policy_file: Path | None, held_out: bool, stress: int, card: bool) -> dict[str, Any]:
    served = repository / "deterioration" / "1"
    folder = judged_in(served) if held_out else served
    metadata = metadata_in(folder)
    if metadata.features != VERSION:
        raise Trouble("the model was trained on another feature list", "train it again: vigil train")
    if card and not held_out:
        raise Trouble("a card tells of patients nobody trained on", "add --held-out")
    out.mkdir(parents=True, exist_ok=True)
    asked = Asked(
        abstains=_abstains(guard_of(folder / "guard.json")),
        metadata=metadata, predict=_predict(folder / "model.onnx"), policy=policy(_rules(policy_file, metadata.threshold)),
        stress=stress, held_out=held_out, twin_of="" if folder == served else metadata_in(served).version, on_patient=_progress, say=_say,
    )  # fmt: skip
    try:
        report = evaluate(_chosen(data, held_out), asked, out)
    except NotACinc2019File as error:
        raise Trouble(f"{data}: {error}", "give a folder of CinC 2019 .psv files") from error
    if not report["patients"]:
        raise Trouble(f"no patient file under {data}", "give a folder of CinC 2019 .psv files")
    return report


def _chosen(data: Path, held_out: bool) -> Files:
    def chosen() -> Iterator[tuple[str, str]]:
        return (file for file in files(data) if not held_out or fold(file[0]) == "holdout")

    return chosen


def _rules(policy_file: Path | None, threshold: float) -> Rules:
    try:
        return load(policy_file, threshold).edition(datetime.now(UTC)).everywhere
    except PolicyError as error:
        wrong, _, remedy = str(error).partition("\n")
        raise Trouble(wrong, remedy) from error


def _predict(model: Path) -> Predict:
    try:
        import onnxruntime  # noqa: PLC0415 (an extra: running Vigil needs none of it)
    except ModuleNotFoundError as error:
        raise Trouble("evaluating needs onnxruntime", "install it: make setup-dev", NOT_THERE) from error
    alone = onnxruntime.SessionOptions()
    alone.intra_op_num_threads = alone.inter_op_num_threads = 1  # stays are walked beside it, on the other cores
    session = onnxruntime.InferenceSession(str(model), alone, providers=["CPUExecutionProvider"])

    def predict(matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        [answers] = session.run(["probability"], {"features": matrix})
        found: npt.NDArray[np.float32] = answers[:, 0]
        return found

    return predict


def _abstains(guard: Guard | None) -> Abstains:
    """Where the model's guard keeps it silent; nowhere without one."""
    if guard is None:
        return lambda matrix: np.zeros(len(matrix), np.bool_)
    return lambda matrix: np.array([why is not None for why in guard.check(matrix)], np.bool_)


def _progress(patients: int) -> None:
    stream = click.get_text_stream("stderr")
    if patients % 200 == 0 and stream.isatty():
        click.echo(f"\r{patients} patients", err=True, nl=False)


def _say(text: str) -> None:
    if click.get_text_stream("stderr").isatty():
        click.echo(text, err=True)
