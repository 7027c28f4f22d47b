"""The pages: what each shows, whatever it is shown, and what it does when something is away."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from agent.web import app
from agent.web.server import Server, bind
from agent.web.shown import finding_link, resource_link
from controls.history import Happening, LastKnown, State, TrackedTarget
from controls.model import Coverage, Finding, Reading, Ref, Severity, Status, TargetStatus
from controls.model import State as FactState
from tests.agent.formats.samples import CLUSTER, LOCATION, NOW, TYPICAL, UNLISTED, WALKTHROUGH
from tests.agent.web.estate import (
    DAY,
    FakeView,
    event,
    healthy,
    state_of,
    sweep,
    tracked,
    typical,
    view,
)
from tests.agent.web.html import Seen, seen
from tests.agent.web.remedied import evil_journal, evil_round
from tests.agent.web.test_app import client

PAGES = (
    "/",
    "/findings",
    "/rules",
    "/rules/redshift-logs-fresh",
    "/targets",
    "/changes",
    "/agent",
)


def get(path: str, fake: FakeView | None = None, status: int = 200) -> Seen:
    """The page, parsed."""
    answer = client(fake).get(path)
    assert status == answer.status_code, answer.text[:400]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return seen(answer.text)


MOST_LISTS = 6
"""Lists of findings that are read of all that links lead to: each leads to many more."""


@contextmanager
def reader(fake: FakeView) -> Iterator[Callable[[str], tuple[int, str]]]:
    """Reads pages from a real server: what a path means is its business too."""
    server = Server(app.build(fake, token=None, tls=False), bind("127.0.0.1", 0))
    server.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)

    def read(path: str) -> tuple[int, str]:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    yield read
    connection.close()
    server.stop(5)


def every_page(fake: FakeView) -> Iterator[tuple[str, str]]:
    """The pages that can be reached from the first by links, and what stands in them."""
    todo, done, lists = ["/"], set[str](), 0
    with reader(fake) as read:
        while todo:
            path = todo.pop()
            lists += path.startswith("/findings?")
            if path in done or path.startswith(("/api/", "/metrics")):
                continue
            if "?" in path and lists > MOST_LISTS:
                continue
            done.add(path)
            status, page = read(path)
            assert status == 200, f"{path}: {status}"
            yield path, page
            todo += seen(page).links
    assert len(done) > 20


# ---------------------------------------------------------------- what each shows


@pytest.mark.parametrize(
    ("path", "says"),
    [
        pytest.param("/", "2 findings fail, 3 are unknown", id="overview: how many"),
        pytest.param("/", "1 of the unknown failed when last judged", id="overview: hidden"),
        pytest.param("/", "was Fail when last judged, 3 d ago", id="overview: blindness"),
        pytest.param("/", "No sweep saw anything on 2 of 30 days", id="overview: gaps are stated"),
        pytest.param("/", "redshift-user-activity-logged", id="overview: what fails"),
        pytest.param("/findings", "8, the worst first", id="findings: all"),
        pytest.param("/findings?status=fail", "2 of 8 match", id="findings: filtered"),
        pytest.param("/findings?q=zzz", "No finding matches", id="findings: none"),
        pytest.param("/rules", "Audit logs of running clusters are fresh", id="rules"),
        pytest.param("/rules", "max_days of audit-logs-expire-in-time is 90", id="deviations"),
        pytest.param("/rules", "Expired waiver of log-bucket-private", id="waivers"),
        pytest.param("/rules/redshift-logs-fresh", "24 (may be set: 3 to 72)", id="rule: params"),
        pytest.param("/rules/redshift-logs-fresh", "10.7.2", id="rule: mappings"),
        pytest.param("/rules/redshift-logs-fresh", "record_seen && now", id="rule: condition"),
        pytest.param("/targets", "sts:AssumeRole denied", id="targets: why not"),
        pytest.param("/targets", "s3:GetEncryptionConfiguration", id="targets: missing permission"),
        pytest.param("/targets", "1 finding stands in no target's row", id="targets: the rest"),
        pytest.param("/targets", "trailkeeper iam", id="targets: what to do"),
        pytest.param("/agent", "sqlite:////var/lib/trailkeeper/trailkeeper.db", id="agent: store"),
        pytest.param("/agent", "no target", id="agent: why a sweep failed"),
        pytest.param(finding_link(WALKTHROUGH.id), "Give the lifecycle rule", id="finding: remedy"),
        pytest.param(finding_link(WALKTHROUGH.id), "has no value", id="finding: an absent fact"),
        pytest.param(finding_link(WALKTHROUGH.id), "s3:GetLifecycleConfiguration", id="source"),
        pytest.param(resource_link(CLUSTER), "pending-reboot", id="resource: why"),
        pytest.param(resource_link(LOCATION), "Owned by 999988887777", id="resource: owner"),
        pytest.param(resource_link(LOCATION), "team=data", id="resource: tags"),
        pytest.param(resource_link(LOCATION), "Withdrawn", id="resource: history"),
        pytest.param(resource_link(UNLISTED), "They could not be listed", id="resource: unlisted"),
    ],
)
def test_a_page_says(path: str, says: str) -> None:
    assert says in get(path).text


def test_a_finding_says_since_when_and_how_long() -> None:
    text = get(finding_link(WALKTHROUGH.id)).text

    assert "since 2026-11-21 08:00:00 UTC, 24 h ago" in text


def test_a_share_is_of_what_passes_fails_or_is_unknown() -> None:
    (score,) = [text for text in get("/").texts if text.endswith(" %") and "16.6" in text][:1]

    assert score == "16.6 %"  # 1 of 1 + 2 + 3


def test_every_fact_of_a_resource_is_shown_once_and_as_it_was_read_last() -> None:
    older = Reading(FactState.KNOWN, 7, "", "a:B", NOW - timedelta(hours=1))
    newer = replace(older, value=8, read_at=NOW)
    both = [
        tracked(replace(WALKTHROUGH, rule=rule, facts={"days": reading}))
        for rule, reading in (("one", newer), ("two", older))
    ]

    page = get(resource_link(LOCATION), view(current=state_of(both)))

    assert page.texts.count("days") == 1
    assert "8" in page.texts
    assert "7" not in page.texts


def test_a_resource_that_is_gone_keeps_its_history() -> None:
    gone = replace(LOCATION, name="gone/")

    page = get(resource_link(gone), view(history=[event(Happening.WITHDRAWN, gone)]))

    assert "No rule judges it now" in page.text
    assert "Withdrawn" in page.text


def test_the_menu_says_where_one_is() -> None:
    current = [attrs["href"] for tag, attrs in get("/rules").tags if "aria-current" in attrs]

    assert current == ["/rules"]


# ---------------------------------------------------------------- filters, order, pages


def many(count: int) -> State:
    """Findings that fail, of clusters numbered from 0, each a minute younger than the next."""
    return state_of(
        tracked(
            replace(TYPICAL.findings[2], ref=replace(CLUSTER, name=f"dwh-{number:05d}")),
            since=NOW - timedelta(minutes=number),
        )
        for number in range(count)
    )


def clusters(page: Seen) -> list[str]:
    return [text for text in page.texts if text.startswith("dwh-")]


def test_findings_come_two_hundred_a_page_and_all_are_reached() -> None:
    fake = view(current=many(450))

    shown = [clusters(get(f"/findings?page={page}", fake)) for page in (1, 2, 3)]

    assert [len(each) for each in shown] == [200, 200, 50]
    assert len({name for each in shown for name in each}) == 450
    get("/findings?page=4", fake, 404)


def test_the_next_page_keeps_filter_and_order() -> None:
    page = get("/findings?status=fail&sort=resource&q=dwh", view(current=many(201)))

    assert "/findings?status=fail&q=dwh&sort=resource&page=2" in page.links


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        pytest.param("worst", "dwh-00002", id="the oldest of the gravest"),
        pytest.param("since", "dwh-00000", id="the newest"),
        pytest.param("-since", "dwh-00002", id="the oldest"),
        pytest.param("resource", "dwh-00000", id="by name"),
    ],
)
def test_findings_are_sorted(sort: str, first: str) -> None:
    assert first == clusters(get(f"/findings?sort={sort}", view(current=many(3))))[0]


def test_a_filter_that_means_nothing_is_said_and_not_passed_over() -> None:
    assert "status 'green' is none of" in get("/findings?status=green", status=400).text


def test_the_filter_in_force_stands_in_the_form() -> None:
    chosen = [
        attrs["value"]
        for tag, attrs in get("/findings?severity=critical").tags
        if tag == "option" and "selected" in attrs
    ]

    assert chosen == ["critical"]


# ---------------------------------------------------------------- what is not there


@pytest.mark.parametrize(
    ("path", "says"),
    [
        pytest.param("/nowhere", "no page at this address", id="no page"),
        pytest.param("/findings/x:y/1/r/n", "no finding x:y/1/r/n now", id="no finding"),
        pytest.param("/resources/k/1/r/n", "No k n is known in 1/r", id="no resource"),
        pytest.param("/rules/no-such", "No rule no-such is in use", id="no rule"),
        pytest.param("/resources/k", "no page at this address", id="half an address"),
    ],
)
def test_what_is_not_there_is_said_in_the_same_layout(path: str, says: str) -> None:
    page = get(path, status=404)

    assert says in page.text
    assert "/findings" in page.links


def test_the_api_says_what_is_not_there_in_json() -> None:
    answer = client().get("/api/v1/nothing")

    assert (answer.status_code, list(answer.json())) == (404, ["error"])


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_only_read(path: str) -> None:
    answer = client().post(path)

    assert answer.status_code == 405
    assert "nothing is written" in seen(answer.text).text


# ---------------------------------------------------------------- troubles of the agent


def unreadable(count: int = 1) -> State:
    targets = {
        (str(number), "eu-west-1"): TrackedTarget(
            TargetStatus(str(number), "eu-west-1", Coverage.UNREADABLE, "role refused", 0),
            NOW,
            None,
        )
        for number in range(count)
    }
    return replace(typical(), targets=targets)


@pytest.mark.parametrize(
    ("fake", "says"),
    [
        pytest.param(
            view(well=healthy(alive=False, why_dead="no sweep moved for 31 min")),
            "The agent stands still. no sweep moved",
            id="dead",
        ),
        pytest.param(
            view(well=healthy(store_up=False, store_problem="disk full", store_pending=2)),
            "The store cannot be reached. Disk full. Verdicts here are live, history is missing. "
            "2 sweeps wait to be written.",
            id="store",
        ),
        pytest.param(
            view(well=healthy(reload_ok=False, reload_problem="a.yaml:3: no rule x")),
            "a.yaml:3: no rule x.",
            id="reload",
        ),
        pytest.param(
            view(well=healthy(needs_restart=("http.listen",))), "http.listen.", id="restart"
        ),
        pytest.param(
            view(well=healthy(last_sweeps={"full": sweep(outcome="failed", reason="no clock")})),
            "The last full sweep failed 4 min ago. No clock. What failed before still counts;",
            id="failed sweep",
        ),
        pytest.param(
            view(current=replace(typical(), stale=True)),
            "Restored from the store, not yet confirmed by a sweep.",
            id="stale",
        ),
        pytest.param(
            view(current=State()), "Nothing has been judged yet. No sweep has ended", id="new"
        ),
        pytest.param(
            view(current=unreadable()),
            "1 of 1 target could not be read. Findings there are unknown, and no longer watched: "
            "0/eu-west-1 (role refused).",
            id="unreadable",
        ),
        pytest.param(view(current=unreadable(5)), "and 2 more", id="many unreadable"),
        pytest.param(view(), "1 finding is unknown by a rule's mistake", id="rule error"),
    ],
)
@pytest.mark.parametrize("path", [*PAGES, "/nowhere"])
def test_every_page_says_first_what_is_wrong(fake: FakeView, says: str, path: str) -> None:
    page = get(path, fake, 404 if path == "/nowhere" else 200)

    assert says.lower() in page.text.lower()


def test_an_agent_that_is_well_says_nothing_at_the_top() -> None:
    well = state_of([tracked(TYPICAL.findings[0])], targets={})

    page = get("/", view(current=well, entries=()))

    assert not [attrs for _, attrs in page.tags if "notice" in attrs.get("class", "")]
    assert "Nothing is seen to fail" in page.text


def test_a_finding_from_the_store_is_marked() -> None:
    stale = state_of([tracked(WALKTHROUGH, stale=True)])

    for path in ("/findings", finding_link(WALKTHROUGH.id), resource_link(LOCATION)):
        assert "from the store, not yet confirmed" in get(path, view(current=stale)).text


@pytest.mark.parametrize("path", [*PAGES, finding_link(WALKTHROUGH.id), resource_link(LOCATION)])
def test_a_store_that_is_away_leaves_a_gap_and_ends_no_page(path: str) -> None:
    page = get(path, view(store_down="connection refused"))

    if path not in ("/findings", "/rules", "/targets", "/rules/redshift-logs-fresh"):
        assert "connection refused" in page.text


@pytest.mark.parametrize("path", PAGES)
def test_an_agent_that_has_seen_nothing_claims_nothing(path: str) -> None:
    page = get(path, view(current=State(), history=(), by_day=()))

    assert "100 %" not in page.text
    assert "Nothing is seen to fail" not in page.text


def test_before_the_first_sweep_there_is_no_hint_that_all_is_well() -> None:
    page = get("/findings", view(current=State()))

    assert "which does not mean that nothing fails" in page.text


# ---------------------------------------------------------------- a page that breaks


class Broken(FakeView):
    """A view whose rules cannot be had."""

    def rules(self) -> Any:
        raise ValueError("secret detail")


class AllBroken(FakeView):
    """A view of which nothing can be had."""

    def state(self) -> State:
        raise ValueError("secret detail")


@pytest.mark.parametrize(
    ("fake", "says"),
    [
        pytest.param(Broken(), "This page could not be made", id="the page"),
        pytest.param(AllBroken(), "the log says why", id="the page for it too"),
    ],
)
def test_a_page_that_raises_is_answered_logged_and_counted(fake: FakeView, says: str) -> None:
    counted: list[str] = []

    with capture_logs() as logged:
        answer = client(fake, on_error=counted.append).get("/rules")

    assert answer.status_code == 500
    assert says in answer.text
    assert "secret detail" not in answer.text
    assert counted == ["page"]
    assert [(line["event"], line["path"]) for line in logged] == [("page.failed", "/rules")]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert client(fake).get("/healthz").status_code == 200


# ---------------------------------------------------------------- whatever it is shown

TURN = "\u202e"
EVIL = (
    "<script>alert(1)</script>",
    '" onload="alert(1)" x="',
    "' onerror='alert(1)",
    "{{7*7}}{% raise %}",
    f"invoice{TURN}gpj.exe\u200b\u2066",
    "x" * 10_000,
    "two\nlines\r\n\ttab\x00\x1b[31m",
    "half \ud800 of one",
    "../../etc/passwd",
    "..",
    ".",
    "a//b/./c/",
    "100% ?x=1&y=2#z %2e%2E+",
    "`<b>` and `<i>",
    "é漢字😀",
)


def evil_state(text: str) -> FakeView:
    """Every text that comes from outside is `text`."""
    ref = Ref(text, text, text, text, text, f"{text}!")
    reading = Reading(FactState.KNOWN, text, text, text, NOW)
    texts: dict[str, Any] = {
        "title": text,
        "severity": Severity.HIGH,
        "because": text,
        "remedy": text,
        "reasons": (text,),
        "facts": {
            text: reading,
            "list": replace(reading, value=[text]),
            "map": replace(reading, value={text: text}),
            "none": replace(reading, state=FactState.UNKNOWN),
        },
        "params": {text: text},
        "maps": {text: (text,)},
        "tags": {text: text},
        "waiver": {"why": text, "by": text, "until": text},
    }
    findings = [
        tracked(
            Finding(rule=f"{text}{status}", status=status, ref=ref, **texts),
            last_known=LastKnown(Status.FAIL, NOW - DAY),
            stale=True,
        )
        for status in Status
    ]
    targets = {
        (text, coverage.value): TrackedTarget(
            TargetStatus(text, f"{text}{coverage}", coverage, f"{text} s3:GetX denied", 1),
            NOW,
            None,
        )
        for coverage in Coverage
    }
    notes = tuple(
        replace(note, rule=text, why=text, by=text, until=text, resources=(text,))
        for note in TYPICAL.waiver_notes
    )
    current = state_of(
        findings, targets=targets, waiver_notes=notes, deviations=(text,), stale=True
    )
    history = [
        replace(event(each, ref), because=text, rule=text, finding=findings[0].finding.id)
        for each in Happening
    ]
    well = healthy(
        why_dead=text,
        alive=False,
        store_up=False,
        store_problem=text,
        store_where=text,
        reload_ok=False,
        reload_problem=text,
        needs_restart=(text,),
        last_sweeps={text: sweep(outcome="failed", reason=text)},
        version=text,
        sweeping=text,
    )
    return view(
        current=current,
        history=history,
        well=well,
        round=evil_round(text, findings[0].finding),
        entries=evil_journal(text, ref),
    )


@pytest.mark.parametrize("text", [pytest.param(each, id=ascii(each[:24])) for each in EVIL])
def test_nothing_that_is_shown_becomes_markup_or_hides(text: str) -> None:
    for path, page in every_page(evil_state(text)):
        parsed = seen(page)
        tags = {tag for tag, _ in parsed.tags}
        names = {name for _, attrs in parsed.tags for name in attrs}
        assert not tags & {"script", "b", "i", "iframe", "object", "style", "base"}, path
        assert not [name for name in names if name.startswith("on") or name == "style"], path
        assert not [link for link in parsed.links if link.startswith("//")], path
        assert not set(page) & set(f"{TURN}\u200b\u2066\x00\x1b\r"), path
        if "7*7" in text:
            assert "49" not in parsed.text.replace("249", ""), path


@pytest.mark.parametrize("text", [pytest.param(each, id=ascii(each[:24])) for each in EVIL])
def test_a_resource_of_any_name_has_a_page_and_so_has_its_finding(text: str) -> None:
    fake = evil_state(text)
    one = next(iter(fake.current.findings.values()))

    with reader(fake) as read:
        assert "Every rule on it" in read(resource_link(one.finding.ref))[1]
        assert "Facts it was judged on" in read(finding_link(one.finding.id))[1]


def test_a_hidden_turn_of_the_line_is_made_visible() -> None:
    text = get("/findings", evil_state(f"a{TURN}b")).text

    assert "a\\u202eb" in text


# ---------------------------------------------------------------- how pages are made


def test_every_page_nests_and_needs_no_script_and_no_inline_style() -> None:
    for path, page in every_page(view()):
        parsed = seen(page)
        tags = [tag for tag, _ in parsed.tags]
        assert "script" not in tags, path
        assert "style" not in tags, path
        assert not [attrs for _, attrs in parsed.tags if "style" in attrs], path
        assert tags.count("h1") == 1, path
        assert {"main", "header", "footer", "nav"} <= set(tags), path
        ids = [attrs["id"] for _, attrs in parsed.tags if "id" in attrs]
        assert len(ids) == len(set(ids)), path
        labels = [
            attrs["aria-labelledby"] for _, attrs in parsed.tags if "aria-labelledby" in attrs
        ]
        assert {each for label in labels for each in label.split()} <= set(ids), path
        heads = [attrs for tag, attrs in parsed.tags if tag == "th"]
        assert all("scope" in attrs for attrs in heads), path


def test_a_status_is_told_by_a_word_and_not_by_its_colour_alone() -> None:
    word = r'[^>]*><span aria-hidden="true">.</span> (Fail|Unknown|Pass|Waived|N/A|Gone)</span>'
    for path, page in every_page(view()):
        told = re.findall(f'<span class="status {word}', page)
        assert len(told) == page.count('<span class="status '), path


def test_the_style_sheet_is_kept_by_its_tag() -> None:
    first = client().get("/static/style.css")
    again = client().get("/static/style.css", headers={"if-none-match": first.headers["etag"]})

    assert first.headers["content-type"] == "text/css; charset=utf-8"
    assert (again.status_code, again.content) == (304, b"")
    assert client().get("/static/../app.py").status_code == 404


def test_pages_are_not_kept_by_the_browser() -> None:
    assert client().get("/").headers["cache-control"] == "no-store"


def test_head_is_answered_as_get_is() -> None:
    browser: TestClient = client()

    assert browser.head("/findings").status_code == 200
