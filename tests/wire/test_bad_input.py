"""Whatever AWS, a file or a person gets wrong: the documented exit code, and the rest judged."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_server import Sandbox
from tests.wire.clear import judged, one_line
from tests.wire.conftest import Run
from tests.wire.estate import (
    REGION,
    A,
    bucket,
    bucket_policy,
    cluster,
    deny,
    lifecycle,
    logging,
    right,
)

JSON = ("--check", "--format", "json")
SOON: Mapping[str, Any] = {"target_deadline_seconds": 2}
"""So that what never answers is given up within the patience of a test."""


# ---------------------------------------------------------------- calls that fail


def test_one_denied_call(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """What rests on it is unknown; everything else is judged; exit 3."""
    sandbox.plant(right(now))
    whole = judged(run(*JSON), 0)
    sandbox.fault(deny("GetBucketVersioning"))

    ran = run(*JSON)

    counts = judged(ran, 3)
    unknown = {each["rule"] for each in ran.report["findings"] if each["status"] == "unknown"}
    assert unknown == {
        "audit-logs-expire-in-time",
        "audit-logs-kept-long-enough",
        "audit-logs-uploads-aborted",
    }
    assert counts["pass"] == whole["pass"] - counts["unknown"]
    assert [one["status"] for one in ran.report["targets"]] == ["partial"]


def test_several_denied_calls(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """A finding names each call that it lacks, by its IAM action."""
    sandbox.plant(right(now))
    sandbox.fault(
        deny("GetBucketLifecycleConfiguration"),
        deny("GetBucketEncryption"),
        deny("GetRole", "iam"),
    )

    ran = run(*JSON)

    assert judged(ran, 3)["pass"] > 0
    said = {
        each["rule"]: each["because"]
        for each in ran.report["findings"]
        if each["status"] == "unknown"
    }
    assert "s3:GetLifecycleConfiguration denied" in said["audit-logs-expire-in-time"]
    assert "s3:GetEncryptionConfiguration denied" in said["log-bucket-encrypted"]
    assert "iam:GetRole denied" in said["redshift-role-least-privilege"]


def test_everything_denied(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Who we are can always be asked; beyond it nothing is seen, and nothing passes."""
    sandbox.plant(right(now))
    sandbox.fault(
        *(
            {"kind": "deny", "service": service}
            for service in ("redshift", "redshift-serverless", "s3", "s3control", "iam", "logs")
        )
    )

    ran = run(*JSON)

    counts = judged(ran, 3)
    assert counts["pass"] == counts["fail"] == counts["not_applicable"] == 0
    assert counts["unknown"] > 10
    assert [one["status"] for one in ran.report["targets"]] == ["unreadable"]


