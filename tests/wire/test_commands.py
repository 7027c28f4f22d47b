"""snapshot, explain, rules, iam, waivers, overrides and the formats, over HTTP."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import junitparser
import pytest
import yaml

from agent.aws.hands import iam_actions
from agent.collect import operations
from controls.kinds.catalog import KINDS
from tests.rules.packs import shipped_rules
from tests.sandbox_server import Sandbox
from tests.wire.clear import judged
from tests.wire.conftest import Ran, Run
from tests.wire.estate import A, bucket, cluster, deny, lifecycle, right

JSON = ("--check", "--format", "json")
TESTS = Path(__file__).parents[1]
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
    assert "Needs s3:GetBucketVersioning, s3:GetLifecycleConfiguration, s3:ListAll" in out


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


# ---------------------------------------------------------------- waivers, overrides, classes


def waived(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    """Configuration with one waiver of the failing lifecycle."""
    file = tmp_path / "waivers.yaml"
    entry = {
        "rule": "audit-logs-expire-in-time",
        "resources": ["audit-logs/*"],
        "why": "the archive moves in spring",
        "by": "ops@example.com",
        "until": f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}",
        **changes,
    }
    file.write_text(yaml.safe_dump([entry]), encoding="utf-8")
    return {"waivers": str(file)}


ONLY = ("--rule", "audit-logs-expire-in-time")


def test_a_waived_finding(sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path) -> None:
    """It is shown with who and until when; exit 0."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])

    ran = run(*JSON, *ONLY, settings=waived(tmp_path))

    assert judged(ran, 0)["waived"] == 1
    waiver = ran.finding("audit-logs-expire-in-time", LOCATION)["waiver"]
    assert waiver["by"] == "ops@example.com"


def test_an_expired_waiver(sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path) -> None:
    """It waives nothing any more, and is listed; exit 1."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])

    ran = run(*JSON, *ONLY, settings=waived(tmp_path, until="2026-01-31"))

    assert judged(ran, 1)["fail"] == 1
    assert [one["until"] for one in ran.report["waivers"]["expired"]] == ["2026-01-31"]


def test_an_unused_waiver(sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path) -> None:
    """What it waived is right by now: listed, so that somebody takes it away; exit 0."""
    sandbox.plant(right(now))

    ran = run(*JSON, *ONLY, settings=waived(tmp_path))

    assert judged(ran, 0)["pass"] == 1
    assert len(ran.report["waivers"]["unused"]) == 1


def test_an_unknown_finding_is_not_waived_into_a_pass(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    """Blindness stays blindness; exit 3."""
    sandbox.plant(right(now))
    sandbox.fault(deny("GetBucketLifecycleConfiguration"))

    assert judged(run(*JSON, *ONLY, settings=waived(tmp_path)), 3)["unknown"] == 1


def test_a_waiver_of_no_rule(run: Run, tmp_path: Path) -> None:
    """Exit 2, with the place."""
    ran = run(*JSON, settings=waived(tmp_path, rule="audit-logs-expire"))

    assert ran.code == 2
    assert "waivers.yaml:" in ran.err


PCI = {"retention": {"assign": [{"class": "pci", "tag": "class=pci"}]}}


def test_a_retention_class_by_tag(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """A year must be kept where the cluster is tagged so: 180 days are too short there."""
    sandbox.plant([*right(now), cluster(tags={"class": "pci"})])

    ran = run(*JSON, settings=PCI)

    kept = ran.finding("audit-logs-kept-long-enough", LOCATION)
    assert (kept["status"], kept["params"]) == ("fail", {"min_days": 365})
    expire = ran.finding("audit-logs-expire-in-time", LOCATION)
    assert (expire["status"], expire["params"]) == ("pass", {"max_days": 400})
    assert judged(ran, 1)["fail"] == 1


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        pytest.param({"resource": LOCATION}, "pass", id="the resource"),
        pytest.param({"account": A}, "pass", id="its account"),
        pytest.param({"region": "eu-west-1"}, "pass", id="its region"),
        pytest.param({"account": "000000000000"}, "fail", id="another account"),
        pytest.param({"tag": "team=ops"}, "fail", id="another tag"),
    ],
)
def test_an_override(
    scope: Mapping[str, str], status: str, sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """A parameter for some resources, and no others."""
    sandbox.plant([*right(now), bucket(lifecycle=lifecycle(days=200))])
    override = {"rule": ONLY[1], "params": {"max_days": 200}, **scope}

    ran = run(*JSON, *ONLY, settings={"overrides": [override]})

    assert ran.finding(ONLY[1], LOCATION)["status"] == status


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param(["--fail-on", "critical"], 0, id="graver ones only"),
        pytest.param(["--fail-on", "low"], 1, id="any"),
    ],
)
def test_fail_on(
    options: Sequence[str], code: int, sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """What is less grave is shown and does not count."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])

    assert judged(run(*JSON, *options), code)["fail"] > 0


