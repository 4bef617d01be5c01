"""`vigil evaluate`: the shipped model over a data set, hour by hour, with honest figures where there are labels."""

from pathlib import Path

import click
import msgspec
import numpy as np
import numpy.typing as npt

from infra.main.cli import NOT_THERE, Trouble
from infra.main.home import json_option
from scoring.evaluate.page import html
from scoring.evaluate.sepsis2019 import Predict, evaluate
from scoring.models.metadata import SHIPPED, metadata_of
from streams.features import VERSION
from streams.replay.cinc2019 import NotACinc2019File, files

TASKS = {"sepsis2019": evaluate}


@click.command()
@json_option
@click.option("--task", type=click.Choice(list(TASKS)), required=True)
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option(
    "--repository", type=click.Path(exists=True, file_okay=False, path_type=Path), default=SHIPPED, help="Another model repository."
)
def command(task: str, data: Path, out: Path, repository: Path, as_json: bool) -> None:
    """Writes P.psv for every patient file P.psv, report.json and report.html."""
    metadata = metadata_of(repository, "deterioration")
    if metadata.features != VERSION:
        raise Trouble("the model was trained on another feature list", "train it again: vigil train")
    out.mkdir(parents=True, exist_ok=True)
    try:
        report = TASKS[task](files(data), _predict(repository / "deterioration" / "1" / "model.onnx"), metadata, out, _progress)
    except NotACinc2019File as error:
        raise Trouble(f"{data}: {error}", "give a folder of CinC 2019 .psv files") from error
    if not report["patients"]:
        raise Trouble(f"no patient file under {data}", "give a folder of CinC 2019 .psv files")
    (out / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
    (out / "report.html").write_text(html(report))
    click.echo(msgspec.json.format(msgspec.json.encode(report), indent=0 if as_json else 2).decode())


def _predict(model: Path) -> Predict:
    try:
        import onnxruntime  # noqa: PLC0415 (an extra: running Vigil needs none of it)
    except ModuleNotFoundError as error:
        raise Trouble("evaluating needs onnxruntime", "install it: make setup-dev", NOT_THERE) from error
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])

    def predict(matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        [answers] = session.run(["probability"], {"features": matrix})
        found: npt.NDArray[np.float32] = answers[:, 0]
        return found

    return predict


def _progress(patients: int) -> None:
    stream = click.get_text_stream("stderr")
    if patients % 200 == 0 and stream.isatty():
        click.echo(f"\r{patients} patients", err=True, nl=False)
