"""`vigil policy`: whether a policy is sound and what it says, what differs between two, and what one would have done to patients of the past."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from alerts.policy_file import load
from alerts.policy_text import differences, told
from alerts.rules import Policy, PolicyError
from infra.main.cli import NO, Trouble
from infra.main.home import home_option, json_option, settings_of
from infra.main.simulate_policy import command as simulate
from scoring.served import live_metadata

policy_path = click.Path(exists=True, path_type=Path)


@click.group()
def command() -> None:
    """Checks and compares policies, and tries them on patients of the past."""


command.add_command(simulate)


@command.command()
@home_option
@json_option
@click.argument("file", type=policy_path, required=False)
def check(home: Path, file: Path | None, as_json: bool) -> None:
    """Reads a policy FILE, or a folder of editions, as the worker would and says what it does (default: the one in use)."""
    policy = read_policy(home, file)
    in_force = policy.edition(datetime.now(UTC)).version
    if as_json:
        editions = [{"version": one.version, "effective_from": one.effective_from, "units": sorted(one.units)} for one in policy.editions]
        click.echo(msgspec.json.encode({"in_force": in_force, "editions": editions, "entries": told(policy)}).decode())
        return
    for one in policy.editions:
        since = "" if one.effective_from is None else f", takes force at {one.effective_from.isoformat()}"
        click.echo(f"version {one.version}{since}{', in force now' if one.version == in_force and len(policy.editions) > 1 else ''}")
    for name, says in told(policy).items():
        click.echo(f"{name}: {says}")


@command.command()
@home_option
@click.argument("old", type=policy_path)
@click.argument("new", type=policy_path)
@click.pass_context
def diff(context: click.Context, home: Path, old: Path, new: Path) -> None:
    """Tells what changes from OLD to NEW, an entry a line. Exit status 1 where something does."""
    found = list(differences(told(read_policy(home, old)), told(read_policy(home, new))))
    for line in found:
        click.echo(line)
    context.exit(NO if found else 0)


def read_policy(home: Path, file: Path | None) -> Policy:
    """The policy of a file or folder, else the one in use."""
    settings = settings_of(home)
    model = live_metadata(settings.triton)
    chosen = file or (Path(settings.page.policy) if settings.page.policy else None)
    try:
        return load(chosen, model.threshold, model.name)
    except PolicyError as error:
        wrong, _, remedy = str(error).partition("\n")
        raise Trouble(wrong, remedy) from error
