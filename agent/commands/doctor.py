"""`trailkeeper doctor`: what works, what does not, and what to do about it."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.aws import errors
from agent.aws.access import AccountAccess
from agent.aws.door import Aws
from agent.aws.hands import iam_actions
from agent.collect import Target
from agent.config import Settings
from agent.doctor_probes import PROBES, Probe, Sample, find_sample
from agent.loading import Loaded, load
from agent.output import printable, write_result
from agent.progress import shown_progress
from agent.stop import NO_VERDICT, StopError
from agent.sweep import open_aws
from agent.targets import plan_targets
from agent.wanted import operations
from controls.kinds.catalog import KINDS
from controls.model import AwsError, CannotTellError, Reader

SKEW = timedelta(minutes=1)
"""AWS refuses signatures that are five minutes off; one minute is worth a warning."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at: `ok`, `bad` or `unknown`, and what to do if not ok."""

    state: str
    what: str
    advice: str = ""
    closed: bool = False
    """Nobody answers there, or not to these credentials: what else is asked there fails alike."""

    def __str__(self) -> str:
        mark = {"ok": "ok     ", "bad": "BAD    ", "unknown": "unknown"}[self.state]
        return f"{mark}  {self.what}" + (f"\n         {self.advice}" if self.advice else "")


def run(args: Namespace) -> int:
    """Print a line for each thing that was looked at; 3 if anything is not ok."""
    with shown_progress():
        lines = list(examine(args))
    write_result(printable("\n".join(str(line) for line in lines)), args.output)
    return 0 if all(line.state == "ok" for line in lines) else NO_VERDICT


def examine(args: Namespace) -> Iterator[Line]:
    """Everything, in the order in which one thing needs the other. Raises StopError (2) early."""
    loaded = load(args)
    yield Line("ok", f"configuration and {len(loaded.rules)} rules load")
    yield from _store(loaded.settings)
    aws = open_aws(loaded.settings)
    try:
        plan = plan_targets(aws, loaded.settings, accounts=args.accounts, regions=args.regions)
        for access in plan.accesses:
            targets = [one for one in plan.targets if one.account == access.account]
            if targets:
                yield from _account(aws, loaded, plan.accesses, access, targets)
    except StopError as stop:
        if stop.code != NO_VERDICT:
            raise
        yield Line("bad", "credentials", stop.message)
        yield from _clock(aws, AccountAccess("", region=aws.default_region()))
    finally:
        aws.close()


def _store(settings: Settings) -> Iterator[Line]:
    """What an agent that starts now would meet: its secrets, and where its history is kept."""
    from agent.daemon.files import read_files  # noqa: PLC0415 - a check has no use for a store
    from agent.store.probe import probe  # noqa: PLC0415

    try:
        files = read_files(settings, os.environ)
    except StopError as stop:
        yield Line("bad", "files of the agent", " ".join(stop.message.splitlines()))
        return
    for found in probe(files.store):
        yield Line("ok" if found.ok else "bad", f"agent: {found.what}", found.advice)


def _account(
    aws: Aws,
    loaded: Loaded,
    accesses: tuple[AccountAccess, ...],
    access: AccountAccess,
    targets: Sequence[Target],
) -> Iterator[Line]:
    """One way in, and what may be asked through it; nothing more where it is closed."""
    how = f"role {access.role_arn}" if access.role_arn else "the credentials at hand"
    try:
        found = aws.identify(access, access.region)
    except AwsError as error:
        yield Line("bad", f"credentials: {how}", _advice(error))
        yield from _clock(aws, access)
        return
    yield Line("ok", f"credentials: {how} give {found.arn}")
    yield from _clock(aws, access)
    for target in targets:
        yield from _target(aws, loaded, accesses, target)


def _clock(aws: Aws, access: AccountAccess) -> Iterator[Line]:
    """The clock, where anyone tells the time: a refusal does too, as of a clock that is off."""
    if access.region:
        with suppress(AwsError):  # who cannot be reached is said in a line of its own
            yield clock_line(aws.utc(), aws.server_time(access, access.region), access.account)


def clock_line(ours: datetime, theirs: datetime, account: str) -> Line:
    """Whether our clock agrees with AWS's."""
    skew = abs(ours - theirs)
    if skew <= SKEW:
        asked = f" (account {account})" if account else ""
        return Line("ok", f"clock: within {SKEW.total_seconds():.0f} s of AWS{asked}")
    seconds = int(skew.total_seconds())
    return Line(
        "bad",
        f"clock: {seconds} s {'ahead of' if ours > theirs else 'behind'} AWS",
        "set the clock by NTP: AWS refuses signatures that are five minutes off, and ages of logs "
        "are judged by this clock",
    )


def _target(
    aws: Aws, loaded: Loaded, accesses: tuple[AccountAccess, ...], target: Target
) -> Iterator[Line]:
    where = f"{target.account}/{target.region}"
    if target.problem:
        yield Line("bad", f"region {where}", target.problem)
        return
    sweep = aws.sweep(aws.utc(), accesses, loaded.settings.known_log_buckets())
    reader = sweep.reader(target.account, target.region)
    sample = find_sample(reader, loaded.settings.known_log_buckets())
    closed = set[str]()
    for operation in sorted(operations(loaded.rules, KINDS)):
        service = operation.split(":")[0]
        if service in closed:
            where = f"{_action(operation)} in {target.account}/{target.region}"
            yield Line("unknown", where, f"not tried: {service} gave no answer just now")
            continue
        line = probe_line(reader, operation, PROBES[operation], sample)
        if line.closed:
            closed.add(service)
        yield line


def _action(operation: str) -> str:
    return ", ".join(iam_actions(operation)) or operation


def probe_line(reader: Reader, operation: str, probe: Probe, sample: Sample) -> Line:
    """Whether one operation is permitted, told by a harmless call."""
    action = _action(operation)
    what = f"{action} in {reader.account}/{reader.region}"
    params = probe.params(sample, reader)
    if params is None:
        return Line("unknown", what, f"not tried: {probe.lacks}")
    service, name = operation.split(":")
    try:
        if probe.on_bucket:
            reader = reader.of_bucket(sample.bucket)
            what = f"{action} in {reader.account}/{reader.region} (bucket {sample.bucket})"
        reader.call(service, name, absent=probe.harmless, **params)
    except CannotTellError as error:
        return Line("unknown", what, f"not tried: {error}")
    except AwsError as error:
        if error.denied:
            return Line("bad", what, f"denied: allow {action} (trailkeeper iam prints the policy)")
        closed = error.code in (errors.UNREACHABLE, errors.TIMEOUT) or errors.is_expired(error)
        return Line("bad" if closed else "unknown", what, _advice(error), closed)
    return Line("ok", what)


def _advice(error: AwsError) -> str:
    match error.code:
        case errors.UNREACHABLE:
            return f"{error}: check the network, proxy and region name"
        case errors.TIMEOUT:
            return f"{error}: check the network, or raise call_timeouts"
        case code if code in errors.EXPIRED:
            return f"{error}: log in again, or refresh the token"
        case "NoSuchBucket":
            return (
                f"{error}: log to a bucket that exists, and correct log_buckets; whether the "
                "action is allowed can be told then"
            )
        case code if code in errors.THROTTLES:
            return f"{error}: try again at a quieter time, or raise target_deadline_seconds"
        case _:
            return f"{error}: try again; if it stays so, this is what to ask AWS about"
