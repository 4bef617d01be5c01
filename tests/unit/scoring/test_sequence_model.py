"""The sequence model: what is exported is what was trained, what is carried is what a replay gives, and nothing implausible moves it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import torch

from scoring.integrated import integrated
from scoring.models.sequence import scaling
from scoring.models.sequence.carried import (
    Carried,
    Cell,
    OddAnswer,
    OtherModel,
    advance_all,
    advance_hidden,
    nothing_carried,
    opened,
    with_gap,
)  # fmt: skip
from scoring.models.sequence.encoding import Encoded
from scoring.models.sequence.export import export, save_weights
from scoring.models.sequence.losses import worth_loss
from scoring.models.sequence.network import Network, Recurrence, Shape, Sight
from scoring.models.sequence.packing import material, pack
from scoring.models.sequence.run import NotTheSame, train_sequence
from scoring.models.sequence.session import NotASequenceModel, Session
from scoring.models.sequence.step import CODES, HIGH, LOW, NAMES, VERSION, Step
from scoring.models.sequence.stepping import probabilities
from scoring.models.sequence.targets import sepsis_2019
from scoring.models.sequence.training import Plan, answers
from scoring.models.sequence.whole import Hour, NotWeights, Whole

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
    _, again = walked(cell, one)
    np.testing.assert_allclose(again.numbers, carried.numbers, atol=1e-5)
    step = Step(one.values[0], one.context[0])
    together = advance_all(
        cell, [(nothing_carried(cell), NOON, Step(other.values[0], other.context[0])) for other in stays[:32]] + [(carried, NOON, step)]
    )
    alone = advance_hidden(cell, carried, NOON, step)
    np.testing.assert_allclose(together[-1][0].numbers, alone[0].numbers, atol=1e-5)


def test_what_is_carried_is_the_same_size_after_ten_hours_and_ten_days(made: tuple[Network, Sight, Session]) -> None:
    _, _, cell = made
    short, long = walked(cell, stay(1, hours=10))[1], walked(cell, stay(1, hours=240))[1]
    assert [len(getattr(one, name)) for one in (short, long) for name in ("numbers", "before")] == [cell.hidden + 1 + 5 * len(CODES)] * 4


@pytest.mark.parametrize("apart_min", [1, 10, 29])
def test_a_step_that_stays_open_is_taken_anew_with_each_message(
    made: tuple[Network, Sight, Session], stays: list[Encoded], apart_min: int
) -> None:
    _, _, cell = made
    whole, worth = nothing_carried(cell), []
    for at, step in steps(stays[9]):
        whole, answer = advance_hidden(cell, whole, at, step)
        worth.append(answer.worth)
    told = nothing_carried(cell)
    for (at, step), expected in zip(steps(stays[9]), worth, strict=True):
        first = np.where(np.arange(len(CODES)) == HEART, step.values, np.nan).astype(np.float32)
        told, _ = advance_hidden(cell, told, at - timedelta(minutes=apart_min), Step(first, step.context))
        told, answer = advance_hidden(cell, told, at, step)
        assert answer.worth == pytest.approx(expected, abs=1e-5)


def test_a_step_ends_after_an_hour_and_a_stay_after_ten_days_of_silence(made: tuple[Network, Sight, Session]) -> None:
    _, _, cell = made
    step = Step(np.full(len(CODES), np.nan, np.float32), np.zeros(6, np.float32))
    carried, _ = advance_hidden(cell, nothing_carried(cell), NOON, step)
    same = opened(carried, NOON + timedelta(minutes=59))
    assert (same.opened_at, same.before_at, same.since) == (NOON, None, NOON - timedelta(microseconds=1))
    later = opened(carried, NOON + timedelta(hours=1))
    assert (later.opened_at, later.before_at, later.since) == (NOON + timedelta(hours=1), NOON, NOON)
    np.testing.assert_array_equal(later.before, carried.numbers)
    anew = opened(carried, NOON + timedelta(hours=241))
    assert (anew.before_at, anew.step) == (None, None)
    np.testing.assert_array_equal(anew.before, nothing_carried(cell).before)


def hours(one: Encoded) -> list[Hour]:
    found, before_at = [], None
    for at, step in steps(one):
        found.append(Hour(opened_at=at, at=at, before_at=before_at, step=with_gap(step, before_at, at)))
        before_at = at
    return found


@pytest.fixture(scope="module")
def weights(made: tuple[Network, Sight, Session], tmp_path_factory: pytest.TempPathFactory) -> Whole:
    network, sight, cell = made
    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    save_weights(network, sight, cell.version, path)
    return Whole(path)


def test_the_weights_alone_say_what_the_exported_step_says(
    made: tuple[Network, Sight, Session], weights: Whole, stays: list[Encoded]
) -> None:
    """One step, and a whole stay at once: the state, the open step's beginning, and both answers."""
    _, _, cell = made
    assert (weights.version, weights.hidden) == (cell.version, cell.hidden)
    for one in (stays[0], stays[9], stay(3, hours=240)):
        worth, carried = walked(cell, one)
        again = weights.carried(hours(one))
        for name in ("numbers", "before"):
            np.testing.assert_allclose(getattr(again, name), getattr(carried, name), atol=1e-5)
        assert (again.before_at, again.opened_at, again.at) == (carried.before_at, carried.opened_at, carried.at)
        assert again.step is not None and carried.step is not None
        np.testing.assert_array_equal(again.step.context, carried.step.context)
        np.testing.assert_allclose(weights.closed(carried), carried.numbers, atol=1e-5)
        assert weights.answer(hours(one))[1] == pytest.approx(worth[-1], abs=1e-5)
        walk, _ = walked(weights, one)
        np.testing.assert_allclose(walk, worth, atol=1e-5)
    assert weights.carried([]).step is None


