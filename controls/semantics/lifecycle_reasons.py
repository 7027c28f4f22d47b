"""Say, for a person, what one lifecycle rule does and why it does not do what was asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from controls.semantics.lifecycle_rules import Action, Deletion, Rule, Scope

SHOWN: Final = 4
"""How many rules a reason names before it only counts them."""


def missing(rule: Rule, action: Action, versioning: str) -> str:
    """Why the rule does not do the action for any object, or nothing."""
    deletion = rule.actions.get(action)
    if not rule.enabled:
        return f"{rule.name} is Disabled"
    if deletion is None:
        return f"{rule.name} {_instead(rule, action, versioning)}"
    if deletion.keeps:
        return (
            f"{rule.name} keeps the newest {deletion.keeps} noncurrent versions of each key,"
            " and a log key, written once, has only one"
        )
    return ""


def filtered(rule: Rule, action: Action, prefix: str, *, every: bool) -> str:
    """Why the rule's filter admits no log under the prefix, or, with `every`, not every log.

    For `every`, tags and a longer prefix stand in the way. Sizes do not: rules may share them,
    and what they do to an upload, which has none yet, is for the caller to judge.
    """
    scope = rule.scope
    if not meets(scope, prefix):
        return f"{rule.name} covers keys under {scope.prefix!r} only{_literally(scope.prefix)}"
    if action != "AbortIncompleteMultipartUpload" and not admits_logs(scope):
        return f"{rule.name} covers no object of a log's size"
    if every and not prefix.startswith(scope.prefix):
        return f"{rule.name} covers {scope.prefix} only, not every key under {prefix}"
    if every and scope.tags:
        return (
            f"{rule.name} covers objects tagged {' and '.join(scope.tags)} only,"
            " and Redshift does not tag its logs"
        )
    return ""


def later(rule: Rule, deletion: Deletion, now: datetime | None) -> str:
    """Whether the rule's date is still to come, as a sentence."""
    if now is not None and deletion.date is not None and deletion.date > now:
        return f"{rule.name} deletes nothing before {deletion.date:%Y-%m-%d}"
    return ""


def _literally(prefix: str) -> str:
    """The two ways to write a prefix that S3 takes otherwise than meant."""
    if prefix.startswith("/"):
        return " (no key of a log begins with a slash)"
    return " (S3 takes the * literally)" if "*" in prefix else ""


def _instead(rule: Rule, action: Action, versioning: str) -> str:
    """What the rule does in place of the action."""
    if action == "NoncurrentVersionExpiration":
        return "does not delete noncurrent versions"
    if action == "AbortIncompleteMultipartUpload":
        return "does not abort incomplete uploads"
    if "NoncurrentVersionExpiration" in rule.actions:
        return "deletes noncurrent versions only, and " + (
            "the bucket has no versions"
            if versioning == "Off"
            else "a log stays the current version as nothing expires it"
        )
    does = [
        *(["changes the storage class"] if rule.transitions else []),
        *(["removes expired delete markers"] if rule.tidies_markers else []),
        *(
            ["aborts incomplete uploads"]
            if "AbortIncompleteMultipartUpload" in rule.actions
            else []
        ),
    ]
    return f"{' and '.join(does)} only" if does else "has no action that deletes a log"


def admits_logs(scope: Scope) -> bool:
    """Whether some size from one byte up lies within the bounds."""
    return scope.largest is None or scope.largest >= max(scope.smallest, 1)


def meets(scope: Scope, prefix: str) -> bool:
    """Whether some key under the prefix is under the scope's prefix too."""
    return prefix.startswith(scope.prefix) or scope.prefix.startswith(prefix)


def limits(rule: Rule, deletion: Deletion, prefix: str) -> str:
    """The rule by name, with the part of the logs it can reach where that is not all."""
    scope = rule.scope
    parts = [
        *([f"keys under {scope.prefix}"] if not prefix.startswith(scope.prefix) else []),
        *([f"objects of {sizes(scope)}"] if scope.smallest > 1 or scope.largest else []),
        *([f"objects that somebody tags {' and '.join(scope.tags)}"] if scope.tags else []),
        *([f"every age from {deletion.date:%Y-%m-%d} on"] if deletion.date else []),
    ]
    return f"{rule.name} ({', '.join(parts)})" if parts else rule.name


def sizes(scope: Scope) -> str:
    """The sizes a scope admits, in bytes."""
    smallest = max(scope.smallest, 1)
    if scope.largest is None:
        return f"{smallest} bytes or more"
    return f"{smallest} to {scope.largest} bytes"


def after(days: int) -> str:
    """`at once`, `after 1 day`, `after 180 days`."""
    return "at once" if days == 0 else f"after {days} day{'' if days == 1 else 's'}"


def names(rules: Iterable[str]) -> str:
    """`rule a`, `rules a and b`: each once, in order."""
    each = list(dict.fromkeys(rules))
    if len(each) == 1:
        return each[0]
    bare = [name.removeprefix("rule ") for name in each]
    return f"rules {', '.join(bare[:-1])} and {bare[-1]}"


def listed(sentences: Sequence[str]) -> str:
    """The first few sentences, and how many more there are."""
    shown = list(dict.fromkeys(sentence for sentence in sentences if sentence))
    rest = len(shown) - SHOWN
    if rest <= 0:
        return "; ".join(shown)
    return "; ".join([*shown[:SHOWN], f"and {rest} more rule{'' if rest == 1 else 's'}"])
