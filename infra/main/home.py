"""What every command needs first: the home it was given, and the settings of the installation that lives there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from infra.main.cli import Trouble
from infra.settings import Settings, SettingsError, load

home_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--home", type=click.Path(file_okay=False, path_type=Path), default=Path(".vigil"), envvar="VIGIL_HOME", show_default=True,
    help="Where this installation keeps everything.",
)  # fmt: skip
json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "as_json", is_flag=True, help="Only JSON on stdout."
)


def settings_of(home: Path) -> Settings:
    """The settings under `home`; a wrong one ends the command with two lines and status 2."""
    try:
        return load(home.absolute())
    except SettingsError as error:
        wrong, _, remedy = str(error).partition("\n")
        raise Trouble(wrong, remedy) from error


def needs_system(settings: Settings) -> Settings:
    """The same settings, or two lines and status 3 where nothing was ever started under this home."""
    if not settings.database.url:
        raise Trouble(f"nothing runs under {settings.home}", f"start it: vigil up --home {settings.home}", exit_code=3)
    return settings
