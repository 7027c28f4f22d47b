"""snapshot, explain, rules and iam, over HTTP."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agent.aws.hands import iam_actions
from agent.wanted import operations
from controls.kinds.catalog import KINDS
from tests.rules.packs import shipped_rules
from tests.sandbox_server import Sandbox
from tests.wire.conftest import Ran, Run
from tests.wire.estate import A, bucket, cluster, deny, lifecycle, right

JSON = ("--check", "--format", "json")
LOCATION = "audit-logs/prod/"


def findings(ran: Ran) -> list[dict[str, Any]]:
    """The findings without the time at which each fact was read."""
    found = ran.report["findings"]
    for each in found:
        for fact in each["facts"].values():
            del fact["read_at"]
    return list(found)


# ---------------------------------------------------------------- snapshot


def test_a_snapshot_is_judged_as_the_live_sweep_was(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    """Equal findings in every format, equal exit codes; no call is made for it."""
    sandbox.plant([*right(now), bucket(lifecycle=lifecycle(days=30)), cluster(tags={"a": "b"})])
    sandbox.fault(deny("GetRole", "iam"))
    file = tmp_path / "snapshot.json"
    live = run(*JSON)
    taken = run("snapshot", "--output", str(file))
    sandbox.forget_calls()

    read_back = run(*JSON, "--snapshot", str(file))

    assert findings(live) == findings(read_back)
    assert live.report["summary"] == read_back.report["summary"]
    assert live.report["targets"] == read_back.report["targets"]
    assert (live.code, taken.code, read_back.code) == (1, 3, 1)
    for form in ("text", "sarif", "junit"):
        again = run("--check", "--format", form, "--snapshot", str(file))
        assert again.code == 1
        assert "30 days" in again.out or "30" in again.out
    assert sandbox.calls() == []


def test_a_snapshot_is_printed_whole(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """On stdout without --output; exit 0 where every target was read wholly."""
    sandbox.plant(right(now))

    ran = run("snapshot")

    assert ran.code == 0
    assert json.loads(ran.out)["schema"] == "trailkeeper.snapshot/1"


# ---------------------------------------------------------------- explain


def test_explain_a_pass(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """The condition, the facts, where and when each was read; exit 0."""
    sandbox.plant(right(now))

    ran = run("explain", "audit-logs-expire-in-time", LOCATION)

    assert ran.code == 0
    assert f"{LOCATION} (s3_log_location in {A}/eu-west-1): PASS" in ran.out
    assert "  must   logs_expire" in ran.out
    assert "  deleted_after_days = 180" in ran.out
    assert "from s3:ListAllMyBuckets, s3:GetLifecycleConfiguration" in ran.out
    assert "  param  max_days = 180" in ran.out


def test_explain_a_failure(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """With the reason that the fact gave, and the remedy."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])

    out = run("explain", "audit-logs-expire-in-time", LOCATION).out

    assert "FAIL" in out
    assert "logs_expire = false" in out
    assert "remedy" in out


