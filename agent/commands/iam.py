"""`trailkeeper iam`: the policy that the reading role needs, on stdout as JSON."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from agent.aws.access import partition_of
from agent.config import Settings
from agent.daemon.files import read_files
from agent.loading import Loaded, load
from agent.output import write_result
from agent.permissions import policy
from agent.report_permissions import report_policy
from agent.stop import WRONG_USE, StopError
from agent.store.records import StoreError, StoreRefusedError
from agent.targets_written import ALL, every_region_is_asked
from agent.wanted import operations
from agent.write_permissions import write_policy
from controls.fixes.catalog import FIXES
from controls.kinds.catalog import KINDS
from controls.semantics.log_keys import normalise_prefix


def _region(settings: Settings, regions: Sequence[str] | None) -> str:
    """Any region that would be looked at; which one tells the partition."""
    written = settings.regions if settings.regions and settings.regions != ALL else ()
    chosen = [*(region for region in regions or () if region != ALL), *written]
    named = (os.environ.get(name) for name in ("AWS_REGION", "AWS_DEFAULT_REGION"))
    return next((region for region in (*chosen, *named) if region), "")


def run(args: Namespace) -> int:
    """Print the policy. Needs no credentials and calls nothing."""
    loaded = load(args)
    if args.remediate and args.report:
        raise StopError(WRONG_USE, "--remediate and --report are two roles: ask for one at a time")
    if args.remediate:
        return _of_writer(loaded, args)
    if args.report:
        return _of_report(loaded, args)
    needed = set(operations(loaded.rules, KINDS))
    for fix in loaded.settings.remediation.fixes:
        needed |= set(FIXES[fix].reads)
    if every_region_is_asked(loaded.settings, args.regions):
        needed.add("ec2:DescribeRegions")
    roles = [target.role for target in loaded.settings.targets if target.role]
    partition = partition_of(_region(loaded.settings, args.regions), next(iter(roles), None))
    place = loaded.settings.report_place()
    below = normalise_prefix(place.partition("/")[2]) if place else None
    write_result(json.dumps(policy(needed, partition, below), indent=2), args.output)
    if roles:
        print(  # noqa: T201 - a hint beside the result
            f"Attach it to each target role; the credentials that assume them need sts:AssumeRole "
            f"on {', '.join(roles)}.",
            file=sys.stderr,
        )
    return 0


def _of_writer(loaded: Loaded, args: Namespace) -> int:
    """The policy of the role that changes things: for the fixes allowed, on the buckets in use."""
    settings = loaded.settings
    allowed = settings.remediation.fixes or tuple(FIXES)
    buckets = {one.bucket for one in settings.log_buckets}
    buckets |= {one.bucket for one in settings.remediation.log_destinations if one.bucket}
    seen = _seen(settings)
    buckets |= seen
    roles = [target.remediation_role for target in settings.targets if target.remediation_role]
    partition = partition_of(_region(settings, args.regions), next(iter(roles), None))
    document = write_policy((FIXES[name] for name in allowed), buckets, partition)
    write_result(json.dumps(document, indent=2), args.output)
    hints = []
    if not settings.remediation.fixes:
        hints.append("No fix is allowed yet (remediation.fixes): this is for all of them.")
    if not buckets:
        hints.append(
            "Which buckets are in use is not known here: name them under log_buckets, or run this "
            "where the agent keeps its store. What concerns S3 is granted on every bucket."
        )
    elif not seen:
        hints.append(
            "The buckets are those that the configuration names. Others that clusters log to are "
            "known where the agent keeps its store: run this there, or name them under log_buckets."
        )
    for hint in hints:
        print(hint, file=sys.stderr)  # noqa: T201 - a hint beside the result
    return 0


def _of_report(loaded: Loaded, args: Namespace) -> int:
    """The policy of the job that makes the monthly report, for the places it reads and writes."""
    settings = loaded.settings
    places = {one for one in settings.report.sources if one.startswith("s3://")}
    places |= {one.bucket for one in settings.log_buckets}
    places = places or _seen(settings)
    role = settings.report.role if settings.report.role != "current" else None
    partition = partition_of(_region(settings, args.regions), role)
    place, athena = settings.report_place(), settings.report.athena
    document = report_policy(places, place, partition, athena)
    write_result(json.dumps(document, indent=2), args.output)
    if not places:
        hint = "Which buckets hold logs is not known here: name them under report.sources."
        print(hint, file=sys.stderr)  # noqa: T201 - a hint beside the result
    return 0


def _seen(settings: Settings) -> set[str]:
    """The log buckets that the agent's store knows of; none where there is no store."""
    from agent.store.opening import open_store  # noqa: PLC0415 - only this one wants the store

    try:
        store = open_store(read_files(settings, os.environ).store, lock=False)
    except (StopError, StoreError, StoreRefusedError):
        return set()
    try:
        known = store.load().findings.values()
    except StoreError:
        return set()
    finally:
        store.close()
    return {one.finding.ref.name for one in known if one.finding.ref.kind == "s3_log_bucket"} - {
        "*"
    }
