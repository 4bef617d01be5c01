"""`vigil evaluate --task sepsis2019`: a prediction for every hour of every file, figures where there are labels, two lines where it cannot."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from infra.main.evaluate import command

HEAD = "HR|O2Sat|Temp|SBP|MAP|DBP|Resp|Lactate|Age|Gender|HospAdmTime|ICULOS"


def folder(path: Path, *, labels: bool) -> Path:
    """Two patients: one well for 24 hours, one who worsens from hour 10 on and becomes septic."""
    path.mkdir()
    for name, septic, hours in (("a", False, 24), ("b", True, 30)):
        rows = [HEAD + ("|SepsisLabel" if labels else "")]
        for hour in range(1, hours + 1):
            worse = max(0, hour - 10) if septic else 0
            label = f"|{int(septic and hour > 18)}" if labels else ""
            rows.append(f"{80 + 3 * worse}|97|{36.8 + worse / 10:.1f}|{120 - worse}|80|65|{15 + worse}|NaN|64|1|-5|{hour}{label}")
        (path / f"{name}.psv").write_text("\n".join(rows) + "\n")
    return path


def run(data: Path, out: Path) -> dict[str, object]:
    result = CliRunner().invoke(command, ["--task", "sepsis2019", "--data", str(data), "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    report: dict[str, object] = json.loads(result.stdout)
    return report


@pytest.mark.parametrize("labels", [True, False])
def test_every_hour_gets_one_row(tmp_path: Path, labels: bool) -> None:
    report = run(folder(tmp_path / "in", labels=labels), tmp_path / "out")
    assert (report["patients"], report["hours"], "figures" in report) == (2, 54, labels)
    for name, hours in (("a", 24), ("b", 30)):
        head, *rows = (tmp_path / "out" / f"{name}.psv").read_text().splitlines()
        assert head == "PredictedProbability|PredictedLabel"
        assert len(rows) == hours
        assert all(0.0 <= float(row.split("|")[0]) <= 1.0 and row.split("|")[1] in {"0", "1"} for row in rows)
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report
    assert "<title>" in (tmp_path / "out" / "report.html").read_text()


def test_labels_in_a_file_change_no_prediction(tmp_path: Path) -> None:
    run(folder(tmp_path / "with", labels=True), tmp_path / "one")
    run(folder(tmp_path / "without", labels=False), tmp_path / "other")
    for name in ("a.psv", "b.psv"):
        assert (tmp_path / "one" / name).read_text() == (tmp_path / "other" / name).read_text()


def test_a_prediction_uses_only_the_rows_up_to_it(tmp_path: Path) -> None:
    whole = folder(tmp_path / "whole", labels=True)
    run(whole, tmp_path / "one")
    cut = tmp_path / "cut"
    cut.mkdir()
    lines = (whole / "b.psv").read_text().splitlines()
    (cut / "b.psv").write_text("\n".join(lines[:13]) + "\n")
    run(cut, tmp_path / "other")
    assert (tmp_path / "other" / "b.psv").read_text().splitlines() == (tmp_path / "one" / "b.psv").read_text().splitlines()[:13]


@pytest.mark.parametrize("content", [None, "nonsense\n1\n"])
def test_a_folder_without_patients_is_told_in_two_lines(tmp_path: Path, content: str | None) -> None:
    data = tmp_path / "in"
    data.mkdir()
    if content is not None:
        (data / "x.psv").write_text(content)
    result = CliRunner().invoke(command, ["--task", "sepsis2019", "--data", str(data), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 2
