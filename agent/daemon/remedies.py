"""What the agent does about what fails: after each full sweep one round, within its limits."""

from __future__ import annotations

import threading
from argparse import Namespace
from collections.abc import Iterable
from datetime import datetime

import structlog

from agent.aws.door import Aws
from agent.aws.hands import FIXER
from agent.daemon.health import PlannedRound
from agent.loading import Loaded
from agent.metrics.own import Own
from agent.remedy.rounds import (
    Surroundings,
    killed_by,
    recover_open,
    run_round,
)
from agent.remedy.steps import Step
from agent.stop import StopError
from agent.store.keeper import Keeper
from agent.store.records import StoreError
from agent.sweep import open_aws
from controls.model import Finding
from controls.remedy import MADE

log = structlog.get_logger()


class Remedies:
    """Used by the sweeper's thread alone; `throw` and `last` by any."""

    def __init__(self, args: Namespace, keeper: Keeper, own: Own, stop: threading.Event) -> None:
        self._args = args
        self._keeper = keeper
        self._own = own
        self._stop = stop
        self._thrown = ""
        self._recovered = False
        self.last: PlannedRound | None = None

    def throw(self, by: str) -> None:
        """The kill switch: nothing is changed any more until the agent starts anew."""
        self._thrown = by
        log.warning("kill_switch_thrown", by=by)

    def after(
        self, findings: Iterable[Finding], loaded: Loaded, read: Aws, began: datetime
    ) -> bool:
        """One round about what a sweep found that began then; whether anything may be different.

        What goes wrong is said and counted; the next sweep comes with the next round.
        """
        write = open_aws(loaded.settings, self._stop, on_call=self._own.call, hand=FIXER)
        try:
            around = self._around(read, write)
            if not self._recovered:
                recover_open(loaded, around)
                self._recovered = True
            done = run_round(findings, loaded, around, began)
        except (StopError, StoreError) as error:
            log.warning("remediation_impossible", reason=str(error))
            self._note(read.utc(), problem=f"nothing can be put right now: {error}")
            return False
        except Exception as error:
            self._own.error("remediation")
            log.exception("remediation_failed")
            self._note(read.utc(), problem=f"failed inside Trailkeeper: {error!r}")
            return False
        finally:
            write.close()
        self._note(read.utc(), done.steps, killed=self.killed(loaded))
        return any(result.outcome in MADE for result in done.results)

    def _note(
        self, at: datetime, steps: tuple[Step, ...] = (), problem: str = "", killed: str = ""
    ) -> None:
        self.last = PlannedRound(at, steps, problem, killed)
        held = sum(1 for step in steps if step.held or step.change is None)
        self._own.planned(ready=len(steps) - held, held=held)

    def killed(self, loaded: Loaded) -> str:
        """Who threw the kill switch, be it its file; empty while nobody did."""
        return killed_by(loaded.settings.remediation.kill_switch, self._thrown)

    def _killed(self) -> str:
        return self._thrown or ("the agent is ending" if self._stop.is_set() else "")

    def _around(self, read: Aws, write: Aws) -> Surroundings:
        return Surroundings(
            read=read,
            write=write,
            args=self._args,
            books=self._keeper,
            wait=self._stop.wait,
            thrown=self._killed,
            on_error=self._own.error,
            noted=self._own.remediated,
            hooks={"stop": self._stop, "on_error": self._own.error},
        )
