"""Sweep after sweep through one door, as the agent makes them; stopped, and where none begins."""

from __future__ import annotations

import os
import threading
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from agent.aws.door import Aws
from agent.cli import build_parser
from agent.collect import Target
from agent.loading import Loaded, load
from agent.stop import NO_VERDICT, StopError
from agent.sweep import blind, judge, look, look_with, open_aws
from agent.turns import StoppedError
from controls.model import Coverage, Snapshot, Status
from tests.sandbox_server import Sandbox
from tests.wire.estate import REGION, A, right


def silent(what: str, done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def args(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Namespace:
    """Of a check of the one target that the environment names."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "TRAILKEEPER_"))]:
        monkeypatch.delenv(name)
    for name, value in sandbox.environment(A, REGION).items():
        monkeypatch.setenv(name, value)
    config = tmp_path / "trailkeeper.yaml"
    config.write_text("log_buckets: []\n", encoding="utf-8")
    return build_parser().parse_args(["--check", "--config", str(config)])


@pytest.fixture
def loaded(args: Namespace) -> Loaded:
    """What the configuration says."""
    return load(args)


@pytest.fixture
def stop() -> threading.Event:
    """What ends a sweep."""
    return threading.Event()


@pytest.fixture
def aws(loaded: Loaded, stop: threading.Event) -> Iterator[Aws]:
    """A door that stays open."""
    door = open_aws(loaded.settings, stop)
    yield door
    stop.set()
    door.close()


def sweep_threads() -> list[threading.Thread]:
    """Those of sweeps that are still there."""
    return [thread for thread in threading.enumerate() if thread.name == "sweep"]


def ids(snapshot: Snapshot) -> set[str]:
    """The resources that were seen."""
    return {resource.ref.id for resource in snapshot.resources}


def test_many_sweeps_through_one_door(
    sandbox: Sandbox, loaded: Loaded, args: Namespace, aws: Aws, now: datetime
) -> None:
    """Each sees AWS anew, takes the calls that a check takes, and leaves no thread behind."""
    sandbox.plant(right(now))
    alone = look(loaded, args, silent)

    looked = [look_with(aws, loaded, args, silent) for _ in range(2)]
    where = {"account": A, "region": REGION}
    sandbox.plant([{"do": "remove", "what": "cluster", "name": "orders"} | where])
    later = look_with(aws, loaded, args, silent)

    once = dict(alone.calls)
    assert once.pop("sts:GetCallerIdentity") == 1
    assert [one.calls - alone.calls for one in looked] == [Counter(), Counter()]
    assert [dict(one.calls) for one in looked[1:]] == [once], "whose credentials: asked once"
    assert [ids(one.snapshot) for one in looked] == [ids(alone.snapshot)] * 2
    assert f"redshift_cluster/{A}/{REGION}/orders" in ids(alone.snapshot) - ids(later.snapshot)
    for thread in sweep_threads():
        thread.join(10)
    assert sweep_threads() == []


def test_every_attempt_is_told_to_the_hook(
    sandbox: Sandbox, loaded: Loaded, args: Namespace, now: datetime
) -> None:
    """The same calls as are counted."""
    sandbox.plant(right(now))
    told = Counter[str]()
    stop = threading.Event()
    aws = open_aws(loaded.settings, stop, lambda *call: told.update([":".join(call[:2])]))
    looked = look_with(aws, loaded, args, silent)
    aws.close()

    told.subtract(looked.calls)
    rest = {name: number for name, number in told.items() if number}
    assert set(rest) <= {"sts:GetCallerIdentity"}, "whose credentials these are, before the sweep"


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        pytest.param("sts", "GetCallerIdentity", id="while it is found out where to look"),
        pytest.param("redshift", "DescribeClusters", id="while clusters are listed"),
        pytest.param("s3", "GetBucketPolicy", id="while facts are read"),
    ],
)
def test_a_stop_does_not_wait_for_aws_to_answer(
    service: str,
    operation: str,
    sandbox: Sandbox,
    loaded: Loaded,
    args: Namespace,
    aws: Aws,
    stop: threading.Event,
    now: datetime,
) -> None:
    """Whichever call hangs: the agent has ten seconds to drain."""
    sandbox.plant(right(now))
    sandbox.fault({"kind": "hang", "service": service, "operation": operation, "seconds": 60})

    def stop_once_it_hangs() -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not sandbox.faults()[0]["met"]:
            time.sleep(0.05)
        stop.set()

    threading.Thread(target=stop_once_it_hangs).start()
    with pytest.raises(StoppedError):
        look_with(aws, loaded, args, silent, stop=stop)
    hanging = sandbox.faults()[0]["met"]
    sandbox.clear_faults()

    assert hanging, "and was not answered"


def test_where_no_sweep_can_begin_everything_known_is_unknown(
    sandbox: Sandbox, loaded: Loaded, args: Namespace, aws: Aws, now: datetime
) -> None:
    """Credentials that ran out: each target is unreadable, with the reason, and nothing passes."""
    sandbox.fault({"kind": "expired", "service": "sts"})
    with pytest.raises(StopError) as refused:
        look_with(aws, loaded, args, silent)
    sandbox.forget_calls()

    targets = [(A, REGION), (A, "us-east-1")]
    snapshot = blind(targets, loaded, refused.value.message, now)

    assert refused.value.code == NO_VERDICT
    assert sandbox.calls() == []
    assert snapshot.taken_at == now
    assert [(one.account, one.region) for one in snapshot.targets] == targets
    assert {one.status for one in snapshot.targets} == {Coverage.UNREADABLE}
    assert {one.reason for one in snapshot.targets} == {refused.value.message}
    kinds = {rule.kind for rule in loaded.rules}
    assert {(gap.kind, gap.region) for gap in snapshot.gaps} >= {
        (kind, region) for kind in kinds for _, region in targets
    }
    report = judge(snapshot, loaded)
    assert {finding.rule for finding in report.findings} == {rule.id for rule in loaded.rules}
    assert {finding.status for finding in report.findings} == {Status.UNKNOWN}


def test_a_target_may_have_less_time_than_others(
    sandbox: Sandbox, loaded: Loaded, args: Namespace, aws: Aws, now: datetime
) -> None:
    """One that did not answer at all last time is not waited for as long."""
    sandbox.plant(right(now))
    sandbox.fault({"kind": "throttle", "service": "redshift", "operation": "DescribeClusters"})
    asked: list[Target] = []

    def one_second(target: Target) -> float:
        asked.append(target)
        return 1.0

    began = time.monotonic()
    looked = look_with(aws, loaded, args, silent, target_seconds=one_second)

    assert time.monotonic() - began < 30, "throttling is tried again for as long as there is time"
    assert set(asked) == {Target(A, REGION)}
    assert [one.status for one in looked.snapshot.targets] == [Coverage.UNREADABLE]