def test_attributions_sum_to_the_log_odds_and_are_the_gradients_torch_has(made: tuple[Network, Sight, Session], weights: Whole) -> None:
    network, sight, _ = made
    for one in (stay(0), stay(9), stay(3, hours=240)):
        why = integrated(weights, hours(one))
        log_odds = why.log_odds
        assert abs(why.missed) < 1e-3
        assert set(why.moved) == {"heart_rate", "lactate"}
        worth = probabilities(network, sight, one)[1][-1]
        assert log_odds == pytest.approx(float(np.log(worth / (1 - worth))), abs=1e-3)
        seen = torch.from_numpy(weights.stay(hours(one), typical=False)[0]).requires_grad_()
        exact = network.double()
        [gradient] = torch.autograd.grad(exact(seen, (1,) * len(seen))[1][-1], seen)
        np.testing.assert_allclose(weights.gradient(seen.detach().numpy()), gradient.numpy(), atol=1e-9)
        network.float()


def test_a_stay_of_typical_values_is_its_own_base(weights: Whole, made: tuple[Network, Sight, Session]) -> None:
    _, sight, _ = made
    one = stay(4, hours=12)
    centre = np.where(sight.logged.numpy() > 0, np.expm1(np.minimum(sight.centre.numpy(), 20.0)), sight.centre.numpy())
    typical = replace(one, values=np.where(np.isnan(one.values), np.nan, centre).astype(np.float32))
    why = integrated(weights, hours(typical))
    assert why.base == pytest.approx(why.log_odds, abs=1e-5)
    assert max(map(abs, why.moved.values()), default=0.0) < 1e-5


def test_weights_that_are_none_or_of_other_steps_are_refused(
    made: tuple[Network, Sight, Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, sight, _ = made
    path = tmp_path / "weights.npz"
    save_weights(network, sight, "v", path)
    content = path.read_bytes()
    for spoilt in (b"", content[:200], content[:-200], content[:3000] + bytes(200) + content[3200:]):
        path.write_bytes(spoilt)
        with pytest.raises(NotWeights):
            Whole(path)
    path.write_bytes(content)
    monkeypatch.setattr("scoring.models.sequence.whole.VERSION", "00000000")
    with pytest.raises(NotWeights, match="00000000"):
        Whole(path)


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
    begun, _ = advance_hidden(cell, nothing_carried(cell), NOON, step)
    ill = replace(begun, before=np.full_like(begun.before, np.nan))
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
