"""Supervision by the library `supervisor`: its configuration, its start, its word on each process, and the end of everything."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from infra.local.programs import Program

MARK = "VIGIL_SUPERVISED_HOME"
"""Every process of a home inherits it in its environment, so that leftovers are found whatever became of their parents."""


START_S = 15.0
"""Supervisor itself answers within a second, on a machine that is starting ten other things within a few."""


class NotSupervised(Exception):
    """The supervisor did not start; the second line says where it tells why."""


def socket_of(home: Path) -> Path:
    """Supervisor's control socket; in the temporary folder, because a socket's path may have 107 bytes and a home's may have more."""
    name = hashlib.blake2b(str(home).encode(), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"vigil-{os.getuid()}-{name}.sock"


def configuration(home: Path, programs: Sequence[Program]) -> str:
    """supervisord.conf. A process that dies is started again at once; one that cannot start is tried with growing pauses, for ever.

    Raises NotSupervised for a path that the file cannot hold: supervisor expands `%`, some values once and some twice, and takes ` ;` for a comment.
    """
    if "%" in f"{home}{programs}" or " ;" in f"{home}" or "\n" in f"{home}":
        raise NotSupervised(f"supervisor cannot work with % or a semicolon in a path: {home}\nchoose another --home")
    folder, logs = home / "supervisor", home / "logs"
    lines = [
        "[supervisord]", f"logfile={folder}/supervisord.log", "logfile_maxbytes=0", f"pidfile={folder}/supervisord.pid", f"childlogdir={folder}",
        "nodaemon=true", "minfds=4096", "",
        "[unix_http_server]", f"file={socket_of(home)}", "chmod=0600", "",
        "[rpcinterface:supervisor]", "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface", "",
    ]  # fmt: skip
    for program in programs:
        lines += [
            f"[program:{program.name}]", "command=" + " ".join(_word(part) for part in program.command), "autorestart=true", "startsecs=1",
            "startretries=1000000", f"priority={100 - program.stops}", f"stopwaitsecs={program.stop_s}", f"stopsignal={program.stop_signal}",
            "stopasgroup=false", "killasgroup=true", f"stdout_logfile={logs}/{program.name}.log", "stdout_logfile_maxbytes=20MB",
            "stdout_logfile_backups=2", "redirect_stderr=true", "",
        ]  # fmt: skip
    return "\n".join(lines)


def _word(text: str) -> str:
    """As shlex reads it back, which is what supervisor splits a command with."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if re.search(r"[^A-Za-z0-9_./:=+-]", text) else text


def start(home: Path, programs: Sequence[Program]) -> None:
    """Writes the configuration, starts supervisord in a session of its own, nobody's child, and waits for its first answer. Raises NotSupervised."""
    folder = home / "supervisor"
    for needed in (folder, home / "logs"):
        needed.mkdir(parents=True, exist_ok=True)
    (folder / "supervisord.log").write_text("")
    config = folder / "supervisord.conf"
    config.write_text(configuration(home, programs))
    socket_of(home).unlink(missing_ok=True)
    with (folder / "out.log").open("w") as out:
        subprocess.run(
            ["setsid", "--fork", sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(config)], stdout=out, check=True,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=os.environ | {MARK: str(home)},
        )  # fmt: skip
    deadline = time.monotonic() + START_S
    while not alive(home):
        if time.monotonic() > deadline:
            raise NotSupervised(f"the supervisor did not start\nlook into {folder}/out.log")
        time.sleep(0.05)


def ask(home: Path, method: str) -> Any:
    """One XML-RPC call to supervisor. Raises OSError where none runs."""
    transport = SupervisorTransport(None, None, f"unix://{socket_of(home)}")
    try:
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=transport)
        return getattr(proxy.supervisor, method)()
    finally:
        transport.close()


def processes(home: Path) -> list[dict[str, Any]]:
    """Name, pid, state and restarts of every program; nothing where no supervisor runs."""
    try:
        known = ask(home, "getAllProcessInfo")
    except (OSError, xmlrpc.client.Error):
        return []
    log = (home / "supervisor" / "supervisord.log").read_text()
    return [
        {
            "name": one["name"], "pid": int(one["pid"]) or None, "running": one["statename"] == "RUNNING",
            "restarts": max(0, len(re.findall(rf"spawned: '{re.escape(one['name'])}' with pid", log)) - 1),
        }
        for one in known
    ]  # fmt: skip


def alive(home: Path) -> bool:
    """Whether a supervisor answers for this home."""
    try:
        return bool(ask(home, "getState"))
    except xmlrpc.client.Fault:  # it answers that it is shutting down
        return True
    except (OSError, xmlrpc.client.Error):
        return False


def leftovers(home: Path) -> list[psutil.Process]:
    """Every process that carries this home's mark, whoever started it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and _belongs(process, home):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _belongs(process: psutil.Process, home: Path) -> bool:
    """By its mark; where another user's environment may not be read (PostgreSQL, in a container), by the data folder it was told."""
    try:
        return process.environ().get(MARK) == str(home)
    except psutil.AccessDenied:
        return any(part.startswith(f"{home}/") for part in process.cmdline())


def stop(home: Path, wait_s: float = 90.0) -> bool:
    """Asks supervisor to stop everything in order; then ends whatever is left. True where something was running."""
    present = leftovers(home)
    if not present:
        return False
    try:
        ask(home, "shutdown")
        deadline = time.monotonic() + wait_s
        while leftovers(home) and time.monotonic() < deadline:
            time.sleep(0.2)
    except (OSError, xmlrpc.client.Error):
        _signal(leftovers(home), signal.SIGTERM, 10.0)
    _signal(leftovers(home), signal.SIGKILL, 5.0)
    socket_of(home).unlink(missing_ok=True)
    return True


def _signal(found: Sequence[psutil.Process], number: signal.Signals, wait_s: float) -> None:
    for process in found:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(found, timeout=wait_s)


def server_pid(pid: int | None) -> int | None:
    """The pid of the server itself where the supervised process only watches over it (Triton), else the same."""
    if pid is None:
        return None
    try:
        children = psutil.Process(pid).children()
    except psutil.NoSuchProcess:
        return pid
    return next((child.pid for child in children if child.name() == "tritonserver"), pid)
