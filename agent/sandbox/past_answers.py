"""What reads were answered before the last write: AWS may go on saying so for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from agent.sandbox.wire import Asked, Reply

Key = tuple[str, str, str, str, str]
"""Account, region, service, operation, and the request's text."""

_READS = ("Describe", "Get", "List", "Head", "AssumeRole")


def is_read(asked: Asked) -> bool:
    """Whether the request changes nothing."""
    return asked.operation.startswith(_READS)


def whole(status: str, headers: Iterable[tuple[str, str]], body: bytes) -> Reply:
    """An answer as it went out."""
    kept = tuple(pair for pair in headers if pair[0].lower() != "content-length")
    return Reply(int(status.split(maxsplit=1)[0]), kept, body)


class PastAnswers:
    """The last answer of each read, and for each service those from before its last write.

    A write makes the last answers the old ones. A read that was answered with an old one does not
    count as a last answer, so several writes in a row do not wash the old away by and by: it is
    as if one lagging replica answered.
    """

    def __init__(self) -> None:
        self._last: dict[Key, Reply] = {}
        self._old: dict[Key, Reply] = {}
        self._lock = threading.Lock()

    def answered(self, asked: Asked, reply: Reply) -> None:
        """Notes what a read was told, or that a write succeeded."""
        with self._lock:
            if is_read(asked):
                self._last[_key(asked)] = reply
            elif reply.status < 300:
                last = {key: old for key, old in self._last.items() if key[2] == asked.service}
                for key, old in last.items():
                    self._old[key] = old
                    del self._last[key]

    def old(self, asked: Asked) -> Reply | None:
        """What the same request was told before the last write; none if it was not asked then."""
        with self._lock:
            return self._old.get(_key(asked))

    def clear(self) -> None:
        """Forgets all."""
        with self._lock:
            self._last.clear()
            self._old.clear()


def _key(asked: Asked) -> Key:
    return (asked.account, asked.region, asked.service, asked.operation, asked.text)
