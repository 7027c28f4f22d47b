"""`trailkeeper`: the agent, which runs until it is stopped."""

from __future__ import annotations

import logging
from argparse import Namespace

from agent.daemon.signals import Signals
from agent.logs import configure


def run(args: Namespace) -> int:
    """Sweep, publish and serve until SIGTERM or SIGINT. Raises StopError where it cannot begin."""
    configure(logging.INFO)
    # First: the kernel drops a signal that the first process of a container does not handle yet.
    with Signals() as signals:
        # The agent's own parts are many and heavy: no other command imports them.
        from agent.daemon.run import run as run_agent  # noqa: PLC0415

        return run_agent(args, signals=signals)
