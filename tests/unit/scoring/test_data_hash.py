"""The number that stands for a data set changes with its files, and with nothing else."""

from pathlib import Path

from scoring.models.data_hash import data_hash


def test_a_file_of_the_set_changes_the_number_and_a_readme_does_not(tmp_path: Path) -> None:
    (tmp_path / "p1.psv").write_text("HR\n80\n")
    before = data_hash(tmp_path)
    (tmp_path / "README.md").write_text("words")
    assert data_hash(tmp_path) == before
    (tmp_path / "p1.psv").write_text("HR\n81\n")
    assert data_hash(tmp_path) != before


def test_a_file_by_itself_has_the_number_of_a_folder_that_holds_it_alone(tmp_path: Path) -> None:
    (tmp_path / "set.tar.gz").write_bytes(b"packed")
    assert data_hash(tmp_path / "set.tar.gz") == data_hash(tmp_path)


def test_eicus_own_tables_count_with_its_hourly_ones_and_with_no_other_set(tmp_path: Path) -> None:
    for name in ("hourly", "cinc", "eicu_demo"):
        (tmp_path / name).mkdir()
    (tmp_path / "hourly" / "dyn.parquet").write_bytes(b"hours")
    (tmp_path / "cinc" / "p1.psv").write_text("HR\n80\n")
    (tmp_path / "eicu_demo" / "patient.csv.gz").write_bytes(b"persons")
    before = [data_hash(tmp_path / name) for name in ("hourly", "cinc")]
    (tmp_path / "eicu_demo" / "patient.csv.gz").write_bytes(b"others")
    after = [data_hash(tmp_path / name) for name in ("hourly", "cinc")]
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True]
