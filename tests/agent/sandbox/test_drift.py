"""The demo's story: what each scene announces is what a real sweep then says."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from agent.aws.door import Aws
from agent.cli import build_parser
from agent.collect import collect
from agent.loading import Loaded, load
from agent.sandbox import drift, estate
from agent.sandbox.drift import STORY, UPKEEP, Scene, continued, play
from agent.sandbox.estate_shapes import ANALYTICS, FINANCE
from agent.sandbox.server import Server, start_server
from agent.sweep import judge, look_with, open_aws
from agent.targets import plan_targets
from controls.kinds.catalog import KINDS
from controls.model import Snapshot
from tests.sandbox_server import Sandbox

Verdicts = dict[tuple[str, str], str]


@dataclass(frozen=True)
class Watched:
    """A running estate, and a door to it that stays open."""

    server: Server
    aws: Aws
    loaded: Loaded
    args: Namespace

    def verdicts(self, at: datetime | None = None) -> Verdicts:
        """What a sweep says, by rule and resource; as if it were that time, if one is given."""
        findings = judge(self._seen(at), self.loaded).findings
        return {(one.rule, one.ref.name): one.status.value for one in findings}

    def _seen(self, at: datetime | None) -> Snapshot:
        if at is None:
            return look_with(self.aws, self.loaded, self.args, lambda *_: None).snapshot
        settings = self.loaded.settings
        plan, buckets = plan_targets(self.aws, settings), settings.known_log_buckets()
        world = self.aws.sweep(at, plan.accesses, buckets)
        return collect(world, plan.targets, self.loaded.rules, KINDS, log_buckets=buckets)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A server of its own, seeded as the demo's is."""
    config = tmp_path_factory.mktemp("drift") / "trailkeeper.yaml"
    config.write_text(estate.configuration(), encoding="utf-8")
    args = build_parser().parse_args(["--check", "--config", str(config)])
    with (
        start_server(seed="agent.sandbox.estate:seed") as server,
        pytest.MonkeyPatch.context() as e,
    ):
        for name in [name for name in os.environ if name.startswith(("AWS_", "TRAILKEEPER_"))]:
            e.delenv(name)
        for name, value in Sandbox(server).environment().items():
            e.setenv(name, value)
        loaded = load(args)
        aws = open_aws(loaded.settings)
        yield Watched(server, aws, loaded, args)
        aws.close()


def changes(before: Verdicts, after: Verdicts) -> dict[tuple[str, str], str | None]:
    """What is said now that was not, and what is gone."""
    return {
        finding: after.get(finding)
        for finding in before | after
        if before.get(finding) != after.get(finding)
    }


def test_each_scene_changes_the_verdicts_that_it_announces(watched: Watched) -> None:
    """No more and no fewer, over HTTP; and in the end all is as it was."""
    before = watched.verdicts()
    assert before == estate.EXPECTED

    for scene in STORY:
        scene.happen(watched.server, datetime.now(UTC))
        after = watched.verdicts()
        changed = changes(before, after)
        if scene.faults is None:
            assert changed == scene.expect, scene.says
        else:
            assert scene.expect.items() <= changed.items(), scene.says
        if scene.faults:
            assert set(changed.values()) == {"unknown", None}, "blindness is no verdict"
        before = after

    assert before == estate.EXPECTED


def test_every_scene_says_what_happens_and_something_comes_of_it() -> None:
    """In order, and long enough apart that a sweep may see it."""
    times = [scene.after for scene in STORY]

    assert times == sorted(set(times))
    assert all(scene.expect and scene.says.endswith(".") for scene in STORY)
    assert {status for scene in STORY for status in scene.expect.values()} >= {"fail", "unknown"}
    broken: dict[tuple[str, str], float] = {}
    for scene in STORY:
        for finding, status in scene.expect.items():
            if status == estate.EXPECTED.get(finding):
                assert scene.after - broken.pop(finding) >= 40
            else:
                broken[finding] = scene.after
    assert broken == {}


