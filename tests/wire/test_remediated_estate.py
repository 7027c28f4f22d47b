"""The whole of remediation over HTTP: the demo's estate from drift to proof, and back again."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.aws import clients
from agent.aws.hands import FIXER, iam_actions
from agent.cli import main
from agent.sandbox import estate_remedy
from agent.sandbox.estate_analytics import SHARED_BUCKET
from agent.sandbox.estate_shapes import (
    ANALYTICS,
    ARCHIVE,
    EU,
    FINANCE,
    LOGS,
    REGIONS,
    Step,
    Trail,
    cluster,
    expires,
    window,
)
from agent.sandbox.server import start_server
from agent.store.opening import open_store
from controls.fixes.catalog import FIXES
from controls.remedy import Entry
from tests.rules.packs import shipped_rules
from tests.sandbox_server import Sandbox
from tests.wire.conftest import Ran
from tests.wire.estate_documents import Documents, different, documents

ACCOUNTS = (ANALYTICS, FINANCE, ARCHIVE)
FORGOTTEN = "larkfield-forgotten-audit"

READS = ("Describe", "Get", "List", "Head", "AssumeRole")
Consent = tuple[str, str, str]
CHECK = ("--check", "--remediate", "--allow-unknown", "--format", "json")


def forgotten(now: datetime) -> list[Step]:
    """What the demo has right everywhere, wrong in one place: so every fix has something to do.

    A bucket without a public access block or a policy, and a cluster that delivers to it with its
    family's default parameters.
    """
    trail = Trail(ANALYTICS, EU, "forgotten", FORGOTTEN)
    where: Step = {"account": ANALYTICS, "region": EU}
    made: Step = {
        "do": "bucket",
        **where,
        "name": FORGOTTEN,
        "public_access_block": None,
        "lifecycle": [expires()],
        "tags": {"team": "nobody"},
    }
    [_, without_group] = cluster(
        ANALYTICS,
        EU,
        "forgotten",
        logging=trail.status(trail.delivered(now)),
        created_at=now - timedelta(days=300),
        maintenance_window=window(now),
        roles=[],
    )
    return [
        made,
        without_group | {"parameter_group": "default.redshift-2.0"},
        *trail.files(now, 25, LOGS),
    ]


# ---------------------------------------------------------------- what is done, once for all tests


@dataclass
class World:
    """A server of its own, seeded as the demo's is, and Trailkeeper's configuration for it."""

    sandbox: Sandbox
    folder: Path

    def configure(self, *consents: Consent, everything: bool = False, named: str = "") -> None:
        """Write it. `everything`: all else that may be said, the buckets and waivers, too."""
        waivers = self.folder / "waivers.yaml"
        today = datetime.now(UTC).date()
        waivers.write_text(estate_remedy.waived(today + timedelta(30)), encoding="utf-8")
        text = estate_remedy.configuration(
            consents=consents, prepared=everything, waivers=str(waivers) if everything else ""
        )
        written = yaml.safe_load(text) | {"state_directory": str(self.folder / "state")}
        if everything:
            written["log_buckets"].append(
                {"bucket": FORGOTTEN, "account": ANALYTICS, "region": EU, "dedicated": True}
            )
        if named:
            written["log_buckets"].append({"bucket": named, "account": ANALYTICS, "region": EU})
        (self.folder / "trailkeeper.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")

    def run(self, *arguments: str) -> Ran:
        """One run of the command line, in this process."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main([*arguments, "--config", str(self.folder / "trailkeeper.yaml")])
        return Ran(code, out.getvalue(), err.getvalue())

    def documents(self) -> Documents:
        """All documents of the estate as they read now."""
        return documents(self.sandbox, ACCOUNTS, REGIONS)

    def journal(self) -> list[Entry]:
        """The newest change first."""
        store = open_store(f"sqlite:///{self.folder / 'state' / 'trailkeeper.db'}", lock=False)
        try:
            return list(store.entries(limit=None))
        finally:
            store.close()

    def writes(self) -> list[dict[str, Any]]:
        """Calls that change anything, whoever made them."""
        return [call for call in self.sandbox.calls() if not call["operation"].startswith(READS)]


@dataclass
class Told:
    """All that happened, in its order."""

    before: Documents = field(default_factory=dict)
    without: Ran = field(default_factory=lambda: Ran(0, "{}", ""))
    consented: list[Ran] = field(default_factory=list)
    after: Documents = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    again: list[dict[str, Any]] = field(default_factory=list)
    policy: dict[str, Any] = field(default_factory=dict)
    journal: list[Entry] = field(default_factory=list)
    refused: dict[str, Ran] = field(default_factory=dict)
    undone: dict[str, Ran] = field(default_factory=dict)
    twice: Ran = field(default_factory=lambda: Ran(0, "", ""))
    restored: Documents = field(default_factory=dict)


CONSENTS: tuple[Consent, ...] = (
    *estate_remedy.CONSENTS,
    ("interrupts", "require_tls", FORGOTTEN),
    ("interrupts", "reboot_cluster", "forgotten"),
)


