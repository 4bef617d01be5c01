"""`vigil feed`: what a sample of a feed will do, and which profiles there are."""

import sys
from contextlib import nullcontext
from html import escape
from pathlib import Path

import click
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from infra.main.cli import Trouble
from infra.main.home import json_option
from infra.main.profiles import profile_named
from infra.main.send import files_in
from parsers.batches import split_batch
from parsers.census import Census, Counted, Report
from parsers.profile import Profile
from parsers.profile_files import load_profile, shipped
from parsers.read import read

SHOWN = 25
"""Lines of a table on a terminal; `--json` and `--html` have all."""

STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1c2733}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 2rem}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d5dde5}"
    "th{font-weight:600;background:#f2f5f8}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}h2{margin:2rem 0 .2rem;font-size:1.1rem}"
)

Section = tuple[str, tuple[str, ...], list[tuple[str, ...]]]
"""Title, headings (a leading # marks a number), rows."""


@click.group()
def command() -> None:
    """Looks at feeds before they are connected."""


@command.command()
@json_option
@click.option("--profile", "name", default="", help="The feed's profile: a name of those shipped, or a TOML file.")
@click.option("--html", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Writes the report as a page, too.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def check(as_json: bool, name: str, html: Path | None, paths: tuple[Path, ...]) -> None:
    """Tells what the messages of PATHS will do: types, refusals, segments set aside, unmapped codes, missing fields, times without zone."""
    report = examined(paths, profile_named(name))
    if report.messages == 0:
        raise Trouble("there is no message in these files", "give files of HL7 messages: framed, batch, or one after the other")
    if html is not None:
        html.write_text(page(report), encoding="utf-8")
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
        return
    _print(report)


@command.command()
@json_option
def profiles(as_json: bool) -> None:
    """Lists the profiles shipped."""
    found = [load_profile(name) for name in shipped()]
    if as_json:
        click.echo(msgspec.json.encode([{"name": one.name, "description": one.description} for one in found]).decode())
        return
    for one in found:
        click.echo(f"{one.name:12} {one.description}")


def examined(paths: tuple[Path, ...], profile: Profile) -> Report:
    """The census of every message in these files."""
    census = Census(profile)
    files = files_in(paths)
    with click.progressbar(files, label="reading", file=sys.stderr) if sys.stderr.isatty() else nullcontext(files) as shown:
        for path in shown:
            for raw in split_batch(path.read_bytes()):
                census.add(read(raw, profile=profile))
    return census.report()


def summary(report: Report) -> str:
    """One line."""
    share = f"{100 * report.understood / report.observations:.0f} %" if report.observations else "none"
    profile = report.profile or "none"
    return (
        f"{report.messages} messages of {report.patients} patients: {report.accepted} taken, {report.refused} refused; "
        f"{report.observations} observations, {share} understood; {report.without_zone} times without a zone; profile: {profile}"
    )


def sections(report: Report) -> list[Section]:
    """The report as tables; empty ones are left out."""
    types: list[tuple[str, ...]] = [(one.type, str(one.messages), str(one.used), str(one.refused)) for one in report.types]
    codes: list[tuple[str, ...]] = [
        (one.code, one.system or "", one.display or "", one.unit or "", str(one.count)) for one in report.unmapped_codes
    ]
    found: list[Section] = [
        ("Messages", ("type", "#messages", "#used", "#refused"), types),
        ("Refused, and why", ("reason (HL7 table 0357)", "#messages"), _rows(report.reasons)),
        ("Taken, and nothing comes of it", ("type", "why", "#messages"), _remarked(report.unused)),
        ("Missing", ("field", "#times"), _rows(report.missing)),
        ("Codes that are not mapped", ("code", "system", "name", "unit", "#times"), codes),
        ("Units that are not understood", ("unit", "#times"), _rows(report.unmapped_units)),
        ("Segments set aside", ("segment", "why", "#times"), _remarked(report.set_aside)),
        ("Remarks", ("flag", "what it means", "#times"), _remarked(report.flags)),
        ("Events", ("kind", "#events"), _rows(report.events)),
        ("Versions", ("MSH-12", "#messages"), _rows(report.versions)),
    ]
    return [section for section in found if section[2]]


def _rows(counted: tuple[Counted, ...]) -> list[tuple[str, ...]]:
    return [(one.what, str(one.count)) for one in counted]


def _remarked(counted: tuple[Counted, ...]) -> list[tuple[str, ...]]:
    return [(one.what, one.remark, str(one.count)) for one in counted]


def _print(report: Report) -> None:
    console = Console()
    console.print(summary(report), markup=False, highlight=False)
    for title, headings, rows in sections(report):
        table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
        for heading in headings:
            table.add_column(heading.removeprefix("#"), justify="right" if heading.startswith("#") else "left", overflow="fold")
        for row in rows[:SHOWN]:
            table.add_row(*(_plain(cell) for cell in row))
        console.print(table)
        if len(rows) > SHOWN:
            console.print(f"  … and {len(rows) - SHOWN} more: --json or --html has all", markup=False, highlight=False)


def _plain(cell: str) -> str:
    """A sender's text may hold control characters and the brackets that rich takes for markup."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in cell).replace("[", "\\[")


def page(report: Report) -> str:
    """The report as a page that needs nothing else."""
    tables = "".join(_table(*section) for section in sections(report))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Feed check</title><style>{STYLE}</style>'
        f"<h1>Feed check</h1><p>{escape(summary(report))}</p>{tables}</html>\n"
    )


def _table(title: str, headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    numeric = [heading.startswith("#") for heading in headings]
    head = "".join(_cell("th", heading.removeprefix("#"), number) for heading, number in zip(headings, numeric, strict=True))
    body = "".join(f"<tr>{''.join(_cell('td', cell, number) for cell, number in zip(row, numeric, strict=True))}</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(tag: str, content: str, number: bool) -> str:
    return f"<{tag}{' class=n' if number else ''}>{escape(content)}</{tag}>"
