"""`vigil model`: which versions there are, whether their seals hold, what serves, and how far each has come on its way to the bedside."""

from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np
import psycopg
from tritonclient.utils import InferenceServerException

from alerts import ledger
from infra.local import triton_server
from infra.main.cli import NO, NOT_THERE, Trouble
from infra.main.home import home_option, json_option, settings_of
from infra.main.models import lay_out, remember_unloaded, unloaded
from infra.main.roster import asked
from infra.settings import Settings
from scoring import calibration, stages_store
from scoring.models.metadata import SHIPPED, metadata_of
from scoring.served import in_effect, repository_of
from scoring.stages import Change, Stage, Standing, displaced, objections
from scoring.triton import registry, seal
from scoring.triton.registry import Held
from scoring.triton.seal import Refused


@click.group()
def command() -> None:
    """Model versions: list, check, add, load, unload, promote, demote, calibrate."""


@command.command("list")
@home_option
@json_option
def show(home: Path, as_json: bool) -> None:
    """Every version: its seal, whether Triton serves it, and its stage."""
    settings = settings_of(home)
    rows = [_row(one) for one in registry.held(repository_of(settings.triton), registry.schemas())]
    for model in dict.fromkeys((settings.triton.model, settings.triton.sequence)):
        one_model = _about(settings, model)
        written = asked(settings, partial(stages_store.standings, model=model)) if settings.database.url else []
        stages = {one.served: one for one in in_effect(one_model.triton, written)}
        serving = triton_server.loaded(settings.triton.grpc.partition(",")[0], model)
        for row in (row for row in rows if row["model"] == model):
            mine = stages.get(row["number"])
            row |= {"serves": row["number"] in serving, "stage": mine.stage if mine else None, "units": list(mine.units) if mine else []}
    if as_json:
        click.echo(msgspec.json.encode(rows).decode())
        return
    for row in rows:
        state = f"REFUSED: {row['refused']['detail']}" if row["refused"] else row["version"]
        click.echo(f"{row['model']}/{row['number']} {row['stage'] or '-'} {'serves' if row['serves'] else 'does not serve'} {state}")


def _row(one: Held) -> dict[str, Any]:
    """A version as the list shows it, before anybody is asked."""
    refused = None if one.refused is None else {"reason": one.refused.reason, "detail": str(one.refused)}
    return {
        "model": one.model, "number": one.number, "version": one.manifest.version if one.manifest else None, "refused": refused, "serves": False,
        "stage": None, "units": [],
    }  # fmt: skip


def _about(settings: Settings, model: str) -> Settings:
    """The settings with another model in the place of the one that speaks. Raises Trouble where the repository has none of that name."""
    if model and model not in (settings.triton.model, settings.triton.sequence):
        raise Trouble(f"there is no model {model}", f"known are: {settings.triton.model}, {settings.triton.sequence}")
    return msgspec.structs.replace(settings, triton=msgspec.structs.replace(settings.triton, model=model or settings.triton.model))


@command.command()
@home_option
@click.pass_context
def check(context: click.Context, home: Path) -> None:
    """Whether every version is what was sealed, and of the bedside's features. Exit status 1 where one is not."""
    found = registry.held(repository_of(settings_of(home).triton), registry.schemas())
    refused = [one.refused for one in found if one.refused is not None]
    for why in refused:
        click.echo(f"{why.reason}: {why}")
    click.echo(f"{len(found)} versions, {len(refused)} refused")
    context.exit(NO if refused else 0)


@command.command()
@home_option
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--repository", type=click.Path(file_okay=False, path_type=Path), help="Where to.  [default: triton.repository of the settings]"
)
@click.option("--number", default="", help="Of the version's folder; one that is there is replaced.  [default: the next]")
def add(home: Path, run: Path, repository: Path | None, number: str) -> None:
    """Lays what `vigil train` wrote into RUN down in the model repository, sealed."""
    where = repository or repository_of(settings_of(home).triton)
    if where == SHIPPED and repository is None:
        raise Trouble(
            "the repository in use is the one that comes with Vigil", "set triton.repository to a copy of it, or say --repository"
        )
    try:
        manifest = registry.add(run, where, number)
    except (FileNotFoundError, msgspec.DecodeError) as error:
        raise Trouble(f"{run} holds no whole training run: {error}", "make one: vigil train") from error
    click.echo(f"{manifest.model} {manifest.version}, sealed {manifest.digest[:16]}")


@command.command()
@home_option
@click.argument("number")
@click.option("--model", default="", help="Of which model.  [default: triton.model of the settings]")
def load(home: Path, number: str, model: str) -> None:
    """Has Triton serve a version beside the others, now and after every start."""
    _serve(_about(settings_of(home), model), number, wanted=True)


@command.command()
@home_option
@click.argument("number")
@click.option("--model", default="", help="Of which model.  [default: triton.model of the settings]")
def unload(home: Path, number: str, model: str) -> None:
    """Has Triton serve a version no longer, now and after every start."""
    _serve(_about(settings_of(home), model), number, wanted=False)


