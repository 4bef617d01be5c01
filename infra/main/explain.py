"""`vigil explain`: why a score or a page was made: what was known then, the computation done again, and whether it comes out the same."""

from datetime import datetime
from math import isclose, isnan
from pathlib import Path
from typing import Any

import click
import msgspec
import psycopg

from infra.database.connect import connect_patiently
from infra.database.sql import statements
from infra.main.cli import NO, NOT_THERE, Trouble
from infra.main.explain_network import CLOSE, network
from infra.main.home import home_option, json_option, needs_system, settings_of
from infra.settings import Settings
from scoring import stages_store
from scoring.bedside import Bedside
from scoring.explain import SLIGHT, findings, moved
from scoring.observations import observations
from scoring.score import Finding, Score
from scoring.served import in_effect, voice_of
from scoring.voice import Voice
from scoring.watched import Watching
from scoring.words import words
from streams import as_of
from streams.features import FEATURES, features
from streams.patient import PatientState
from streams.processing import Moment
from streams.record import Source

SQL = statements("infra.main", "explain.sql")
SCORE_NAMES = ("score_id", "patient_id", "name", "version", "value", "at_least", "red", "as_of", "scored_at", "mode", "explanation")
PAGE_NAMES = ("page_id", "tier", "step", "state", "episode_id", "reason", "score_id", "opened_at")


@click.command()
@home_option
@json_option
@click.argument("identifier", metavar="ID")
@click.pass_context
def command(context: click.Context, home: Path, as_json: bool, identifier: str) -> None:
    """ID is a score_id, page_id or episode_id of the views. Exit status 1 where the computation does not come out the same."""
    settings = needs_system(settings_of(home))
    with connect_patiently(settings.database.url, application="vigil-explain", wait_s=10.0) as connection, connection.cursor() as cursor:
        told = _explain(cursor, settings, identifier)
    click.echo(msgspec.json.encode(told).decode() if as_json else _text(told))
    context.exit(0 if told["matches"] else NO)


def _explain(cursor: psycopg.Cursor, settings: Settings, identifier: str) -> dict[str, Any]:
    score = _row(cursor, "score", identifier, SCORE_NAMES)
    if score is not None:
        return {"kind": "score"} | _score(cursor, settings, score)
    page = _row(cursor, "page", identifier, PAGE_NAMES) or _row(cursor, "episode", identifier, PAGE_NAMES)
    if page is None:
        raise Trouble(f"there is no score, page or episode {identifier}", "look in vigil.scores, vigil.pages or vigil.episodes", NO)
    if not page["score_id"]:
        raise Trouble(f"no score is behind it: {page['reason']}", "who called is in vigil.rrt_calls", NO)
    cause = _row(cursor, "score", page["score_id"], SCORE_NAMES)
    if cause is None:
        raise Trouble(f"the score {page['score_id']} behind it is no longer kept", "its reason stands in vigil.episodes", NO)
    kind = "page" if page["page_id"] else "episode"
    return {"kind": kind} | page | _score(cursor, settings, cause)


def _row(cursor: psycopg.Cursor, name: str, identifier: str, names: tuple[str, ...]) -> dict[str, Any] | None:
    row = cursor.execute(SQL[name].encode(), {"id": identifier}).fetchone()
    return dict(zip(names, row, strict=True)) if row else None


def _score(cursor: psycopg.Cursor, settings: Settings, score: dict[str, Any]) -> dict[str, Any]:
    if score["name"] == settings.triton.sequence:
        return network(cursor, settings, score)
    at = datetime.fromisoformat(score["explanation"]["at"])
    state = _known(cursor, score["patient_id"], at, score["scored_at"])
    voice = _voice(cursor, settings, score)
    again = _again(voice, score, state, at)
    output = {name: score[name] for name in ("value", "at_least", "red")} | {"parts": score["explanation"]["parts"]}
    recomputed = {"value": again.value, "at_least": again.at_least, "red": again.red, "parts": again.parts}
    return {
        "score_id": score["score_id"], "patient_id": score["patient_id"], "name": score["name"], "version": score["version"], "at": at,
        "matches": score["version"] == again.version and all(_same(output[name], recomputed[name]) for name in output),
        "inputs": _inputs(score["name"], state, at), "output": output, "recomputed": recomputed, "recomputed_version": again.version,
        "abstained": score["explanation"].get("abstained"), "refused": score["explanation"].get("refused", []),
    } | _why(voice, score, state, at)  # fmt: skip


