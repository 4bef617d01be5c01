"""The model versions that speak at the bedside: checked, laid before the scorer by the stage each has reached, and looked at again while the worker runs."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
import psycopg

from infra.logs import logger
from infra.settings import TritonSettings
from scoring import stages_store, store
from scoring.bedside import Bedside
from scoring.calibration import Calibration
from scoring.carrying import Carrying
from scoring.drift import UnitDrift
from scoring.guards import guard_of
from scoring.models.metadata import SHIPPED, Metadata, metadata_of, versions
from scoring.models.sequence.metadata import sequence_metadata
from scoring.models.sequence.step import VERSION as STEP_VERSION
from scoring.models.sequence.whole import Whole
from scoring.score import Abstention, Score
from scoring.shap import Attribution
from scoring.stages import Change, Evidence, Stage, Standing, breach
from scoring.trees import load
from scoring.triton import seal
from scoring.triton.cell import TritonCell
from scoring.triton.client import TritonClient
from scoring.triton.seal import Refused
from scoring.voice import Model, ModelUnavailable, Voice
from streams.features import VERSION
from streams.processing import Moment

log = logger("scoring")

LOOK_EVERY_S: Final = 15.0
"""How soon a promotion, or a model that was taken back, is heeded by every worker."""
JUDGED: Final = 1000
"""Answers of the live version that are looked back on."""
NO_PICTURE: Final = frozenset({"too_few", "too_old"})
"""Says something about the ward's measuring, and nothing about the model."""
NO_ANSWER: Final = frozenset({"timeout", "away", "circuit_open"})
"""Why a fallback speaks where Triton itself does not answer."""
EXPLAIN_SHARE: Final = 0.75
"""Of the model's threshold: nearer to it a score may open an episode with the next message."""


def repository_of(settings: TritonSettings) -> Path:
    """The model repository in use: the site's own, else the one that comes with Vigil."""
    return Path(settings.repository) if settings.repository else SHIPPED


class Silent:
    """Stands where a version was refused: it never speaks, and says why."""

    def __init__(self, name: str, refused: Refused) -> None:
        self.name, self.version, self._refused = name, "refused", refused

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Raises ModelUnavailable with the seal's reason."""
        raise ModelUnavailable(self._refused.reason)


def as_shipped(settings: TritonSettings) -> Standing:
    """Where nobody has said anything, the oldest version speaks: it came with the installation. The network beside it is a shadow until then."""
    numbers = versions(repository_of(settings), settings.model) or ["1"]
    version = seal.version_of(repository_of(settings) / settings.model / numbers[0])
    return Standing(
        model=settings.model, version=version, served=numbers[0], stage="shadow" if settings.model == settings.sequence else "live"
    )


def in_effect(settings: TritonSettings, written: Sequence[Standing]) -> list[Standing]:
    """Where every version stands: what was written down, and the shipped one as it was shipped until somebody says otherwise of it, or that another is live."""
    shipped = as_shipped(settings)
    if any(one.stage == "live" or one.version == shipped.version for one in written):
        return list(written)
    return [shipped, *written]


def live_metadata(settings: TritonSettings, written: Sequence[Standing] = ()) -> Metadata:
    """Of the version that is live, else of the one that was shipped. Raises FileNotFoundError."""
    live = next((one for one in in_effect(settings, written) if one.stage == "live"), as_shipped(settings))
    return metadata_of(repository_of(settings), settings.model, live.served)


def quantiles_of(settings: TritonSettings, standing: Standing) -> Mapping[str, Sequence[float]]:
    """Of a version's training data, by canonical name; nothing where it has no guard or is refused."""
    folder = repository_of(settings) / settings.model / standing.served
    try:
        seal.checked(folder)
    except Refused:
        return {}
    guard = guard_of(folder / "guard.json")
    return guard.constants.quantiles if guard is not None else {}


def voice_of(settings: TritonSettings, standing: Standing) -> Voice:
    """One version, checked. A version that is refused is a voice that keeps silent, logged with the reason."""
    folder = repository_of(settings) / settings.model / standing.served
    units = frozenset(standing.units) if standing.stage == "pilot" else None
    try:
        manifest = seal.checked(folder, VERSION, standing.manifest_sha256)
    except Refused as refused:
        log.error("model_refused", model=settings.model, number=standing.served, reason=refused.reason, detail=str(refused))
        return Voice(model=Silent(settings.model, refused), units=units)
    metadata = msgspec.structs.replace(metadata_of(repository_of(settings), settings.model, standing.served), version=manifest.version)
    trees, calibration = folder / "trees.npz", folder / "calibration.json"
    model: Model = TritonClient(settings, metadata, served=standing.served)
    return Voice(
        model=model,
        guard=guard_of(folder / "guard.json"),
        calibration=msgspec.json.decode(calibration.read_bytes(), type=Calibration) if calibration.exists() else None,
        attribution=Attribution(load(trees), len(metadata.feature_names)) if trees.exists() else None,
        explain_from=metadata.threshold * EXPLAIN_SHARE,
        units=units,
        names=metadata.feature_names,
    )


def beside(settings: TritonSettings, written: Sequence[Standing]) -> Standing | None:
    """The version of the network that speaks beside the model: the live one, else a pilot, else a shadow; the shipped one is a shadow until
    somebody says otherwise of it. None where there is none, or all were retired.
    """
    if not versions(repository_of(settings), settings.sequence):
        return None
    found = in_effect(network_of(settings), written)
    order: Sequence[Stage] = ("live", "pilot", "shadow")
    return next((one for stage in order for one in found if one.stage == stage), None)


