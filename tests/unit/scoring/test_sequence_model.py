"""The sequence model: what is exported is what was trained, what is carried is what a replay gives, and nothing implausible moves it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from scoring.models.sequence import scaling
from scoring.models.sequence.carried import (
    Carried,
    Cell,
    OddAnswer,
    OtherModel,
    advance_all,
    advance_hidden,
    from_bytes,
    nothing_carried,
    replay,
    to_bytes,
)  # fmt: skip
from scoring.models.sequence.encoding import Encoded
from scoring.models.sequence.export import export
from scoring.models.sequence.losses import worth_loss
from scoring.models.sequence.network import Network, Recurrence, Shape, Sight
from scoring.models.sequence.packing import material, pack
from scoring.models.sequence.run import NotTheSame, train_sequence
from scoring.models.sequence.session import NotASequenceModel, Session
from scoring.models.sequence.step import CODES, HIGH, LOW, NAMES, VERSION, Step
from scoring.models.sequence.stepping import probabilities
from scoring.models.sequence.targets import sepsis_2019
from scoring.models.sequence.training import Plan, answers

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SMALL = Shape(hidden=16)
HEART, LACTATE = NAMES.index("heart_rate"), NAMES.index("lactate")


def stay(number: int, hours: int | None = None) -> Encoded:
    """A patient whose lactate rises before sepsis, in every third stay."""
    random = np.random.default_rng(number)
    length = hours or int(random.integers(3, 30))
    septic = number % 3 == 0 and length > 12
    labels = [float(septic and hour >= length - 6) for hour in range(length)]
    values = np.full((length, len(CODES)), np.nan, np.float32)
    values[:, HEART] = random.normal(85, 12, length)
    seen = random.random(length) < 0.5
    values[seen, LACTATE] = (np.exp(random.normal(0.3, 0.2, length)) + 4.0 * (np.arange(length) >= length - 12) * septic)[seen]
    at = np.cumsum(random.choice([1.0, 1.0, 2.0], length))
    gaps = np.diff(at, prepend=at[0])
    context = np.stack(
        [gaps, np.full(length, 60.0), np.full(length, np.nan if number % 4 == 0 else 1.0), np.ones(length), at + 3.0, at], axis=1
    ).astype(np.float32)
    onset, gain = sepsis_2019([float(hour) for hour in at - at[0]], labels)
    assert onset is not None
    return Encoded(
        patient_id=f"p{number}",
        group=f"p{number}",
        hours=(at - at[0]).astype(np.float32),
        values=values,
        context=context,
        onsets={"sepsis": onset},
        gain=gain,
    )


@pytest.fixture(scope="module")
def stays() -> list[Encoded]:
    return [stay(number) for number in range(60)]


@pytest.fixture(scope="module")
def made(stays: list[Encoded], tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Sight, Session]:
    torch.manual_seed(1)
    sight, network = Sight(scaling.fit([one.values for one in stays])), Network(SMALL).eval()
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    export(network, sight, path)
    return network, sight, Session(path)


def steps(one: Encoded) -> list[tuple[datetime, Step]]:
    return [
        (NOON + timedelta(hours=float(hour)), Step(values, context))
        for hour, values, context in zip(one.hours, one.values, one.context, strict=True)
    ]


def walked(cell: Cell, one: Encoded) -> tuple[list[float], Carried]:
    carried, worth = nothing_carried(cell), []
    for at, step in steps(one):
        carried, answer = advance_hidden(cell, carried, at, step)
        worth.append(answer.worth)
    return worth, carried


def test_the_exported_step_carried_along_equals_torch_over_the_whole_stay(
    made: tuple[Network, Sight, Session], stays: list[Encoded]
) -> None:
    network, sight, cell = made
    for one in [*stays[:10], stay(3, hours=240)]:
        carried = nothing_carried(cell)
        risks, worth = probabilities(network, sight, one)
        for row, (at, step) in enumerate(steps(one)):
            carried, answer = advance_hidden(cell, carried, at, step)
            np.testing.assert_allclose(answer.risks.ravel(), risks[row], atol=1e-5)
            assert answer.worth == pytest.approx(float(worth[row]), abs=1e-5)
            assert (np.diff(answer.risks, axis=1) >= 0).all()


def test_what_training_sees_packed_is_what_one_patient_alone_gives(made: tuple[Network, Sight, Session], stays: list[Encoded]) -> None:
    network, sight, _ = made
    held = material(stays, sight)
    _, worth = answers(network, held, np.arange(len(stays)))
    for place in (0, 7, 41):
        alone = probabilities(network, sight, stays[place])[1]
        packed = 1 / (1 + np.exp(-worth[held.starts[place] : held.starts[place] + held.lengths[place]]))
        np.testing.assert_allclose(packed, alone, atol=2e-3)  # steps are kept in half precision for training


def test_a_replay_of_the_same_steps_gives_the_same_and_so_does_another_batch(
    made: tuple[Network, Sight, Session], stays: list[Encoded]
) -> None:
    _, _, cell = made
    one = stays[5]
    _, carried = walked(cell, one)
    again = replay(cell, steps(one))
    np.testing.assert_allclose(again.numbers, carried.numbers, atol=1e-5)
    step = Step(one.values[0], one.context[0])
    together = advance_all(
        cell, [(nothing_carried(cell), NOON, Step(other.values[0], other.context[0])) for other in stays[:32]] + [(carried, NOON, step)]
    )
    alone = advance_hidden(cell, carried, NOON, step)
    np.testing.assert_allclose(together[-1][0].numbers, alone[0].numbers, atol=1e-5)


def test_what_is_carried_is_the_same_size_after_ten_hours_and_ten_days_and_survives_the_database(
    made: tuple[Network, Sight, Session],
) -> None:
    _, _, cell = made
    short, long = walked(cell, stay(1, hours=10))[1], walked(cell, stay(1, hours=240))[1]
    assert len(to_bytes(short)) == len(to_bytes(long))
    back = from_bytes(to_bytes(long))
    assert (back.version, back.before_at, back.opened_at, back.at) == (long.version, long.before_at, long.opened_at, long.at)
    for name in ("numbers", "before", "values"):
        np.testing.assert_array_equal(getattr(back, name), getattr(long, name))
    for odd in (b"\x00", to_bytes(long)[:-4], to_bytes(replace(long, numbers=long.numbers[:-1]))):
        with pytest.raises(msgspec.DecodeError):
            from_bytes(odd)


@pytest.mark.parametrize("apart_min", [1, 10, 29])
def test_messages_of_one_hour_say_together_what_one_message_would(
    made: tuple[Network, Sight, Session], stays: list[Encoded], apart_min: int
) -> None:
    _, _, cell = made
    whole, worth = nothing_carried(cell), []
    for at, step in steps(stays[9]):
        whole, answer = advance_hidden(cell, whole, at, step)
        worth.append(answer.worth)
    told = nothing_carried(cell)
    for (at, step), expected in zip(steps(stays[9]), worth, strict=True):
        for place in (HEART, LACTATE):
            alone = np.full(len(CODES), np.nan, np.float32)
            alone[place] = step.values[place]
            told, answer = advance_hidden(cell, told, at - timedelta(minutes=apart_min * (place == HEART)), Step(alone, step.context))
        assert answer.worth == pytest.approx(expected, abs=1e-5)


def test_a_value_sent_again_within_the_hour_replaces_the_one_before(made: tuple[Network, Sight, Session]) -> None:
    _, _, cell = made
    context = np.zeros(6, np.float32)

    def lactate(value: float) -> Step:
        values = np.full(len(CODES), np.nan, np.float32)
        values[LACTATE] = value
        return Step(values, context)

    corrected, _ = advance_hidden(
        cell, advance_hidden(cell, nothing_carried(cell), NOON, lactate(9.0))[0], NOON + timedelta(minutes=5), lactate(2.0)
    )
    right, _ = advance_hidden(cell, nothing_carried(cell), NOON, lactate(2.0))
    np.testing.assert_allclose(corrected.numbers, right.numbers, atol=1e-5)


ODD = [float("nan"), float("inf"), float("-inf"), 98.6e6, -5.0]


@pytest.mark.parametrize("value", ODD)
def test_a_value_no_patient_has_counts_as_not_measured(made: tuple[Network, Sight, Session], value: float) -> None:
    _, _, cell = made
    one = stay(2, hours=5)
    odd = replace_value(one, value)
    without = replace_value(one, float("nan"))
    assert walked(cell, odd)[0] == walked(cell, without)[0]


def replace_value(one: Encoded, value: float) -> Encoded:
    values = one.values.copy()
    values[2, LACTATE] = value
    return replace(one, values=values)


@pytest.mark.parametrize("context", [[np.nan] * 6, [np.inf] * 6, [-5.0, -1.0, 0.0, -3.0, -1.0, -9.0], [1e9] * 6])
def test_an_odd_time_or_age_never_makes_an_odd_answer(made: tuple[Network, Sight, Session], context: list[float]) -> None:
    _, _, cell = made
    step = Step(np.full(len(CODES), np.nan, np.float32), np.array(context, np.float32))
    _, answer = advance_hidden(cell, nothing_carried(cell), NOON, step)
    assert np.isfinite(answer.risks).all()
    assert 0 <= answer.worth <= 1


@pytest.mark.parametrize(("bound", "outward"), [(LOW, -1.0), (HIGH, 1.0)], ids=["lowest", "highest"])
def test_the_edge_of_the_plausible_range_is_plausible(made: tuple[Network, Sight, Session], bound: np.ndarray, outward: float) -> None:
    _, sight, _ = made
    assert sight.scaled(torch.from_numpy(bound[None]))[1].min() == 1.0
    outside = (bound + outward * 1e-4 * np.maximum(1.0, np.abs(bound))).astype(np.float32)
    assert sight.scaled(torch.from_numpy(outside[None]))[1].max() == 0.0


def test_another_models_state_and_an_odd_answer_are_refused(made: tuple[Network, Sight, Session]) -> None:
    _, _, cell = made
    step = Step(np.full(len(CODES), np.nan, np.float32), np.zeros(6, np.float32))
    with pytest.raises(OtherModel):
        advance_hidden(cell, replace(nothing_carried(cell), version="older"), NOON, step)
    ill = replace(nothing_carried(cell), numbers=np.full_like(nothing_carried(cell).numbers, np.nan))
    with pytest.raises(OddAnswer):
        advance_hidden(cell, ill, NOON, step)


def test_a_file_of_another_model_of_other_steps_or_cut_short_is_refused(made: tuple[Network, Sight, Session], tmp_path: Path) -> None:
    network, sight, _ = made
    path = tmp_path / "model.onnx"
    export(network, sight, path)
    content = path.read_bytes()
    other = content.replace(VERSION.encode(), VERSION[::-1].encode())
    deterioration = Path("scoring/triton/repository/deterioration/1/model.onnx").read_bytes()
    for wrong in (content[: len(content) // 2], b"", other, deterioration):
        path.write_bytes(wrong)
        with pytest.raises(NotASequenceModel):
            Session(path)


def test_the_packed_recurrence_has_the_gradient_of_the_plain_one() -> None:
    _, sizes = pack(np.arange(3), np.array([0, 4, 6]), np.array([4, 2, 1]))
    keep, new = (torch.rand(7, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(lambda one, other: Recurrence.apply(one, other, sizes), (keep, new))


def test_the_alarm_loss_is_least_where_the_expected_gain_changes_sign() -> None:
    """One septic hour in 21 earns 1, twenty others lose 0.05 each: a coin's worth; one more hour that loses makes silence better."""
    for others, better in ((19, True), (21, False)):
        gain = torch.tensor([1.0] + [-0.05] * others)
        grid = torch.linspace(-2, 2, 401)
        losses = torch.stack([worth_loss(one.expand(len(gain)), gain, 1.0) for one in grid])
        assert bool(grid[losses.argmin()] > 0) is better


