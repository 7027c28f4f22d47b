"""Lifecycle answers as a table: one sentence of S3's behaviour a line, with the reason given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from time import process_time
from typing import Any

import pytest

from controls.model import Absent, Said, Unknown
from controls.semantics.lifecycle import due_for_deletion, first_deletion, uploads_aborted

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
P = "logs/AWSLogs/111122223333/redshift/eu-west-1/"
PAST = datetime(2024, 1, 1, tzinfo=UTC)
TOKYO = timezone(timedelta(hours=9))
FUTURE = datetime(2027, 1, 1, tzinfo=UTC)

NEVER, UNKNOWN = "never", "unknown"
Answer = Said[int] | Absent | Unknown
Expected = int | str


def rule(name: str = "a", /, *, status: Any = "Enabled", **members: Any) -> dict[str, Any]:
    """A rule as boto3 returns it, over the whole bucket unless a Filter or Prefix is given."""
    whole = {} if "Filter" in members or "Prefix" in members else {"Filter": {"Prefix": ""}}
    return {"ID": name, "Status": status, **whole, **members}


def days(number: Any) -> dict[str, Any]:
    """Expire after so many days."""
    return {"Expiration": {"Days": number}}


def date(when: Any) -> dict[str, Any]:
    """Expire from a date on."""
    return {"Expiration": {"Date": when}}


def later(number: Any, **more: Any) -> dict[str, Any]:
    """Delete noncurrent versions so many days after they became so."""
    return {"NoncurrentVersionExpiration": {"NoncurrentDays": number, **more}}


def abort(number: Any) -> dict[str, Any]:
    """Abort incomplete uploads after so many days."""
    return {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": number}}


def only(**predicates: Any) -> dict[str, Any]:
    """A filter of one predicate, or several under And."""
    one = len(predicates) == 1 and "Tags" not in predicates
    return {"Filter": predicates if one else {"And": predicates}}


TEAM = {"Key": "team", "Value": "a"}
GLACIER = {"Transitions": [{"Days": 30, "StorageClass": "GLACIER"}]}
MARKERS = {"Expiration": {"ExpiredObjectDeleteMarker": True}}


def plain(answer: Answer) -> Expected:
    """The answer without its reason, which must be a sentence."""
    assert answer.reason.strip()
    match answer:
        case Said(number):
            return number
        case Absent():
            return NEVER
        case Unknown():
            return UNKNOWN


def case(
    says: str, versioning: str, due: Expected, first: Expected, *rules: Any
) -> pytest.ParameterSet:
    """Rules, and when every log is due and the first may go."""
    return pytest.param(list(rules), versioning, due, first, id=says)


OFF, ENABLED, SUSPENDED = "Off", "Enabled", "Suspended"

CASES = [
    # -- actions
    case("days over the whole bucket", OFF, 180, 180, rule(**days(180))),
    case("one day", OFF, 1, 1, rule(**days(1))),
    case("a date that has passed deletes at once", OFF, 0, 0, rule(**date(PAST))),
    case("a date reached this morning has passed", OFF, 0, 0, rule(**date(NOW))),
    case(
        "a date to come deletes nothing yet and spares nobody",
        OFF, NEVER, 0, rule(**date(FUTURE)),
    ),
    case(
        "a date to come does not lower the days until then",
        OFF, 180, 0, rule(**date(FUTURE)), rule("b", **days(180)),
    ),
    case(
        "a date in another time zone is compared as a moment",
        OFF, NEVER, 0, rule(**date((NOW + timedelta(hours=1)).astimezone(TOKYO))),
    ),
    case("tidying delete markers deletes no data", OFF, NEVER, NEVER, rule(**MARKERS)),
    case("a transition deletes nothing", OFF, NEVER, NEVER, rule(**GLACIER)),
    case("aborting uploads deletes no log", OFF, NEVER, NEVER, rule(**abort(7))),
    case("a rule without an action deletes nothing", OFF, NEVER, NEVER, rule()),
    case("an empty Expiration deletes nothing", OFF, NEVER, NEVER, rule(Expiration={})),
    case("the walkthrough deletes nothing", OFF, NEVER, NEVER, rule(**later(180))),
    case(
        "noncurrent days do not matter without versions",
        OFF, 90, 90, rule(**days(90), **later(90)),
    ),
    case(
        "markers left alone beside days do not matter",
        OFF, 90, 90, rule(Expiration={"Days": 90, "ExpiredObjectDeleteMarker": False}),
    ),
    # -- status
    case("a disabled rule does nothing", OFF, NEVER, NEVER, rule(status="Disabled", **days(180))),
    case(
        "a disabled shorter rule does nothing",
        OFF, 180, 180, rule(status="Disabled", **days(30)), rule("b", **days(180)),
    ),
    case(
        "a status nobody knows may be on",
        OFF, UNKNOWN, UNKNOWN, rule(status="Paused", **days(9)),
    ),
    case(
        "a status is spelled as S3 spells it",
        OFF, UNKNOWN, UNKNOWN, rule(status="enabled", **days(9)),
    ),
    case("no status at all may be on", OFF, UNKNOWN, UNKNOWN, {"ID": "a", "Filter": {}, **days(9)}),
    case(
        "what a rule in doubt could only repeat is known",
        OFF, 90, 90, rule(status="Paused", **days(90)), rule("b", **days(90)),
    ),
    case(
        "a shorter rule in doubt does not count for due and matters for the first",
        OFF, 90, UNKNOWN, rule(status="Paused", **days(30)), rule("b", **days(90)),
    ),
    case(
        "a second step in doubt that repeats one that is not",
        ENABLED, 120, 120,
        rule(status="Paused", **later(30)), rule("b", **days(90), **later(30)),
    ),
    # -- prefixes
    case("an empty filter is the whole bucket", OFF, 180, 180, rule(Filter={}, **days(180))),
    case(
        "no filter at all is the whole bucket",
        OFF, 180, 180, {"ID": "a", "Status": "Enabled", **days(180)},
    ),
    case(
        "a legacy prefix of nothing is the whole bucket",
        OFF, 180, 180, rule(Prefix="", **days(180)),
    ),
    case(
        "a legacy prefix above the logs covers them",
        OFF, 180, 180, rule(Prefix="logs/", **days(180)),
    ),
    case(
        "a legacy prefix elsewhere does not",
        OFF, NEVER, NEVER, rule(Prefix="data/", **days(180)),
    ),
    case("a shorter prefix covers", OFF, 180, 180, rule(**only(Prefix="logs/AWS"), **days(180))),
    case("the same prefix covers", OFF, 180, 180, rule(**only(Prefix=P), **days(180))),
    case("half a folder's name covers", OFF, 180, 180, rule(**only(Prefix="lo"), **days(180))),
    case(
        "a year folder covers a part only",
        OFF, NEVER, 180, rule(**only(Prefix=P + "2026/"), **days(180)),
    ),
    case(
        "year folders together do not cover the years to come",
        OFF, NEVER, 180,
        *(rule(f"y{n}", **only(Prefix=f"{P}{n}/"), **days(180)) for n in range(2000, 2100)),
    ),
    case(
        "a sibling folder is not touched",
        OFF, NEVER, NEVER, rule(**only(Prefix=P[:-1] + "-b/"), **days(180)),
    ),
    case(
        "another writer's folder is not touched",
        OFF, NEVER, NEVER, rule(**only(Prefix="logs/AWSLogs/9"), **days(1)),
    ),
    case(
        "a leading slash is taken literally",
        OFF, NEVER, NEVER, rule(**only(Prefix="/logs/"), **days(180)),
    ),
    case(
        "an asterisk is taken literally",
        OFF, NEVER, NEVER, rule(**only(Prefix="*"), **days(180)),
    ),
    case("capitals matter", OFF, NEVER, NEVER, rule(**only(Prefix="Logs/"), **days(180))),
    # -- tags
    case(
        "a tag matches no log, until somebody tags it",
        OFF, NEVER, 30, rule(**only(Tag=TEAM), **days(30)),
    ),
    case(
        "a tag inside And matches no log",
        OFF, NEVER, 30, rule(**only(Prefix="logs/", Tags=[TEAM]), **days(30)),
    ),
    case(
        "no tags inside And is no tag",
        OFF, 30, 30, rule(**only(Prefix="logs/", Tags=[]), **days(30)),
    ),
    case(
        "a tagged rule elsewhere touches no log",
        OFF, NEVER, NEVER, rule(**only(Prefix="data/", Tags=[TEAM]), **days(30)),
    ),
    # -- sizes
    case(
        "larger than nothing is every log",
        OFF, 90, 90, rule(**only(ObjectSizeGreaterThan=0), **days(90)),
    ),
    case(
        "larger than one byte is not",
        OFF, NEVER, 90, rule(**only(ObjectSizeGreaterThan=1), **days(90)),
    ),
    case(
        "smaller than much is not",
        OFF, NEVER, 90, rule(**only(ObjectSizeLessThan=10**15), **days(90)),
    ),
    case(
        "smaller than one byte is no log",
        OFF, NEVER, NEVER, rule(**only(ObjectSizeLessThan=1), **days(90)),
    ),
    case(
        "larger than what it is smaller than is no log",
        OFF, NEVER, NEVER, rule(**only(ObjectSizeGreaterThan=9, ObjectSizeLessThan=10), **days(90)),
    ),
    case(
        "two rules share the sizes and the slower decides",
        OFF, 180, 90,
        rule(**only(ObjectSizeGreaterThan=999), **days(180)),
        rule("b", **only(ObjectSizeLessThan=1000), **days(90)),
    ),
    case(
        "two rules leave out one size",
        OFF, NEVER, 90,
        rule(**only(ObjectSizeGreaterThan=1000), **days(180)),
        rule("b", **only(ObjectSizeLessThan=1000), **days(90)),
    ),
    case(
        "three rules share the sizes, one of them in the middle",
        OFF, 30, 10,
        rule(**only(ObjectSizeLessThan=100), **days(10)),
        rule("b", **only(ObjectSizeGreaterThan=99, ObjectSizeLessThan=200), **days(20)),
        rule("c", **only(ObjectSizeGreaterThan=199), **days(30)),
    ),
    case(
        "a part that is quicker does not make the whole quicker",
        OFF, 180, 30, rule(**only(ObjectSizeGreaterThan=999), **days(30)), rule("b", **days(180)),
    ),
    # -- several rules
    case("the shorter of two rules wins", OFF, 90, 90, rule(**days(180)), rule("b", **days(90))),
    case(
        "a rule beside the logs changes nothing",
        OFF, 180, 180, rule(**days(180)), rule("tmp", **only(Prefix="tmp/"), **days(1)),
    ),
    # -- versions
    case("days alone leave a noncurrent version", ENABLED, NEVER, NEVER, rule(**days(180))),
    case("days and noncurrent days add up", ENABLED, 180, 180, rule(**days(90), **later(90))),
    case(
        "the two actions may stand in two rules",
        ENABLED, 121, 121, rule(**days(90)), rule("b", **later(31)),
    ),
    case("noncurrent days alone never touch a log", ENABLED, NEVER, NEVER, rule(**later(30))),
    case("a past date and noncurrent days", ENABLED, 30, 30, rule(**date(PAST), **later(30))),
    case(
        "a date to come and noncurrent days",
        ENABLED, NEVER, 30, rule(**date(FUTURE), **later(30)),
    ),
    case(
        "one newer version kept is the log kept",
        ENABLED, NEVER, NEVER, rule(**days(90), **later(30, NewerNoncurrentVersions=1)),
    ),
    case(
        "a rule that keeps versions does not stop one that does not",
        ENABLED, 120, 120,
        rule(**days(90), **later(1, NewerNoncurrentVersions=5)), rule("b", **later(30)),
    ),
    case(
        "noncurrent versions elsewhere do not help",
        ENABLED, NEVER, NEVER, rule(**days(90)), rule("b", **only(Prefix="data/"), **later(1)),
    ),
    case(
        "noncurrent versions of some sizes do not suffice",
        ENABLED, NEVER, 91,
        rule(**days(90)), rule("b", **only(ObjectSizeGreaterThan=999), **later(1)),
    ),
    case(
        "sizes that expire and sizes that are deleted must meet",
        ENABLED, NEVER, NEVER,
        rule(**only(ObjectSizeGreaterThan=999), **days(90)),
        rule("b", **only(ObjectSizeLessThan=1000), **later(1)),
    ),
    case(
        "prefixes that expire and prefixes that are deleted must meet",
        ENABLED, NEVER, NEVER,
        rule(**only(Prefix=P + "2025/"), **days(90)),
        rule("b", **only(Prefix=P + "2026/"), **later(1)),
    ),
    case(
        "the slowest size decides over both steps",
        ENABLED, 102, 91,
        rule(**days(90)),
        rule("b", **only(ObjectSizeGreaterThan=999), **later(1)),
        rule("c", **only(ObjectSizeLessThan=1000), **later(12)),
    ),
    case(
        "two tags that somebody could set one after the other",
        ENABLED, NEVER, 3,
        rule(**only(Tag=TEAM), **days(1)),
        rule("b", **only(Tag={"Key": "team", "Value": "b"}), **later(2)),
    ),
    case("tidying markers does not help", ENABLED, NEVER, NEVER, rule(**MARKERS, **later(30))),
    case(
        "suspended keeps old versions and deletes new logs",
        SUSPENDED, NEVER, 180, rule(**days(180)),
    ),
    case("suspended with both actions", SUSPENDED, 180, 90, rule(**days(90), **later(90))),
    case("suspended with noncurrent days alone", SUSPENDED, NEVER, NEVER, rule(**later(90))),
    case("versioning of another name", "Paused", UNKNOWN, UNKNOWN, rule(**days(180))),
    # -- what cannot be read
    *(
        case(f"days of {number!r} are no days", OFF, UNKNOWN, UNKNOWN, rule(**days(number)))
        for number in (0, -1, 1.5, "30", True, None)
    ),
    *(
        case(
            f"noncurrent days of {number!r}",
            ENABLED, UNKNOWN, UNKNOWN, rule(**days(9), **later(number)),
        )
        for number in (0, True, None)
    ),
    *(
        case(
            f"keeping {kept!r} newer versions", ENABLED, UNKNOWN, UNKNOWN,
            rule(**days(9), **later(9, NewerNoncurrentVersions=kept)),
        )
        for kept in (0, True, "1")
    ),
    case(
        "noncurrent days that cannot be read do not matter without versions",
        OFF, 9, 9, rule(**days(9), **later(0)),
    ),
    case(
        "versions kept for days that cannot be read are kept",
        ENABLED, NEVER, NEVER, rule(**days(9), **later(0, NewerNoncurrentVersions=3)),
    ),
    case("a date as text is no date", OFF, UNKNOWN, UNKNOWN, rule(**date("2024-01-01"))),
    case(
        "a date without a time zone is no date",
        OFF, UNKNOWN, UNKNOWN, rule(**date(datetime(2024, 1, 1))),  # noqa: DTZ001 - what is under test
    ),
    case(
        "days and a date at once",
        OFF, UNKNOWN, UNKNOWN, rule(Expiration={"Days": 9, "Date": PAST}),
    ),
    case(
        "an expiration member nobody knows",
        OFF, UNKNOWN, UNKNOWN, rule(Expiration={"Days": 9, "Hours": 1}),
    ),
    case(
        "a noncurrent member nobody knows", ENABLED, UNKNOWN, UNKNOWN,
        rule(**days(9), **later(9, KeepTagged=True)),
    ),
    case(
        "a filter predicate nobody knows",
        OFF, UNKNOWN, UNKNOWN, rule(Filter={"Owner": "x"}, **days(9)),
    ),
    case(
        "a predicate nobody knows inside And", OFF, UNKNOWN, UNKNOWN,
        rule(**only(Prefix="logs/", Owner="x"), **days(9)),
    ),
    case(
        "a predicate nobody knows does not bring other prefixes in",
        OFF, NEVER, NEVER, rule(Filter={"And": {"Prefix": "data/", "Owner": "x"}}, **days(9)),
    ),
    case("a rule member nobody knows", OFF, UNKNOWN, UNKNOWN, rule(Condition={}, **days(9))),
    case("a member nobody knows may delete", OFF, UNKNOWN, UNKNOWN, rule(Purge={"Days": 1})),
    case("a disabled rule nobody can read", OFF, NEVER, NEVER, rule(status="Disabled", Purge={})),
    case(
        "both a prefix and a filter",
        OFF, UNKNOWN, UNKNOWN, rule(Prefix="", Filter={}, **days(9)),
    ),
    case("a prefix that is no text", OFF, UNKNOWN, UNKNOWN, rule(**only(Prefix=7), **days(9))),
    case("a filter that is none", OFF, UNKNOWN, UNKNOWN, rule(Filter="logs/", **days(9))),
    case(
        "a filter with And beside a prefix",
        OFF, UNKNOWN, UNKNOWN, rule(Filter={"Prefix": "", "And": {}}, **days(9)),
    ),
    case(
        "a size that is no number",
        OFF, UNKNOWN, UNKNOWN, rule(**only(ObjectSizeGreaterThan="0"), **days(9)),
    ),
    case("a negative size", OFF, UNKNOWN, UNKNOWN, rule(**only(ObjectSizeLessThan=-1), **days(9))),
    case("tags that are no list", OFF, NEVER, 9, rule(**only(Prefix="", Tags="team"), **days(9))),
    case("an expiration that is none", OFF, UNKNOWN, UNKNOWN, rule(Expiration="30 days")),
    case("a rule that is none", OFF, UNKNOWN, UNKNOWN, "delete everything"),
    case("an unreadable rule beside a good one", OFF, 180, UNKNOWN, "oops", rule(**days(180))),
    case(
        "an unreadable rule cannot be sooner than at once",
        OFF, 0, 0, rule(**date(PAST)), rule("b", Expiration={"Hours": 1}),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "versioning", "due", "first"), CASES)
def test_lifecycle(rules: list[Any], versioning: str, due: Expected, first: Expected) -> None:
    """When every log under P is due for deletion, and when the first may go."""
    written = {"Rules": rules, "TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}

    assert due == plain(due_for_deletion(written, versioning, P, NOW))
    assert first == plain(first_deletion(written, versioning, P, NOW))


@pytest.mark.parametrize(
    ("configuration", "reason"),
    [
        pytest.param(None, "the bucket has no lifecycle configuration", id="none"),
        pytest.param({}, "the bucket has no lifecycle configuration", id="an empty answer"),
        pytest.param(
            {"Rules": []}, "the bucket's lifecycle configuration has no rules", id="no rules"
        ),
    ],
)
@pytest.mark.parametrize("versioning", [OFF, ENABLED, SUSPENDED])
def test_without_rules_nothing_is_deleted(
    configuration: dict[str, Any] | None, versioning: str, reason: str
) -> None:
    """S3: without a lifecycle configuration objects never expire."""
    assert Absent(reason) == due_for_deletion(configuration, versioning, P, NOW)
    assert Absent(reason) == first_deletion(configuration, versioning, P, NOW)
    assert Absent(reason) == uploads_aborted(configuration, P)


def test_rules_that_are_no_list_are_unknown() -> None:
    """An answer that cannot be read is never an empty one."""
    for answer in (
        due_for_deletion({"Rules": "x"}, OFF, P, NOW),
        first_deletion({"Rules": "x"}, OFF, P, NOW),
        uploads_aborted({"Rules": "x"}, P),
    ):
        assert isinstance(answer, Unknown)
        assert "the lifecycle configuration: its Rules are not a list" in answer.reason


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param([rule(**abort(7))], 7, id="the whole bucket"),
        pytest.param([rule(**abort(7)), rule("b", **abort(3))], 3, id="the shorter wins"),
        pytest.param([rule(Prefix="logs/", **abort(7))], 7, id="a legacy prefix"),
        pytest.param([rule(**only(Prefix="data/"), **abort(7))], NEVER, id="another prefix"),
        pytest.param([rule(**only(Prefix=P + "2026/"), **abort(7))], NEVER, id="a year folder"),
        pytest.param([rule(**only(Tag=TEAM), **abort(7))], NEVER, id="a tag"),
        pytest.param([rule(status="Disabled", **abort(7))], NEVER, id="disabled"),
        pytest.param([rule(**days(7))], NEVER, id="expiration never removes parts"),
        pytest.param(
            [rule(**only(ObjectSizeGreaterThan=0), **abort(7))],
            UNKNOWN,
            id="a size filter, on what has no size yet",
        ),
        pytest.param(
            [rule(**only(ObjectSizeLessThan=1), **abort(7))],
            UNKNOWN,
            id="a size filter that no log passes",
        ),
        pytest.param(
            [rule(**only(ObjectSizeGreaterThan=0), **abort(1)), rule("b", **abort(7))],
            7,
            id="a size filter beside a rule for all",
        ),
        pytest.param([rule(**abort(0))], UNKNOWN, id="no days"),
        pytest.param([rule(**abort(True))], UNKNOWN, id="a truth for days"),
        pytest.param([rule(status="Paused", **abort(7))], UNKNOWN, id="a status nobody knows"),
        pytest.param([rule(Filter={"Owner": "x"}, **abort(7))], UNKNOWN, id="an unknown predicate"),
        pytest.param(
            [rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7, "Unless": 1})],
            UNKNOWN,
            id="a member nobody knows",
        ),
        pytest.param([rule(AbortIncompleteMultipartUpload=7)], UNKNOWN, id="not an object"),
        pytest.param([rule(Expiration={"Days": 0}, **abort(7))], 7, id="other actions' doubts"),
    ],
)
def test_uploads(rules: list[Any], expected: Expected) -> None:
    """When every incomplete upload under P is aborted."""
    assert expected == plain(uploads_aborted({"Rules": rules}, P))


# ---------------------------------------------------------------- reasons


def reason_case(expected: str, versioning: str, *rules: Any, says: str = "") -> pytest.ParameterSet:
    """Rules and the sentence that explains the answer on deletion."""
    return pytest.param(list(rules), versioning, expected, id=says or expected[:60])


@pytest.mark.parametrize(
    ("rules", "versioning", "reason"),
    [
        reason_case(
            "rule remove-6month-old-file deletes noncurrent versions only, and the bucket has no"
            " versions",
            OFF, rule("remove-6month-old-file", **later(180)),
        ),
        reason_case(
            "rule a deletes noncurrent versions only, and a log stays the current version as"
            " nothing expires it",
            ENABLED, rule(**later(180)),
        ),
        reason_case("rule tmp is Disabled", OFF, rule("tmp", status="Disabled", **days(1))),
        reason_case(
            f"rule x covers {P}2024/ only, not every key under {P}",
            OFF, rule("x", **only(Prefix=P + "2024/"), **days(180)),
        ),
        reason_case(
            "rule x covers keys under 'tmp/' only", OFF, rule("x", Prefix="tmp/", **days(9))
        ),
        reason_case(
            "rule x covers keys under '/logs' only (no key of a log begins with a slash)",
            OFF, rule("x", Prefix="/logs", **days(9)),
        ),
        reason_case(
            "rule x covers keys under 'logs/*' only (S3 takes the * literally)",
            OFF, rule("x", Prefix="logs/*", **days(9)),
        ),
        reason_case(
            "rule r covers objects tagged team=a only, and Redshift does not tag its logs",
            OFF, rule("r", **only(Tag=TEAM), **days(9)),
        ),
        reason_case(
            "rule big covers objects of 1000 bytes or more only; rule small covers objects of 1 to"
            " 500 bytes only",
            OFF,
            rule("big", **only(ObjectSizeGreaterThan=999), **days(9)),
            rule("small", **only(ObjectSizeLessThan=501), **days(9)),
        ),
        reason_case(
            "rule x covers no object of a log's size",
            OFF, rule("x", **only(ObjectSizeLessThan=1), **days(9)),
        ),
        reason_case("rule a deletes nothing before 2027-01-01", OFF, rule(**date(FUTURE))),
        reason_case("rule a changes the storage class only", OFF, rule(**GLACIER)),
        reason_case(
            "rule a removes expired delete markers and aborts incomplete uploads only",
            OFF, rule(**MARKERS, **abort(7)),
        ),
        reason_case(
            "rule a has no action that deletes a log",
            OFF, rule(Expiration={"ExpiredObjectDeleteMarker": False}),
        ),
        reason_case(
            "rule whole: due for deletion after 180 days",
            OFF,
            rule("large", **only(ObjectSizeGreaterThan=999), **days(30)),
            rule("whole", **days(180)),
        ),
        reason_case("rule #2 has no action that deletes a log", OFF,
            rule(status="Disabled"), {"Status": "Enabled", "Filter": {}}, says="a rule without ID"),
        reason_case(
            "with versioning Enabled, expiry by rule a leaves every log behind as noncurrent"
            " versions, and not all of those are deleted: rule a does not delete noncurrent"
            " versions",
            ENABLED, rule(**days(90)),
        ),
        reason_case(
            "with versioning Suspended, expiry by rule a leaves logs from before it was suspended",
            SUSPENDED, rule(**days(90)),
        ),
        reason_case(
            "rule a keeps the newest 3 noncurrent versions of each key, and a log key, written"
            " once, has only one",
            ENABLED, rule(**days(90), **later(9, NewerNoncurrentVersions=3)),
        ),
        reason_case("rule a: due for deletion after 1 day", OFF, rule(**days(1))),
        reason_case(
            "rule a (in force since 2024-01-01): due for deletion at once", OFF, rule(**date(PAST))
        ),
        reason_case(
            "rules a and b: due for deletion after 180 days",
            OFF,
            rule(**only(ObjectSizeGreaterThan=999), **days(180)),
            rule("b", **only(ObjectSizeLessThan=1000), **days(90)),
        ),
        reason_case(
            "rules a and b: due for deletion after 120 days (90 as the current version, 30 more as"
            " a noncurrent one)",
            ENABLED, rule(**days(90)), rule("b", **later(30)),
        ),
        reason_case(
            "rule b: due for deletion after 90 days; not counted: rule a: its Filter has a member"
            " Owner that Trailkeeper does not know",
            OFF, rule(Filter={"Owner": "x"}, **days(1)), rule("b", **days(90)),
        ),
        reason_case(
            "whether all logs are deleted cannot be told: rule a: its Expiration.Days is 0, not a"
            " whole number from 1 up",
            OFF, rule(**days(0)),
        ),
        reason_case("the bucket's versioning is 'Paused'", "Paused", rule(**days(1))),
        reason_case(
            "rule r0 is Disabled; rule r1 is Disabled; rule r2 is Disabled; rule r3 is Disabled;"
            " and 2 more rules",
            OFF, *(rule(f"r{n}", status="Disabled", **days(1)) for n in range(6)),
        ),
    ],
)  # fmt: skip
def test_the_reason_names_each_rule_and_what_it_does(
    rules: list[Any], versioning: str, reason: str
) -> None:
    """For the engineer who is paged: which rule, and why it does or does not do it."""
    assert reason in due_for_deletion({"Rules": rules}, versioning, P, NOW).reason


@pytest.mark.parametrize(
    ("rules", "versioning", "reason"),
    [
        reason_case("rule a: may delete a log after 30 days", OFF, rule(**days(30))),
        reason_case(
            "rule a (objects that somebody tags team=a): may delete a log after 30 days",
            OFF, rule(**only(Tag=TEAM), **days(30)),
        ),
        reason_case(
            f"rule a (keys under {P}2026/, objects of 11 bytes or more): may delete",
            OFF, rule(**only(Prefix=P + "2026/", ObjectSizeGreaterThan=10), **days(30)),
        ),
        reason_case(
            "rule a (every age from 2027-01-01 on): may delete a log at once",
            OFF, rule(**date(FUTURE)),
        ),
        reason_case(
            "rule a (every age from 2027-01-01 on): may delete a log after 9 days",
            ENABLED, rule(**date(FUTURE), **later(9)),
        ),
        reason_case("rules a and b: may delete a log after 9 days", ENABLED,
            rule(**days(4)), rule("b", **later(5))),
        reason_case(
            "with versioning Enabled, expiry by rule a leaves a log behind as a noncurrent version,"
            " which nothing deletes: rule a does not delete noncurrent versions",
            ENABLED, rule(**days(4)),
        ),
        reason_case(
            "which nothing deletes: rule a does not delete noncurrent versions; rule b covers"
            " objects of 1 to 99 bytes only",
            ENABLED,
            rule(**only(ObjectSizeGreaterThan=99), **days(4)),
            rule("b", **only(ObjectSizeLessThan=100), **later(5)),
        ),
        reason_case(
            "how early a log may be deleted cannot be told: rule a: the rule has a member Purge"
            " that Trailkeeper does not know",
            OFF, rule(Purge={}),
        ),
    ],
)  # fmt: skip
def test_the_reason_names_the_part_of_the_logs_that_goes_first(
    rules: list[Any], versioning: str, reason: str
) -> None:
    """A rule that reaches a part only says which."""
    assert reason in first_deletion({"Rules": rules}, versioning, P, NOW).reason


def test_the_reason_names_what_aborts_uploads() -> None:
    """And what does not."""
    good, bad = {"Rules": [rule(**abort(7))]}, {"Rules": [rule(**days(7))]}

    assert uploads_aborted(good, P) == Said(
        7, "rule a: incomplete uploads are aborted after 7 days"
    )
    assert uploads_aborted(bad, P) == Absent("rule a does not abort incomplete uploads")


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param(lambda n: only(Prefix=""), id="all alike"),
        pytest.param(lambda n: only(Prefix=f"{P}{n}/"), id="a thousand folders"),
        pytest.param(lambda n: only(ObjectSizeGreaterThan=n - 1), id="a thousand sizes"),
    ],
)
def test_a_thousand_rules_are_judged_in_a_moment(scope: Callable[[int], dict[str, Any]]) -> None:
    """S3's limit: the pairs of an Enabled bucket are a million, of which few can be looked at."""
    rules = [rule(f"r{n}", **scope(n), **days(n), **later(n)) for n in range(1, 1001)]
    started = process_time()

    assert plain(first_deletion({"Rules": rules}, ENABLED, P, NOW)) == 2
    assert plain(due_for_deletion({"Rules": rules}, ENABLED, P, NOW)) in (2, NEVER)
    assert process_time() - started < 5