def test_explain_an_unknown(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """It says what was denied."""
    sandbox.plant(right(now))
    sandbox.fault(deny("GetBucketLifecycleConfiguration"))

    out = run("explain", "audit-logs-expire-in-time", LOCATION).out

    assert "UNKNOWN" in out
    assert "logs_expire = unknown" in out
    assert "s3:GetLifecycleConfiguration denied" in out


def test_explain_suggests_names(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """A name with a typo: exit 2 and those that are close."""
    sandbox.plant(right(now))

    ran = run("explain", "redshift-audit-logging-on", "order")

    assert ran.code == 2
    assert "no resource 'order'; there are orders" in ran.err


def test_explain_what_could_not_be_listed(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """It may well be there: exit 3 and why nobody saw it."""
    sandbox.plant(right(now))
    sandbox.fault(deny("DescribeClusters", "redshift"))

    ran = run("explain", "redshift-audit-logging-on", "orders")

    assert ran.code == 3
    assert "redshift:DescribeClusters denied" in ran.err


def test_explain_from_a_snapshot(sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path) -> None:
    """Without a call."""
    sandbox.plant(right(now))
    file = tmp_path / "snapshot.json"
    run("snapshot", "--output", str(file))
    sandbox.forget_calls()

    ran = run("explain", "redshift-audit-logging-on", "orders", "--snapshot", str(file))

    assert "PASS" in ran.out
    assert sandbox.calls() == []


# ---------------------------------------------------------------- rules


def test_rules_list_shows_every_rule(run: Run) -> None:
    """One line each, with its severity, kind and title."""
    lines = run("rules", "list").out.splitlines()

    assert [line.split()[0] for line in lines] == [rule.id for rule in shipped_rules()]
    assert all(rule.title in line for rule, line in zip(shipped_rules(), lines, strict=True))


def test_rules_show_says_what_it_reads(run: Run) -> None:
    """The file as it is written, and each fact with the actions it takes."""
    out = run("rules", "show", "audit-logs-expire-in-time").out

    assert "id: audit-logs-expire-in-time" in out
    assert "Needs s3:GetBucketObjectLockConfiguration, s3:GetBucketVersioning" in out


def test_rules_show_of_no_rule(run: Run) -> None:
    """Exit 2, and what names them."""
    ran = run("rules", "show", "nothing")

    assert (ran.code, ran.out) == (2, "")
    assert "no rule nothing" in ran.err


def test_rules_test_runs_the_examples(run: Run) -> None:
    """Of the shipped pack: all as they say."""
    ran = run("rules", "test")

    assert ran.code == 0
    assert f"{len(shipped_rules())} rules, " in ran.out


def test_rules_test_of_one_rule(run: Run) -> None:
    """`--rule` narrows it."""
    assert run("rules", "test", "--rule", "log-bucket-encrypted").out.startswith("1 rules, ")


def test_rules_docs_name_every_rule_and_fact(run: Run) -> None:
    """The catalogue is whole."""
    out = run("rules", "docs").out

    assert all(f"### {rule.id}\n" in out for rule in shipped_rules())
    assert all(f"`{fact.name}`" in out for kind in KINDS for fact in kind.facts)


# ---------------------------------------------------------------- iam


def granted(ran: Ran) -> set[str]:
    """Every action in the policy that was printed."""
    document = json.loads(ran.out)
    assert document["Version"] == "2012-10-17"
    assert {statement["Effect"] for statement in document["Statement"]} == {"Allow"}
    return {action for statement in document["Statement"] for action in statement["Action"]}


def test_the_policy_reads_no_object_and_writes_nothing(run: Run) -> None:
    """No s3:GetObject, no wildcard, nothing but reading verbs."""
    actions = granted(run("iam"))

    assert "s3:GetObject" not in actions
    assert all(action.split(":")[1].startswith(("Get", "List", "Describe")) for action in actions)
    assert not [action for action in actions if "*" in action]


def test_the_policy_lists_audit_logs_only(run: Run) -> None:
    """Objects may be listed below an audit log prefix, and in buckets alone."""
    (statement,) = [
        one for one in json.loads(run("iam").out)["Statement"] if "s3:ListBucket" in one["Action"]
    ]

    assert statement["Action"] == ["s3:ListBucket"]
    assert statement["Resource"] == ["arn:aws:s3:::*"]
    assert statement["Condition"] == {"StringLike": {"s3:prefix": ["*AWSLogs/*/redshift/*"]}}


def test_the_policy_for_every_region_lists_them(run: Run) -> None:
    """`--region all` needs one more."""
    assert granted(run("iam", "--region", "all")) - granted(run("iam")) == {"ec2:DescribeRegions"}


@pytest.mark.parametrize(
    ("region", "partition"),
    [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eu-west-1", "aws")],
)
def test_the_policy_is_of_the_partition(region: str, partition: str, run: Run) -> None:
    """The ARNs are of the partition that is looked at."""
    assert f'"arn:{partition}:s3:::*"' in run("iam", "--region", region).out


def test_the_policy_goes_into_a_file(run: Run, tmp_path: Path) -> None:
    """As every result does."""
    file = tmp_path / "policy.json"

    assert run("--output", str(file), "iam").out == ""
    assert json.loads(file.read_text())["Statement"]


@pytest.mark.parametrize("rule", shipped_rules(), ids=lambda rule: rule.id)
def test_one_rule_calls_only_what_its_policy_grants(
    rule: Any, sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """Nothing is called that `iam --rule` does not print."""
    sandbox.plant(right(now))

    run(*JSON, "--rule", rule.id)

    called = {
        action
        for operation in sandbox.counts()
        if not operation.startswith("sts:")
        for action in iam_actions(operation)
    }
    assert called <= granted(run("iam", "--rule", rule.id))
    assert set(sandbox.counts()) - {"sts:GetCallerIdentity"} <= operations([rule], KINDS)
