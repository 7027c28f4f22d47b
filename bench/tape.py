"""The agent's calls to AWS answered from what was answered before, with a little drift."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError
from botocore.session import Session

from agent.aws.clients import Clients, Key
from agent.aws.memory import frozen

DRIFTING = 50
"""In each sweep every cluster whose number leaves the same rest as the sweep's does not log."""


class Tape:
    """What was answered, by call. A call that is not there is made, and is there from then on.

    `sweep` is the number of the sweep under way. With `replay` off every call is made.
    """

    def __init__(self, *, replay: bool) -> None:
        """Empty."""
        self.replay = replay
        self.sweep = 0
        self.made = 0
        self._lock = threading.Lock()
        self._answers: dict[Hashable, bytes] = {}

    def ask(self, call: Callable[..., Any], key: Hashable, params: dict[str, Any]) -> Any:
        """The answer, an object of its own each time as botocore's is. Raises ClientError."""
        known = self._answers.get(key) if self.replay else None
        if known is None:
            return self._make(call, key, params)
        answer = pickle.loads(known)  # noqa: S301 - pickled below, in this process
        if isinstance(answer, tuple):
            raise ClientError(*answer)
        return answer

    def _make(self, call: Callable[..., Any], key: Hashable, params: dict[str, Any]) -> Any:
        with self._lock:
            self.made += 1
        try:
            answer = call(**params)
        except ClientError as error:
            self._keep(key, (error.response, error.operation_name))
            raise
        self._keep(key, answer)
        return answer

    def _keep(self, key: Hashable, answer: Any) -> None:
        if self.replay:
            self._answers[key] = pickle.dumps(answer)


class TapedClients(Clients):
    """The door's clients: whoever leases one gets it behind the tape."""

    tape: Tape

    @contextmanager
    def lease(self, key: Key, session: Session) -> Iterator[Any]:
        """As the door's own, held and evicted as it is."""
        with super().lease(key, session) as client:
            yield _Taped(client, self.tape, key[1:])


class _Taped:
    """A client whose methods go through the tape."""

    def __init__(self, client: Any, tape: Tape, where: Hashable) -> None:
        self._client = client
        self._tape = tape
        self._where = where

    def __getattr__(self, method: str) -> Callable[..., Any]:
        call = getattr(self._client, method)

        def ask(**params: Any) -> Any:
            key = (self._where, method, frozen(_timeless(params)))
            answer = self._tape.ask(call, key, params)
            if method == "describe_logging_status":
                _drift(answer, params["ClusterIdentifier"], self._tape.sweep)
            return answer

        return ask


def _timeless(params: dict[str, Any]) -> dict[str, Any]:
    """Without the times that a sweep asks from: they differ in every sweep, the answers do not."""
    return {name: value for name, value in params.items() if not isinstance(value, datetime)}


def _drift(answer: dict[str, Any], cluster: str, sweep: int) -> None:
    if sweep and int(cluster.rpartition("-")[2]) % DRIFTING == sweep % DRIFTING:
        answer["LoggingEnabled"] = False
