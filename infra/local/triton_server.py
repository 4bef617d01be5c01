"""The local Triton: the `tritonserver` bundled in the wheel nvidia-pytriton, in its own environment, watched by real inference."""

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tritonclient import grpc
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

from infra.local.places import TRITON, TRITON_PYTHON, need, need_finished
from infra.local.ports import HOST
from infra.logs import logger

log = logger("infra")

LOOK_EVERY_S = 0.5
PROBE_EVERY_S = 2.0
PROBE_TIMEOUT_S = 5.0
START_S = 60.0

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (POSIX shared memory, where the python backend keeps its regions)


def _server_root() -> Path:
    """The folder of the bundled server in Triton's environment."""
    need_finished(TRITON, "Triton")
    [found, *_] = sorted((TRITON / "lib").glob("python3.*/site-packages/pytriton/tritonserver"))
    return found


def library_folder() -> Path:
    """Where the shared library of the Python in use lies."""
    return Path(sysconfig.get_config_var("LIBDIR") or Path(sys.base_prefix) / "lib")


def _environment(root: Path) -> dict[str, str]:
    """The python backend's stub needs the libpython of the very Python in use, and the libraries that the wheel carries."""
    site = root.parents[1]
    paths = [library_folder(), site / "nvidia_pytriton.libs", root / "lib", root / "external_libs"]
    return os.environ | {
        "LD_LIBRARY_PATH": ":".join(map(str, paths)),
        "PYTHONPATH": str(site),
        "PYTHONHOME": sys.base_prefix,
        "PATH": f"{TRITON_PYTHON.parent}:{os.environ.get('PATH', '')}",
        "OMP_NUM_THREADS": "1",
    }


