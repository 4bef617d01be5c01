"""The ward live in a terminal; plain lines where there is none."""

import threading
import time
from collections.abc import Iterable

import click
import psycopg
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from alerts.board.ward import Row, Ward, ward
from infra.database.connect import connect
from infra.settings import Settings

BARS = "▁▂▃▄▅▆▇█"
COLOURS = {"rapid_response": "bold red", "urgent": "bold dark_orange", "watch": "yellow"}
HIGHEST = ("rapid_response", "urgent", "watch")
SHOWN = 26


def show(settings: Settings, stopping: threading.Event, *, terminal: bool) -> None:
    """Until told to stop: a screen refreshed each second, or a line every five."""
    rate = Rate()
    if not terminal:
        while not stopping.wait(5.0):
            now = look(settings)
            if now is not None:
                click.echo(line(now, rate.of(now)))
        return
    with Live(console=Console(), screen=True, auto_refresh=False) as screen:
        while not stopping.wait(1.0):
            now = look(settings)
            screen.update(picture(now, rate.of(now), settings) if now else Text("the database does not answer; trying again"), refresh=True)


def look(settings: Settings) -> Ward | None:
    """The ward now; None while the database is away."""
    try:
        with connect(settings.database.url, application="vigil-live") as connection:
            return ward(connection, settings.clock.clock().now())
    except psycopg.Error:
        return None


class Rate:
    """Messages a second between two looks."""

    def __init__(self) -> None:
        self._before: tuple[float, int] | None = None

    def of(self, now: Ward) -> float:
        """Since the last look; 0 at the first."""
        at = time.monotonic()
        before, self._before = self._before, (at, now.messages)
        return 0.0 if before is None or at <= before[0] else (now.messages - before[1]) / (at - before[0])


def line(now: Ward, rate: float) -> str:
    """One plain line."""
    return (
        f"{now.now:%a %H:%M} patients={len(now.patients)} news2_7_or_more={sum(1 for one in now.patients if one.news2 and one.news2[-1] >= 7)} "
        f"open_episodes={now.open_episodes} pages_accepted={now.pages_accepted} pages_waiting={now.pages_waiting} messages={now.messages} rate={rate:.1f}/s"
    )


def spark(values: Iterable[float]) -> str:
    """NEWS2 as little bars, full at 12.

    >>> spark([0, 3, 7, 15])
    '▁▃▅█'
    """
    return "".join(BARS[min(len(BARS) - 1, int(value / 12 * (len(BARS) - 1) + 0.25))] for value in values)


def picture(now: Ward, rate: float, settings: Settings) -> Group:
    """The whole screen."""
    head = Text.assemble(
        ("Vigil ", "bold"), f"{now.now:%a %d %b %H:%M}  ×{settings.clock.speed:g}   ", (f"{len(now.patients)}", "bold"), " patients   ",
        (f"{now.open_episodes}", "bold"), " open episodes   ", (f"{now.pages_accepted}", "bold"), " pages accepted   ", (f"{rate:.1f}", "bold"), " messages/s",
    )  # fmt: skip
    table = Table(expand=True, pad_edge=False, box=None, header_style="dim")
    for title, justify in (
        ("bed", "left"),
        ("patient", "left"),
        ("NEWS2", "right"),
        ("trend", "left"),
        ("model", "right"),
        ("open", "left"),
        ("page", "left"),
    ):
        table.add_column(title, justify="right" if justify == "right" else "left", no_wrap=True)
    for row in now.patients[:SHOWN]:
        table.add_row(*_cells(row), style=COLOURS.get(_highest(row), ""))
    pages = Table(expand=True, pad_edge=False, box=None, show_header=False)
    for page in now.pages[:6]:
        pages.add_row(
            f"{page.created_at:%H:%M}", Text(page.tier.replace("_", " "), style=COLOURS.get(page.tier, "")), page.unit or "?", f"step {page.step}" if page.step else "", page.person or page.channel,
            f"✓ {page.acknowledged_by}" if page.acknowledged_by else "declined" if page.declined_by else page.state,
        )  # fmt: skip
    links = Text(
        f"board http://{settings.board.host}:{settings.board.port}   metrics http://127.0.0.1:{settings.listen.metrics_port}/metrics   Ctrl-C stops everything",
        style="dim",
    )  # fmt: skip
    return Group(head, Panel(table, title="the ward, sickest first"), Panel(pages, title="last pages"), links)


def _highest(row: Row) -> str:
    return next((tier for tier in HIGHEST if tier in row.tiers), "")


def _cells(row: Row) -> tuple[str, ...]:
    risk = "–" if row.risk is None else f"{row.risk:.0%}"
    score = "–" if not row.news2 else f"{row.news2[-1]:.0f}"
    shown = f"{risk} (NEWS2 only)" if row.mode == "fallback" else risk
    return f"{row.unit} {row.bed}", row.ref, score, spark(row.news2), shown, _highest(row).replace("_", " "), row.page_state or ""
