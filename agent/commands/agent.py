"""`trailkeeper`: the agent, which runs until it is stopped."""

from __future__ import annotations

import logging
from argparse import Namespace

from agent.logs import configure


def run(args: Namespace) -> int:
    """Sweep, publish and serve until SIGTERM or SIGINT. Raises StopError where it cannot begin."""
    configure(logging.INFO)
    # The agent's own parts are many and heavy: no other command imports them.
    from agent.daemon.run import run as run_agent  # noqa: PLC0415

    return run_agent(args)
