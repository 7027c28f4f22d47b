"""What a page costs when there are 10,000 findings: the time to its last byte, over a socket."""

from __future__ import annotations

import argparse
import http.client
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from agent.daemon.health import Health, PlannedRound
from agent.packs import load_packs
from agent.remedy.steps import Step
from agent.store.records import Day, SweepRecord
from agent.web import app
from agent.web.index import index
from agent.web.server import Server, bind
from agent.web.shown import finding_link, resource_link, rule_link
from bench.harness import Row, markdown, within
from controls.change import Call, Change, Document, Fix, Right, Task
from controls.history import Event, Happening, State, Tracked, TrackedTarget
from controls.kinds.catalog import KINDS
from controls.model import Coverage, Finding, Reader, Reading, Ref, Severity, Status, TargetStatus
from controls.model import State as FactState
from controls.remedy import Entry, Outcome
from controls.rule import Rule

FINDINGS = 10_000
LIMIT = 100.0
ROUNDS = 15
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNTS = tuple(str(111122223333 + number) for number in range(20))
WORSE = (Status.FAIL, Status.UNKNOWN, Status.PASS, Status.PASS, Status.NOT_APPLICABLE)


@dataclass(frozen=True)
class Estate:
    """An `agent.web.view.View` over values, with a store that answers at once."""

    rules_in_use: tuple[Rule, ...]
    known: State
    past: tuple[Event, ...]
    by_day: tuple[Day, ...] = field(default=())
    steps: tuple[Step, ...] = field(default=())
    journal: tuple[Entry, ...] = field(default=())

    def state(self) -> State:
        """All findings."""
        return self.known

    def health(self) -> Health:
        """A healthy agent."""
        return Health("0", NOW, NOW, alive=True, ready=True, rules=len(self.rules_in_use))

    def rules(self) -> Sequence[Rule]:
        """The shipped ones."""
        return self.rules_in_use

    def metrics(self, *, gzipped: bool) -> bytes:
        """None: `bench.metrics` measures them."""
        return b""

    def events(
        self, *, resource: str = "", since: datetime | None = None, limit: int = 200
    ) -> Sequence[Event]:
        """The same for every resource."""
        return self.past[:limit]

    def sweeps(self, limit: int = 50) -> Sequence[SweepRecord]:
        """So many, all alike."""
        return (SweepRecord("one", "full", NOW, NOW, "complete", counts={"fail": 1}),) * limit

    def days(self, since: datetime) -> Sequence[Day]:
        """Thirty."""
        return self.by_day

    def remediating(self) -> bool:
        """Yes."""
        return True

    def planned(self) -> PlannedRound | None:
        """A round that would change the lifecycle of a hundred buckets."""
        return PlannedRound(NOW, self.steps)

    def changes(self, *, resource: str = "", limit: int = 200) -> Sequence[Entry]:
        """So many, the same for every resource."""
        return self.journal[:limit]

    def change(self, identity: str) -> Entry | None:
        """Any."""
        return self.journal[0]


def estate() -> Estate:
    """10,000 findings of every shipped rule, two fifths of them open, with facts and reasons."""
    rules, problems = load_packs(["redshift-audit"], [], {kind.name: kind for kind in KINDS})
    if problems:
        raise RuntimeError("\n".join(map(str, problems)))
    tracked = [_tracked(rules[number % len(rules)], number) for number in range(FINDINGS)]
    targets = {
        (account, "eu-west-1"): TrackedTarget(
            TargetStatus(account, "eu-west-1", Coverage.COMPLETE, None, 500), NOW, NOW
        )
        for account in ACCOUNTS
    }
    past = tuple(_event(one) for one in tracked[:200])
    first = date(2025, 12, 3)
    days = tuple(
        Day(first + timedelta(days=at), {"pass": 5e3, "fail": 2e3, "unknown": 2e3}, 96)
        for at in range(30)
    )
    changed = [(one.finding, _change(one.finding.ref)) for one in tracked[:200]]
    return Estate(
        rules,
        State({one.finding.id: one for one in tracked}, targets, NOW),
        past,
        days,
        tuple(Step(finding, FIX, change) for finding, change in changed[:100]),
        tuple(
            Entry(str(number), finding.rule, change, NOW, NOW, Outcome.APPLIED, "it reads so", 1)
            for number, (finding, change) in enumerate(changed)
        ),
    )