def _backends(root: Path) -> Path:
    """The python backend with the stub of the Python in use beside it, which the wheel keeps apart."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    folder = TRITON / "backends"
    target = folder / "python"
    target.mkdir(parents=True, exist_ok=True)
    stub = need(
        root / "python_backend_stubs" / version / "triton_python_backend_stub", f"Triton for Python {version}", "use Python 3.11 or 3.12"
    )
    for source in (*(root / "backends" / "python").iterdir(), stub):
        link = target / source.name
        if not link.exists():
            link.symlink_to(source)
    return folder


def _region(grpc_port: int) -> str:
    return f"vigil-{grpc_port}-"


def _clear(grpc_port: int) -> None:
    """Removes what a server that ended badly leaves in shared memory, 1 MB a model instance."""
    for left in SHARED_MEMORY.glob(f"{_region(grpc_port)}*"):
        left.unlink(missing_ok=True)


def start(repository: Path, grpc_port: int, http_port: int, metrics_port: int) -> subprocess.Popen[bytes]:
    """Starts the server; it dies with this process, so that a supervisor killed outright leaves none behind that holds the ports."""
    root = _server_root()
    backends = _backends(root)
    _clear(grpc_port)  # of a server on this port that was killed together with its watch
    command = [
        str(root / "bin" / "tritonserver"), f"--model-repository={repository}", f"--backend-directory={backends}", "--model-control-mode=explicit",
        "--load-model=*", f"--grpc-address={HOST}", f"--grpc-port={grpc_port}", f"--http-address={HOST}", f"--http-port={http_port}",
        f"--metrics-port={metrics_port}", f"--metrics-address={HOST}", "--allow-gpu-metrics=false", "--log-verbose=0", "--exit-timeout-secs=5",
        "--backend-config=python,shm-default-byte-size=1048576", "--http-thread-count=2", "--grpc-infer-allocation-pool-size=2",
        f"--backend-config=python,shm-region-prefix-name={_region(grpc_port)}",
    ]  # fmt: skip
    setpriv = shutil.which("setpriv")
    leash = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
    return subprocess.Popen([*leash, *command], env=_environment(root))


def probe(address: str, model: str) -> bool:
    """Whether every loaded version of the model answers a real inference, made from its own metadata, with finite numbers.

    A server that was given no such model, because it was refused, is well: NEWS2 speaks alone, and says so.
    """
    try:
        client = grpc.InferenceServerClient(address)
        try:
            if not _offered(client, model):
                return bool(client.is_server_live(client_timeout=PROBE_TIMEOUT_S))
            described = client.get_model_metadata(model, client_timeout=PROBE_TIMEOUT_S)
            return bool(described.versions) and all(_answers(client, described, version) for version in described.versions)
        finally:
            client.close()
    except InferenceServerException:
        return False


def _offered(client: grpc.InferenceServerClient, model: str) -> bool:
    return any(one.name == model for one in client.get_model_repository_index(client_timeout=PROBE_TIMEOUT_S).models)


def _answers(client: grpc.InferenceServerClient, described: Any, version: str) -> bool:
    answer = client.infer(described.name, [_zeros(one) for one in described.inputs], model_version=version, client_timeout=PROBE_TIMEOUT_S)
    arrays = [answer.as_numpy(output.name) for output in answer.get_response().outputs]
    return bool(arrays) and all(one is not None and one.size > 0 and np.isfinite(one).all() for one in arrays)


def _zeros(described: Any) -> grpc.InferInput:
    name, datatype, shape = described.name, described.datatype, [max(1, int(size)) for size in described.shape]
    one = grpc.InferInput(name, shape, datatype)
    one.set_data_from_numpy(np.zeros(shape, triton_to_np_dtype(datatype)))
    return one


def _loaded(address: str, model: str) -> bool:
    """Whether the server says that it has loaded the model, or has none of that name: enough to begin asking."""
    client = grpc.InferenceServerClient(address)
    try:
        if not _offered(client, model):
            return bool(client.is_server_ready(client_timeout=PROBE_TIMEOUT_S))
        return bool(client.is_model_ready(model, client_timeout=PROBE_TIMEOUT_S))
    except InferenceServerException:
        return False
    finally:
        client.close()


def watch(server: subprocess.Popen[bytes], address: str, models: Sequence[str], stopped_within: Callable[[float], bool]) -> int:
    """Probes until told to stop (`stopped_within` waits so many seconds and says whether it was). A model that fails twice is unloaded and loaded; if that does not help, or the server ends, returns 1.

    Readiness is no evidence: with its python stub killed the server stays ready and answers nothing (design decision 5).
    """
    try:
        return _watch(server, address, models, stopped_within)
    finally:
        _clear(int(address.rpartition(":")[2]))


def _watch(server: subprocess.Popen[bytes], address: str, models: Sequence[str], stopped_within: Callable[[float], bool]) -> int:
    deadline = time.monotonic() + START_S
    while not all(_loaded(address, model) for model in models):
        if stopped_within(0.2):
            return _stop(server)
        if server.poll() is not None or time.monotonic() > deadline:
            log.error("triton_does_not_start")
            return _stop(server) or 1
    log.info("triton_loaded", models=list(models))
    failed, due = dict.fromkeys(models, 0), time.monotonic()
    while not stopped_within(LOOK_EVERY_S):
        if server.poll() is not None:
            log.error("triton_ended", status=server.returncode)
            return 1
        if not any(failed.values()) and time.monotonic() < due:
            continue
        due = time.monotonic() + PROBE_EVERY_S
        for model in models:
            failed[model] = 0 if probe(address, model) else failed[model] + 1
            if failed[model] == 2:
                log.error("triton_model_reload", model=model)
                _reload(address, model)
        if any(times > 3 for times in failed.values()):
            return _stop(server) or 1
    return _stop(server)


def _reload(address: str, model: str) -> None:
    client = grpc.InferenceServerClient(address)
    try:
        client.unload_model(model, client_timeout=10.0)
        client.load_model(model, client_timeout=30.0)
    except InferenceServerException as error:
        log.error("triton_reload_failed", error=error.status())
    finally:
        client.close()


def load(address: str, model: str, *, wanted: bool) -> list[str]:
    """Has the server read the model's folder again, or unload the model; returns the versions that serve then. Raises InferenceServerException."""
    client = grpc.InferenceServerClient(address)
    try:
        if not wanted:
            client.unload_model(model, client_timeout=10.0)
            return []
        client.load_model(model, client_timeout=60.0)
        return list(client.get_model_metadata(model, client_timeout=PROBE_TIMEOUT_S).versions)
    finally:
        client.close()


def loaded(address: str, model: str) -> list[str]:
    """The versions that serve now; none where the server does not answer."""
    client = grpc.InferenceServerClient(address)
    try:
        return list(client.get_model_metadata(model, client_timeout=PROBE_TIMEOUT_S).versions)
    except InferenceServerException:
        return []
    finally:
        client.close()


def end(server: subprocess.Popen[bytes], grpc_port: int) -> None:
    """Stops a server that nobody watches, and gives back what it held."""
    _stop(server)
    _clear(grpc_port)


def _stop(server: subprocess.Popen[bytes]) -> int:
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(8)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    return 0
