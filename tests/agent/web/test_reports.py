"""Last month's reports on the overview: what is linked, what is missing, what is not known."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from agent.web.reports import reports
from controls.history import Tracked
from controls.model import Reading, Ref, State, Status
from tests.agent.formats.samples import ACCOUNT, NOW, REGION, finding
from tests.agent.web.estate import shipped_rules, state_of, tracked, typical, view
from tests.agent.web.html import Seen, seen
from tests.agent.web.test_app import client

RULE = "audit-report-produced"

CARD = "Last month's reports"

HOSTILE = '"><script>alert(1)</script>\u202e&?#%'


def place(name: str = "sales", bucket: str = "reports", file: str = "report.html") -> str:
    return f"s3://{bucket}/redshift/2026-10/{ACCOUNT}_{REGION}_{name}/{file}"


def report(
    verdict: str | None,
    name: str = "sales",
    *,
    why: str = "",
    status: Status = Status.PASS,
    partition: str = "aws",
) -> Tracked:
    """What the rule says of one cluster's report. verdict None: it could not be seen."""
    ref = Ref("audit_report", ACCOUNT, REGION, name, f"arn:{partition}:s3:::reports")
    state = State.KNOWN if verdict else State.UNKNOWN
    reading = Reading(state, verdict, why or place(name), "s3:ListObjectsV2", NOW)
    return tracked(finding(RULE, status, ref, facts={"last_report": reading}))


def overview(*of: Tracked) -> Seen:
    """The first page, parsed."""
    answer = client(view(current=state_of(of))).get("/")
    assert answer.status_code == 200
    return seen(answer.text)


def away(page: Seen) -> list[str]:
    """Where the page leads outside the agent."""
    links = [attrs.get("href", "") for tag, attrs in page.tags if tag == "a"]
    return [link for link in links if not link.startswith(("/", "#"))]


DENIED = "s3:ListBucket on reports denied"
MISSING = f"no report of 2026-10 at {place()}"


def test_the_rule_whose_findings_are_shown_is_shipped() -> None:
    (rule,) = [one for one in shipped_rules() if one.id == RULE]

    assert rule.kind == "audit_report"


@pytest.mark.parametrize(
    ("of", "says", "links"),
    [
        pytest.param(report("complete"), f"complete {place()}", 1, id="complete"),
        pytest.param(report("incomplete"), f"incomplete {place()}", 1, id="incomplete"),
        pytest.param(report("running"), f"running {place()}", 1, id="made too early"),
        pytest.param(report("missing", why=MISSING), f"missing {MISSING}", 0, id="missing"),
        pytest.param(
            report(None, why=DENIED, status=Status.UNKNOWN), f"unknown {DENIED}", 0, id="denied"
        ),
    ],
)
def test_the_overview_says_of_each_report_what_it_found_or_why_there_is_none(
    of: Tracked, says: str, links: int
) -> None:
    page = overview(of)

    assert f"sales {ACCOUNT}/{REGION} {says}" in page.text
    assert len(away(page)) == links


def test_a_link_leads_to_the_very_object_in_the_console_and_tells_it_nothing() -> None:
    page = overview(report("complete"))
    (link,) = away(page)
    (attrs,) = [attrs for tag, attrs in page.tags if tag == "a" and attrs["href"] == link]

    parts = urlsplit(link)
    assert (parts.scheme, parts.netloc) == ("https", "console.aws.amazon.com")
    assert parts.path == "/s3/object/reports"
    assert parse_qs(parts.query) == {"prefix": [place().removeprefix("s3://reports/")]}
    assert attrs["rel"] == "noreferrer"


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov", "aws-iso"])
def test_outside_the_partition_whose_console_it_is_the_place_is_said_and_not_linked(
    partition: str,
) -> None:
    page = overview(report("complete", partition=partition))

    assert place() in page.text
    assert away(page) == []


@pytest.mark.parametrize(
    "where",
    [
        pytest.param(place(HOSTILE), id="a cluster's name"),
        pytest.param(place(bucket=HOSTILE), id="a bucket's name"),
        pytest.param(place(bucket=f"{HOSTILE}@evil.example"), id="an address"),
    ],
)
def test_a_hostile_name_is_text_and_leads_nowhere_else(where: str) -> None:
    page = overview(report("complete", HOSTILE, why=where))
    (link,) = away(page)
    parts = urlsplit(link)

    assert [tag for tag, _ in page.tags if tag == "script"] == []
    assert "\u202e" not in page.text
    assert parts.netloc == "console.aws.amazon.com"
    assert parts.fragment == ""
    key = where.removeprefix("s3://").partition("/")[2]
    assert parse_qs(parts.query)["prefix"] == [key]


def test_a_reason_that_is_no_place_is_not_linked() -> None:
    page = overview(report("complete", why="javascript:alert(1)"))

    assert away(page) == []


def test_what_lacks_a_report_comes_first() -> None:
    shown = reports([report("complete", "a"), report("missing", "c"), report(None, "b")])

    assert [one.ref.name for one in shown] == ["b", "c", "a"]


def test_of_many_reports_fifty_are_shown_and_the_rest_is_a_link_away() -> None:
    page = overview(*(report("complete", f"c{number}") for number in range(60)))

    assert len(away(page)) == 50
    assert f"/findings?rule={RULE}" in page.links
    assert "All 60" in page.text


def test_without_a_report_that_is_expected_there_is_no_such_card() -> None:
    unexpected = report("missing", status=Status.NOT_APPLICABLE)

    for page in (overview(), overview(unexpected), seen(client().get("/").text)):
        assert CARD not in page.text
    assert CARD in overview(report("complete")).text
    assert reports(typical().findings.values()) == []