def network_of(settings: TritonSettings) -> TritonSettings:
    """The same settings with the network in the model's place."""
    return msgspec.structs.replace(settings, model=settings.sequence)


def carrying_of(settings: TritonSettings, standing: Standing) -> Carrying | None:
    """The network, checked; None where it is refused, logged with the reason. A pilot's scores are kept like a shadow's: nothing stands on them alone."""
    folder = repository_of(settings) / settings.sequence / standing.served
    try:
        seal.checked(folder, STEP_VERSION, standing.manifest_sha256)
    except Refused as refused:
        log.error("model_refused", model=settings.sequence, number=standing.served, reason=refused.reason, detail=str(refused))
        return None
    metadata = sequence_metadata(folder)
    cell = TritonCell(settings, metadata, standing.served)
    return Carrying(cell, Whole(folder / "weights.npz"), metadata, "live" if standing.stage == "live" else "shadow")


class Served:
    """The scorer of a worker. Which versions speak is read from the database in the batch's own transactions.

    What was taken back is silent, and a shadow speaks, within LOOK_EVERY_S; for another live version `on_new_live` has the worker begin anew.
    """

    def __init__(
        self,
        settings: TritonSettings,
        on_fallback: Callable[[str], None],
        on_abstained: Callable[[Abstention], None],
        on_new_live: Callable[[], None],
        drift: UnitDrift,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._on_fallback, self._on_abstained, self._monotonic = settings, on_fallback, on_abstained, monotonic
        self._on_new_live, self._drift = on_new_live, drift
        self._spoken: deque[Score] = deque(maxlen=JUDGED)
        self._heeded: list[Standing] | None = None
        self._looked_at = float("-inf")
        self._bedside = Bedside(None, on_fallback)
        self._carrying: Carrying | None = None
        self._beside: Standing | None = None
        self._away = False

    def recall(self, cursor: psycopg.Cursor, moments: Sequence[Moment]) -> None:
        """What the network carries of these patients."""
        if self._carrying is not None:
            self._carrying.recall(cursor, moments)

    def score(self, moments: Sequence[Moment], now: datetime) -> list[Score]:
        """As the bedside does, and the network after it. Where the model was just found away, the network on the same Triton is not asked as well."""
        self._away = False
        scores = self._bedside.score(moments, now)
        return scores if self._carrying is None else scores + self._carrying.score(moments, now, ask=not self._away)

    def _fallback(self, reason: str) -> None:
        self._away = reason in NO_ANSWER
        self._on_fallback(reason)

    def write(self, cursor: psycopg.Cursor, scores: Sequence[Score]) -> None:
        """Writes them in the batch's transaction, and looks now and then which versions are to speak from the next batch on."""
        store.write(cursor, scores)
        if self._carrying is not None:
            self._carrying.write(cursor)
        self._spoken.extend(one for one in scores if one.name == self._settings.model and one.mode == "live")
        if self._monotonic() - self._looked_at >= LOOK_EVERY_S:
            stages_store.put_drifts(cursor, self._drift.drifting())
            self._take_back(cursor)
            self.look(cursor)

    def _take_back(self, cursor: psycopg.Cursor) -> None:
        """A live version that keeps silent about most patients for what they are like goes back to the shadows, without being asked."""
        silent = [one for one in self._spoken if one.abstained is not None and one.abstained.reason not in NO_PICTURE]
        found = Evidence(scores=len(self._spoken), abstained=len(silent))
        standing = _live(self._heeded or [])
        why = breach(found)
        if standing is None or not why:
            return
        log.error("model_taken_back", model=standing.model, number=standing.served, reason=why)
        change = Change(version=standing.version, stage="shadow", reason=why)
        now = self._spoken[-1].scored_at
        stages_store.write(cursor, change, msgspec.structs.replace(standing, stage="shadow", units=()), found, (), "vigil work", now)
        self._spoken.clear()

    def look(self, cursor: psycopg.Cursor) -> None:
        """Reads where the versions stand, and lets those speak that may. Raises psycopg.Error."""
        self._looked_at = self._monotonic()
        self._look_beside(cursor)
        found = in_effect(self._settings, stages_store.standings(cursor, self._settings.model))
        if found == self._heeded:
            return
        if self._heeded is not None and _live(found) not in (None, _live(self._heeded)):
            self._on_new_live()  # the policy's threshold is the live version's, and is read at the start
            return
        voices = {stage: [voice_of(self._settings, one) for one in found if one.stage == stage] for stage in ("live", "pilot", "shadow")}
        self._bedside = Bedside(
            next(iter(voices["live"]), None),
            self._fallback,
            shadows=[*voices["pilot"], *voices["shadow"]],
            on_abstained=self._on_abstained,
        )
        self._heeded = found
        log.info("models", standings=[f"{one.served} {one.stage}" for one in found])

    def _look_beside(self, cursor: psycopg.Cursor) -> None:
        found = beside(self._settings, stages_store.standings(cursor, self._settings.sequence)) if self._settings.sequence else None
        if found == self._beside:
            return
        self._beside, self._carrying = found, None if found is None else carrying_of(self._settings, found)
        log.info("network", standing="none" if found is None else f"{found.served} {found.stage}")


def _live(standings: Sequence[Standing]) -> Standing | None:
    return next((one for one in standings if one.stage == "live"), None)
