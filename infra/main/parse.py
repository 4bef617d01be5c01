"""`vigil parse`: reads messages as the worker would, without any server."""

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import structs

from infra.main.home import home_option, json_option, settings_of
from infra.main.profiles import profile_named
from infra.main.send import files_in
from parsers.batches import split_batch
from parsers.events import Event
from parsers.message import Message, Reason
from parsers.parts import joined_in
from parsers.profile import Profile, zone_of
from parsers.read import read
from parsers.unused import ONE_PART


@click.command()
@home_option
@json_option
@click.option("--profile", "name", default="", help="The feed's profile.  [default: that of the first feed under --home]")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def command(home: Path, as_json: bool, name: str, paths: tuple[Path, ...]) -> None:
    """Tells what Vigil reads in every message of PATHS: a line each."""
    feed = settings_of(home).listen.feeds[0]
    profile = profile_named(name or feed.profile)
    zone = zone_of(profile, feed.timezone)
    for path in files_in(paths):
        for index, message in enumerate(messages_in(path, zone, profile)):
            answer = described(str(path), index, message)
            click.echo(msgspec.json.encode(answer).decode() if as_json else _line(answer))


def messages_in(path: Path, zone: tzinfo, profile: Profile) -> Iterator[Message]:
    """The messages of a file. Of one that comes in parts the last tells what all of them say; parts that do not come together say each their own."""
    raws = split_batch(path.read_bytes())
    joined = joined_in(raws, profile)
    for index, raw in enumerate(raws):
        message = read(raw, timezone=zone, profile=profile)
        match joined.get(index, message):
            case bytes() as whole:
                all_of_it = read(whole, timezone=zone, profile=profile)
                yield structs.replace(
                    message, ack=all_of_it.ack, reason=all_of_it.reason, patient=all_of_it.patient, person=all_of_it.person, visit=all_of_it.visit,
                    events=all_of_it.events, others=all_of_it.others, flags=all_of_it.flags, unused=all_of_it.unused,
                )  # fmt: skip
            case Reason() as wrong:
                yield structs.replace(message, ack="AE", reason=wrong, events=(), others=())
            case None:
                yield structs.replace(message, events=(), others=(), unused=ONE_PART)
            case _:
                yield message


def described(source: str, index: int, message: Message) -> Mapping[str, Any]:
    """The contract's line."""
    return {
        "source": source,
        "index": index,
        "type": message.type,
        "version": message.version,
        "control_id": message.control_id,
        "ack": message.ack,
        "reason": message.reason,
        "unused": message.unused,
        "segments_in": message.segments_in,
        "segments_read": message.segments_read,
        "segments_set_aside": message.segments_set_aside,
        "patient": message.patient,
        "flags": message.flags,
        "events": [*message.events, *(_with_patient(event, other.patient.key) for other in message.others for event in other.events)],
    }


def _with_patient(event: Event, patient_key: str) -> Mapping[str, Any]:
    """An event about another patient than the message's first says whose it is."""
    told: dict[str, Any] = msgspec.to_builtins(event)
    return told | {"patient_key": patient_key}


def _line(answer: Mapping[str, Any]) -> str:
    reason = f"  {answer['reason'].code}: {answer['reason'].detail}" if answer["reason"] else ""
    aside = f"  set aside: {' '.join(answer['segments_set_aside'])}" if answer["segments_set_aside"] else ""
    unused = f"  not used: {answer['unused']}" if answer["unused"] else ""
    return f"{answer['source']}#{answer['index']}  {answer['type'] or '?'}  {answer['ack']}  {len(answer['events'])} events{aside}{unused}{reason}"