def _why(voice: Voice, score: dict[str, Any], state: PatientState, at: datetime) -> dict[str, Any]:
    """The findings in a nurse's words; of a model's score what each quantity added, worked out now where it was not at the time.

    `moved` are log odds before calibration, which with `base` sum to `raw`.
    """
    told = msgspec.convert(score["explanation"]["findings"], tuple[Finding, ...])
    if score["name"] != voice.model.name or voice.attribution is None:
        return {"findings": msgspec.to_builtins(told), "words": [words(one) for one in told]}
    row = features(state, at)
    added = moved(voice.attribution, row, voice.names)
    told = findings(state, at, added)
    return {
        "findings": msgspec.to_builtins(told), "words": [words(one) for one in told], "moved": added, "base": voice.attribution.base,
        "raw": voice.attribution.raw(row),
    }  # fmt: skip


def _voice(cursor: psycopg.Cursor, settings: Settings, score: dict[str, Any]) -> Voice:
    """The version that made the score, where it is still there; else the one that speaks now."""
    found = in_effect(settings.triton, stages_store.standings(cursor, settings.triton.model))
    made = [one for one in found if one.version == score["version"]] or [one for one in found if one.stage == "live"] or found
    return voice_of(settings.triton, made[0])


def _known(cursor: psycopg.Cursor, patient_id: str, at: datetime, scored_at: datetime) -> PatientState:
    """The state that was scored: of what was received by `at`, what was recorded by then too; a backlog may have filled in more since."""
    nobody, merged, facts = as_of.recorded(cursor, patient_id)
    then = [one for one in facts if one.processed_at is None or one.processed_at <= scored_at]
    return as_of.state(nobody, as_of.known(then, as_of.known_as(patient_id, merged, scored_at), at))


def _again(voice: Voice, score: dict[str, Any], state: PatientState, at: datetime) -> Score:
    away: list[str] = []
    topic, partition, offset = score["score_id"].split("/")[:3]
    moment = Moment(
        source=Source(topic=topic, partition=int(partition), offset=int(offset.split(".")[0])), patient=state, received_at=at,
        changed=frozenset(state.readings),
    )  # fmt: skip
    made = Watching(Bedside(voice, on_fallback=away.append), lambda: (score["name"],)).score([moment], score["scored_at"])
    found = next((one for one in made if one.name == score["name"]), None)
    if found is None and away:
        raise Trouble(f"the model does not answer: {away[0]}", "look at it: vigil status", NOT_THERE)
    if found is None:
        raise Trouble(
            f"{score['name']} cannot be computed from what is kept", "the facts behind it may have been retired: vigil settings", NO
        )
    return found


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, abs_tol=CLOSE)
    return bool(one == other)


def _inputs(name: str, state: PatientState, at: datetime) -> dict[str, Any]:
    if name == "news2":
        inputs, _ = observations(state, at)
        return {key: value for key, value in msgspec.to_builtins(inputs).items() if value is not None}
    vector = features(state, at)
    return {key: float(value) for key, value in zip(FEATURES, vector, strict=True) if not isnan(value)}


def _text(told: dict[str, Any]) -> str:
    lines = (
        [f"{told['tier']} {told['kind']} {told.get('page_id') or told['episode_id']}: {told['reason']}"] if told["kind"] != "score" else []
    )
    lines.append(
        f"{told['name']} {told['version']} of {told['patient_id']} at {told['at']:%Y-%m-%d %H:%M:%S %Z}: {told['output']['value']}"
    )
    lines += [f"  {name} = {value:g}" if isinstance(value, float) else f"  {name} = {value}" for name, value in told["inputs"].items()]
    if told["abstained"]:
        lines.append(f"the model abstained, {told['abstained']['reason']}: {told['abstained']['detail']}")
    lines += [f"impossible and not counted: {name}" for name in told["refused"]]
    lines += [f"because of {said}" for said in told["words"]]
    lines += [f"  {name} {added:+.3f}" for name, added in told.get("moved", {}).items() if abs(added) >= SLIGHT]
    lines.append(f"computed again: {told['recomputed']['value']}, {'the same' if told['matches'] else 'NOT the same'}")
    return "\n".join(lines)
