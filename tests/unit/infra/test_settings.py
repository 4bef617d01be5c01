"""Where a setting comes from, and what a wrong one says."""

import json
from pathlib import Path

import pytest

from infra.settings import SettingsError, load


def test_defaults_hold_without_any_file(tmp_path: Path) -> None:
    settings = load(tmp_path, {})
    assert (settings.kafka.partitions, settings.clock.speed, settings.home) == (12, 1.0, str(tmp_path))


def test_the_environment_wins_over_what_up_chose_and_that_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "vigil.toml").write_text('[kafka]\npartitions = 8\nheap_mb = 700\nbootstrap = "a:1"\n')
    (tmp_path / "runtime.json").write_text(json.dumps({"kafka": {"bootstrap": "b:2", "heap_mb": 800}}))
    settings = load(tmp_path, {"VIGIL_KAFKA__HEAP_MB": "900"})
    assert (settings.kafka.partitions, settings.kafka.bootstrap, settings.kafka.heap_mb) == (8, "b:2", 900)


def test_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("postgresql://vigil:s3cret@db/vigil\n")
    assert load(tmp_path, {"VIGIL_DATABASE__URL_FILE": str(secret)}).database.url == "postgresql://vigil:s3cret@db/vigil"


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[kafka]\npartitons = 8\n", "partitons"),
        ("[kafka]\npartitions = 0\n", "kafka.partitions"),
        ('[clock]\nspeed = "fast"\n', "clock.speed"),
        ("[kafka\n", "not TOML"),
    ],
)
def test_a_wrong_setting_is_named_and_a_remedy_given(tmp_path: Path, toml: str, said: str) -> None:
    (tmp_path / "vigil.toml").write_text(toml)
    with pytest.raises(SettingsError) as error:
        load(tmp_path, {})
    wrong, remedy = str(error.value).split("\n")
    assert said in wrong
    assert remedy
