"""The WSGI application: admin API, record of calls, faults, refusals, and moto behind them."""

from __future__ import annotations

import json
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from moto.core.base_backend import BackendDict, backend_lock
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeKey, FakeMultipart, s3_backends

from agent.sandbox.accounts import ACCOUNTS
from agent.sandbox.faults import STALE, Faults, fault_from
from agent.sandbox.gate import refusal
from agent.sandbox.past_answers import PastAnswers, whole
from agent.sandbox.planting import plant
from agent.sandbox.wire import Asked, Environ, Reply, error, read

StartResponse = Callable[..., Any]


class Application:
    """Serves the simulated AWS and, under `/_sandbox/`, its admin API."""

    def __init__(self) -> None:
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.faults = Faults()
        self.past = PastAnswers()
        self.calls: list[dict[str, Any]] = []
        self.recording = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/_sandbox/"):
            reply = self._admin(environ, path.removeprefix("/_sandbox/"))
            return _send(reply, start_response)
        return self._aws(environ, start_response)

    def reset(self) -> None:
        """Back to an empty AWS without faults or recorded calls."""
        self.faults.clear()
        self.past.clear()
        with self.recording:
            self.calls.clear()
        forget_everything()

    # ------------------------------------------------------------ AWS

    def _aws(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        asked = read(environ)
        record = self._record(asked)
        kind, reply = self.faults.meet(asked)
        record["fault"] = kind or None
        reply = reply or refusal(asked, environ)
        if reply is not None:
            record["status"] = reply.status
            return _send(reply, start_response)

        if old := self._old(asked):
            record["fault"], record["status"] = STALE, old.status
            return _send(old, start_response)
        head: list[Any] = []

        def started(status: str, headers: Any, exc_info: Any = None) -> Any:
            record["status"] = int(status.split(maxsplit=1)[0])
            head[:] = [status, headers]
            return start_response(status, headers, exc_info)

        try:
            answer: Iterable[bytes] = self.moto(environ, started)
        except Exception as failure:  # noqa: BLE001 - what moto cannot do must not look like AWS
            reply = _failed(asked, failure)
            record["status"] = reply.status
            return _send(reply, start_response)
        if self.faults.any_stale():
            body = b"".join(answer)
            self.past.answered(asked, whole(head[0], head[1], body))
            return [body]
        return answer

    def _old(self, asked: Asked) -> Reply | None:
        """The answer from before the last write, where a rule wants it given."""
        old = self.past.old(asked) if self.faults.any_stale() else None
        return old if old is not None and self.faults.meets_stale(asked) else None

    def _record(self, asked: Asked) -> dict[str, Any]:
        record: dict[str, Any] = {
            "account": asked.account,
            "region": asked.region,
            "service": asked.service,
            "operation": asked.operation,
            "resource": asked.bucket,
            "status": None,
        }
        with self.recording:
            self.calls.append(record)
        return record

    # ------------------------------------------------------------ admin

    def _admin(self, environ: Environ, path: str) -> Reply:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        try:
            body = json.loads(environ["wsgi.input"].read(length)) if length else None
            return _json(200, self._command(environ["REQUEST_METHOD"], path, body))
        except LookupError as unknown:
            return _json(404, {"error": str(unknown)})
        except (ValueError, TypeError) as wrong:
            return _json(400, {"error": f"{type(wrong).__name__}: {wrong}"})

    def _command(self, method: str, path: str, body: Any) -> Any:
        match method, path:
            case "GET", "health":
                return {"status": "ok", "account": ACCOUNTS.default}
            case "POST", "plant":
                return {"planted": plant(body if isinstance(body, list) else [body])}
            case "POST", "reset":
                self.reset()
            case _, "calls":
                return self._calls_command(method)
            case _, "faults":
                return self._faults_command(method, body)
            case _:
                raise LookupError(f"the sandbox has no {method} /_sandbox/{path}")
        return {}

    def _faults_command(self, method: str, body: Any) -> Any:
        if method == "POST":
            rules = body if isinstance(body, list) else [body]
            for fault in [fault_from(rule) for rule in rules]:
                self.faults.add(fault)
        elif method == "DELETE":
            self.faults.clear()
            self.past.clear()
        return self.faults.describe()

    def _calls_command(self, method: str) -> dict[str, Any]:
        if method == "DELETE":
            with self.recording:
                self.calls.clear()
        return self._calls()

    def _calls(self) -> dict[str, Any]:
        with self.recording:
            calls = [dict(call) for call in self.calls]
        counts = Counter(f"{call['service']}:{call['operation']}" for call in calls)
        return {"calls": calls, "counts": dict(counts), "total": len(calls)}


def forget_everything() -> None:
    """Drops all backends at once. Moto's own reset builds each of them anew first."""
    known: Any = BackendDict
    with backend_lock:
        for backends in list(known._instances):  # moto has no other list
            backends.clear()
        known._instances.clear()
        s3_backends.bucket_accounts.clear()
        tracked: Any
        for tracked in (FakeKey, FakeMultipart):
            tracked.instances_tracked.clear()
    ACCOUNTS.clear()


def _failed(asked: Asked, failure: Exception) -> Reply:
    if isinstance(failure, NotImplementedError):
        return error(asked, "NotImplemented", f"The sandbox cannot do this: {failure}", 501)
    traceback.print_exception(failure, file=sys.stderr)
    return error(asked, "SandboxError", f"{type(failure).__name__}: {failure}", 500)


def _json(status: int, value: Any) -> Reply:
    return Reply(status, (("Content-Type", "application/json"),), json.dumps(value).encode())


def _send(reply: Reply, start_response: StartResponse) -> Iterable[bytes]:
    start_response(
        f"{reply.status} {_REASONS.get(reply.status, 'Sandbox')}",
        [*reply.headers, ("Content-Length", str(len(reply.body)))],
    )
    return [reply.body]


_REASONS = {200: "OK", 301: "Moved Permanently", 400: "Bad Request", 403: "Forbidden"}
