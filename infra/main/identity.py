"""`vigil identity`: under which numbers a patient is known, and a merge that was wrong taken back."""

import getpass
from pathlib import Path

import click
import msgspec

from alerts import ledger
from alerts import unmerge as episodes
from infra.database.connect import connect_patiently
from infra.database.sql import statements
from infra.main.cli import NO, Trouble
from infra.main.home import home_option, json_option, needs_system, settings_of
from streams import identity

SQL = statements("streams", "store.sql")


@click.group()
def command() -> None:
    """Patients who were taken for one, or are one under several numbers. PATIENT is a patient_id of the views, like HOSP:4711."""


@command.command()
@home_option
@json_option
@click.argument("patient")
def show(home: Path, as_json: bool, patient: str) -> None:
    """The patient whom PATIENT is today, and every number that was merged into that one."""
    settings = needs_system(settings_of(home))
    with connect_patiently(settings.database.url, application="vigil-identity", wait_s=10.0) as connection, connection.cursor() as cursor:
        row = cursor.execute(SQL["merged_into"].encode(), {"from_id": patient}).fetchone()
        current = row[0] if row else patient
        merged = cursor.execute(SQL["recorded_as"].encode(), {"patient_id": current}).fetchall()
    if as_json:
        told: dict[str, object] = {"patient_id": current, "recorded_as": [current, *(one for one, _ in merged)], "merged_at": dict(merged)}
        click.echo(msgspec.json.encode(told).decode())
        return
    click.echo(current)
    for one, at in merged:
        click.echo(f"  {one}  merged {at:%Y-%m-%d %H:%M:%S}")


@command.command()
@home_option
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who decides; it goes into the audit log.")
@click.option("--note", default="", help="Why, for whoever looks later.")
@click.argument("patient")
def unmerge(home: Path, by: str, note: str, patient: str) -> None:
    """Makes two of one again: what came under PATIENT's own number is theirs, open episodes too, everything else stays the other's."""
    settings = needs_system(settings_of(home))
    now = settings.clock.clock().now()
    with connect_patiently(settings.database.url, application="vigil-identity", wait_s=10.0) as connection, connection.cursor() as cursor:
        into = identity.unmerge(cursor, patient, now)
        if into is None:
            raise Trouble(f"{patient} is merged into nobody", f"look: vigil identity show {patient}", NO)
        given_back = episodes.unmerge(cursor, patient, into, now)
        ledger.put(cursor, now, by, "unmerge", patient, {"from": into, "note": note, "episodes": " ".join(sorted(given_back))})
    click.echo(f"{patient} and {into} are two patients again")
