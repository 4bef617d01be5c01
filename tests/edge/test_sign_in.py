"""A board that is reached from elsewhere: nobody sees the ward without a name, by a proxy's word or a secret of their own, and who looks is written down."""

import re
from collections.abc import Mapping
from types import MappingProxyType

import pytest
from aiohttp import ClientSession

from alerts.board import access
from alerts.board.sign_in import COOKIE, SignInError, check
from infra.database.connect import connect
from infra.settings import BoardSettings
from tests.browsing import browse
from tests.episodes import NOON, Bedside

ELSEWHERE = BoardSettings(host="0.0.0.0")  # noqa: S104
PROXIED = BoardSettings(host="0.0.0.0", user_header="X-Remote-User", trusted_proxies=("127.0.0.0/8",))  # noqa: S104
OTHERS_PROXY = BoardSettings(host="0.0.0.0", user_header="X-Remote-User", trusted_proxies=("10.1.2.3",))  # noqa: S104
NOTHING: Mapping[str, str] = MappingProxyType({})
GUARDED = ["/", "/api/ward", "/api/oncall", "/rrt", "/api/rrt/calls"]


@pytest.fixture
def bedside(postgres_url: str) -> Bedside:
    one = Bedside(postgres_url)
    one.take(9, mrn="702")
    return one


def secret_of(bedside: Bedside, name: str = "Sister Reed") -> str:
    with connect(bedside.url) as connection:
        return access.grant(connection.cursor(), name, "the matron", NOON)


