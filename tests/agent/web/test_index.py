"""The index: order, counts, and what is said of targets."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from agent.web.filters import SORTS, Query, chosen, parse
from agent.web.index import WORST_FIRST, index
from agent.web.targets import shown_targets
from controls.model import Severity, Status
from tests.agent.formats.samples import ARCHIVE, CLUSTER, REGION, TYPICAL
from tests.agent.web.estate import NOW, state_of, tracked, typical

FINDINGS = st.lists(
    st.tuples(st.sampled_from(Status), st.sampled_from(Severity), st.integers(0, 50)), max_size=12
)


def estate(drawn: list[tuple[Status, Severity, int]]) -> tuple:  # type: ignore[type-arg]
    return tuple(
        tracked(
            replace(
                TYPICAL.findings[0],
                status=status,
                severity=severity,
                ref=replace(CLUSTER, name=str(number)),
            ),
            since=NOW - timedelta(hours=age),
        )
        for number, (status, severity, age) in enumerate(drawn)
    )


@given(FINDINGS)
def test_the_worst_come_first_then_the_gravest_then_the_oldest(
    drawn: list[tuple[Status, Severity, int]],
) -> None:
    found = index(state_of(estate(drawn))).findings

    keys = [
        (WORST_FIRST.index(one.finding.status), -one.finding.severity.rank, one.since)
        for one in found
    ]
    assert keys == sorted(keys)


@given(FINDINGS, st.sampled_from(SORTS))
def test_nothing_is_lost_or_doubled_in_any_order(
    drawn: list[tuple[Status, Severity, int]], sort: str
) -> None:
    of = index(state_of(estate(drawn)))
    found = chosen(of.findings, Query(sort=sort))

    assert sorted(one.finding.id for one in found) == sorted(of.state.findings)
    assert sum(of.counts.values()) == len(drawn)
    assert sum(sum(each.values()) for each in of.by_account.values()) == len(drawn)


def test_an_unknown_that_failed_stands_among_what_fails() -> None:
    failing = index(typical()).failing

    assert [one.finding.rule for one in failing] == [
        "redshift-user-activity-logged",
        "audit-logs-expire-in-time",
        "log-bucket-encrypted",
    ]


def test_a_link_asks_the_question_it_was_made_from() -> None:
    query = Query(
        status=(Status.FAIL, Status.UNKNOWN), rule=("a b&c",), text="x=1 #", sort="-since", page=3
    )
    _, _, parameters = query.link(page=3).partition("?")
    pairs = [pair.split("=") for pair in parameters.split("&")]

    from urllib.parse import unquote_plus

    assert query == parse([(name, unquote_plus(value)) for name, value in pairs])


def test_a_refusal_counts_where_it_was_made() -> None:
    """The bucket is judged for one target and read in another."""
    denied = {
        (each.tracked.status.account, each.tracked.status.region): each.denied
        for each in shown_targets(index(typical()))
    }

    assert denied[ARCHIVE, REGION] == ("s3:GetEncryptionConfiguration", "sts:AssumeRole")
    assert denied["111122223333", REGION] == ()


def test_targets_that_cannot_be_read_come_first() -> None:
    statuses = [each.tracked.status.status for each in shown_targets(index(typical()))]

    assert statuses == ["unreadable", "partial", "complete"]
