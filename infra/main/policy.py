"""`vigil policy`: whether a policy file is sound and what it says, and what differs between two."""

from pathlib import Path

import click

from alerts.policy_text import described, differences
from alerts.rules import PolicyError, Rules, load
from infra.main.cli import NO, Trouble
from infra.main.home import home_option, settings_of
from scoring.served import live_metadata

policy_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def command() -> None:
    """Checks and compares policies."""


@command.command()
@home_option
@click.argument("file", type=policy_file, required=False)
def check(home: Path, file: Path | None) -> None:
    """Reads a policy FILE as the worker would and says what it does (default: the one in use)."""
    rules = _read(home, file)
    click.echo(f"version {rules.version}")
    for name, says in described(rules).items():
        click.echo(f"{name}: {says}")


@command.command()
@home_option
@click.argument("old", type=policy_file)
@click.argument("new", type=policy_file)
@click.pass_context
def diff(context: click.Context, home: Path, old: Path, new: Path) -> None:
    """Tells what changes from OLD to NEW, an entry a line. Exit status 1 where something does."""
    found = list(differences(_read(home, old), _read(home, new)))
    for line in found:
        click.echo(line)
    context.exit(NO if found else 0)


def _read(home: Path, file: Path | None) -> Rules:
    settings = settings_of(home)
    model = live_metadata(settings.triton)
    chosen = file or (Path(settings.page.policy) if settings.page.policy else None)
    try:
        return load(chosen, model.threshold)
    except PolicyError as error:
        wrong, _, remedy = str(error).partition("\n")
        raise Trouble(wrong, remedy) from error
