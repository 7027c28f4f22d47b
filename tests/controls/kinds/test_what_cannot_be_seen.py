"""Over all kinds: what was not seen never passes, and no cluster that logs is passed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from controls.evaluate import evaluate
from controls.kinds.catalog import KINDS
from controls.kinds.kind import FACT_TYPES, Found, Kind
from controls.kinds.writers import hidden, unseen
from controls.model import Reading, Snapshot, State, Status
from controls.rule import Rule
from tests.controls.kinds.estate import (
    LOG_TYPES,
    cluster,
    healthy,
    judged,
    pack,
    resource,
    to_cloudwatch,
    to_s3,
    to_tables,
)
from tests.controls.kinds.test_redshift_role import ROLE, iam
from tests.fakes import NOW, Prepared, denied

KIND = {kind.name: kind for kind in KINDS}
DECIDED = {Status.PASS, Status.FAIL, Status.UNKNOWN}
TRACKED = {"redshift-audit-logging-on"}
ENCRYPTED = {"log-bucket-encrypted", "log-group-encrypted"}
KEPT = {"audit-logs-expire-in-time", "log-group-retention"}


def estate(logging: Prepared) -> dict[str, Prepared]:
    """Every kind of thing there is, with one cluster that logs like that."""
    space = {"namespaceName": "ns", "logExports": list(LOG_TYPES)}
    group = {"workgroupName": "wg", "configParameters": []}
    roles = [{"IamRoleArn": ROLE, "ApplyStatus": "in-sync"}]
    return (
        healthy([cluster(IamRoles=roles)])
        | iam()
        | {
            "redshift:DescribeLoggingStatus": logging,
            "redshift-serverless:ListNamespaces": {"namespaces": [space]},
            "redshift-serverless:ListWorkgroups": {"workgroups": [group]},
        }
    )


DESTINATIONS: list[Any] = [
    pytest.param(to_s3(), id="S3"),
    pytest.param(to_s3(LogDestinationType=None), id="S3, as old clusters show it"),
    pytest.param(to_s3(LogExports=["userlog"]), id="S3, one log"),
    pytest.param(to_s3(LogExports=["auditlog"]), id="S3, an unheard-of log"),
    pytest.param(to_cloudwatch(), id="CloudWatch"),
    pytest.param(to_cloudwatch(LogExports=["userlog"]), id="CloudWatch, one log"),
    pytest.param(to_cloudwatch(LogExports=[]), id="CloudWatch, no list of logs"),
    pytest.param(to_cloudwatch(LogExports=["auditlog"]), id="CloudWatch, an unheard-of log"),
    pytest.param(to_tables(), id="S3 Tables"),
    pytest.param(to_tables(S3Tables=None), id="S3 Tables without a status"),
    pytest.param(to_tables(S3Tables={"S3Tables": ["sys_userlog"]}), id="chosen S3 Tables"),
    pytest.param(to_s3(S3Tables={"EnabledAll": True}), id="S3 and S3 Tables"),
    pytest.param(to_cloudwatch(S3Tables={"EnabledAll": True}), id="CloudWatch and S3 Tables"),
    pytest.param({"LoggingEnabled": False, "S3Tables": {"EnabledAll": True}}, id="tables alone"),
    pytest.param({"LoggingEnabled": True, "LogDestinationType": "kafka"}, id="elsewhere"),
    pytest.param({"LoggingEnabled": True}, id="nowhere that is told"),
    pytest.param({}, id="an empty answer"),
    pytest.param(denied("redshift:DescribeLoggingStatus"), id="denied"),
]


def alone(logging: Prepared) -> dict[str, Prepared]:
    return healthy(logging={}) | {"redshift:DescribeLoggingStatus": logging}


@pytest.mark.parametrize("logging", DESTINATIONS)
@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(TRACKED, id="tracked"),
        pytest.param(ENCRYPTED, id="encrypted"),
        pytest.param(KEPT, id="kept and then gone"),
    ],
)
def test_wherever_a_cluster_logs_each_requirement_has_a_verdict(
    logging: Prepared, rules: set[str]
) -> None:
    found = [f for (rule, _), f in judged(alone(logging)).items() if rule in rules]
    assert any(finding.status in DECIDED for finding in found)


@pytest.mark.parametrize(
    "logging", [*DESTINATIONS, pytest.param({"LoggingEnabled": False}, id="off")]
)
def test_every_cluster_has_a_verdict_on_whether_it_logs(logging: Prepared) -> None:
    found = judged(alone(logging))
    assert found["redshift-audit-logging-on", "c1"].status in DECIDED


@pytest.mark.parametrize(
    "logging",
    [
        pytest.param(to_tables(), id="S3 Tables"),
        pytest.param(to_s3(S3Tables={"EnabledAll": True}), id="S3 and S3 Tables"),
        pytest.param(to_cloudwatch(S3Tables={"EnabledAll": True}), id="CloudWatch and S3 Tables"),
    ],
)
@pytest.mark.parametrize("rule", ["log-bucket-encrypted", "audit-logs-expire-in-time"])
def test_what_s3_tables_keep_is_shown_as_unknown(logging: Prepared, rule: str) -> None:
    found = judged(alone(logging))[rule, "c1 (S3 Tables)"]
    assert found.status is Status.UNKNOWN
    assert "S3 Tables" in found.because
    assert "could not be listed" not in found.because


def test_clusters_that_cannot_be_listed_leave_an_unknown_for_every_rule_on_them() -> None:
    answers = estate(to_s3()) | {"redshift:DescribeClusters": denied("redshift:DescribeClusters")}
    found = judged(answers)
    from_clusters = {"redshift_cluster"} | {
        kind.name for kind in KINDS if "redshift_cluster" in kind.sources
    }
    for rule in pack():
        if rule.kind in from_clusters:
            assert found[rule.id, "*"].status is Status.UNKNOWN


def needs(rule: Rule) -> set[str]:
    """Every operation that the facts of a rule may call."""
    facts = [KIND[rule.kind].fact(name) for name in rule.reads]
    return {need for fact in facts for need in fact.needs}


LISTINGS = {need for kind in KINDS for need in kind.needs}
CALLS = sorted({need for rule in pack() for need in needs(rule)} - {"s3:ListBuckets"})


@pytest.mark.parametrize("logging", [to_s3(), to_cloudwatch(), to_tables()])
def test_with_every_read_denied_only_what_the_listings_show_passes(logging: Prepared) -> None:
    denials = {name: denied(name) for name in CALLS if name not in LISTINGS}
    found = judged(estate(logging) | denials).values()
    passed = {finding.rule for finding in found if finding.status is Status.PASS}
    assert passed == {"serverless-log-types-complete"}
    assert not any(needs(rule) for rule in pack() if rule.id in passed)


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("logging", [to_s3(), to_cloudwatch()])
def test_a_denied_call_makes_no_verdict_better(operation: str, logging: Prepared) -> None:
    answers = estate(logging)
    before = judged(answers)
    after = judged(answers | {operation: denied(operation)})
    for key, finding in after.items():
        if finding.status is Status.PASS:
            assert before[key].status is Status.PASS, key


@pytest.mark.parametrize("rule", pack(), ids=lambda rule: rule.id)
def test_a_rule_that_is_told_nothing_is_unknown(rule: Rule) -> None:
    blank = {name: Reading(State.UNKNOWN, None, "?", "", NOW) for name in rule.reads}
    snapshot = Snapshot(NOW, (), (resource(rule.kind, "x", **blank),))
    (finding,) = evaluate([rule], snapshot)
    assert finding.status is Status.UNKNOWN


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_fact_has_a_type_a_line_of_its_own_and_a_name_once(kind: Kind) -> None:
    for fact in kind.facts:
        assert fact.type in FACT_TYPES
        assert fact.doc.endswith(".")
    names = [fact.name for fact in kind.facts]
    assert len(names) == len(set(names))
    assert kind.lists is None or kind.derives is None


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_is_derived_from_facts_that_earlier_kinds_have(kind: Kind) -> None:
    earlier = [each.name for each in KINDS[: KINDS.index(kind)]]
    for source, names in kind.sources.items():
        assert source in earlier
        for name in names:
            assert KIND[source].fact(name).name == name


def reading(value: Any) -> Reading:
    state = State.UNKNOWN if value is None else State.KNOWN
    return Reading(state, value, "it is denied" if value is None else "", "", NOW)


@pytest.mark.parametrize(
    ("places", "says"),
    [
        pytest.param(None, "it is denied", id="a destination that was not seen"),
        pytest.param(["s3table"], "S3 Tables", id="S3 Tables"),
        pytest.param(["s3", "s3table"], "S3 Tables", id="S3 Tables beside S3"),
        pytest.param(["s3"], None, id="S3 is seen"),
        pytest.param([], None, id="nothing to see"),
    ],
)
def test_what_a_derived_kind_cannot_see_of_a_cluster_is_a_gap(
    places: list[str] | None, says: str | None
) -> None:
    seen = resource("redshift_cluster", "c1", log_destinations=reading(places))
    gaps = list(unseen("s3_log_bucket", seen))
    assert [says in gap.reason for gap in gaps if says] == ([True] if says else [])
    assert bool(gaps) is (says is not None)


def test_at_most_three_unseen_clusters_are_named_and_the_rest_counted() -> None:
    clusters: Mapping[str, Any] = {
        "redshift_cluster": tuple(
            resource("redshift_cluster", f"c{n}", log_bucket=reading(None)) for n in range(5)
        )
    }
    assert hidden(Found({}), "log_bucket") == ""
    assert hidden(Found(clusters), "log_bucket").endswith("c2 is unknown: it is denied; and 2 more")
