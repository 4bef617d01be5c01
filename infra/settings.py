"""All settings of an installation: one frozen value, read once from `vigil.toml`, `runtime.json` and the environment.

Later sources win: the defaults below; `vigil.toml` under the home (people write it); `runtime.json` (`vigil up` writes there what it
chose: ports, addresses, the clock's anchor); `VIGIL_SECTION__NAME`; `VIGIL_SECTION__NAME_FILE` (a file that holds a secret).
"""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from infra.clock import Clock
from infra.settings_sources import SettingsError, environment, json_of, toml_of

Port = Annotated[int, Meta(ge=0, le=65535)]
Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
Days = Annotated[int, Meta(ge=0)]
NotNegative = Annotated[float, Meta(ge=0)]


class ClockSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`speed`: hospital seconds a real second; the anchors tie the two times together (aware)."""

    speed: Positive = 1.0
    anchor: datetime | None = None
    real_anchor: datetime | None = None

    def clock(self) -> Clock:
        """The clock these settings describe; without anchors it is real time."""
        if self.anchor is None or self.real_anchor is None:
            return Clock()
        return Clock(anchor=self.anchor, real_anchor=self.real_anchor, speed=self.speed)


class KafkaSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`bootstrap`: `host:port,…`; `partitions` is the same for the four raw topics and is never changed afterwards; 12 divide evenly among 2, 3, 4 or 6
    workers. `min_insync`: how many
    replicas must have a message before it is acknowledged; with 3 replicas and 2 in sync one broker may die unnoticed."""

    bootstrap: str = "127.0.0.1:9092"
    partitions: Count = 12
    replication: Count = 1
    min_insync: Count = 1
    heap_mb: Count = 512


class DatabaseSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url`: any PostgreSQL 16 or later, TimescaleDB used where it offers it; empty: the embedded server that `vigil up` starts.

    `keep_…_days`: older facts are dropped by `vigil migrate`; 0 keeps them for ever. `wal_archive`: a folder, best on another disk, to which the
    embedded server copies its log as it goes, so that `vigil restore --at` can go back to any instant; empty: no archive.
    """

    url: str = ""
    wal_archive: str = ""
    keep_messages_days: Days = 0
    keep_observations_days: Days = 0
    keep_scores_days: Days = 0


class FeedSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One MLLP port. `timezone`: of times sent without offset (IANA name; empty: the profile's, else UTC). `profile`: what is peculiar to the feed,
    by name or as a TOML file (`vigil feed profiles`). `acknowledge`: `original` answers every message with AA, AE or AR
    whatever MSH-15 and MSH-16 say, as most engines expect; `enhanced` heeds them (CA, CE, CR, or nothing where nothing is wanted). TLS where `tls_cert` is set, mutual TLS where `tls_client_ca` is."""

    name: str = "main"
    host: str = "127.0.0.1"
    port: Port = 0
    timezone: str = ""
    profile: str = ""
    acknowledge: Literal["original", "enhanced"] = "original"
    tls_cert: str = ""
    tls_key: str = ""
    tls_client_ca: str = ""


class ListenSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`max_frame_bytes`: a longer frame is refused with AR; `max_connections`: of each feed; `idle_s`: a connection silent in the middle of a frame is closed; `in_flight`: frames read ahead a connection;
    `hold_s`: an acknowledgement is held back for at most so long while the workers are at work and more than a second behind; 0, as it comes, for never (its gain is not measured on a calm machine yet)."""

    feeds: tuple[FeedSettings, ...] = (FeedSettings(),)
    max_frame_bytes: Count = 16 * 1024 * 1024
    max_connections: Count = 1000
    idle_s: Positive = 60.0
    in_flight: Count = 64
    linger_ms: Positive = 2.0
    hold_s: NotNegative = 0.0
    metrics_port: Port = 0


class WorkSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`batch_messages`: at most so many a transaction; `instance` names a static member of the consumer group and must differ between workers;
    `buffer_messages`: read ahead of the batch; what is beyond stays on Kafka, where it is fetched in few large pieces rather than in thousands of
    small ones (measured: a fifth of the worker's CPU). `backlog_messages`: when so many wait for longer than 5 s, they are put aside and the present goes first."""

    batch_messages: Count = 250
    buffer_messages: Count = 500
    backlog_messages: Count = 2000
    instance: str = "work"
    session_timeout_s: Positive = 10.0
    metrics_port: Port = 0


class TritonSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`grpc` and `http`: `host:port`, of `grpc` several with commas between them; `repository`: an ordinary Triton model repository, empty for the
    one Vigil ships; what is not answered within `hedge_ms` is asked once more, and after `timeout_ms` NEWS2 speaks alone. `sequence`: the network
    that speaks beside `model`, empty for none; it is asked once, for at most `sequence_timeout_ms`."""

    grpc: str = "127.0.0.1:8001"
    http: str = "127.0.0.1:8000"
    repository: str = ""
    model: str = "deterioration"
    sequence: str = "deterioration_sequence"
    sequence_timeout_ms: Count = 100
    timeout_ms: Count = 350
    hedge_ms: Count = 100
    metrics_port: Port = 0


class ChannelSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to reach people; what each kind promises stands in `infra/docs/channels.md`.

    `kind`: snpp, wctp, smtp, webhook, twilio_sms, twilio_voice, kannel, pagerduty, hl7 or apprise; `address`: `host:port` or a URL, empty for the
    provider's own; `user`: the account (Twilio's SID, Kannel's user); `secret`: what signs or opens it: a web hook's `whsec_…` key, an auth token, a
    password, a routing key, Apprise's URL; `sender`: who it comes from; `per_minute`: as many pages as each pager may send it, 0 for no limit;
    `two_way`: it can be answered, and its provider may call the board back. `tls` with `tls_ca`, `tls_cert`, `tls_key` (PEM files) for those that speak
    over a plain socket. HTTP to a private, loopback or link-local address is refused unless `allow_private`. `carries = "patient"` lets a page carry
    who it is about: only with `encrypted = true` and `approved_by`, the name of whoever answers for it. `write_when`: an `hl7` channel is told of alerts
    alone (`alert`), also of each change of band (`band`) or of every score (`every`) of those that `write_back` names, and `write_to` says whose
    (APPLICATION/FACILITY) they are.
    """

    kind: str
    address: str = ""
    user: str = ""
    secret: str = ""
    sender: str = ""
    tls: bool = False
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    per_minute: NotNegative = 0.0
    two_way: bool = False
    allow_private: bool = False
    carries: Literal["unit", "patient"] = "unit"
    encrypted: bool = False
    approved_by: str = ""
    write_back: tuple[str, ...] = ()
    write_when: Literal["alert", "band", "every"] = "alert"
    write_to: str = ""


class RouteSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is paged for a tier: `channel` names a channel, `target` is a pager id, a mail address or empty; `unit` empty means every unit.

    The tier `synthetic` names the test target to which `watch.page_every_s` sends; it is nobody's pager."""

    tier: str
    channel: str
    target: str = ""
    unit: str = ""


class PageSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pager. Times are real seconds: a provider's outage is not sped up with the demo's clock. `oncall`: the file with people, teams, rotations and
    escalations; empty: the routes alone say who is paged. After `fallback_s` a page that no provider takes is passed on to the next channel or person;
    every `reply_s` two-way pagers are asked for answers."""

    channels: dict[str, ChannelSettings] = {}
    routes: tuple[RouteSettings, ...] = ()
    policy: str = ""
    oncall: str = ""
    poll_s: Positive = 1.0
    lease_s: Positive = 30.0
    timeout_s: Positive = 10.0
    give_up_s: Positive = 900.0
    fallback_s: Positive = 60.0
    reply_s: Positive = 10.0
    metrics_port: Port = 0


class WatchSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who watches Vigil. Every `interval_s` it looks for gaps, lateness and silence; a problem goes to `target` by the channel of page.channels
    that `channel` names, again each `repeat_s` while it lasts. `heartbeat_url` is called each `heartbeat_s` as long as a message of a patient
    nobody has comes through the whole path: let an outside service page you when the calls stop. Times are real seconds; 0 switches a limit off.
    Every `page_every_s` (0: never) a page for a patient nobody has goes by each feed through the whole path, to the route of the tier `synthetic`; where it
    is not accepted `page_within_s` later, or with `page_answered` not answered, ops are told and the heartbeat stops.
    `listeners` and `pagers`: the /metrics of each by name, known without being told where `vigil up` started them."""

    interval_s: Positive = 10.0
    late_s: Annotated[float, Meta(ge=0)] = 60.0
    silent_s: Annotated[float, Meta(ge=0)] = 900.0
    quarantine_s: Annotated[float, Meta(ge=0)] = 3600.0
    channel: str = ""
    target: str = ""
    repeat_s: Positive = 3600.0
    heartbeat_url: str = ""
    heartbeat_s: Positive = 30.0
    page_every_s: NotNegative = 0.0
    page_within_s: Positive = 60.0
    page_answered: bool = False
    listeners: dict[str, str] = {}
    pagers: dict[str, str] = {}
    metrics_port: Port = 0


class BoardSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The board's address; `public_url` is what a page's link begins with where people reach the board through a proxy. On another address than this
    machine's own, everybody must sign in: by the secret that `vigil board grant` gives, or at a proxy that puts the name into `user_header`, which is believed
    of `trusted_proxies` alone (addresses or networks)."""

    host: str = "127.0.0.1"
    port: Port = 0
    public_url: str = ""
    user_header: str = ""
    trusted_proxies: tuple[str, ...] = ()


class RrtSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rapid-response team's report. `icu_units`: units as PV1-3 names them where a cardiac arrest is not one "outside intensive care"."""

    icu_units: tuple[str, ...] = ()


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an installation can be told."""

    home: str = ".vigil"
    clock: ClockSettings = ClockSettings()
    kafka: KafkaSettings = KafkaSettings()
    database: DatabaseSettings = DatabaseSettings()
    listen: ListenSettings = ListenSettings()
    work: WorkSettings = WorkSettings()
    triton: TritonSettings = TritonSettings()
    page: PageSettings = PageSettings()
    board: BoardSettings = BoardSettings()
    watch: WatchSettings = WatchSettings()
    rrt: RrtSettings = RrtSettings()


SECRETS = frozenset({"secret", "url", "heartbeat_url"})
"""Names of settings that `vigil settings` hides."""


def load(home: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the installation under `home`. Raises SettingsError, naming the key, where one is unknown or wrong."""
    merged, _ = merge(home, environ)
    try:
        return msgspec.convert(merged, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"a setting is wrong: {error}\nlook at it with: vigil settings") from error


def merge(home: Path, environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """All sources as one tree, and for each dotted name the source it came from."""
    tree: dict[str, Any] = {"home": str(home)}
    source: dict[str, str] = {"home": "--home"}
    for layer, name in (
        (toml_of(home / "vigil.toml"), "vigil.toml"),
        (json_of(home / "runtime.json"), "runtime.json"),
        *environment(environ),
    ):
        _lay(tree, layer, name, source, "")
    return tree, source


def _lay(tree: dict[str, Any], layer: Mapping[str, Any], name: str, source: dict[str, str], prefix: str) -> None:
    for key, value in layer.items():
        if isinstance(value, dict) and isinstance(tree.get(key, {}), dict):
            _lay(tree.setdefault(key, {}), value, name, source, f"{prefix}{key}.")
        else:
            tree[key] = value
            source[f"{prefix}{key}"] = name
