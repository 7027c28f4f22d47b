"""The page of `/metrics`: verdicts as the last sweep left them, and the agent's own as it is."""

from __future__ import annotations

import gzip

import structlog

from agent.metrics import verdicts
from agent.metrics.own import Own
from controls.history import State

log = structlog.get_logger()

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Pages:
    """Any thread may ask for the page while another publishes.

    `resource_series` may be set anew when the configuration is reloaded; the next page keeps to it.
    """

    def __init__(self, own: Own, resource_series: int) -> None:
        self._own = own
        self.resource_series = resource_series
        self._shown = verdicts.render(State(), resource_series=resource_series, stale=True)

    def publish(self, state: State, stale: bool) -> None:
        """Show this from now on; `stale` until the first sweep has ended.

        Where it cannot be rendered, what stood there stays, with the time it was taken at
        (`verdicts_taken_timestamp_seconds`), and the error is counted and logged.
        """
        before = self._shown.dropped
        try:
            self._shown = verdicts.render(state, resource_series=self.resource_series, stale=stale)
        except Exception as error:
            self._own.error("metrics")
            log.exception(
                "verdicts could not be made into metrics: /metrics shows the ones before",
                error=str(error),
            )
        if self._shown.dropped and not before:  # once, not at every sweep
            log.warning(
                "resources are left out of /metrics: raise metrics.resource_series",
                dropped=self._shown.dropped,
                resource_series=self.resource_series,
            )

    def page(self, gzipped: bool) -> bytes:
        """All metrics; never raises. Two gzip members after each other are one gzip stream."""
        own = self._own.exposition()
        if gzipped:
            return self._shown.gzipped + gzip.compress(own, verdicts.LEVEL, mtime=0)
        return self._shown.text + own
