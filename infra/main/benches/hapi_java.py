"""HAPI, the Java reader of HL7 v2, where Maven and a JDK are: fetched once, run from source, alone or between Kafka and JDBC."""

import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from infra.local.places import CACHE

HERE = Path(__file__).parent / "hapi"
FS = b"\x1c"
FETCH_S = 300
WARM_S = 70.0
"""A JVM still gets faster after 20 s; at 70 it is as fast as it will be."""

PIPELINE_WARM_S = 40.0
"""The pipeline's rounds grow no faster from there on; JIT compilers are done by then."""
PIPELINE_THREADS = 2
"""Consumers of the pipeline, each with a connection of its own: as many as the machine that we measure on has cores."""


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


def pipeline_per_s(bootstrap: str, url: str, topic: str, warm_s: float = PIPELINE_WARM_S) -> float:
    """Messages a second from this topic into `vigil_bench.observation`, the best round of a warm JVM; its rows stay. Raises Absent."""
    place = urlsplit(url)
    jdbc = f"jdbc:postgresql://{place.hostname}:{place.port}{place.path}?user={place.username}&reWriteBatchedInserts=true"
    run = command(CACHE, "Pipeline", bootstrap, jdbc, topic, str(warm_s), str(PIPELINE_THREADS))
    try:
        answer = subprocess.run(run, check=True, capture_output=True, timeout=warm_s + 300)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise Absent("HAPI's pipeline did not finish") from error
    return float(msgspec.json.decode(answer.stdout)["per_s"])