# ---------------------------------------------------------------- formats and streams


def test_sarif_keeps_its_schema(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Checked against the official one; a failure stands at its rule's file."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])
    schema = json.loads((TESTS / "data" / "sarif-2.1.0.json").read_text(encoding="utf-8"))

    ran = run("--check", "--format", "sarif")

    document = json.loads(ran.out)
    jsonschema.validate(document, schema)
    (place, *_) = document["runs"][0]["results"][0]["locations"]
    file = place["physicalLocation"]["artifactLocation"]["uri"]
    assert Path(file).is_file()


def test_junit_is_read_back(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """By a library that others read it with, with the same counts."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])
    expected = judged(run(*JSON), 1)

    ran = run("--check", "--format", "junit")

    suites = junitparser.JUnitXml.fromfile(io.BytesIO(ran.out.encode()))
    found = Counter(type(each).__name__ for suite in suites for case in suite for each in case)
    assert found["Failure"] == expected["fail"] == suites.failures
    assert suites.tests >= sum(expected[name] for name in ("pass", "fail", "not_applicable"))


def subprocess_check(
    sandbox: Sandbox, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own, its streams no terminals."""
    return subprocess.run(
        [sys.executable, "-m", "agent", *arguments],
        env=sandbox.environment() | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


BROKEN_FACT = """
import agent.sweep
from controls.kinds import catalog
from dataclasses import replace
from controls.kinds.kind import Fact
from agent.cli import main
import sys

def encrypted(aws, item) -> bool:
    raise RuntimeError("a mistake of ours")

def broken(kind):
    facts = tuple(Fact(encrypted, f.needs) if f.name == "encrypted" else f for f in kind.facts)
    return replace(kind, facts=facts)

agent.sweep.KINDS = tuple(
    broken(kind) if kind.name == "s3_log_bucket" else kind for kind in catalog.KINDS
)
sys.exit(main(["--check", "--format", "json"]))
"""


def test_stdout_is_the_result_alone(sandbox: Sandbox, now: datetime) -> None:
    """JSON parses though something is logged; what is logged is JSON too, off a terminal."""
    sandbox.plant(right(now))

    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", BROKEN_FACT],
        env=sandbox.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    document = json.loads(done.stdout)
    (found,) = [f for f in document["findings"] if f["rule"] == "log-bucket-encrypted"]
    assert found["status"] == "unknown"
    assert "failed inside Trailkeeper" in found["because"]
    logged = [json.loads(line) for line in done.stderr.splitlines()]
    assert any(line["event"] == "fact failed" for line in logged)
    assert done.returncode == 3


def test_a_reader_that_goes_away_does_not_change_the_verdict(
    sandbox: Sandbox, now: datetime
) -> None:
    """`| head -1` under pipefail: the failure is still one."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])
    read, write = os.pipe()
    os.close(read)

    done = subprocess.run(
        [sys.executable, "-m", "agent", "--check"],
        env=sandbox.environment(),
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(write)

    assert (done.returncode, done.stderr) == (1, b"")


def test_an_interrupt_ends_a_sweep_at_once(sandbox: Sandbox, now: datetime) -> None:
    """Though a call hangs: 130, one word, no traceback."""
    sandbox.plant(right(now))
    sandbox.fault({"kind": "hang", "service": "redshift", "seconds": 60})
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "--check"],
        env=sandbox.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    patience = time.monotonic() + 30
    while "redshift:DescribeClusters" not in sandbox.counts() and time.monotonic() < patience:
        time.sleep(0.05)

    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, err = process.communicate(timeout=30)
    sandbox.clear_faults()

    assert (process.returncode, out, err) == (130, "", "trailkeeper: interrupted\n")
    assert time.monotonic() - began < 5


def test_the_command_by_itself(sandbox: Sandbox, now: datetime) -> None:
    """As a pipeline runs it: a process, an exit code, a result."""
    sandbox.plant(right(now))

    done = subprocess_check(sandbox, "--check", PYTHONIOENCODING="ascii")

    assert done.returncode == 0, done.stderr
    assert "Summary: 0 fail, 0 unknown" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [["--help"], ["rules", "test"], ["rules", "list"], ["iam"]])
def test_what_needs_no_aws_imports_no_boto(arguments: Sequence[str]) -> None:
    """Starting up costs nothing of it."""
    program = (
        "import sys\nfrom agent.cli import main\n"
        f"try:\n    main({list(arguments)!r})\nexcept SystemExit:\n    pass\n"
        "print([n for n in sys.modules if n.partition('.')[0] in ('boto3', 'botocore', 'moto')],"
        " file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stderr.splitlines()[-1] == "[]"
