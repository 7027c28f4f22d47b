"""Metrics, health, the API, the token and the headers."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from agent.web import app
from tests.agent.formats.samples import TYPICAL
from tests.agent.web.estate import METRICS, FakeView, healthy, state_of, tracked, typical, view

TOKEN = "s3cr3t-täken"


def client(fake: FakeView | None = None, **more: Any) -> TestClient:
    """A client of the application, without encodings unless a test names one."""
    settings: dict[str, Any] = {"token": None, "tls": False, **more}
    made = TestClient(app.build(fake or view(), **settings), raise_server_exceptions=False)
    made.headers["accept-encoding"] = "identity"
    return made


# ---------------------------------------------------------------- metrics and health


def test_metrics_are_the_views_bytes_in_the_text_format() -> None:
    answer = client().get("/metrics")

    assert answer.content == METRICS
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "content-encoding" not in answer.headers


def test_metrics_go_gzipped_to_who_accepts_it() -> None:
    with client().stream("GET", "/metrics", headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())

    assert gzip.decompress(raw) == METRICS
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        pytest.param("gzip", True, id="named"),
        pytest.param("deflate, GZIP;q=0.5", True, id="among others, weighed"),
        pytest.param("*", True, id="anything"),
        pytest.param("gzip;q=0", False, id="named, and refused"),
        pytest.param("gzip; q=0.0, *", False, id="refused where anything else is taken"),
        pytest.param("*;q=0", False, id="nothing at all"),
        pytest.param("identity", False, id="as it is"),
        pytest.param("", False, id="nothing said"),
        pytest.param("gzip;q=much", False, id="a weight that is none"),
    ],
)
def test_gzip_is_taken_only_where_it_is_accepted(accepted: str, takes: bool) -> None:
    assert takes == app.takes_gzip(accepted)


def test_an_agent_that_turns_is_healthy_and_ready() -> None:
    assert client().get("/healthz").status_code == 200
    assert client().get("/readyz").status_code == 200


def test_an_agent_that_stands_still_says_why_and_is_not_healthy() -> None:
    answer = client(view(well=healthy(alive=False, why_dead="the loop stood for 71 s"))).get(
        "/healthz"
    )

    assert (answer.status_code, answer.text) == (503, "the loop stood for 71 s\n")


def test_an_agent_without_a_configuration_is_not_ready() -> None:
    assert client(view(well=healthy(ready=False))).get("/readyz").status_code == 503


# ---------------------------------------------------------------- the API


def findings(query: str = "", fake: FakeView | None = None) -> dict[str, Any]:
    """What the API answers."""
    answer = client(fake).get(f"/api/v1/findings{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = json.loads(answer.content)
    return found


def test_the_api_gives_every_finding_by_id() -> None:
    found = findings()

    assert sorted(one.id for one in TYPICAL.findings) == [one["id"] for one in found["findings"]]
    assert found["schema"] == "trailkeeper.findings/1"
    assert found["taken_at"] == "2026-11-22T08:00:00Z"
    assert [each["status"] for each in found["targets"]] == ["complete", "partial", "unreadable"]


def test_the_api_says_since_when_and_what_an_unknown_last_was() -> None:
    (found,) = findings("?rule=log-bucket-encrypted")["findings"]

    assert found["since"] == "2026-11-21T08:00:00Z"
    assert found["last_known"] == {"status": "fail", "at": "2026-11-19T08:00:00Z"}
    assert found["stale"] is False


def test_the_api_says_what_no_sweep_has_confirmed() -> None:
    stale = state_of([tracked(TYPICAL.findings[0], stale=True)], stale=True)

    found = findings(fake=view(current=stale))

    assert found["stale"] is True
    assert found["findings"][0]["stale"] is True


def test_the_api_before_the_first_sweep_knows_nothing_and_says_so() -> None:
    found = findings(fake=view(current=state_of([], taken_at=None, targets={})))

    assert (found["taken_at"], found["findings"]) == (None, [])


@pytest.mark.parametrize(
    ("query", "count"),
    [
        pytest.param("", 8, id="all"),
        pytest.param("?status=fail", 2, id="one status"),
        pytest.param("?status=fail&status=unknown", 5, id="two statuses"),
        pytest.param("?severity=critical", 1, id="severity"),
        pytest.param("?account=999988887777", 1, id="account"),
        pytest.param("?region=global", 1, id="region"),
        pytest.param("?kind=s3_log_bucket", 1, id="kind"),
        pytest.param("?q=REMOVE-6month", 1, id="text of the reason, whatever its case"),
        pytest.param("?q=team%3Ddata", 1, id="a tag"),
        pytest.param("?q=prod-dwh+reboot", 1, id="every word"),
        pytest.param("?q=nothing-like-it", 0, id="no such text"),
        pytest.param("?status=&q=", 8, id="empty, as a form sends it"),
    ],
)
def test_the_api_gives_what_is_asked_for(query: str, count: int) -> None:
    assert count == len(findings(query)["findings"])


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        pytest.param("?status=green", "status 'green' is none of", id="no status"),
        pytest.param("?severity=grave", "severity 'grave' is none of", id="no severity"),
        pytest.param("?state=fail", "no filter 'state'", id="no filter"),
        pytest.param("?sort=luck", "sort 'luck' is none of", id="no order"),
        pytest.param("?page=0", "page '0' is not a number", id="no page"),
        pytest.param("?page=²", "page '²' is not a number", id="no digit"),
    ],
)
def test_the_api_refuses_what_means_nothing(query: str, sentence: str) -> None:
    answer = client().get(f"/api/v1/findings{query}")

    assert answer.status_code == 400
    assert sentence in answer.json()["error"]


def test_the_api_streams_more_findings_than_stand_in_one_piece() -> None:
    from dataclasses import replace

    one = TYPICAL.findings[0]
    many = [
        tracked(replace(one, ref=replace(one.ref, name=f"dwh-{number}"))) for number in range(250)
    ]

    assert len(findings(fake=view(current=state_of(many)))["findings"]) == 250


# ---------------------------------------------------------------- token, methods, headers


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("given", "status"),
    [
        pytest.param(None, 401, id="nothing"),
        pytest.param("Bearer wrong", 401, id="another token"),
        pytest.param("Bearer ", 401, id="no token"),
        pytest.param(f"Bearer {TOKEN}x", 401, id="a longer one"),
        pytest.param(basic(TOKEN, ""), 401, id="the token as the user"),
        pytest.param("Basic ===", 401, id="no base64"),
        pytest.param("Digest x", 401, id="another scheme"),
        pytest.param(f"Bearer {TOKEN}", 200, id="the token"),
        pytest.param(f"bearer   {TOKEN}", 200, id="the token after spaces"),
        pytest.param(basic("anyone", TOKEN), 200, id="the token as a password"),
        pytest.param(basic("", TOKEN), 200, id="with no user"),
    ],
)
@pytest.mark.parametrize("path", ["/metrics", "/api/v1/findings"])
def test_what_asks_for_the_token(path: str, given: str | None, status: int) -> None:
    headers = {} if given is None else {"authorization": given.encode()}

    answer = client(token=TOKEN).get(path, headers=headers)

    assert status == answer.status_code
    if status == 401:
        schemes = answer.headers.get_list("www-authenticate")
        assert [one.split()[0] for one in schemes] == ["Bearer", "Basic"]
        assert TOKEN not in answer.text


def test_probes_need_no_token_and_nothing_else_is_told_without_it() -> None:
    guarded = client(token=TOKEN)

    assert guarded.get("/healthz").status_code == 200
    assert guarded.get("/readyz").status_code == 200
    assert guarded.get("/no-such-page").status_code == 401
    assert guarded.get("/healthz/../metrics").status_code == 401


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/findings", "/healthz", "/nowhere"])
@pytest.mark.parametrize("tls", [True, False])
def test_every_answer_has_the_headers(path: str, tls: bool) -> None:
    headers = client(tls=tls).get(path).headers

    assert headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert tls == ("strict-transport-security" in headers)


def test_a_refusal_has_the_headers_too() -> None:
    assert client(token=TOKEN).get("/").headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/metrics", "/api/v1/findings", "/healthz"])
def test_nothing_is_written_here(method: str, path: str) -> None:
    answer = client().request(method, path)

    assert answer.status_code == 405
    assert set(answer.headers["allow"].replace(" ", "").split(",")) == {"GET", "HEAD"}


def test_the_index_is_built_once_for_each_state() -> None:
    from agent.web.index import Indexes

    indexes, state = Indexes(), typical()

    assert indexes.of(state) is indexes.of(state)
    assert indexes.of(typical()) is not indexes.of(state)
