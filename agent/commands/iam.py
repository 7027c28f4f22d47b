"""`trailkeeper iam`: the policy that the reading role needs, on stdout as JSON."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from agent.aws.access import partition_of
from agent.config import Settings
from agent.loading import load
from agent.output import write_result
from agent.permissions import policy
from agent.targets_written import ALL, every_region_is_asked
from agent.wanted import operations
from controls.kinds.catalog import KINDS


def _region(settings: Settings, regions: Sequence[str] | None) -> str:
    """Any region that would be looked at; which one tells the partition."""
    written = settings.regions if settings.regions and settings.regions != ALL else ()
    chosen = [*(region for region in regions or () if region != ALL), *written]
    named = (os.environ.get(name) for name in ("AWS_REGION", "AWS_DEFAULT_REGION"))
    return next((region for region in (*chosen, *named) if region), "")


def run(args: Namespace) -> int:
    """Print the policy. Needs no credentials and calls nothing."""
    loaded = load(args)
    needed = set(operations(loaded.rules, KINDS))
    if every_region_is_asked(loaded.settings, args.regions):
        needed.add("ec2:DescribeRegions")
    roles = [target.role for target in loaded.settings.targets if target.role]
    partition = partition_of(_region(loaded.settings, args.regions), next(iter(roles), None))
    write_result(json.dumps(policy(needed, partition), indent=2), args.output)
    if roles:
        print(  # noqa: T201 - a hint beside the result
            f"Attach it to each target role; the credentials that assume them need sts:AssumeRole "
            f"on {', '.join(roles)}.",
            file=sys.stderr,
        )
    return 0
