"""Mutes and exclusions on a real PostgreSQL: nobody is paged, everything that was not paged is kept, and the mute ends by itself."""

import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from alerts import answers, mutes, outbox
from alerts.answers import Answer
from infra.database.connect import connect
from tests.episodes import NOON, Bedside, claim
from tests.rosters import Ward

KEPT = "SELECT tier, reason, detail, count FROM vigil.suppressed ORDER BY tier, reason"


@pytest.fixture
def bedside(postgres_url: str) -> Bedside:
    return Bedside(postgres_url)


def mute(bedside: Bedside, hours: float) -> None:
    [(episode_id,)] = bedside.ask("SELECT episode_id FROM vigil.episodes")
    with connect(bedside.url) as connection:
        assert mutes.mute(connection.cursor(), episode_id, "known", NOON + timedelta(hours=hours), "Dr Ann", NOON)


def test_who_is_muted_is_not_paged_about_until_the_mute_ends_by_itself(bedside: Bedside) -> None:
    bedside.take(5)
    mute(bedside, hours=2)
    for minutes in (10, 70, 119):
        bedside.take(9, minutes=minutes)
    assert bedside.ask("SELECT tier FROM vigil.pages") == [("urgent",)]
    assert bedside.ask(KEPT) == [("rapid_response", "muted", "known", 1), ("rapid_response", "muted", "known", 2)]
    bedside.take(9, minutes=120)
    assert bedside.ask("SELECT tier FROM vigil.pages ORDER BY created_at") == [("urgent",), ("rapid_response",)]


def test_a_mute_follows_the_patient_through_a_merge_and_can_be_ended(bedside: Bedside) -> None:
    bedside.take(5, mrn="1")
    mute(bedside, hours=10)
    bedside.merge("1", "2")
    bedside.take(9, mrn="2", minutes=5)
    assert bedside.ask("SELECT count(*) FROM vigil.pages") == [(1,)]
    [(episode_id,)] = bedside.ask("SELECT episode_id FROM vigil.episodes WHERE tier = 'urgent'")
    with connect(bedside.url) as connection:
        assert [mutes.lift(connection.cursor(), episode_id, "Dr Bob", NOON + timedelta(minutes=6)) for _ in range(2)] == [1, 0]
    bedside.take(9, mrn="2", minutes=7)
    assert bedside.ask("SELECT count(*) FROM vigil.pages") == [(2,)]
    assert bedside.ask("SELECT action, actor FROM vigil.audit_log") == [("mute", "Dr Ann"), ("unmute", "Dr Bob")]


def test_comfort_care_said_in_an_answer_mutes_for_a_day(bedside: Bedside) -> None:
    bedside.take(5)
    [page] = claim(bedside)
    with connect(bedside.url, autocommit=True) as connection:
        answers.give(connection, page.token, Answer(kind="outcome", by="Dr Ann", outcome="comfort_care", action="none"), NOON)
    assert bedside.ask("SELECT reason, until, made_by FROM vigil.mutes") == [("comfort_care", NOON + timedelta(hours=24), "Dr Ann")]
    bedside.take(12, minutes=60)
    assert bedside.ask("SELECT count(*) FROM vigil.pages") == [(1,)]


def test_what_nobody_had_answered_rests_while_the_patient_is_muted_and_is_paged_on_when_that_ends(postgres_url: str) -> None:
    ward = Ward(postgres_url)
    ward.take(5)
    [page] = claim(ward)
    with connect(ward.url, autocommit=True) as connection:
        outbox.accepted(connection, page, None, NOON)
    mute(ward, hours=1)
    ward.at(59)
    assert ward.ask("SELECT state FROM vigil.episodes") == [("muted",)]
    assert ward.paged() == [(0, "urgent", "ann", "pager")]
    ward.at(60)
    assert ward.ask("SELECT state FROM vigil.episodes") == [("open",)]
    assert ward.paged() == [(0, "urgent", "ann", "pager"), (1, "urgent", "bob", "pager")]


def test_a_mute_that_is_lifted_ends_at_once(postgres_url: str) -> None:
    ward = Ward(postgres_url)
    ward.take(5)
    mute(ward, hours=10)
    [(episode_id,)] = ward.ask("SELECT episode_id FROM vigil.episodes")
    with connect(ward.url) as connection:
        mutes.lift(connection.cursor(), episode_id, "Dr Bob", NOON + timedelta(minutes=1))
    ward.at(2)
    assert ward.ask("SELECT state FROM vigil.episodes") == [("open",)]


def test_no_mute_is_longer_than_three_days(bedside: Bedside) -> None:
    bedside.take(5)
    mute(bedside, hours=24 * 365)
    assert bedside.ask("SELECT until FROM vigil.mutes") == [(NOON + mutes.LONGEST,)]


def test_a_child_is_not_paged_about_by_a_score_for_adults_and_that_is_kept(bedside: Bedside) -> None:
    moment = bedside.moment("1", 0, "open")
    child = replace(moment, patient=replace(moment.patient, birth_date=date(2018, 1, 1)))
    score = bedside.score(moment, 9, 0)
    bedside.again([child], [score])
    bedside.again([child], [score])
    assert bedside.ask("SELECT count(*) FROM vigil.pages") == [(0,)]
    assert bedside.ask(KEPT) == [("rapid_response", "excluded", "paediatric", 2)]


def vigil(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "infra.main", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def test_a_policy_is_checked_and_compared_from_a_terminal(tmp_path: Path) -> None:
    ours = Path("alerts/policy.toml").read_text()
    (tmp_path / "a.toml").write_text(ours)
    (tmp_path / "b.toml").write_text(ours.replace("raise_at = 7", "raise_at = 9"))
    (tmp_path / "c.toml").write_text(ours.replace("raise_at = 7", "raise_at = 3"))
    home = ("--home", str(tmp_path))
    assert vigil("policy", "check", str(tmp_path / "a.toml"), *home)[0] == 0
    status, _, err = vigil("policy", "check", str(tmp_path / "c.toml"), *home)
    assert (status, len(err.splitlines()), "clears above where it raises" in err) == (2, 2, True)
    assert vigil("policy", "diff", str(tmp_path / "a.toml"), str(tmp_path / "a.toml"), *home)[:2] == (0, "")
    status, out, _ = vigil("policy", "diff", str(tmp_path / "a.toml"), str(tmp_path / "b.toml"), *home)
    otherwise = "cleared below 5 for 30 min, anew at 3 above the highest, told again after 720 min where nobody has answered"
    assert (status, out) == (
        1, f"~ rapid_response by news2: raised at 7, {otherwise} -> raised at 9, {otherwise}\n",
    )  # fmt: skip