def _plan(reader: Reader, task: Task) -> Right:
    return Right("never asked")


FIX = Fix(_plan, "s3_log_location", (), ())


def _change(ref: Ref) -> Change:
    """One rule more in a lifecycle of thirty."""
    rules = [{"ID": f"rule-{n}", "Filter": {"Prefix": f"{n}/"}, "Days": n} for n in range(30)]
    before, after = {"Rules": rules[:-1]}, {"Rules": rules}
    call = Call("s3", "PutBucketLifecycleConfiguration", after, ref.account, ref.region)
    undo = Call("s3", "PutBucketLifecycleConfiguration", before, ref.account, ref.region)
    document = Document(f"lifecycle of {ref.name}", before, after)
    return Change("_plan", ref, f"let {ref.name} expire", (call,), (document,), (undo,))


def _tracked(rule: Rule, number: int) -> Tracked:
    account = ACCOUNTS[number % len(ACCOUNTS)]
    name = f"warehouse-{number:05d}"
    arn = f"arn:aws:redshift:eu-west-1:{account}:namespace:{name}"
    why = f"statement {number} of the policy of bucket {name}-audit denies s3:PutObject to Redshift"
    facts = {
        fact: Reading(FactState.KNOWN, value=False, reason=why, source="s3:GetX", read_at=NOW)
        for fact in sorted(rule.reads)
    }
    finding = Finding(
        rule.id,
        rule.title,
        list(Severity)[number % 4],
        WORSE[number % len(WORSE)],
        Ref(rule.kind, account, "eu-west-1", name, arn),
        f"must `{rule.must[0]}`; {min(rule.reads)} is false: {why}",
        rule.remedy,
        facts=facts,
        maps=rule.maps,
        tags={"team": "data", "env": "prod"},
    )
    since = NOW - timedelta(minutes=number)
    return Tracked(finding, since, since, NOW)


def _event(of: Tracked) -> Event:
    one = of.finding
    return Event(
        of.since, Happening.OPENED, one.id, one.rule, one.severity, one.ref, Status.PASS,
        one.status, one.because,
    )  # fmt: skip


def measure() -> list[Row]:
    """The dearest page, what a new state adds to the first page after it, and the API: CPU."""
    view = estate()
    server = Server(app.build(view, token=None, tls=False), bind("127.0.0.1", 0))
    server.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        times = {path: _median(connection, path) for path in paths(view)}
        api = min(_get(connection, "/api/v1/findings") for _ in range(3))
    finally:
        connection.close()
        server.stop(5)
    dearest = max(times, key=lambda path: times[path])
    each = ", ".join(f"{path[:22]} {cpu:.0f} ({wall:.0f})" for path, (cpu, wall) in times.items())
    return [
        within(f"a page at {FINDINGS:,} findings, the dearest: CPU", times[dearest][0], LIMIT, "ms",
               f"median of {ROUNDS}; CPU (wall): {each}"),
        within("sorting and counting them once for each new state: CPU", _index(view), LIMIT, "ms"),
        Row(f"/api/v1/findings, {FINDINGS:,} findings as a stream: CPU", f"{api[0]:,.0f} ms",
            "", f"{api[1]:,.0f} ms wall"),
    ]  # fmt: skip


def _index(view: Estate) -> float:
    """Milliseconds to sort and count a state, as the first page after each sweep does."""
    started = time.process_time()
    index(view.known)
    return (time.process_time() - started) * 1000


def paths(view: Estate) -> tuple[str, ...]:
    """One of each page, and the dearest questions to the list."""
    one = next(iter(view.known.findings.values())).finding
    return (
        "/",
        "/findings",
        "/findings?q=policy+denies+09",
        "/findings?sort=resource&page=50",
        finding_link(one.id),
        resource_link(one.ref),
        "/rules",
        rule_link(one.rule),
        "/targets",
        "/changes",
        "/agent",
    )


Taken: TypeAlias = tuple[float, float]
"""Milliseconds of CPU and of wall."""


def _median(connection: http.client.HTTPConnection, path: str) -> Taken:
    return sorted(_get(connection, path) for _ in range(ROUNDS))[ROUNDS // 2]


def _get(connection: http.client.HTTPConnection, path: str) -> Taken:
    """To the last byte, the client's own share in it."""
    cpu, wall = time.process_time(), time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, path
    return (time.process_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__).parse_args()
    print(markdown(measure()))


if __name__ == "__main__":
    main()
