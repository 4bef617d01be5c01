"""`vigil status`: what runs under a home, and whether it does its work."""

from pathlib import Path
from typing import Any

import click
import msgspec

from infra.local import readiness, supervision
from infra.main.cli import NO, NOT_THERE, Trouble
from infra.main.home import home_option, json_option, settings_of
from infra.main.installation import Plan, plan_of
from infra.settings import Settings

ORDER = ("kafka", "postgres", "triton", "listen", "work", "page", "board", "watch", "ward", "catcher")


@click.command()
@home_option
@json_option
@click.pass_context
def command(context: click.Context, home: Path, as_json: bool) -> None:
    """Asks each process to do a little of its work; exit status 1 where one does not."""
    home = home.absolute()
    plan = plan_of(home)
    known = supervision.processes(home)
    if plan is None or not known:
        if as_json:
            click.echo(msgspec.json.encode({"home": str(home), "ready": False, "processes": []}).decode())
        raise Trouble(f"nothing runs under {home}", f"start it: vigil up --home {home}", NOT_THERE)
    settings = settings_of(home)
    answer = status(home, plan, settings, known)
    click.echo(msgspec.json.encode(answer).decode() if as_json else _table(answer))
    context.exit(0 if answer["ready"] else NO)


def status(home: Path, plan: Plan, settings: Settings, known: list[dict[str, Any]]) -> dict[str, Any]:
    """The contract's answer."""
    ready = readiness.all_ready(plan.programs(home), settings, {one["name"]: one["running"] for one in known})
    processes = [
        {
            "name": one["name"],
            "pid": supervision.server_pid(one["pid"]),
            "ready": ready.get(one["name"], False),
            "restarts": one["restarts"],
        }
        for one in sorted(known, key=lambda one: (ORDER.index(one["name"].split("-")[0]), one["name"]))
    ]
    metrics = {
        name.removesuffix("_metrics"): f"http://127.0.0.1:{port}/metrics" for name, port in plan.ports.items() if name.endswith("_metrics")
    }
    metrics["board"] = f"http://{settings.board.host}:{settings.board.port}/metrics"
    return {
        "home": str(home),
        "ready": bool(processes) and all(one["ready"] for one in processes),
        "processes": processes,
        "kafka": settings.kafka.bootstrap,
        "database": settings.database.url,
        "mllp": [{"feed": one.name, "host": one.host, "port": one.port, "tls": bool(one.tls_cert)} for one in settings.listen.feeds],
        "board": f"http://{settings.board.host}:{settings.board.port}",
        "metrics": metrics,
        "triton": {"grpc": settings.triton.grpc, "http": settings.triton.http},
    }


def _table(answer: dict[str, Any]) -> str:
    lines = [
        f"{one['name']:10} {'ready' if one['ready'] else 'NOT READY':10} pid {one['pid'] or '–':<8} restarts {one['restarts']}"
        for one in answer["processes"]
    ]
    feeds = " ".join(f"{one['feed']} {one['host']}:{one['port']}" for one in answer["mllp"])
    return "\n".join([*lines, f"MLLP {feeds}   board {answer['board']}"])
