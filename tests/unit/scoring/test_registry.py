"""The model repository: what is added is sealed, what was altered is refused with its reason and is not laid out for the server."""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from scoring.models.metadata import SHIPPED, metadata_of, versions
from scoring.models.sequence.metadata import sequence_metadata
from scoring.models.sequence.whole import Whole
from scoring.triton import registry, seal
from scoring.triton.seal import Refused
from streams.features import VERSION

MODEL, NETWORK = "deterioration", "deterioration_sequence"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A training run's folder: the shipped model's, said to be of the bedside's features whatever they are today."""
    folder = Path(shutil.copytree(SHIPPED / MODEL / "1", tmp_path / "run"))
    metadata = msgspec.structs.replace(metadata_of(SHIPPED, MODEL), features=VERSION)
    (folder / "metadata.json").write_bytes(msgspec.json.encode(metadata))
    return folder


@pytest.fixture
def repository(run: Path, tmp_path: Path) -> Path:
    where = tmp_path / "site" / "repository"
    registry.add(run, where)
    registry.add(run, where)
    return where


def test_what_is_shipped_is_sealed_and_of_the_bedsides_features() -> None:
    trees, network = registry.held(SHIPPED, registry.schemas())
    assert (trees.refused, network.refused) == (None, None)
    assert trees.manifest is not None
    assert network.manifest is not None
    assert trees.manifest.version == metadata_of(SHIPPED, MODEL).version
    assert (
        network.manifest.version
        == sequence_metadata(SHIPPED / NETWORK / "1").version
        == Whole(SHIPPED / NETWORK / "1" / "weights.npz").version
    )


def test_the_shipped_configurations_are_what_the_registry_writes() -> None:
    for model in (MODEL, NETWORK):
        for folder, gpu in (("repository", False), ("gpu", True)):
            written = (SHIPPED.parent / folder / model / "config.pbtxt").read_text()
            shape = registry.shape_of(SHIPPED / model / "1")
            assert written == registry.configuration(model, shape, versions(SHIPPED, model), gpu=gpu)
        assert (SHIPPED / model / "1" / "model.py").read_text() == registry.BACKEND.read_text()


def test_versions_are_added_beside_each_other(repository: Path) -> None:
    assert versions(repository, MODEL) == ["1", "2"]
    assert "versions: [ 1, 2 ]" in (repository / MODEL / "config.pbtxt").read_text()
    assert metadata_of(repository, MODEL, "2").version == metadata_of(SHIPPED, MODEL).version


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("name", ["model.onnx", "model.py", "metadata.json", "guard.json", "trees.npz", "twin/model.onnx"])
@pytest.mark.parametrize("change", [longer, gone])
def test_an_altered_file_is_refused_and_named(repository: Path, name: str, change: Callable[[Path], None]) -> None:
    change(repository / MODEL / "2" / name)
    with pytest.raises(Refused, match=f"{MODEL}/2: {name} is not what was sealed") as refused:
        seal.checked(repository / MODEL / "2", VERSION)
    assert refused.value.reason == "altered"


def test_a_file_that_was_put_beside_is_refused(repository: Path) -> None:
    (repository / MODEL / "2" / "calibration.json").write_text("{}")
    with pytest.raises(Refused, match="calibration"):
        seal.checked(repository / MODEL / "2")


def test_a_card_may_be_renewed_and_what_was_signed_for_stands(repository: Path) -> None:
    folder = repository / MODEL / "2"
    signed = seal.checked(folder, VERSION).digest
    (folder / "card.md").write_text("# Another evaluation\n")
    assert seal.checked(folder, VERSION, signed).digest == signed


def test_a_model_of_other_features_or_without_a_seal_is_refused(repository: Path) -> None:
    folder = repository / MODEL / "2"
    seal.seal(folder, model=MODEL, version="other", features="00000000")
    with pytest.raises(Refused, match="00000000") as refused:
        seal.checked(folder, VERSION)
    assert refused.value.reason == "wrong_features"
    (folder / "manifest.json").write_text("[]")
    with pytest.raises(Refused, match="no manifest"):
        seal.checked(folder, VERSION)
    (folder / "manifest.json").unlink()
    with pytest.raises(Refused) as unsealed:
        seal.checked(folder, VERSION)
    assert unsealed.value.reason == "unsealed"


def test_a_version_that_is_altered_and_sealed_anew_is_not_what_was_signed_for(repository: Path) -> None:
    folder = repository / MODEL / "2"
    signed = seal.checked(folder, VERSION).digest
    assert seal.checked(folder, VERSION, signed).digest == signed
    longer(folder / "model.onnx")
    seal.seal(folder, model=MODEL, version=seal.version_of(folder), features=VERSION)
    with pytest.raises(Refused, match="signed for"):
        seal.checked(folder, VERSION, signed)


def test_only_what_holds_is_laid_out_for_the_server(repository: Path, tmp_path: Path) -> None:
    longer(repository / MODEL / "2" / "model.onnx")
    found = registry.lay_out(repository, tmp_path / "served", features=VERSION)
    assert [(one.number, one.refused is None) for one in found] == [("1", True), ("2", False)]
    assert versions(tmp_path / "served", MODEL) == ["1"]
    assert "versions: [ 1 ]" in (tmp_path / "served" / MODEL / "config.pbtxt").read_text()


def test_what_was_unloaded_stays_away_and_what_nothing_is_left_of_is_not_offered(repository: Path, tmp_path: Path) -> None:
    registry.lay_out(repository, tmp_path / "served", {f"{MODEL}/1"})
    assert versions(tmp_path / "served", MODEL) == ["2"]
    registry.lay_out(repository, tmp_path / "served", {f"{MODEL}/1", f"{MODEL}/2"})
    assert list((tmp_path / "served").iterdir()) == []


def test_a_run_without_its_model_is_not_added(run: Path, repository: Path) -> None:
    (run / "model.onnx").unlink()
    with pytest.raises(FileNotFoundError):
        registry.add(run, repository)
    assert versions(repository, MODEL) == ["1", "2"]
