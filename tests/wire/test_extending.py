"""A new rule is one YAML file; a new fact is one function and one line."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest

from agent.aws.access import AccountAccess
from agent.aws.door import Aws
from agent.collect import Target, collect
from agent.packs import load_packs
from agent.permissions import actions
from agent.wanted import operations
from controls.evaluate import evaluate
from controls.kinds.catalog import KINDS
from controls.kinds.kind import Fact, Kind
from tests.sandbox_server import Sandbox
from tests.wire.conftest import Run
from tests.wire.estate import REGION, A, bucket, right

NEW_RULE = """\
id: cluster-has-an-owner
title: Every cluster is available
why: One that is not cannot be asked about.
severity: low
resource: redshift_cluster
must: available
remedy: Look at the cluster's events.
false_positives: a cluster that is paused on purpose
examples:
  pass: [{available: true}]
  fail: [{available: false}]
"""

NEW_FACT = '''\
"""A fact of somebody's own."""

from __future__ import annotations

from controls.kinds.kind import Item
from controls.model import Answer, Reader, Said


def versions_kept(aws: Reader, bucket: Item) -> Answer[bool]:
    """Whether the bucket keeps versions."""
    name = bucket.ref.name
    status = aws.of_bucket(name).call("s3", "GetBucketVersioning", Bucket=name).get("Status")
    return Said(status == "Enabled", f"versioning is {status or 'off'}")
'''

RULE_ON_IT = """\
id: log-bucket-keeps-versions
title: Log buckets keep versions
why: What was overwritten can be had back.
severity: low
resource: s3_log_bucket
must: versions_kept
remedy: Switch versioning on.
false_positives: none known
examples:
  pass: [{versions_kept: true}]
  fail: [{versions_kept: false}]
"""


def test_a_new_rule_is_one_file(sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path) -> None:
    """Written to a folder, named by --rules: judged, listed, explained, tested, granted."""
    (tmp_path / "cluster-has-an-owner.yaml").write_text(NEW_RULE, encoding="utf-8")
    mine = ("--rules", str(tmp_path), "--rule", "cluster-has-an-owner")
    sandbox.plant(right(now))

    ran = run("--check", "--format", "json", *mine)

    assert ran.verdicts("cluster-has-an-owner") == {"orders": "pass", "streamed": "pass"}
    assert ran.code == 0
    assert run("rules", "list", *mine).out.startswith("cluster-has-an-owner")
    assert run("rules", "test", *mine).code == 0
    assert "redshift:DescribeClusters" in run("iam", *mine).out
    explained = run("explain", "cluster-has-an-owner", "orders", "--rules", str(tmp_path))
    assert "PASS" in explained.out


def test_both_packs_are_judged_together(
    sandbox: Sandbox, run: Run, now: datetime, tmp_path: Path
) -> None:
    """One's own rules stand beside the shipped ones, in the configuration as well."""
    pack = tmp_path / "mine"
    pack.mkdir()
    (pack / "cluster-has-an-owner.yaml").write_text(NEW_RULE, encoding="utf-8")
    sandbox.plant(right(now))

    ran = run("--check", "--format", "json", settings={"rules": [str(pack)]})

    assert ran.verdicts("cluster-has-an-owner")["orders"] == "pass"
    assert ran.verdicts("redshift-audit-logging-on")["orders"] == "pass"


@pytest.fixture
def kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Kind, ...]:
    """The kinds there are, one of them with a fact from a folder of somebody's own."""
    file = tmp_path / "somebodys_own.py"
    file.write_text(NEW_FACT, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("somebodys_own", file)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "somebodys_own", module)
    spec.loader.exec_module(module)
    fact = Fact(module.versions_kept, needs=("s3:GetBucketVersioning", "s3:ListBuckets"))
    return tuple(
        replace(kind, facts=(*kind.facts, fact)) if kind.name == "s3_log_bucket" else kind
        for kind in KINDS
    )


@pytest.mark.parametrize(("versioning", "status"), [("Enabled", "pass"), (None, "fail")])
@pytest.mark.usefixtures("run")
def test_a_new_fact_is_one_function(
    versioning: str | None,
    status: str,
    sandbox: Sandbox,
    now: datetime,
    kinds: tuple[Kind, ...],
    tmp_path: Path,
) -> None:
    """Typed, judged, its reason shown, its permission generated; nothing else was written."""
    sandbox.plant([*right(now), bucket(versioning=versioning)])
    pack = tmp_path / "mine"
    pack.mkdir()
    (pack / "log-bucket-keeps-versions.yaml").write_text(RULE_ON_IT, encoding="utf-8")
    rules, problems = load_packs([], [pack], {kind.name: kind for kind in kinds})
    assert problems == ()
    aws = Aws()
    sweep = aws.sweep(now, [AccountAccess(A, region=REGION)])

    snapshot = collect(sweep, [Target(A, REGION)], rules, kinds)

    (finding,) = evaluate(rules, snapshot)
    aws.close()
    assert finding.status == status
    assert finding.facts["versions_kept"].source == "s3:ListAllMyBuckets, s3:GetBucketVersioning"
    assert "versioning is" in finding.facts["versions_kept"].reason
    assert "s3:GetBucketVersioning" in actions(operations(rules, kinds))