WEAKENED = (
    "admit_delivery",
    "block_public_access",
    "enable_logging",
    "enable_serverless_activity",
    "enable_user_activity_logging",
    "export_all_logs",
    "require_tls",
    "use_sse_s3",
)
"""Fixes after which undoing means less logging, encryption, TLS or privacy."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, loader: Any) -> Iterator[Told]:
    """The estate put right without a consent, with all of them, and put back."""
    with (
        start_server(seed="agent.sandbox.estate:seed") as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in [name for name in os.environ if name.startswith(("AWS_", "TRAILKEEPER_"))]:
            patch.delenv(name)
        for name, value in Sandbox(server).environment().items():
            patch.setenv(name, value)
        patch.setattr(clients, "create_loader", lambda _: loader)
        world = World(Sandbox(server), tmp_path_factory.mktemp("remediated"))
        yield _happened(world)


def _happened(world: World) -> Told:
    told = Told()
    world.sandbox.plant(forgotten(datetime.now(UTC)))
    told.before = world.documents()
    world.sandbox.forget_calls()

    world.configure()
    told.without = world.run(*CHECK)

    world.configure(*CONSENTS, everything=True)
    told.consented = [world.run(*CHECK)]
    # Redshift's next deliveries: in the simulated AWS nobody else makes them.
    world.sandbox.plant(estate_remedy.delivered(datetime.now(UTC)))
    told.consented.append(world.run(*CHECK))
    told.after = world.documents()

    made = len(world.writes())
    told.consented.append(world.run(*CHECK))
    told.again = world.writes()[made:]
    # Where no agent keeps a store, the buckets in use are those that are named.
    world.configure(*CONSENTS, everything=True, named=SHARED_BUCKET)
    told.policy = json.loads(world.run("iam", "--remediate").out)
    told.journal = world.journal()
    _put_back(world, told)
    return told


def _put_back(world: World, told: Told) -> None:
    """Each change, the newest first: without any consent, then with those that it takes."""
    made = [entry for entry in told.journal if entry.change.undo]
    world.configure()
    one_of_each = {
        entry.change.fix: entry.id
        for entry in told.journal
        if entry.change.undo_costs or not entry.change.undo
    }
    told.refused = {fix: world.run("undo", name) for fix, name in one_of_each.items()}
    consents = [
        (cost.value, entry.change.fix, entry.change.ref.name)
        for entry in made
        for cost in entry.change.undo_costs
    ]
    world.configure(*CONSENTS, *consents, everything=True)
    told.undone = {entry.id: world.run("undo", entry.id) for entry in made}
    told.twice = world.run("undo", made[0].id)
    told.restored = world.documents()
    told.calls = world.writes()


def changed(ran: Ran) -> list[dict[str, Any]]:
    """What came of the steps that were begun."""
    return [one for one in ran.report["changes"] if one["id"]]


def name_of(call: dict[str, Any]) -> str:
    """`service:Operation` of a recorded call."""
    return f"{call['service']}:{call['operation']}"


# ---------------------------------------------------------------- without a consent

NEEDS = re.compile(r"needs a consent \(to: (\w+), fix: (\w+), resource: (\S+)\) under")


def test_what_costs_nothing_is_applied_without_a_consent(told: Told) -> None:
    """A bucket admitted, logs completed, parameters set; the journal knows no cost of any."""
    began = {one["id"] for one in changed(told.without)}
    entries = [entry for entry in told.journal if entry.id in began]

    assert {one["outcome"] for one in changed(told.without)} == {"applied", "awaiting"}
    assert [dict(entry.change.costs) for entry in entries] == [{}] * len(began)
    assert {entry.change.fix for entry in entries} == {
        "admit_delivery",
        "enable_logging",
        "enable_user_activity_logging",
        "export_all_logs",
        "set_log_retention",  # of a log group that was not there yet
    }


def test_whatever_fails_still_and_has_a_fix_is_named_with_the_reason(told: Told) -> None:
    fixable = {rule.id for rule in shipped_rules() if rule.fixes}
    failing = {
        one["id"]
        for one in told.without.report["findings"]
        if one["status"] == "fail" and one["rule"] in fixable
    }
    held = {one["finding"]: one for one in told.without.report["changes"] if not one["id"]}

    assert told.without.code == 1
    assert failing == set(held)
    assert all(one["outcome"] == "held" and one["why"] for one in held.values())


def test_each_consent_that_is_needed_is_named_and_nothing_more_is_needed(told: Told) -> None:
    """But that for the cluster which does not log yet: its reboot is for a later day."""
    said = [one["why"] for one in told.without.report["changes"]]
    named = {needed.groups() for why in said for needed in NEEDS.finditer(why)}

    assert named == set(CONSENTS) - {("interrupts", "reboot_cluster", "data-science-scratch")}


def test_what_needs_no_consent_but_a_word_says_which(told: Told) -> None:
    said = {one["finding"].rpartition("/")[2]: one["why"] for one in told.without.report["changes"]}

    assert "no destination configured for 111122223333/us-east-1" in said["data-science-scratch"]
    assert "log_buckets, dedicated: true" in said[FORGOTTEN]
    assert "forgot the exception for AWS services" in said["risk-models"]


# ---------------------------------------------------------------- with the consents given too


def test_it_ends_with_exit_code_0_once_redshift_has_delivered_again(told: Told) -> None:
    """One run puts right all there is; what is stale is fresh with the next delivery."""
    first, second, third = told.consented
    stale = {
        (one["rule"], one["resource"].partition("/")[0])
        for one in first.report["findings"]
        if one["status"] == "fail"
    }

    assert [first.code, second.code, third.code] == [1, 0, 0]
    assert stale == {
        (rule, "fraud-scoring") for rule in ("redshift-logs-fresh", "redshift-log-delivery-healthy")
    }
    assert {one["outcome"] for one in changed(first)} == {"applied", "awaiting"}


def test_what_only_a_person_can_mend_is_waived_and_no_waiver_is_for_nothing(told: Told) -> None:
    report = told.consented[-1].report
    waived = {one["rule"] for one in report["findings"] if one["status"] == "waived"}

    assert report["waivers"] == {"expired": [], "unused": []}
    assert {fix for rule in shipped_rules() if rule.id in waived for fix in rule.fixes} == {
        "admit_delivery"  # where the policy's own denial is in the way
    }


def test_what_is_unknown_in_the_end_is_kept_in_s3_tables(told: Told) -> None:
    report = told.consented[-1].report
    unknown = [one["resource"] for one in report["findings"] if one["status"] == "unknown"]

    assert set(unknown) == {"growth-experiments (S3 Tables)"}


def test_each_consent_was_used(told: Told) -> None:
    spent = {
        (cost.value, entry.change.fix, entry.change.ref.name)
        for entry in told.journal
        for cost in entry.change.costs
    }

    assert spent == set(CONSENTS)


def test_a_run_after_that_makes_no_write_call_at_all(told: Told) -> None:
    assert told.again == []
    assert told.consented[-1].report["changes"] == []


def test_nothing_that_the_journal_does_not_name_was_changed(told: Told) -> None:
    """Buckets, clusters, groups, namespaces and log groups, their tags and their neighbours."""
    named = {one.what for entry in told.journal for one in entry.change.documents}
    made = different(told.before, told.after) - named

    assert made == NEW
    assert {name_of(call) for call in told.calls} <= FIXER, "no object, bucket or group is deleted"


NEW = {
    "log group /aws/redshift/cluster/billing-support/userlog",
    "log group /aws/redshift/forecasting/useractivitylog",
    "tags and family of parameter group trailkeeper-redshift-2-0-forgotten",
}
"""What was made where nothing was."""


# ---------------------------------------------------------------- undo


def test_undo_puts_back_whatever_it_offers_to(told: Told) -> None:
    """What is another still: reboots, a cluster that logs now, log groups and a spare group."""
    lasting = {
        one.what
        for entry in told.journal
        if not entry.change.undo
        for one in entry.change.documents
    }
    spare = "parameters set in parameter group trailkeeper-redshift-2-0-forgotten"

    assert {ran.code for ran in told.undone.values()} == {0}
    assert len(told.undone) > 15
    assert different(told.before, told.restored) == lasting | NEW | {spare}


def test_what_was_undone_is_not_undone_again(told: Told) -> None:
    assert told.twice.code == 2
    assert "it was undone already, by" in told.twice.err


@pytest.mark.parametrize("fix", WEAKENED)
def test_undo_is_refused_where_it_would_weaken_and_nobody_consented(told: Told, fix: str) -> None:
    ran = told.refused[fix]

    assert ran.code == 2
    assert f"needs a consent (to: weakens, fix: {fix}, resource: " in ran.err


@pytest.mark.parametrize(
    ("fix", "why"),
    [
        ("reboot_cluster", "a reboot has happened"),
        ("set_log_retention", "the log group stays"),
    ],
)
def test_undo_is_refused_where_nothing_would_put_it_back(told: Told, fix: str, why: str) -> None:
    assert told.refused[fix].code == 2
    assert why in told.refused[fix].err


# ---------------------------------------------------------------- who did it


def test_the_printed_policy_grants_each_call_that_was_made_where_it_was_made(told: Told) -> None:
    granted = {
        (action, resource)
        for statement in told.policy["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }
    assert len(told.calls) > 40
    for call in told.calls:
        for action in iam_actions(name_of(call)):
            on = {resource for name, resource in granted if name == action}
            assert on, f"{action} is not granted"
            if call["service"] == "s3":
                assert f"arn:aws:s3:::{call['resource']}" in on


def test_the_printed_policy_grants_nothing_that_no_fix_may_call(told: Told) -> None:
    granted = {a for statement in told.policy["Statement"] for a in statement["Action"]}
    may = {a for fix in FIXES.values() for name in fix.writes for a in iam_actions(name)}

    # What AWS asks of who turns logging on, and of who makes a group with a tag.
    assert granted - may == {"s3:PutObject", "redshift:CreateTags"}
    assert may <= granted


def test_who_reads_may_change_nothing_so_another_role_did(told: Told) -> None:
    """The simulated AWS refuses the reader's writes; none was refused."""
    assert {call["status"] for call in told.calls} <= {200, 204}
