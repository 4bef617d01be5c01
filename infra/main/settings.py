"""`vigil settings`: every setting, its value and where it came from; secrets are hidden."""

import os
from pathlib import Path
from typing import Any

import click
import msgspec

from infra.main.home import home_option, json_option, settings_of
from infra.settings import SECRETS, merge


@click.command()
@home_option
@json_option
def command(home: Path, as_json: bool) -> None:
    """Prints all settings with their source."""
    settings = settings_of(home)
    _, source = merge(home.absolute(), os.environ)
    rows = [
        {"setting": name, "value": "…" if name.rsplit(".", 1)[-1] in SECRETS and value else value, "source": _source(name, source)}
        for name, value in _flat(msgspec.to_builtins(settings))
    ]
    if as_json:
        click.echo(msgspec.json.encode(rows).decode())
        return
    for row in rows:
        click.echo(f"{row['setting']:34} {row['value']!s:40} {row['source']}")


def _source(name: str, source: dict[str, str]) -> str:
    parts = name.split(".")
    return next((source[".".join(parts[:length])] for length in range(len(parts), 0, -1) if ".".join(parts[:length]) in source), "default")


def _flat(tree: Any, prefix: str = "") -> list[tuple[str, Any]]:
    if isinstance(tree, dict) and tree:
        return [pair for key, value in tree.items() for pair in _flat(value, f"{prefix}{key}.")]
    if isinstance(tree, list) and tree:
        return [pair for number, value in enumerate(tree) for pair in _flat(value, f"{prefix}{number}.")]
    return [(prefix.rstrip("."), tree)]
