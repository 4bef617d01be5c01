"""`vigil policy simulate`: what a policy would have done to patients of the past, beside NEWS2's usual thresholds; chooses thresholds for a budget of pages."""

import os
import sys
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from alerts.policy_file import load
from alerts.rules import Policy, PolicyError
from alerts.simulate.page import COLUMNS, cell, html
from alerts.simulate.report import Patients, report
from alerts.simulate.tracks import Track, Walker, walk_all
from infra.main.cli import NOT_THERE, Trouble
from infra.main.held_out import judged_in
from infra.main.home import home_option, json_option, settings_of
from scoring.models.metadata import Metadata
from scoring.models.twin import metadata_in
from scoring.models.walk import fold
from scoring.served import as_shipped, repository_of
from scoring.watched import WATCHED
from streams.features import VERSION
from streams.replay.cinc2019 import NotACinc2019File, files


class Budget(click.ParamType):
    """Pages per patients and day, such as 1/35/day."""

    name = "PAGES/PATIENTS/day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Pages a day per 35 patients."""
        if isinstance(value, float):
            return value
        try:
            pages, patients, day = str(value).split("/")
            found = float(pages) / float(patients) * 35.0
        except (ValueError, ZeroDivisionError):
            day, found = "", 0.0
        if day != "day" or not 0 < found < 35.0 * 24:
            self.fail(f"{value} is no budget: write it like 1/35/day", param, ctx)
        return found


@click.command("simulate")
@home_option
@json_option
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="A folder of .psv files, or of their .tar.gz.")
@click.option("--source", type=click.Choice(["cinc2019"]), default="cinc2019", show_default=True)
@click.option("--policy", "file", type=click.Path(exists=True, path_type=Path), help="Another policy than the one in use.")
@click.option("--budget", type=Budget(), help="Chooses thresholds that keep within it, on other patients than the report's.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many patients.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Writes report.json and report.html there.")
def command(
    home: Path, as_json: bool, data: Path, source: str, file: Path | None, budget: float | None, limit: int | None, out: Path | None
) -> None:
    """Walks patients through the bedside's scores and the policy's episodes: those held out, scored by the model's twin that never saw them. Thresholds
    are chosen on half of them, the report is of the other half."""
    settings = settings_of(home)
    folder = judged_in(repository_of(settings.triton) / settings.triton.model / as_shipped(settings.triton).served)
    metadata = metadata_in(folder)
    if metadata.features != VERSION:
        raise Trouble("the model was trained on another feature list", "train it again: vigil train")
    policy = _policy(file or (Path(settings.page.policy) if settings.page.policy else None), metadata)
    walker = Walker(folder=folder, watched=tuple(sorted(policy.scores & WATCHED)))
    patients = _patients(_walked(data, walker, limit))
    found = report(policy, metadata.name, patients, budget, metadata.seed, _say)
    found = {"source": source, "model": metadata.version, "policy": policy.editions[-1].version} | found
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1))
        (out / "report.html").write_text(html(found))
    click.echo(msgspec.json.encode(found).decode() if as_json else "\n".join(_table(found)))


def _policy(file: Path | None, metadata: Metadata) -> Policy:
    try:
        return load(file, metadata.threshold, metadata.name)
    except PolicyError as error:
        wrong, _, remedy = str(error).partition("\n")
        raise Trouble(wrong, remedy) from error


def _patients(tracks: Sequence[Track]) -> Patients:
    parts = {name: [track for track in tracks if half(track.patient_id) == name and track.times] for name in ("choose", "report")}
    if not all(parts.values()):
        raise Trouble("too few patients: of those to choose on or those to report on there is none", "give more data, or a higher --limit")
    return Patients(chosen_on=parts["choose"], reported_on=parts["report"])


def half(patient_id: str) -> Literal["choose", "report"]:
    """Which half of the held-out patients a patient belongs to, by the id alone: thresholds chosen on whom the model was trained on would be too low.

    >>> [half(f"p{number}") for number in range(4)]
    ['choose', 'choose', 'choose', 'report']
    """
    return "choose" if blake2b(f"policy/{patient_id}".encode(), digest_size=1).digest()[0] % 2 else "report"


def _walked(data: Path, walker: Walker, limit: int | None) -> list[Track]:
    """Only the held-out patients are walked: the others say nothing of a policy."""
    wanted: Iterator[tuple[str, str]] = (one for one in files(data) if fold(one[0]) == "holdout")
    tracks: list[Track] = []
    try:
        for track in walk_all(islice(wanted, limit), walker, workers=os.cpu_count() or 2):
            tracks.append(track)
            if sys.stderr.isatty() and len(tracks) % 50 == 0:
                click.echo(f"\rwalking: {len(tracks)} patients", err=True, nl=False)
    except NotACinc2019File as error:
        raise Trouble(f"{data}: {error}", "give a folder of CinC 2019 .psv files") from error
    except ModuleNotFoundError as error:
        raise Trouble(f"simulating needs {error.name}", "install it: make setup-dev", NOT_THERE) from error
    _say(f"walked {len(tracks)} patients")
    return tracks


def _say(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{text}", err=True)


def _table(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['patients']['reported_on']} patients, {found['patient_days']:g} patient-days, {found['events']} events; policy {found['policy']}"
    yield f"{'':56}" + "".join(f"{says:>30}" for _, says in COLUMNS)
    for one in found["policies"]:
        yield f"{one['name'][:55]:56}" + "".join(f"{cell(one[name]):>30}" for name, _ in COLUMNS)
    for one in found["differences"]:
        yield f"{one['of']} meets {cell(one['sensitivity_per_event'])} more of all events than {one['over']} at as many pages"
    for name, says in found["shapes"].items():
        yield f"{name}: {says}"
    if found["budget_pages_per_35_patient_days"] is not None and found["chosen"] is None:
        yield "no threshold keeps within the budget: what does not depend on the model pages more by itself"
    for name, says in (found["chosen"] or {"changed": {}})["changed"].items():
        yield f"chosen: {name}: {says}"
