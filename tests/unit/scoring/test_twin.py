"""Who may be judged on the patients held out: the model that never saw them, and nobody else."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from infra.main.evaluate import command as evaluate
from infra.main.policy import command as policy
from scoring.models.metadata import SHIPPED
from scoring.models.twin import TWIN, NoTwin, metadata_in, unseen_by

SERVED = SHIPPED / "deterioration" / "1"


def version(folder: Path, name: str, twin: str = "") -> Path:
    """A version's folder with nothing but its metadata."""
    folder.mkdir(parents=True)
    told = json.loads((SERVED / "metadata.json").read_text()) | {"version": name, "twin": twin}
    (folder / "metadata.json").write_text(json.dumps(told))
    return folder


def test_a_model_that_never_saw_them_is_judged_itself(tmp_path: Path) -> None:
    served = version(tmp_path / "1", "old")
    assert unseen_by(served) == served


def test_a_model_grown_on_everybody_is_judged_by_its_twin(tmp_path: Path) -> None:
    served = version(tmp_path / "1", "new", twin="smaller")
    version(served / TWIN, "smaller")
    assert unseen_by(served) == served / TWIN


@pytest.mark.parametrize(
    ("beside", "its_own", "said"),
    [("", "", "is not beside it"), ("other", "", "not its twin smaller"), ("smaller", "third", "not its twin smaller")],
)
def test_without_its_own_twin_it_is_not_judged_there(tmp_path: Path, beside: str, its_own: str, said: str) -> None:
    served = version(tmp_path / "1", "new", twin="smaller")
    if beside:
        version(served / TWIN, beside, twin=its_own)
    with pytest.raises(NoTwin, match=said):
        unseen_by(served)


def test_what_is_shipped_was_grown_on_everybody_and_has_its_twin_beside_it() -> None:
    served, twin = metadata_in(SERVED), metadata_in(unseen_by(SERVED))
    assert (served.twin, twin.twin) == (twin.version, "")
    assert served.version != twin.version
    assert (served.features, served.seed, served.data_sha256) == (twin.features, twin.seed, twin.data_sha256)
    counts = json.loads((SERVED / "metrics.json").read_text())["patients"]
    assert counts["train"]["patients"] == counts["twin"]["patients"] + counts["holdout"]["patients"]


def test_without_the_twin_no_command_judges_it_on_the_patients_held_out(tmp_path: Path) -> None:
    repository = Path(shutil.copytree(SHIPPED, tmp_path / "repository", ignore=shutil.ignore_patterns(TWIN)))
    data = tmp_path / "data"
    data.mkdir()
    asked = ["--data", str(data), "--out", str(tmp_path / "out")]
    refused = CliRunner().invoke(evaluate, ["--task", "sepsis2019", *asked, "--repository", str(repository), "--held-out"])
    assert (refused.exit_code, len(refused.stderr.strip().splitlines())) == (2, 2)
    assert "its twin" in refused.stderr
    home = tmp_path / "home"
    home.mkdir()
    (home / "vigil.toml").write_text(f'[triton]\nrepository = "{repository}"\n')
    result = CliRunner().invoke(policy, ["simulate", "--home", str(home), *asked])
    assert (result.exit_code, len(result.stderr.strip().splitlines())) == (2, 2)
    assert "its twin" in result.stderr
