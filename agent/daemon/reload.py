"""Configuration, rules and waivers taken anew when they change; the good old ones stay on error."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from datetime import datetime

import structlog

from agent.config import Settings
from agent.daemon.watch import fingerprint, watched
from agent.loading import Loaded, load
from agent.stop import StopError

log = structlog.get_logger()

AT_START = ("store", "http", "state_directory")
"""Settings that are heeded when the agent starts, and only then."""

BROKEN = "the files could not be loaded: a mistake in Trailkeeper, which its log tells of"


@dataclass(frozen=True, slots=True)
class Reloaded:
    """How the last attempt ended. `problem` is empty where it was taken."""

    at: datetime
    problem: str = ""
    needs_restart: tuple[str, ...] = ()


class Reloader:
    """Looks at the files and loads them where their content changed."""

    def __init__(self, args: Namespace, loaded: Loaded, now: datetime) -> None:
        self._args = args
        self._started_with = loaded.settings
        self.loaded = loaded
        self.last = Reloaded(now)
        self._seen = self._fingerprint()

    def _fingerprint(self) -> bytes:
        return fingerprint(watched(self._args, self.loaded.settings))

    def look(self, now: datetime, *, force: bool = False) -> bool:
        """Whether anything was taken. `force`: somebody asked for it (SIGHUP)."""
        seen = self._fingerprint()
        if seen == self._seen and not force:
            return False
        self._seen = seen
        # Stands where loading ends in an error that nobody foresaw.
        self.last = Reloaded(now, BROKEN, self.last.needs_restart)
        try:
            loaded = load(self._args)
        except StopError as refused:
            self.last = Reloaded(now, refused.message, self.last.needs_restart)
            log.warning("reload_refused", problems=refused.message, kept="what was loaded before")
            return False
        before = watched(self._args, self.loaded.settings)
        self.loaded = loaded
        if watched(self._args, loaded.settings) != before:
            self._seen = b""  # other files than those that were looked at: once more, to be sure
        restart = needs_restart(self._started_with, loaded.settings)
        self.last = Reloaded(now, "", restart)
        log.info("reloaded", rules=len(loaded.rules), waivers=len(loaded.waivers))
        if restart:
            log.warning("restart_needed", settings=list(restart))
        return True


def needs_restart(before: Settings, after: Settings) -> tuple[str, ...]:
    """The settings that differ and are heeded only at the start."""
    return tuple(name for name in AT_START if getattr(before, name) != getattr(after, name))
