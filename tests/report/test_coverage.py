"""The verdict on a month: complete only where nothing is missing, damaged or unexplained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.auditlog.ends import Ends
from agent.auditlog.objects import (
    Fragment,
    Listing,
    LogObject,
    ObjectResult,
    ObjectStatus,
    Refused,
    Writer,
)
from agent.report.coverage import coverage, gaps
from agent.report.model import Completeness, Coverage, Gap, Month, Questions

MONTH = Month(2026, 10)
FIRST = int(MONTH.start.timestamp()) // 3600
HOURS = 31 * 24
AFTER = datetime(2026, 11, 3, tzinfo=UTC)
C1 = Writer("111122223333", "eu-west-1", "c1")
FULL = {(log, FIRST + n): 2 for log in ("connectionlog", "useractivitylog") for n in range(HOURS)}


def key_of(log_type: str, stamp: datetime, writer: Writer = C1) -> str:
    name = f"{writer.account}_redshift_{writer.region}_{writer.cluster}_{log_type}"
    folder = f"AWSLogs/{writer.account}/redshift/{writer.region}/{stamp:%Y/%m/%d}"
    return f"{folder}/{name}_{stamp:%Y-%m-%dT%H:%M}.gz"


def result(
    log_type: str = "useractivitylog",
    *,
    at: datetime = MONTH.start,
    modified: timedelta = timedelta(minutes=5),
    key: str = "",
    **members: Any,
) -> ObjectResult:
    key = key or key_of(log_type, at)
    item = LogObject(key, log_type, C1, at, 10, "e", at + modified)
    return ObjectResult(item, **({"status": ObjectStatus.READ} | members))


READ = (
    result(records=2 * HOURS),
    result("connectionlog", records=2 * HOURS),
)


def judged(
    results: tuple[ObjectResult, ...] = READ,
    hours: Mapping[tuple[str, int], int] = FULL,
    *,
    refused: tuple[Refused, ...] = (),
    ends: tuple[Ends, ...] = (),
    now: datetime = AFTER,
    gap_hours: int = 1,
) -> Coverage:
    listing = Listing(tuple(one.object for one in results), refused)
    asked = Questions(gap_hours=gap_hours)
    return coverage(MONTH, listing, results, ends, hours, asked, now)


def without(log: str, *hours: int) -> dict[tuple[str, int], int]:
    return {key: n for key, n in FULL.items() if key not in {(log, FIRST + h) for h in hours}}


def test_a_month_with_every_hour_and_no_damage_is_complete() -> None:
    found = judged()

    assert found.verdict is Completeness.COMPLETE
    assert found.because == (
        (
            "2 objects read, none damaged; no hour without a connection record, and none without "
            "an activity record"
        ),
    )
    assert (found.outside, found.gaps, found.late) == (0, (), ())


LATER = result(at=MONTH.start + timedelta(days=3))
NAME = LATER.object.key.rsplit("/", 1)[-1]


def _empty(size: int) -> ObjectResult:
    return replace(LATER, status=ObjectStatus.EMPTY, object=replace(LATER.object, size=size))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param(
            {
                "refused": (
                    Refused("AWSLogs/111122223333/redshift/eu-west-1/2026/10/02/", "denied"),
                )
            },
            "1 object or folder could not be listed or taken: "
            "AWSLogs/111122223333/redshift/eu-west-1/2026/10/02/ (denied)",
            id="a folder is denied",
        ),
        pytest.param(
            {"refused": (Refused("some/where/", "denied"),)},
            "1 object or folder could not be listed or taken: some/where/ (denied)",
            id="a folder of nobody in particular is denied",
        ),
        pytest.param(
            {"results": (*READ, replace(LATER, status=ObjectStatus.UNREADABLE, reason="denied"))},
            f"1 object could not be read: {LATER.object.key} (denied)",
            id="an object is denied",
        ),
        pytest.param(
            {"results": (*READ, replace(LATER, status=ObjectStatus.DAMAGED, reason="truncated"))},
            "1 object is damaged, and only part of it could be read: "
            f"{LATER.object.key} (truncated)",
            id="an object is damaged",
        ),
        pytest.param(
            {"results": (*READ, replace(LATER, bad=3))},
            "3 lines could not be understood as a record",
            id="bad lines",
        ),
        pytest.param(
            {"ends": (Ends(bad=1),)},
            "1 line could not be understood as a record",
            id="a bad line at an object's end",
        ),
        pytest.param(
            {"ends": (Ends(cut=("a/b.gz",)),)}, "the end of 1 record is lost: b.gz", id="cut"
        ),
        pytest.param(
            {"results": (*READ, LATER), "ends": (Ends(orphans=(LATER.object.key,)),)},
            f"the beginning of 1 record is lost: {LATER.object.key.rsplit('/', 1)[-1]}",
            id="an orphan",
        ),
        pytest.param(
            {"hours": without("connectionlog", *range(267, 272))},
            "5 hours without any connection record: 2026-10-12 03:00 to 08:00 (a paused cluster, "
            "logging switched off, or lost files: the logs alone cannot tell)",
            id="a gap",
        ),
        pytest.param(
            {"hours": without("useractivitylog", 23, 24)},
            "2 hours without any activity record: 2026-10-01 23:00 to 2026-10-02 01:00 (a paused "
            "cluster, logging switched off, or lost files: the logs alone cannot tell)",
            id="a gap over midnight",
        ),
        pytest.param(
            {"hours": without("useractivitylog", *range(HOURS))},
            "no activity record in the whole month: is useractivitylog switched on, and delivered "
            "here?",
            id="a log without any record",
        ),
        pytest.param(
            {"results": (*READ, _empty(size=0))},
            f"1 object has not a single byte, not even an empty log's: {NAME}",
            id="an object of no byte",
        ),
        pytest.param(
            {
                "results": (*READ, replace(LATER, head=Fragment("<Error>AccessDenied</Error>"))),
                "ends": (Ends(orphans=(LATER.object.key,)),),
            },
            f"1 object holds text without one record of the log: {NAME}",
            id="an error page under a log's name",
        ),
        pytest.param(
            {"results": (*READ, replace(LATER, records=1, reason="a record is too long"))},
            f"{NAME}: a record is too long",
            id="a record of which a part is left out",
        ),
        pytest.param(
            {"results": (*READ, LATER, result(key=LATER.object.key[:-3], at=LATER.object.stamp))},
            f"records may be counted twice, for the bytes differ under one name: {NAME}",
            id="an object and its unpacked copy",
        ),
    ],
)
def test_what_is_missing_makes_the_month_incomplete(given: dict[str, Any], says: str) -> None:
    found = judged(**given)

    assert found.verdict is Completeness.INCOMPLETE
    assert found.because == (says,)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"refused": (Refused("x.txt", "foreign", counts=False),)}, id="another file"),
        pytest.param(
            {"refused": (Refused("AWSLogs/999999999999/redshift/eu-west-1/", "denied"),)},
            id="another account's folder is denied",
        ),
        pytest.param(
            {"refused": (Refused("AWSLogs/111122223333/redshift/us-east-1/2026/", "denied"),)},
            id="another region's folder is denied",
        ),
        pytest.param(
            {
                "refused": (
                    Refused(key_of("userlog", MONTH.start, replace(C1, cluster="c2")), "no"),
                )
            },
            id="another cluster's object is denied",
        ),
        pytest.param({"ends": (Ends(orphans=(READ[0].object.key,)),)}, id="the first is an orphan"),
        pytest.param(
            {"ends": (Ends(orphans=(READ[1].object.key,), bad=1),)},
            id="the first line is an orphan, and listed as bad",
        ),
        pytest.param({"results": (*READ, result("userlog"))}, id="a user log without a record"),
        pytest.param(
            {"hours": without("connectionlog", 5, 6), "gap_hours": 3}, id="a gap that is too short"
        ),
        pytest.param(
            {"results": (*READ, result(at=MONTH.start, modified=timedelta(days=2)))}, id="late"
        ),
        pytest.param(
            {"results": (*READ, replace(LATER, status=ObjectStatus.DUPLICATE))}, id="a copy"
        ),
        pytest.param({"results": (*READ, _empty(size=20))}, id="empty"),
        pytest.param(
            {"results": (*READ, replace(LATER, head=Fragment("\n")))}, id="a blank line alone"
        ),
    ],
)
def test_what_is_only_a_note_leaves_the_month_complete(given: dict[str, Any]) -> None:
    assert judged(**given).verdict is Completeness.COMPLETE


def test_the_worst_comes_first() -> None:
    found = judged(
        (*READ, replace(LATER, status=ObjectStatus.UNREADABLE, reason="denied", bad=1)),
        {
            k: n
            for k, n in without("connectionlog", 1).items()
            if k[1] not in (FIRST + 9, FIRST + 8)
        },
        refused=(Refused("x/", "denied"),),
        ends=(Ends(cut=("k",)),),
    )

    beginnings = [one.split(" ")[:3] for one in found.because]
    assert [" ".join(words) for words in beginnings] == [
        "1 object or",
        "1 object could",
        "2 hours without",
        "2 hours without",
        "1 hour without",
        "1 line could",
        "the end of",
    ]


def test_many_gaps_are_told_by_number_and_listed_in_full() -> None:
    found = judged(hours=without("connectionlog", *range(0, 40, 2)))

    assert len(found.because) == 6
    assert (
        found.because[-1] == "15 shorter stretches without any connection record, 15 hours in all"
    )
    assert len(found.gaps) == 20


def test_a_month_without_a_record_is_empty_even_while_it_runs() -> None:
    for now in (AFTER, MONTH.start):
        assert judged(hours={}, now=now).verdict is Completeness.EMPTY


def test_an_empty_month_says_what_could_not_be_read() -> None:
    found = judged((), {}, refused=(Refused("x/", "denied"),))

    assert found.because == (
        "no record of 2026-10 in 0 objects read",
        "1 object or folder could not be listed or taken: x/ (denied)",
    )


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        pytest.param(
            datetime(2026, 11, 2, 23, 59, 59, tzinfo=UTC), "running", id="two days not over"
        ),
        pytest.param(datetime(2026, 11, 3, tzinfo=UTC), "complete", id="two days over"),
    ],
)
def test_a_month_runs_until_its_last_records_can_have_arrived(now: datetime, verdict: str) -> None:
    assert judged(now=now).verdict == verdict


def test_hours_that_may_still_be_filled_are_no_gap() -> None:
    now = MONTH.start + timedelta(days=2)
    some = {key: n for key, n in FULL.items() if key[1] < FIRST + 20}

    assert judged(hours=some, now=now).gaps == (
        Gap("connectionlog", FIRST + 20, 4),
        Gap("useractivitylog", FIRST + 20, 4),
    )


def test_an_object_is_late_by_the_stamp_in_its_name_alone() -> None:
    late = result(modified=timedelta(days=1, seconds=1))
    on_time = result(at=MONTH.start + timedelta(hours=1), modified=timedelta(days=1))
    export = result(key="exports/1/c1/000000.gz", modified=timedelta(days=9))

    assert judged((late, on_time, export)).late == (late.object.key,)


@given(
    present=st.sets(st.integers(0, 47), max_size=48),
    at_least=st.integers(1, 6),
)
@settings(max_examples=60, deadline=None)
def test_gaps_are_exactly_the_hours_in_which_nothing_was_written(
    present: set[int], at_least: int
) -> None:
    """By a second way: an hour is in a gap if it lies in a run of absent hours that is long."""
    hours = {("connectionlog", 100 + hour): 1 for hour in present}
    found = [gap for gap in gaps(hours, 100, 148, at_least) if gap.log_type == "connectionlog"]

    text = "".join("x" if hour in present else "." for hour in range(48))
    expected = {
        100 + hour
        for hour in range(48)
        if text[hour] == "."
        and len(text[:hour])
        - len(text[:hour].rstrip("."))
        + len(text[hour:])
        - len(text[hour:].lstrip("."))
        >= at_least
    }
    covered = [hour for gap in found for hour in range(gap.first_hour, gap.first_hour + gap.hours)]
    assert sorted(covered) == sorted(expected)
    assert all(gap.hours >= at_least for gap in found)


@given(
    st.lists(st.integers(-60, HOURS + 60), max_size=40),
    st.sampled_from(["userlog", "useractivitylog"]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_every_record_is_of_the_month_or_outside_or_bad(
    at: list[int], log: str, is_cut: bool
) -> None:
    """A cut last line was counted when its object was read, and is no record in the tables; a cut
    record of the activity log is one."""
    hours: dict[tuple[str, int], int] = {}
    for hour in at:
        hours[log, FIRST + hour] = hours.get((log, FIRST + hour), 0) + 1
    counted = len(at) + (is_cut and log == "userlog")
    read = (result(log, records=counted),)
    ends = (Ends(cut=(read[0].object.key,) if is_cut else ()),)

    found = judged(read, hours, ends=ends)
    assert sum(found.records.values()) + found.outside == len(at)
    assert sum(found.hours.values()) == sum(found.records.values())
    assert all(FIRST <= hour < FIRST + HOURS for _, hour in found.hours)


def test_the_middle_of_a_record_across_three_objects_is_no_odd_object() -> None:
    found = judged((*READ, replace(LATER, head=Fragment("from t\nwhere"))), ends=(Ends(),))

    assert found.verdict is Completeness.COMPLETE
    assert not [one for one in found.because if "without one record" in one]
