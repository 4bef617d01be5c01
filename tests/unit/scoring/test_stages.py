"""The way of a model to the bedside: no step is skipped, each has its evidence and signatures, and down it goes at once."""

import msgspec
import pytest

from scoring.stages import BREACH_SCORES, Change, Evidence, Stage, Standing, breach, displaced, objections

GOOD = Evidence(scores=5000, abstained=100, hours=72.0, report_sha256="ab" * 32)
PILOT = Change(version="v2", stage="pilot", signed_by=("Dr Okafor",), units=("4W",))
LIVE = Change(version="v2", stage="live", signed_by=("Dr Okafor", "Sister Reed"))


@pytest.mark.parametrize(
    ("before", "change", "evidence", "against"),
    [
        (None, Change(version="v2", stage="shadow"), Evidence(), None),
        (None, LIVE, GOOD, "goes to shadow"),
        ("shadow", LIVE, GOOD, "goes to pilot or retired"),
        ("shadow", PILOT, GOOD, None),
        ("shadow", msgspec.structs.replace(PILOT, units=()), GOOD, "named units"),
        ("shadow", msgspec.structs.replace(PILOT, signed_by=()), GOOD, "1 different people"),
        ("shadow", PILOT, msgspec.structs.replace(GOOD, scores=999), "999 scores"),
        ("shadow", PILOT, msgspec.structs.replace(GOOD, hours=23.9), "23.9 hours"),
        ("shadow", PILOT, msgspec.structs.replace(GOOD, abstained=1001), "abstained on 20%"),
        ("shadow", PILOT, msgspec.structs.replace(GOOD, report_sha256=""), "report"),
        ("pilot", LIVE, GOOD, None),
        ("pilot", msgspec.structs.replace(LIVE, signed_by=("Dr Okafor", " dr okafor ")), GOOD, "2 different people"),
        ("live", Change(version="v2", stage="shadow"), Evidence(), "say why"),
        ("live", Change(version="v2", stage="shadow", reason="misses sepsis"), Evidence(), None),
        ("retired", LIVE, GOOD, "goes to shadow"),
    ],
)
def test_a_step_is_taken_on_evidence_and_signatures_alone(
    before: Stage | None, change: Change, evidence: Evidence, against: str | None
) -> None:
    found = objections(before, change, evidence)
    if against is None:
        assert found == []
    else:
        assert against in "; ".join(found)


def test_whoever_goes_live_takes_the_place_of_who_was() -> None:
    standings = [
        Standing(model="m", version=f"v{number}", served=str(number), stage=stage)
        for number, stage in enumerate(("live", "shadow", "pilot"))
    ]
    assert [one.version for one in displaced(standings, Change(version="v2", stage="live"))] == ["v0"]
    assert displaced(standings, Change(version="v0", stage="live")) == []
    assert displaced(standings, Change(version="v1", stage="shadow")) == []


def test_a_model_that_keeps_silent_about_most_is_taken_back_once_there_is_enough_to_tell() -> None:
    assert breach(Evidence(scores=BREACH_SCORES - 1, abstained=BREACH_SCORES - 1)) == ""
    assert breach(Evidence(scores=BREACH_SCORES, abstained=BREACH_SCORES // 2)) == ""
    assert "abstained on 50%" in breach(Evidence(scores=BREACH_SCORES, abstained=BREACH_SCORES // 2 + 1))
