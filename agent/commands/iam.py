"""`trailkeeper iam`: the policy that the reading role needs, on stdout as JSON."""

from __future__ import annotations

import json
import sys
from argparse import Namespace

from agent.collect import operations
from agent.permissions import policy
from agent.sweep import load
from agent.targets_written import every_region_is_asked
from controls.kinds.catalog import KINDS


def run(args: Namespace) -> int:
    """Print the policy. Needs no credentials and calls nothing."""
    loaded = load(args)
    needed = set(operations(loaded.rules, KINDS))
    if every_region_is_asked(loaded.settings, args.regions):
        needed.add("ec2:DescribeRegions")
    roles = [target.role for target in loaded.settings.targets if target.role]
    partition = roles[0].split(":")[1] if roles else "aws"
    print(json.dumps(policy(needed, partition), indent=2))  # noqa: T201 - the result
    if roles:
        print(  # noqa: T201 - a hint beside the result
            f"Attach it to each target role; the credentials that assume them need sts:AssumeRole "
            f"on {', '.join(roles)}.",
            file=sys.stderr,
        )
    return 0