PLAN = Plan(seed=3, pretrain_epochs=1, epochs=3, patients_a_step=8, rate=1e-2)


def trained(stays: list[Encoded], out: Path, plan: Plan = PLAN, stop_after: int | None = None) -> dict[str, object]:
    told: list[str] = []

    def say(text: str) -> None:
        told.append(text)
        if stop_after is not None and sum(one.startswith("epoch") for one in told) == stop_after:
            raise KeyboardInterrupt

    return train_sequence(stays, out, seed=plan.seed, data_sha256={"test": "0"}, say=say, shape=SMALL, plan=plan)


def test_a_run_that_was_killed_goes_on_and_ends_as_if_it_had_not_been(stays: list[Encoded], tmp_path: Path) -> None:
    whole = trained(stays, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trained(stays, tmp_path / "cut", stop_after=2)
    assert trained(stays, tmp_path / "cut") == whole
    assert (tmp_path / "cut" / "model.onnx").read_bytes() == (tmp_path / "whole" / "model.onnx").read_bytes()
    assert [one["epoch"] for one in json.loads((tmp_path / "cut" / "curve.json").read_text())] == [1, 2, 3, 4]


def test_a_folder_of_another_run_is_not_written_over(stays: list[Encoded], tmp_path: Path) -> None:
    trained(stays, tmp_path, replace(PLAN, epochs=1))
    with pytest.raises(NotTheSame):
        trained(stays, tmp_path, replace(PLAN, epochs=2))


def test_it_learns_what_there_is_to_learn(tmp_path: Path) -> None:
    metrics = trained([stay(number) for number in range(400)], tmp_path, replace(PLAN, epochs=6))
    assert metrics["sepsis"]["worth"]["auroc"]["value"] > 0.9
    assert metrics["sepsis"]["worth"]["utility"]["value"] > 0.3
