"""`vigil evaluate --task sepsis2019`: a prediction for every hour of every file, a whole judgement where there are labels, two lines where it cannot."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from infra.main.evaluate import command
from scoring.models.metadata import SHIPPED
from scoring.models.twin import metadata_in
from scoring.models.walk import fold

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


def run(data: Path, out: Path, *more: str) -> dict[str, Any]:
    result = CliRunner().invoke(command, ["--task", "sepsis2019", "--data", str(data), "--out", str(out), "--json", *more])
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def ward(path: Path, patients: int = 40) -> Path:
    """Every third patient worsens and becomes septic; ids are the challenge's, so that a fifth of them are held out."""
    path.mkdir()
    for number in range(patients):
        septic, rows = number % 3 == 0, [HEAD + "|SepsisLabel"]
        for hour in range(1, 37):
            worse = max(0, hour - 8 - number % 5) if septic else (number + hour) % 4
            lactate = f"{1 + worse / 8:.1f}" if hour % 6 == number % 6 else "NaN"
            label = int(septic and hour > 20)
            rows.append(
                f"{75 + number % 9 + 2 * worse}|{98 - worse // 4}|{36.6 + worse / 12:.1f}|{125 - worse}|80|65|{14 + worse // 2}|{lactate}|{40 + number}|{number % 2}|-5|{hour}|{label}"
            )
        (path / f"p1{number:05d}.psv").write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """The report of a small ward, and its page."""
    here = tmp_path_factory.mktemp("judged")
    report = run(ward(here / "in"), here / "out", "--stress", "12", "--repository", str(eager(here)))
    return report, (here / "out" / "report.html").read_text()


def eager(here: Path) -> Path:
    """The shipped model with so low a threshold that it alerts in a ward that no model learned from."""
    repository = here / "repository"
    shutil.copytree(SHIPPED, repository, ignore=shutil.ignore_patterns("evaluation.json"))
    for metadata in (repository / "deterioration").rglob("metadata.json"):
        metadata.write_text(json.dumps(json.loads(metadata.read_text()) | {"threshold": 0.004}))
    return repository


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


def test_the_report_answers_what_a_safety_board_asks(judged: tuple[dict[str, Any], str]) -> None:
    report, _ = judged
    assert report["cohort"] | {"silent_rows": None} == {
        "patients": 40, "events": 14, "rows": 1440, "judged_rows": 1440, "positive_rows": 14 * 16, "prevalence": round(14 * 16 / 1440, 6),
        "patient_days": 60.0, "silent_rows": None,
    }  # fmt: skip
    assert set(report["figures"]) == {"model", "news2", "qsofa"}
    for figures in report["figures"].values():
        for name in ("auroc", "auprc", "utility"):
            assert figures[name]["low"] <= figures[name]["value"] <= figures[name]["high"]
    assert set(report["model_above"]["news2"]) == {"auroc", "auprc", "utility"}
    assert set(report["subgroups"]) == {"age", "sex", "ethnicity", "unit", "hospital", "hours in unit"}
    assert [one["way"] for one in report["stress"]["ways"]][:4] == [
        "10% of the readings lost",
        "30% of the readings lost",
        "50% of the readings lost",
        "no labs",
    ]
    assert report["stress"]["patients"] == 12
    policy = report["deployed_policy"]
    assert sum(one["alerts"] for one in policy["by_tier"].values()) == policy["all"]["alerts"] > 0
    assert any("rapid_response" in says for says in policy["says"])
    assert {one["hours_before_onset"] for one in report["before_recognition"]["before_onset"]} == {0.0, 3.0, 6.0, 12.0}
    assert any("ethnicity" in limit for limit in report["limits"])


def test_what_the_guard_keeps_back_is_counted_and_never_alerts(tmp_path: Path) -> None:
    """Ten patients' systolic and diastolic pressures are swapped: the model would say something, the bedside hears nothing."""
    data = ward(tmp_path / "in")
    for number in range(10):
        file = data / f"p1{number:05d}.psv"
        head, *rows = [line.split("|") for line in file.read_text().splitlines()]
        systolic, diastolic = head.index("SBP"), head.index("DBP")
        for row in rows:
            row[systolic], row[diastolic] = row[diastolic], row[systolic]
        file.write_text("\n".join("|".join(row) for row in [head, *rows]) + "\n")
    report = run(data, tmp_path / "out", "--stress", "0", "--repository", str(eager(tmp_path)))
    found, alone = report["abstention"], report["figures"]["model"]
    assert (found["silent_share"], report["cohort"]["silent_rows"]["model"]) == (0.25, 0)
    assert found["alerts"]["alerts"] < alone["alerts"]["alerts"]
    assert found["auroc_lost"]["value"] == pytest.approx(alone["auroc"]["value"] - found["auroc"]["value"], abs=2e-4)
    assert (tmp_path / "out" / "p100000.psv").read_text().count("\n") == 37


