"""Faults on demand: what a test or a demo wants AWS to answer wrongly, late or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from agent.sandbox.wire import Asked, Protocol, Reply, error

STALE = "stale"
KINDS = ("deny", "throttle", "error", "malformed", "hang", "not_found", "expired", STALE)

_NOT_FOUND = {
    "redshift": ("ClusterNotFound", 404),
    "s3": ("NoSuchBucket", 404),
    "iam": ("NoSuchEntity", 404),
}


@dataclass
class Fault:
    """One rule: which requests it meets (unset members meet all) and what happens to them.

    `resource` is a substring of path, query or body. The first `after` matching requests pass,
    then `times` are met (None: all). `per_second` lets that many requests a second through for
    each account, region and service, and meets the rest. `seconds` is how long a hang lasts
    before the request goes on its way.

    `stale` is eventual consistency: a read that it meets is given the answer of the same request
    from before the last write to that service. `agent.sandbox.past_answers` keeps those, from the
    moment when such a rule is in force; a read that was not asked before that write passes.
    """

    kind: str
    account: str = ""
    region: str = ""
    service: str = ""
    operation: str = ""
    resource: str = ""
    code: str = ""
    message: str = ""
    status: int = 0
    times: int | None = None
    after: int = 0
    per_second: float = 0.0
    seconds: float = 30.0
    seen: int = 0
    met: int = 0
    buckets: dict[tuple[str, str, str], tuple[float, float]] = field(default_factory=dict)

    def matches(self, asked: Asked) -> bool:
        """Whether the request is one of those this rule is about."""
        return (
            self.account in ("", asked.account)
            and self.region in ("", asked.region)
            and self.service in ("", asked.service)
            and self.operation in ("", asked.operation)
            and self.resource in asked.text
        )

    def strikes(self, asked: Asked, now: float) -> bool:
        """Whether this matching request is met; counts it."""
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.met >= self.times):
            return False
        if self.per_second and self._admits(asked, now):
            return False
        self.met += 1
        return True

    def _admits(self, asked: Asked, now: float) -> bool:
        """A token bucket as deep as one second's quota."""
        key = (asked.account, asked.region, asked.service)
        depth = max(1.0, self.per_second)
        tokens, then = self.buckets.get(key, (depth, now))
        tokens = min(depth, tokens + (now - then) * self.per_second)
        self.buckets[key] = (tokens - 1 if tokens >= 1 else tokens, now)
        return tokens >= 1


_WRITABLE = tuple(f.name for f in fields(Fault) if f.name not in ("seen", "met", "buckets"))


def fault_from(rule: Mapping[str, Any]) -> Fault:
    """A fault from JSON. Raises ValueError for a member or kind it does not know."""
    if unknown := sorted(set(rule) - set(_WRITABLE)):
        raise ValueError(f"a fault has no member {', '.join(unknown)}, only {', '.join(_WRITABLE)}")
    if rule.get("kind") not in KINDS:
        raise ValueError(f"a fault's kind is one of {', '.join(KINDS)}, not {rule.get('kind')}")
    return Fault(**rule)


class Faults:
    """The rules in force, the newest first."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._lock = threading.Lock()
        self._released = threading.Event()

    def add(self, fault: Fault) -> None:
        """Puts a rule before all others."""
        with self._lock:
            self._rules.insert(0, fault)

    def clear(self) -> None:
        """Drops all rules and lets hanging requests go."""
        with self._lock:
            self._rules.clear()
            self._released.set()
            self._released = threading.Event()

    def any_stale(self) -> bool:
        """Whether old answers must be kept."""
        with self._lock:
            return any(rule.kind == STALE for rule in self._rules)

    def describe(self) -> list[dict[str, Any]]:
        """The rules as JSON, with how often each was seen and met."""
        with self._lock:
            return [
                {name: getattr(rule, name) for name in (*_WRITABLE, "seen", "met")}
                for rule in self._rules
            ]

    def meet(self, asked: Asked) -> tuple[str, Reply | None]:
        """The kind of the fault met, if any, and the reply to give instead (none: go on).

        Of `stale` it is told by `meets_stale` alone, once it is known that there is an old answer.
        """
        with self._lock:
            now = time.monotonic()
            others = (r for r in self._rules if r.kind != STALE)
            struck = next((r for r in others if r.matches(asked) and r.strikes(asked, now)), None)
            released = self._released
        if struck is None:
            return "", None
        if struck.kind == "hang":
            released.wait(struck.seconds)
            return "hang", None
        return struck.kind, reply_to(struck, asked)

    def meets_stale(self, asked: Asked) -> bool:
        """Whether this read, of which there is an old answer, is given it; counts it."""
        with self._lock:
            now = time.monotonic()
            stale = (r for r in self._rules if r.kind == STALE)
            return any(r.matches(asked) and r.strikes(asked, now) for r in stale)


def reply_to(fault: Fault, asked: Asked) -> Reply:
    """What a request met by a fault gets to hear."""
    if fault.kind == "malformed":
        return _malformed(asked)
    code, status, message = _usual(fault.kind, asked)
    return error(asked, fault.code or code, fault.message or message, fault.status or status)


def _malformed(asked: Asked) -> Reply:
    """A success whose body breaks off, as a bad proxy leaves it."""
    body = b'{"Trunc' if asked.protocol is Protocol.JSON else b"<?xml version='1.0'?><Trunc"
    kind = "application/x-amz-json-1.1" if asked.protocol is Protocol.JSON else "text/xml"
    return Reply(200, (("Content-Type", kind),), body)


def _usual(kind: str, asked: Asked) -> tuple[str, int, str]:
    """Code, status and text as the service's protocol has them."""
    match kind:
        case "deny":
            return _denied(asked)
        case "throttle":
            return _throttle(asked)
        case "expired":
            return _expired(asked)
        case "not_found":
            code, status = _NOT_FOUND.get(asked.service, ("ResourceNotFoundException", 400))
            return code, status, "The specified resource does not exist."
        case _:
            return "InternalFailure", 500, "The request failed because of an internal error."


def _denied(asked: Asked) -> tuple[str, int, str]:
    who = f"arn:aws:iam::{asked.account}:user/sandbox"
    text = f"User: {who} is not authorized to perform: {asked.service}:{asked.operation}"
    if asked.json_words:
        return "AccessDeniedException", 400, text
    if asked.protocol is Protocol.EC2:
        return "UnauthorizedOperation", 403, text
    return "AccessDenied", 403, text


def _expired(asked: Asked) -> tuple[str, int, str]:
    text = "The security token included in the request is expired"
    if asked.json_words:
        return "ExpiredTokenException", 400, text
    return "ExpiredToken", 400 if asked.protocol is Protocol.S3 else 403, text


def _throttle(asked: Asked) -> tuple[str, int, str]:
    if asked.json_words:
        return "ThrottlingException", 400, "Rate exceeded"
    match asked.protocol:
        case Protocol.S3:
            return "SlowDown", 503, "Please reduce your request rate."
        case Protocol.EC2:
            return "RequestLimitExceeded", 503, "Request limit exceeded."
        case _:
            return "Throttling", 400, "Rate exceeded"
