"""HAPI, the Java reader of HL7 v2, where Maven and a JDK are: fetched once, run from source, alone or between Kafka and JDBC."""

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from infra.local.places import CACHE
from infra.local.ports import free

HERE = Path(__file__).parent / "hapi"
FS = b"\x1c"
FETCH_S = 300
WARM_S = 70.0
"""A JVM still gets faster after 20 s; at 70 it is as fast as it will be."""

PIPELINE_WARM_S = 60.0
PIPELINE_CONSUMERS = 2
"""Each with a connection of its own: as many as the machine that we measure on has cores."""
START_S = 60.0


class Absent(Exception):
    """HAPI cannot be run here, and why."""


def classpath(cache: Path) -> str:
    """Where HAPI's jars lie, fetched with Maven where they are not there yet. Raises Absent."""
    for program in ("mvn", "java", "javac"):
        if shutil.which(program) is None:
            raise Absent(f"{program} is not installed")
    jars = cache / "hapi"
    done = jars / f"done-{(HERE / 'pom.xml').stat().st_size}"
    if not done.exists():
        fetch = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies", f"-DoutputDirectory={jars}"]
        try:
            subprocess.run(fetch, check=True, capture_output=True, timeout=FETCH_S)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise Absent("Maven could not fetch ca.uhn.hapi") from error
        done.touch()
    return f"{jars}/*"


def command(cache: Path, program: str, *arguments: str, properties: tuple[str, ...] = ()) -> list[str]:
    """How to run one of the programs beside the pom. Raises Absent."""
    return ["java", *properties, "-cp", classpath(cache), str(HERE / f"{program}.java"), *arguments]


def parse_us(cache: Path, messages: list[bytes], folder: Path, warm_s: float = WARM_S) -> float:
    """µs a message for PipeParser and the access to the fields that Vigil reads, the best round of a warm JVM. Raises Absent."""
    file = folder / "messages.fs"
    file.write_bytes(FS.join(messages))
    try:
        answer = subprocess.run(command(cache, "Parse", str(file), str(warm_s)), check=True, capture_output=True, timeout=warm_s + 120)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise Absent("HAPI did not finish") from error
    return float(msgspec.json.decode(answer.stdout)["us"])


class Pipeline:
    """HAPI's server, a topic and HAPI before JDBC, in one JVM that runs."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process, self.port = process, port

    def wait(self, count: int, patience_s: float) -> None:
        """Until so many messages are in `vigil_bench.observation`. Raises Absent."""
        self._until(lambda line: line.isdigit() and int(line) >= count, patience_s)

    def wait_ready(self) -> None:
        """Until it takes connections. Raises Absent."""
        self._until(lambda line: line == "ready", START_S)

    def _until(self, enough: Callable[[str], bool], patience_s: float) -> None:
        lines = self._process.stdout
        timer = threading.Timer(patience_s, self._process.kill)
        timer.start()
        try:
            while lines is not None and (line := lines.readline()):
                if enough(line.strip()):
                    return
        finally:
            timer.cancel()
        raise Absent("HAPI's pipeline ended, or was too slow")


@contextmanager
def pipeline(bootstrap: str, url: str, topic: str) -> Iterator[Pipeline]:
    """Messages sent to its port come into the topic and into `vigil_bench.observation`. Raises Absent."""
    place, port = urlsplit(url), free()
    jdbc = f"jdbc:postgresql://{place.hostname}:{place.port}{place.path}?user={place.username}&reWriteBatchedInserts=true"
    run = command(CACHE, "Pipeline", str(port), bootstrap, jdbc, topic, str(PIPELINE_CONSUMERS))
    with subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            started = Pipeline(process, port)
            started.wait_ready()
            yield started
        finally:
            process.kill()