class Page(HTMLParser):
    """What a screen reader and a lawyer look for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.ids |= {value for name, value in attrs if name == "id" and value}

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_stands_alone_and_can_be_read_without_seeing_it(judged: tuple[dict[str, Any], str]) -> None:
    page = Page(judged[1])
    assert page.all("html")[0]["lang"] == "en"
    assert not [one for tag in ("script", "link", "img", "iframe") for one in page.all(tag)]
    assert "http" not in judged[1] and "url(" not in judged[1]
    drawn = page.all("svg")
    assert len(drawn) == 6
    for one in drawn:
        assert one["role"] == "img"
        assert set((one["aria-labelledby"] or "").split()) <= page.ids
    assert len(page.all("title")) == len(page.all("desc")) + 1 == len(drawn) + 1
    assert len(page.all("figcaption")) == len(page.all("details")) == len(drawn)
    assert len(page.all("caption")) == len(page.all("table"))
    assert {one["scope"] for one in page.all("th")} == {"col", "row"}
    assert [tag for tag, _ in page.tags if tag in ("h1", "h2", "h3")][:2] == ["h1", "h2"]


def test_the_lead_is_drawn_for_the_events_that_were_met(judged: tuple[dict[str, Any], str]) -> None:
    alerts = judged[0]["figures"]["model"]["alerts"]
    assert 0 < alerts["events_met"] <= 14
    assert judged[1].count('<rect class="bar"') == len(alerts["lead_h"]["by_hour"])
    assert sum(alerts["lead_h"]["by_hour"]) == alerts["events_met"]


def test_every_figure_on_the_page_is_the_reports(judged: tuple[dict[str, Any], str]) -> None:
    report, text = judged
    for score in ("model", "news2", "qsofa"):
        auroc = report["figures"][score]["auroc"]
        assert f"<td>{auroc['value']:.3f} ({auroc['low']:.3f} to {auroc['high']:.3f})</td>" in text
    for one in report["stress"]["ways"]:
        assert one["way"] in text


def test_the_same_data_give_the_same_report(judged: tuple[dict[str, Any], str], tmp_path: Path) -> None:
    assert run(ward(tmp_path / "in"), tmp_path / "out", "--stress", "12", "--repository", str(eager(tmp_path))) == judged[0]


def test_only_who_was_held_out_is_judged_where_that_is_asked(tmp_path: Path) -> None:
    data = ward(tmp_path / "in")
    report = run(data, tmp_path / "out", "--held-out", "--stress", "0")
    expected = sorted(one.stem for one in data.iterdir() if fold(one.stem) == "holdout")
    assert sorted(one.stem for one in (tmp_path / "out").glob("*.psv")) == expected
    assert (report["patients"], report["held_out"], "stress" in report) == (len(expected), True, False)
    served = metadata_in(SHIPPED / "deterioration" / "1")
    assert (report["version"], report["twin_of"]) == (served.twin, served.version)
    assert f"the twin of {served.version}" in report["warning"]


def test_a_card_is_renewed_with_held_out_figures_alone(tmp_path: Path) -> None:
    data, repository = ward(tmp_path / "in", patients=120), eager(tmp_path)
    common = ["--task", "sepsis2019", "--data", str(data), "--out", str(tmp_path / "out"), "--repository", str(repository), "--card"]
    refused = CliRunner().invoke(command, common)
    assert (refused.exit_code, len(refused.stderr.strip().splitlines())) == (2, 2)
    assert CliRunner().invoke(command, [*common, "--held-out", "--stress", "0"]).exit_code == 0
    found = json.loads((repository / "deterioration" / "1" / "card.json").read_text())
    by_number = {one["number"]: one for one in found["source_attributes"]}
    assert (by_number["13"]["origin"], by_number["22"]["origin"]) == ("run", "run")
    assert "sex: female" in by_number["13"]["value"]


def test_another_policy_is_judged_where_it_is_given_and_refused_where_it_is_wrong(tmp_path: Path) -> None:
    data, file = folder(tmp_path / "in", labels=True), tmp_path / "policy.toml"
    file.write_text('version = "quiet"\nmax_age_minutes = 60\n[tiers.rapid_response]\nscore = "news2"\nraise_at = 20\nclear_below = 5\n')
    policy = run(data, tmp_path / "out", "--policy", str(file), "--stress", "0")["deployed_policy"]
    assert (policy["version"].partition("+")[0], policy["all"]["alerts"]) == ("quiet", 0)
    file.write_text("version = 1\n")
    result = CliRunner().invoke(
        command, ["--task", "sepsis2019", "--data", str(data), "--out", str(tmp_path / "out"), "--policy", str(file)]
    )
    assert (result.exit_code, len(result.stderr.strip().splitlines())) == (2, 2)