def test_the_story_is_played_over_and_over_until_it_is_stopped(watched: Watched) -> None:
    """Waiting from scene to scene, and saying each once it has happened."""
    waited: list[float] = []
    said: list[str] = []

    def wait(seconds: float) -> bool:
        assert len(said) == len(waited)
        waited.append(seconds)
        return len(waited) > 2 * len(STORY)

    play(STORY, watched.server, wait, said.append)

    assert said == [scene.says for scene in STORY] * 2
    times = [0.0, *(scene.after for scene in STORY)]
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert waited == [*gaps, *gaps, gaps[0]]
    assert watched.verdicts() == estate.EXPECTED


def test_a_scene_that_the_sandbox_refuses_says_so(watched: Watched) -> None:
    """It would be a mistake in the story."""
    wrong = Scene(0, "Nothing.", lambda now: [{"do": "paint"}])

    with pytest.raises(RuntimeError, match="no step 'paint'"):
        wrong.happen(watched.server, datetime.now(UTC))


# ---------------------------------------------------------------- left running for hours


def test_what_goes_on_delivering_and_what_had_stopped() -> None:
    """The dead stay dead; users' logs, written on changes only, are not continued."""
    steps = continued(datetime.now(UTC))
    writing = {step["cluster"] for step in steps if step["do"] in ("logging", "log_objects")}

    assert {"warehouse-prod", "risk-models", "growth-experiments"} <= writing
    assert not writing & {"clickstream", "fraud-scoring", "marketing-attribution"}
    assert not writing & {"month-end-close", "data-science-scratch"}
    assert {step["do"] for step in steps} == {"logging", "log_objects", "log_group"}
    assert {tuple(step["types"]) for step in steps if step["do"] == "log_objects"} == {
        ("connectionlog",),
        ("useractivitylog",),
    }


def test_a_demo_that_runs_for_a_day_and_more_stays_as_it_was(watched: Watched) -> None:
    """Its logs are continued once an hour, and its record of calls does not grow."""
    begun = datetime.now(UTC)
    later = begun + timedelta(hours=30)
    young = {("redshift-logs-fresh", f"budget-2027/{log}") for log in drift.STEADY}
    stale = changes(estate.EXPECTED, watched.verdicts(later))  # type: ignore[arg-type]
    clock = iter([begun, *[begun] * len(STORY), later, later])
    loops = iter([False] * len(STORY) + [True])

    play(STORY, watched.server, lambda _: next(loops), lambda _: None, lambda: next(clock))

    assert Sandbox(watched.server).calls() == []
    assert len(stale) > 10
    assert "fail" in stale.values()
    assert changes(estate.EXPECTED, watched.verdicts(later)) == dict.fromkeys(young, "pass")


def test_within_the_hour_nothing_is_continued(watched: Watched) -> None:
    """It costs little, and calls are worth keeping for whoever looks."""
    watched.server.forget_calls()
    begun = datetime.now(UTC)
    clock = iter([begun, begun, begun + UPKEEP - timedelta(seconds=1)])
    waits = iter([False, True])
    Sandbox(watched.server).client("redshift", account=ANALYTICS).describe_clusters()

    play(
        [Scene(0, "Nothing.")],
        watched.server,
        lambda _: next(waits),
        lambda _: None,
        lambda: next(clock),
    )

    assert len(Sandbox(watched.server).calls()) == 1


def test_the_story_breaks_nothing_that_was_broken_before() -> None:
    """What fails in the estate goes on failing: it is what the demo explains."""
    broken = {finding for scene in STORY for finding in scene.expect}

    assert not {one for one in broken if estate.EXPECTED.get(one) == "fail"}
    assert not broken & set(estate.WALKTHROUGH)
    assert FINANCE in " ".join(scene.says for scene in STORY)
