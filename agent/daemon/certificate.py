"""TLS's certificate taken anew when its files change: one that is renewed needs no restart."""

from __future__ import annotations

import structlog

from agent.daemon.files import Files
from agent.daemon.watch import fingerprint
from agent.stop import StopError
from agent.web.server import Server

log = structlog.get_logger()


class Certificate:
    """Looks at the files of certificate and key; those in use stay where new ones are wrong."""

    def __init__(self, server: Server, files: Files) -> None:
        self._server = server
        self._paths = tuple(path for path in (files.certificate, files.key) if path is not None)
        self._seen = fingerprint(self._paths)

    def look(self) -> bool:
        """Whether new ones were taken. A pair that is being replaced is looked at again."""
        seen = fingerprint(self._paths)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            self._server.renew_certificate()
        except StopError as refused:
            log.warning("certificate_refused", problem=refused.message, kept="the one in use")
            return False
        log.info("certificate_renewed", files=[str(path) for path in self._paths])
        return True