def get(bedside: Bedside, settings: BoardSettings, path: str, headers: Mapping[str, str] = NOTHING) -> tuple[int, str]:
    async def visit(session: ClientSession, root: str) -> tuple[int, str]:
        async with session.get(root + path, headers=headers, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location", "") or await answer.text()

    found: tuple[int, str] = browse(bedside, visit, settings=settings)
    return found


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("settings", [ELSEWHERE, PROXIED, OTHERS_PROXY])
def test_whoever_has_said_nothing_sees_nothing(bedside: Bedside, settings: BoardSettings, path: str) -> None:
    assert get(bedside, settings, path) == (401, "sign in first")
    assert get(bedside, settings, path, {"Accept": "text/html,*/*"}) == (303, "/sign-in")
    assert get(bedside, settings, path, bearer("guess"))[0] == 401
    assert bedside.ask("SELECT count(*) FROM vigil.audit_log") == [(0,)]


@pytest.mark.parametrize("path", GUARDED)
def test_a_secret_opens_everything_and_is_void_once_it_is_taken_back(bedside: Bedside, path: str) -> None:
    secret = secret_of(bedside)
    assert get(bedside, ELSEWHERE, path, bearer(secret))[0] == 200
    with connect(bedside.url) as connection:
        assert access.revoke(connection.cursor(), "Sister Reed", "the matron", NOON)
    assert get(bedside, ELSEWHERE, path, bearer(secret))[0] == 401


def test_the_database_has_no_secret_and_a_new_one_ends_the_one_before(bedside: Bedside) -> None:
    first, second = secret_of(bedside), secret_of(bedside)
    [(kept,)] = bedside.ask("SELECT token_hash FROM vigil_store.board_access")
    assert re.fullmatch("[0-9a-f]{64}", kept)
    assert [get(bedside, ELSEWHERE, "/api/ward", bearer(one))[0] for one in (first, second, kept)] == [401, 200, 401]


def test_the_proxys_name_is_believed_of_that_proxy_alone(bedside: Bedside) -> None:
    said = {"X-Remote-User": "Dr Ann"}
    assert get(bedside, PROXIED, "/api/ward", said)[0] == 200
    assert get(bedside, PROXIED, "/api/ward", {"X-Remote-User": " "})[0] == 401
    assert get(bedside, OTHERS_PROXY, "/api/ward", said)[0] == 401
    assert get(bedside, ELSEWHERE, "/api/ward", said)[0] == 401
    assert bedside.ask("SELECT actor, action, subject FROM vigil.audit_log") == [("Dr Ann", "board_view", "/api/ward")]


def test_a_person_signs_in_once_and_each_look_of_an_hour_is_one_entry(bedside: Bedside) -> None:
    secret = secret_of(bedside)

    async def visit(session: ClientSession, root: str) -> tuple[int, int, list[int], str]:
        async with session.post(f"{root}/sign-in", data={"token": "guess"}) as wrong:
            refused = wrong.status
        async with session.post(f"{root}/sign-in", data={"token": secret}, allow_redirects=False) as right:
            entered, cookie = right.status, right.headers["Set-Cookie"]
        seen = []
        for path in ("/", "/api/ward", "/api/ward", "/api/ward"):
            async with session.get(root + path, cookies={COOKIE: secret}) as answer:
                seen.append(answer.status)
        return refused, entered, seen, cookie

    refused, entered, seen, cookie = browse(bedside, visit, settings=ELSEWHERE)
    assert (refused, entered, seen) == (403, 303, [200] * 4)
    assert {"HttpOnly", "SameSite=Strict", "Max-Age=43200"} <= {part.strip() for part in cookie.split(";")}
    assert bedside.ask("SELECT actor, subject FROM vigil.audit_log WHERE action = 'board_view' ORDER BY subject") == [
        ("Sister Reed", "/"), ("Sister Reed", "/api/ward"),
    ]  # fmt: skip


def test_a_pages_link_needs_no_sign_in_and_whoever_is_signed_in_answers_under_their_own_name(bedside: Bedside) -> None:
    [(token,)] = bedside.ask("SELECT token FROM vigil_store.page")
    assert get(bedside, ELSEWHERE, f"/p/{token}")[0] == 200
    assert bedside.ask("SELECT count(*) FROM vigil.audit_log") == [(0,)]

    async def visit(session: ClientSession, root: str) -> tuple[int, int]:
        async with session.post(
            f"{root}/p/{token}/acknowledge", data={"by": "somebody else"}, headers={"X-Remote-User": "Dr Ann"}
        ) as answer:
            acknowledged = answer.status
        body = {"unit": "4W", "by": "somebody else"}
        async with session.post(f"{root}/api/rrt/calls", json=body, headers={"X-Remote-User": "Dr Ann"}) as answer:
            return acknowledged, answer.status

    assert browse(bedside, visit, settings=PROXIED) == (200, 201)
    assert bedside.ask("SELECT acknowledged_by FROM vigil.pages WHERE acknowledged_by IS NOT NULL") == [("Dr Ann",)]
    assert {actor for (actor,) in bedside.ask("SELECT actor FROM vigil.audit_log")} == {"Dr Ann"}


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/sign-in"])
def test_what_is_about_nobody_stays_open(bedside: Bedside, path: str) -> None:
    assert get(bedside, ELSEWHERE, path)[0] == 200


def test_on_ones_own_machine_nobody_is_asked(bedside: Bedside) -> None:
    assert [get(bedside, BoardSettings(), path)[0] for path in (*GUARDED, "/sign-in")] == [200] * len(GUARDED) + [404]
    assert bedside.ask("SELECT count(*) FROM vigil.audit_log") == [(0,)]


@pytest.mark.parametrize(
    ("settings", "granted", "wrong"),
    [
        (ELSEWHERE, 0, "nobody could sign in"),
        (BoardSettings(host="board.hospital.example"), 0, "nobody could sign in"),
        (BoardSettings(host=""), 0, "nobody could sign in"),
        (BoardSettings(user_header="X-User"), 1, "go together"),
        (BoardSettings(trusted_proxies=("10.0.0.1",)), 1, "go together"),
        (BoardSettings(user_header="X-User", trusted_proxies=("everybody",)), 1, "no address"),
    ],
)
def test_a_board_that_would_show_the_ward_to_anybody_is_not_opened(settings: BoardSettings, granted: int, wrong: str) -> None:
    with pytest.raises(SignInError) as refused:
        check(settings, granted)
    told, remedy = str(refused.value).split("\n")
    assert wrong in told
    assert remedy


@pytest.mark.parametrize(("settings", "granted"), [(ELSEWHERE, 1), (PROXIED, 0), (BoardSettings(), 0), (BoardSettings(host="::1"), 0)])
def test_a_board_with_somebody_to_sign_in_or_for_this_machine_alone_is(settings: BoardSettings, granted: int) -> None:
    check(settings, granted)
    assert settings.port == 0
