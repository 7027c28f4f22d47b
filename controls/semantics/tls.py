"""Does a bucket's policy refuse everyone who does not come over TLS."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any

from controls.model import CannotTellError, Said, Unknown
from controls.semantics.conditions import Known, clause_holds
from controls.semantics.policy import Clause, Statement, parse_policy, slices
from controls.semantics.truth import Truth, every, some
from controls.semantics.wildcards import SOME, Elements, divide, literal

_LETTERS = frozenset(string.ascii_lowercase)
_EVERY_S3_ACTION: Elements = (*literal("s3:"), (_LETTERS, False), (_LETTERS, True))

_REMEDY = (
    'deny s3:* to "*" on the bucket and its objects when aws:SecureTransport is false, '
    "with no other condition"
)


def tls_required(
    policy: str | Mapping[str, Any] | None, bucket: str, partition: str
) -> Said[bool] | Unknown:
    """Whether plain HTTP is denied to everyone, for every action, on the bucket and each object.

    Only a Deny counts: what the bucket's policy allows over TLS alone, a caller's own policies
    may still allow without. A Deny below some `s3:TlsVersion` does not count by itself: a request
    without TLS has no TLS version.
    """
    if policy is None:
        return Said(False, f"bucket {bucket} has no policy: {_REMEDY}")
    try:
        denies = [s for s in parse_policy(policy) if not s.allows]
        arn = f"arn:{partition}:s3:::{bucket}"
        on_bucket = _denied(denies, literal(arn))
        on_objects = _denied(denies, literal(f"{arn}/") + SOME)
    except CannotTellError as error:
        return Unknown(f"the policy of bucket {bucket} cannot be judged: {error}")
    answer = every([on_bucket, on_objects])
    if isinstance(answer, Unknown):
        return Unknown(f"the policy of bucket {bucket}: {answer.reason}")
    if answer:
        return Said(True, f"the policy of bucket {bucket} denies all access without TLS")
    return Said(False, f"{_why_not(denies, on_bucket, on_objects)}: {_REMEDY}")


def _denied(denies: Sequence[Statement], universe: Elements) -> Truth:
    """Whether plain HTTP is denied for every action on every resource of the universe."""
    reach = [_meets_everyone(s) for s in denies]
    patterns = list({pattern: None for s in denies for pattern in s.actions})
    verdicts: list[Truth] = []
    for part in divide(_EVERY_S3_ACTION, patterns):
        named = [_names(s, part.matched, patterns) for s in denies]
        verdicts += [
            some(every(hit) for hit in zip(reach, named, piece.named, strict=True))
            for piece in slices(universe, denies)
        ]
    return every(verdicts)


def _names(statement: Statement, matched: frozenset[int], patterns: list[Elements]) -> bool:
    found = any(patterns.index(pattern) in matched for pattern in statement.actions)
    return found is not statement.not_actions


def _meets_everyone(statement: Statement) -> Truth:
    """Whether the Deny meets everyone who comes without TLS, wherever from and whatever for."""
    if not _names_everyone(statement):
        return False
    return every(_holds_without_tls(statement, clause) for clause in statement.clauses)


def _names_everyone(statement: Statement) -> bool:
    principals = statement.principals
    if principals is None:
        raise CannotTellError(f"{statement.name} names no principal")
    return not principals.negated and (principals.anyone or "*" in principals.of("AWS"))


def _holds_without_tls(statement: Statement, clause: Clause) -> Truth:
    """Whether a condition holds for each request without TLS; on any other key it narrows."""
    truth = clause_holds(clause, _plain_request)
    if isinstance(truth, Unknown):
        return Unknown(f"{statement.name}: {truth.reason}")
    match clause.key.lower():
        case "aws:securetransport":
            return truth
        case "s3:tlsversion" if truth:
            return Unknown(f"{statement.name}: what s3:TlsVersion is without TLS is not documented")
        case _:
            return False


def _plain_request(key: str) -> Known:
    return ("false",) if key == "aws:securetransport" else (None,)


def _why_not(denies: Sequence[Statement], on_bucket: Truth, on_objects: Truth) -> str:
    """The nearest mistake, worst first."""
    about = [s for s in denies if _transport(s) is True]
    if not about:
        version = next((s for s in denies if "s3:tlsversion" in _keys(s)), None)
        if version is not None:
            return f"{version.name} looks at s3:TlsVersion, which a request without TLS lacks"
        return "no statement denies access without TLS"
    narrow = next((s for s in about if not _names_everyone(s)), None)
    if narrow is not None:
        return f"{narrow.name} denies access without TLS to some principals only"
    for statement in about:
        extra = [c for c in statement.clauses if c.key.lower() != "aws:securetransport"]
        if extra:
            return f"{statement.name} denies access without TLS only where {extra[0]}"
    if on_bucket is not on_objects:
        done, left = ("the bucket itself", "its objects")[:: 1 if on_bucket else -1]
        return f"access without TLS is denied for {done}, but not for {left}"
    return f"{about[0].name} denies access without TLS for some actions or keys only"


def _transport(statement: Statement) -> Truth:
    """Whether the statement is one about plain HTTP."""
    clauses = [c for c in statement.clauses if c.key.lower() == "aws:securetransport"]
    return bool(clauses) and every(clause_holds(c, _plain_request) for c in clauses)


def _keys(statement: Statement) -> set[str]:
    return {clause.key.lower() for clause in statement.clauses}