def _serve(settings: Settings, number: str, *, wanted: bool) -> None:
    model = settings.triton.model
    known = {one.number: one for one in registry.held(repository_of(settings.triton), registry.schemas()) if one.model == model}
    if number not in known:
        raise Trouble(f"there is no version {number} of {model}", f"known are: {', '.join(known)}")
    if wanted and (refused := known[number].refused) is not None:
        raise Trouble(f"{model}/{number} may not serve, {refused.reason}: {refused}", "add it anew: vigil model add RUN --number N", NO)
    away = unloaded(settings)
    remember_unloaded(settings, away - {f"{model}/{number}"} if wanted else away | {f"{model}/{number}"})
    left = [
        one for one in lay_out(settings) if one.model == model and one.refused is None and f"{model}/{one.number}" not in unloaded(settings)
    ]
    try:
        serving = triton_server.load(settings.triton.grpc.partition(",")[0], model, wanted=bool(left))
    except InferenceServerException as error:
        raise Trouble("Triton does not answer; it will do as said when it starts", "look at it: vigil status", NOT_THERE) from error
    click.echo(f"{model}: serves {', '.join(sorted(serving)) or 'nothing, NEWS2 speaks alone'}")


@command.command()
@home_option
@click.argument("number")
@click.argument("stage", type=click.Choice(["shadow", "pilot", "live"]))
@click.option("--signed-by", multiple=True, help="Who answers for it; live needs two.")
@click.option("--unit", "units", multiple=True, help="Where a pilot speaks.")
@click.option(
    "--report", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The evaluation that was looked at; its hash is kept."
)
@click.option("--by", required=True, help="Who says so.")
@click.option("--model", default="", help="Of which model.  [default: triton.model of the settings]")
def promote(
    home: Path, number: str, stage: Stage, signed_by: tuple[str, ...], units: tuple[str, ...], report: Path | None, by: str, model: str
) -> None:
    """Takes a version one step further: shadow, pilot, live. Exit status 1 where it has not earned it."""
    digest = sha256(report.read_bytes()).hexdigest() if report else ""
    _change(_about(settings_of(home), model), number, by, Change(version="", stage=stage, signed_by=signed_by, units=units), digest)


@command.command()
@home_option
@click.argument("number")
@click.option("--to", "stage", type=click.Choice(["shadow", "retired"]), default="shadow", show_default=True)
@click.option("--reason", required=True)
@click.option("--by", required=True, help="Who says so.")
@click.option("--model", default="", help="Of which model.  [default: triton.model of the settings]")
def demote(home: Path, number: str, stage: Stage, reason: str, by: str, model: str) -> None:
    """Takes a version back at once; without a live one NEWS2 speaks alone."""
    _change(_about(settings_of(home), model), number, by, Change(version="", stage=stage, reason=reason), "")


def _change(settings: Settings, number: str, by: str, change: Change, report_sha256: str) -> None:
    model, folder = settings.triton.model, repository_of(settings.triton) / settings.triton.model / number
    try:
        manifest = seal.checked(folder, registry.schemas() if change.stage in ("pilot", "live", "shadow") else "")
    except Refused as refused:
        raise Trouble(
            f"{model}/{number} is refused, {refused.reason}: {refused}", "add it anew: vigil model add RUN --number N", NO
        ) from refused
    asking = msgspec.structs.replace(change, version=manifest.version)
    now = settings.clock.clock().now()

    def within(cursor: psycopg.Cursor) -> list[str]:
        standings = in_effect(settings.triton, stages_store.standings(cursor, model))
        before = next((one.stage for one in standings if one.version == manifest.version), None)
        found = msgspec.structs.replace(stages_store.evidence(cursor, model, manifest.version), report_sha256=report_sha256)
        against = objections(before, asking, found)
        if not against:
            standing = Standing(
                model=model,
                version=manifest.version,
                served=number,
                stage=change.stage,
                manifest_sha256=manifest.digest,
                units=change.units,
            )
            stages_store.write(cursor, asking, standing, found, displaced(standings, asking), by, now)
            detail = {"from": before or "", "signed_by": ", ".join(change.signed_by), "reason": change.reason, "manifest": manifest.digest}
            ledger.put(cursor, now, by, f"model_{change.stage}", f"{model}/{manifest.version}", detail)
        return against

    against = asked(settings, within)
    if against:
        raise Trouble("; ".join(against), "see what is there: vigil model list, and vigil.models for its way so far", NO)
    click.echo(f"{model}/{number} is {change.stage}")


@command.command()
@home_option
@click.argument("number")
@click.argument("scores", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", type=click.Choice(["isotonic", "beta"]), default="beta", show_default=True)
def calibrate(home: Path, number: str, scores: Path, kind: str) -> None:
    """Fits this site's calibration: SCORES has lines `probability,label` of its own patients. The version is sealed anew, and must be signed for anew."""
    settings = settings_of(home).triton
    if repository_of(settings) == SHIPPED:
        raise Trouble("the repository in use is the one that comes with Vigil", "set triton.repository to a copy of it")
    folder = repository_of(settings) / settings.model / number
    try:
        seal.checked(folder)
        table = np.loadtxt(scores, delimiter=",", ndmin=2)
        fitted = (calibration.fit_isotonic if kind == "isotonic" else calibration.fit_beta)(table[:, 0], table[:, 1])
    except Refused as refused:
        raise Trouble(str(refused), "add it anew: vigil model add RUN --number N", NO) from refused
    except (ValueError, IndexError) as error:
        raise Trouble(f"{scores}: {error}", "two columns without a heading: probability, label 0 or 1") from error
    constants = msgspec.json.encode(fitted)
    (folder / "calibration.json").write_bytes(constants)
    metadata = metadata_of(repository_of(settings), settings.model, number)
    version = f"{metadata.version}+{sha256(constants).hexdigest()[:8]}"
    digest = seal.seal(folder, model=metadata.name, version=version, features=metadata.features).digest
    click.echo(f"{settings.model}/{number} is calibrated ({kind}), sealed {digest[:16]}; let Triton have it: vigil model load {number}")
