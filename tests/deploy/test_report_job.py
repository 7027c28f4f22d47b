"""The monthly report's job in a cluster: who it is, when it runs, what it keeps."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from agent import __version__
from agent.auditlog.objects import FOLDERS_AFTER
from agent.cli import build_parser
from agent.commands.report import Wanted, wanted
from agent.config import Settings
from tests.deploy.manifests import Manifest, agent_of, arguments, container, of_kind, part, pods
from tests.deploy.test_kubernetes import DOCUMENT, FOLDERS, settings_of
from tests.rules.packs import shipped_rules

COMPLETE = "overlays/complete"

NOW = datetime(2026, 11, 3, 4, 23, tzinfo=UTC)
"""When the report is made."""


def job() -> Manifest:
    """The report's CronJob."""
    (found,) = [
        one
        for one in of_kind(COMPLETE, "CronJob")
        if one["metadata"]["name"] == "trailkeeper-report"
    ]
    spec = found["spec"]
    assert isinstance(spec, dict)
    return spec


def pod() -> Manifest:
    """The template of its pod."""
    (found,) = [template for template in pods(COMPLETE) if part(template) == "report"]
    return found


def asked(into: Path) -> Wanted:
    """What its arguments, variables and configuration come to."""
    args = build_parser().parse_args(arguments(pod()))
    return wanted(args, settings_of(COMPLETE, pod(), into), NOW)


def test_the_report_runs_as_nobody_else_and_by_a_role_of_its_own(tmp_path: Path) -> None:
    """It reads what the agent must not: no account, role or target of the agent's is its."""
    settings = settings_of(COMPLETE, pod(), tmp_path)
    accounts = {one["metadata"]["name"]: one for one in of_kind(COMPLETE, "ServiceAccount")}
    users = [one["spec"]["serviceAccountName"] for one in pods(COMPLETE) if part(one) != "report"]
    roles = [
        one["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] for one in accounts.values()
    ]
    observing = {one.role for one in settings.targets} | {settings.remediation.role}

    assert pod()["spec"]["serviceAccountName"] == "trailkeeper-report"
    assert set(users) == {"trailkeeper"}
    assert {*users, "trailkeeper-report"} == set(accounts)
    assert len(set(roles)) == len(roles) == 2
    assert settings.report.role is not None
    assert {settings.report.role, *roles} & observing == set()
    assert settings.report.role not in roles


def test_no_service_account_of_ours_has_a_token_of_kubernetes() -> None:
    for one in of_kind(COMPLETE, "ServiceAccount"):
        assert one["automountServiceAccountToken"] is False


def test_the_report_is_of_the_month_before_once_its_last_records_have_arrived(
    tmp_path: Path,
) -> None:
    minute, hour, day, *every = job()["schedule"].split()
    (rule,) = [one for one in shipped_rules() if one.id == "audit-report-produced"]
    late = timedelta(days=int(day) - 1, hours=int(hour), minutes=int(minute))
    late += timedelta(seconds=job()["startingDeadlineSeconds"])

    assert str(asked(tmp_path).month) == "2026-10"
    assert (every, job()["timeZone"]) == (["*", "*"], "Etc/UTC")
    assert int(day) > FOLDERS_AFTER
    assert late < timedelta(days=int(str(rule.params["due_days"])))


def test_the_report_goes_where_the_agent_looks_for_it(tmp_path: Path) -> None:
    agent = settings_of(COMPLETE, agent_of(COMPLETE)["spec"]["template"], tmp_path)

    assert asked(tmp_path).output == f"s3://{agent.report_place()}"
    assert all(one.startswith("s3://") for one in asked(tmp_path).sources)


def test_what_was_read_is_kept_on_a_volume_of_the_jobs_own(tmp_path: Path) -> None:
    mounts = {one["mountPath"]: one["name"] for one in container(pod())["volumeMounts"]}
    volumes = {one["name"]: one for one in pod()["spec"]["volumes"]}
    (claim,) = of_kind(COMPLETE, "PersistentVolumeClaim")

    used = volumes[mounts[str(asked(tmp_path).work.parent)]]["persistentVolumeClaim"]["claimName"]
    assert used == claim["metadata"]["name"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert claim["spec"]["storageClassName"] == "gp3"
    assert pod()["spec"]["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"


def test_it_takes_no_more_cores_than_it_has_memory_for(tmp_path: Path) -> None:
    """350 MiB a process that reads, and as much for the one that waits; then 1 GiB for DuckDB."""
    memory = container(pod())["resources"]["limits"]["memory"]
    args = build_parser().parse_args(arguments(pod()))

    assert args.jobs is not None
    assert 350 * (asked(tmp_path).jobs + 1) + 1024 < int(memory.removesuffix("Gi")) * 1024


def test_two_reports_never_run_at_once_and_a_month_that_is_not_complete_fails_the_job() -> None:
    spec = job()["jobTemplate"]["spec"]

    assert job()["concurrencyPolicy"] == "Forbid"
    assert spec["backoffLimit"] == 1
    assert [rule["action"] for rule in spec["podFailurePolicy"]["rules"]] == ["Ignore"]
    assert not build_parser().parse_args(arguments(pod())).allow_incomplete


def test_the_configuration_in_the_document_is_one_and_the_agent_looks_where_it_writes() -> None:
    blocks = re.findall(
        r"```yaml\n(report:.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL
    )
    (settings,) = [Settings.model_validate(yaml.safe_load(block)) for block in blocks]

    assert settings.report.sources
    assert settings.report_place()


def test_the_report_without_a_cluster_is_started_as_the_document_says() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    (command,) = re.findall(rf"^  trailkeeper-report:{__version__} (.*)$", text, re.MULTILINE)

    assert container(pod())["args"] == command.split()


@pytest.mark.parametrize("folder", [one for one in FOLDERS if one != COMPLETE])
def test_no_log_is_read_without_the_component(folder: str) -> None:
    assert {part(template) for template in pods(folder)} == {"agent"}
    assert len(of_kind(folder, "ServiceAccount")) == 1
