"""`vigil codes`: which codes of a feed no score understands."""

from pathlib import Path

import click
import msgspec

from infra.main.feed import examined
from infra.main.home import json_option
from infra.main.profiles import profile_named


@click.group()
def command() -> None:
    """Looks at the codes of a feed."""


@command.command()
@json_option
@click.option("--profile", "name", default="", help="The feed's profile: a name of those shipped, or a TOML file.")
@click.option("--csv", "as_csv", is_flag=True, help="As the beginning of a table of codes for a profile; the most frequent come first.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def unmapped(as_json: bool, name: str, as_csv: bool, paths: tuple[Path, ...]) -> None:
    """Lists the codes in PATHS that are not mapped, by frequency."""
    found = examined(paths, profile_named(name)).unmapped_codes
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    if as_csv:
        click.echo("code,system,loinc,unit,comment")
        for one in found:
            click.echo(",".join(_quoted(text) for text in (one.code, one.system or "", "", one.unit or "", one.display or "")))
        return
    for one in found:
        click.echo(f"{one.count:8}  {one.code:24} {one.system or '-':14} {one.unit or '-':14} {one.display or ''}".rstrip())


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text