def test_a_failure_outweighs_what_is_unknown(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """1 before 3: a pipeline must not read a failure as a nuisance of permissions."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])
    sandbox.fault(deny("GetRole", "iam"))

    assert judged(run(*JSON), 1)["unknown"] > 0


def test_throttling_that_outlasts_every_try(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Given up at the target's deadline, and said so; the rest is judged."""
    sandbox.plant(right(now))
    sandbox.fault({"kind": "throttle", "service": "iam"})

    ran = run(*JSON, settings=SOON)

    assert judged(ran, 3)["pass"] > 10
    found = ran.finding("redshift-role-exists", "RedshiftLoad")
    assert found["status"] == "unknown"
    assert "Throttling" in found["because"]
    assert "the time for this target is over" in found["because"]


def test_a_call_that_hangs(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """A read timeout, tried again, given up at the deadline; the rest is judged."""
    sandbox.plant(right(now))
    sandbox.fault(
        {"kind": "hang", "service": "s3", "operation": "GetBucketEncryption", "seconds": 60}
    )
    timeouts = {"call_timeouts": {"read_seconds": 0.3}, **SOON}

    ran = run(*JSON, settings=timeouts)
    sandbox.clear_faults()

    assert judged(ran, 3)["pass"] > 10
    assert "Timeout" in ran.finding("log-bucket-encrypted", "audit-logs")["because"]


@pytest.mark.parametrize(
    ("service", "operation", "rule"),
    [
        ("redshift", "DescribeClusters", "redshift-audit-logging-on"),
        ("redshift", "DescribeLoggingStatus", "redshift-audit-logging-on"),
        ("redshift-serverless", "ListNamespaces", "serverless-log-types-complete"),
        ("s3", "GetBucketLifecycleConfiguration", "audit-logs-expire-in-time"),
        ("s3", "ListBuckets", "log-bucket-encrypted"),
        ("iam", "GetRole", "redshift-role-least-privilege"),
        ("logs", "DescribeLogGroups", "log-group-retention"),
    ],
)
def test_an_answer_that_breaks_off(
    service: str, operation: str, rule: str, sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """A success whose body is cut is no empty list: unknown, and no traceback."""
    sandbox.plant(right(now))
    sandbox.fault({"kind": "malformed", "service": service, "operation": operation})

    ran = run(*JSON, settings=SOON)

    assert judged(ran, 3)["pass"] > 0
    assert "unknown" in ran.verdicts(rule).values()
    assert set(ran.verdicts(rule).values()) <= {"unknown", "pass", "not_applicable"}


def test_a_server_that_fails_for_a_while(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Tried again, and then all is seen."""
    sandbox.plant(right(now))
    sandbox.fault({"kind": "error", "service": "redshift", "times": 2})

    assert judged(run(*JSON), 0)["unknown"] == 0


# ---------------------------------------------------------------- things that are odd


def test_a_bucket_deleted_between_two_calls(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """What was read before is judged; from then on it is unknown, or said to be gone."""
    sandbox.plant(right(now))
    sandbox.fault(
        {"kind": "not_found", "service": "s3", "resource": "/audit-logs", "after": 2, "times": None}
    )

    ran = run(*JSON, settings={"workers": 1})

    assert judged(ran, 3)["pass"] > 0
    on_bucket = [each for each in ran.report["findings"] if "audit-logs" in each["resource"]]
    gone = [each for each in on_bucket if each["status"] == "unknown"]
    assert gone
    assert all("NoSuchBucket" in each["because"] for each in gone)
    assert {each["status"] for each in on_bucket} <= {"pass", "unknown"}


@pytest.mark.parametrize(
    "text", ["{not json", '"a text"', '{"Statement": "nobody"}', "[]"], ids=str
)
def test_a_bucket_policy_that_is_no_policy(
    text: str, sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """Unknown, and it says what could not be read."""
    sandbox.plant([*right(now), bucket(policy=text)])

    ran = run(*JSON)

    assert judged(ran, 3)["pass"] > 10
    for rule, resource in (
        ("log-bucket-tls-only", "audit-logs"),
        ("redshift-log-delivery-admitted", "orders"),
    ):
        found = ran.finding(rule, resource)
        assert found["status"] == "unknown"
        assert "policy" in found["because"]


ODD = "<script>alert('x')</script>[bold red]&amp;\u202egnp"
"""As far as XML can carry it."""


def odd_policy() -> dict[str, Any]:
    """A policy whose Deny is named with what JSON can carry: a terminal's control sequence."""
    policy = bucket_policy("audit-logs")
    policy["Statement"][1] |= {"Sid": f"{ODD}\x1b[31m", "Condition": {}}
    return policy


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit"])
def test_names_that_would_be_markup(form: str, sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Tags, prefixes and lifecycle ids are anyone's to choose: printed as text in every format."""
    sandbox.plant(
        [
            *right(now),
            cluster(tags={"<b>team</b>": ODD}),
            bucket(lifecycle=lifecycle(days=30, ID=ODD), policy=odd_policy()),
        ]
    )

    ran = run("--check", "--format", form, "--all")

    assert ran.code == 1
    assert "\x1b" not in ran.out
    assert ("\u202e" in ran.out) == (form == "junit")


def test_names_that_would_be_markup_are_explained_as_text(
    sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """What goes to a terminal carries nobody else's control characters."""
    sandbox.plant([*right(now), bucket(policy=odd_policy())])

    ran = run("explain", "redshift-log-delivery-admitted", "orders")

    assert "<script>" in ran.out
    assert "\\u202egnp\\x1b[31m" in ran.out
    assert "\x1b" not in ran.out


# ---------------------------------------------------------------- what a person wrote


def test_a_configuration_shows_every_mistake_at_once(run: Run, tmp_path: Path) -> None:
    """Unknown keys, wrong types, duplicate keys: each with file, line and column; exit 2."""
    file = tmp_path / "wrong.yaml"
    file.write_text(
        "regoins: [eu-west-1]\n"
        "workers: many\n"
        "targets:\n"
        "  - role: arn:aws:iam::1:role/x\n"
        "retention: {default: forever}\n",
        encoding="utf-8",
    )

    ran = run("--check", "--config", str(file))

    assert ran.code == 2
    assert ran.out == ""
    assert "problems in the configuration:" in ran.err
    for place in ("1:1", "2:10", "4:11", "5:22"):
        assert f"{file}:{place}: " in ran.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("workers: 4\nworkers: 5\n", ":2:1: ", id="a key twice"),
        pytest.param("workers: [1\n", "wrong.yaml:", id="no YAML"),
        pytest.param("- a\n- b\n", "wrong.yaml:1:1: ", id="a list"),
        pytest.param("\x00", "wrong.yaml", id="binary"),
    ],
)
def test_a_configuration_that_cannot_be_read(
    text: str, says: str, run: Run, tmp_path: Path
) -> None:
    """Exit 2 and the place."""
    file = tmp_path / "wrong.yaml"
    file.write_text(text, encoding="utf-8")

    ran = run("--check", "--config", str(file))

    assert ran.code == 2
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_a_configuration_that_is_not_there(run: Run, tmp_path: Path) -> None:
    """Exit 2; it is named."""
    assert "nowhere.yaml" in run("--check", "--config", str(tmp_path / "nowhere.yaml")).err


MISTAKEN = """\
id: typos
title: Logging is on
why: It must be.
severity: hihg
resource: redshift_cluster
must: loging_enabled
remedy: Switch it on.
false_positives: none known
examples:
  pass: [{logging_enabled: true}]
  fail: [{logging_enabled: false}]
"""


def test_rules_show_every_mistake_at_once(run: Run, tmp_path: Path) -> None:
    """Two files, several mistakes: file, line, column and a caret each; no AWS call; exit 2."""
    pack = tmp_path / "mine"
    pack.mkdir()
    (pack / "typos.yaml").write_text(MISTAKEN, encoding="utf-8")
    (pack / "other-name.yaml").write_text(MISTAKEN.replace("hihg", "high"), encoding="utf-8")

    ran = run("--check", "--rules", str(pack))

    assert ran.code == 2
    assert ran.out == ""
    assert "typos.yaml:4:11: " in ran.err
    assert "typos.yaml:6:7: " in ran.err
    assert "other-name.yaml:" in ran.err
    assert "logging_enabled" in ran.err  # what was meant
    assert "^" in ran.err


def test_no_call_is_made_before_everything_written_is_right(
    sandbox: Sandbox, run: Run, tmp_path: Path
) -> None:
    """What is wrong is known before AWS is asked anything."""
    (tmp_path / "typos.yaml").write_text(MISTAKEN, encoding="utf-8")

    run("--check", "--rules", str(tmp_path))

    assert sandbox.calls() == []


def test_waivers_and_rules_are_told_together(run: Run, tmp_path: Path) -> None:
    """A mistake in one file does not hide those in another."""
    pack, waivers = tmp_path / "mine", tmp_path / "waivers.yaml"
    pack.mkdir()
    (pack / "typos.yaml").write_text(MISTAKEN, encoding="utf-8")
    waivers.write_text("- rule: x\n  until: tomorrow\n", encoding="utf-8")

    ran = run("--check", "--rules", str(pack), settings={"waivers": str(waivers)})

    assert ran.code == 2
    assert "typos.yaml:4:11: " in ran.err
    assert "waivers.yaml:2:10: " in ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(
            ["--check", "--rule", "no-such-rule"],
            "no rule no-such-rule: `trailkeeper rules list` names them all",
            id="a rule that is not there",
        ),
        pytest.param(
            ["--check", "--rules", "/no/such/folder"], "/no/such/folder", id="a folder likewise"
        ),
        pytest.param(["--check", "--format", "yaml"], "invalid choice: 'yaml'", id="format"),
        pytest.param(["--check", "--fail-on", "dire"], "invalid choice: 'dire'", id="severity"),
        pytest.param(["--check", "rules", "list"], "are two commands", id="two commands"),
        pytest.param(["--check", "snapshot"], "are two commands", id="check and snapshot"),
        pytest.param(["--format", "json", "snapshot"], "--format says nothing", id="no format"),
        pytest.param(["--fail-on", "high", "rules", "list"], "--fail-on says", id="no severity"),
        pytest.param(["--region", "eu-west-1", "demo"], "--region says", id="demo's own"),
        pytest.param(["--chekc"], "unrecognized arguments: --chekc", id="unknown option"),
        pytest.param(["--che"], "unrecognized arguments: --che", id="no abbreviations"),
        pytest.param(["--remediate"], "unrecognized arguments", id="what does not exist yet"),
        pytest.param(["rules"], "required: ACTION", id="rules without an action"),
        pytest.param(["explain", "x"], "required: RESOURCE", id="explain without a resource"),
        pytest.param(["frobnicate"], "invalid choice: 'frobnicate'", id="unknown command"),
        pytest.param(
            ["--check", "--snapshot", "s.json", "--region", "eu-west-1"],
            "a snapshot is judged whole",
            id="a snapshot and a region",
        ),
    ],
)
def test_wrong_use(arguments: Sequence[str], says: str, run: Run) -> None:
    """Exit 2 and one message, at once."""
    ran = run(*arguments)

    assert ran.code == 2
    assert ran.out == ""
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_bare_trailkeeper_prints_help(run: Run) -> None:
    """And exits 2 until the agent exists."""
    ran = run()

    assert ran.code == 2
    assert ran.out.startswith("usage: trailkeeper")
    assert "exit codes:" in ran.out


# ---------------------------------------------------------------- where results go


def test_output_that_cannot_be_written(sandbox: Sandbox, run: Run, now: datetime) -> None:
    """Exit 2, nothing on stdout."""
    sandbox.plant(right(now))

    said = one_line(run(*JSON, "--output", "/proc/no/such/folder/report.json"), 2)

    assert said.startswith("cannot write /proc/no/such/folder/report.json: ")


def test_output_into_a_file(sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path) -> None:
    """The result is in the file, whole; stdout stays empty; the exit code is the check's."""
    sandbox.plant([*right(now), bucket(lifecycle=None)])
    file = tmp_path / "report.json"

    ran = run(*JSON, "--output", str(file))

    assert (ran.code, ran.out) == (1, "")
    assert json.loads(file.read_text())["summary"]["fail"] > 0
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


# ---------------------------------------------------------------- snapshots


@pytest.fixture
def taken(sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path) -> Path:
    """A good snapshot in a file."""
    sandbox.plant(right(now))
    file = tmp_path / "snapshot.json"
    assert run("snapshot", "--output", str(file)).code == 0
    return file


def rewritten(file: Path, **changes: Any) -> str:
    """The file's text with some members replaced."""
    return json.dumps({**json.loads(file.read_text()), **changes})


def test_a_snapshot_that_is_wrong(taken: Path, run: Run) -> None:
    """Cut off, of another version, damaged, of something else: exit 2, what and where."""
    document = json.loads(taken.read_text())
    document["resources"][0]["facts"]["cluster_status"]["state"] = "maybe"
    cases = {
        taken.read_text()[:500]: "is not JSON",
        "": "is not JSON",
        "1" * 5000: "",
        "[]": "",
        "{}": "",
        "[" * 100_000: "",
        rewritten(taken, schema="trailkeeper.snapshot/99"): "trailkeeper.snapshot/99",
        json.dumps(document): "resources",
        rewritten(taken, taken_at="yesterday"): "taken_at",
    }
    for text, says in cases.items():
        taken.write_text(text, encoding="utf-8")

        said = one_line(run("--check", "--snapshot", str(taken)), 2)

        assert says in said
        assert str(taken) in said


@pytest.mark.parametrize(
    "content", [None, b"\xff\xfe\x00snapshot"], ids=["is not there", "is no text"]
)
def test_a_snapshot_that_cannot_be_read(content: bytes | None, run: Run, tmp_path: Path) -> None:
    """Exit 2; it is named."""
    file = tmp_path / "snapshot.json"
    if content is not None:
        file.write_bytes(content)

    assert str(file) in one_line(run("--check", "--snapshot", str(file)), 2)


def test_a_snapshot_of_fewer_facts_is_unknown_beyond_them(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    """What was not collected then is not passed now."""
    sandbox.plant(right(now))
    file = tmp_path / "snapshot.json"
    run("snapshot", "--rule", "redshift-audit-logging-on", "--output", str(file))

    ran = run(*JSON, "--snapshot", str(file), "--rule", "redshift-user-activity-logged")

    assert judged(ran, 3)["unknown"] == 2
    assert "was not collected" in ran.finding("redshift-user-activity-logged", "orders")["because"]


def test_the_error_inside_is_ours(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 4, one line with the place, and how to see more; never a traceback by itself."""

    def broken(_: object) -> int:
        raise RuntimeError("a mistake of ours")

    run("rules", "list")
    monkeypatch.setattr(sys.modules["agent.commands.rules"], "run", broken)

    said = one_line(run("rules", "list"), 4)

    assert "an error inside Trailkeeper" in said
    assert "RuntimeError: a mistake of ours" in said
    assert "test_bad_input.py:" in said
    monkeypatch.setenv("TRAILKEEPER_DEBUG", "1")
    assert "Traceback" in run("rules", "list").err


def test_a_policy_over_the_archive_that_admits_another_region_only(
    sandbox: Sandbox, run: Run, now: datetime
) -> None:
    """A walk through the front door once more: a failure is told beside an unknown."""
    policy = bucket_policy("audit-logs")
    policy["Statement"][0]["Condition"] = {
        "StringEquals": {"aws:SourceAccount": "000000000000"},
    }
    sandbox.plant([*right(now), bucket(policy=policy), logging(now)])

    ran = run(*JSON, "--rule", "redshift-log-delivery-admitted", "--region", REGION)

    assert ran.finding("redshift-log-delivery-admitted", "orders")["status"] == "fail"
    assert ran.finding("redshift-log-delivery-admitted", "orders")["account"] == A
