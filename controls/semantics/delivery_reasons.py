"""Why a bucket's policy refuses Redshift's log delivery, in a sentence that says what to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controls.semantics.conditions import Context, clause_holds
from controls.semantics.partitions import covers_delivery, delivery_principal
from controls.semantics.policy import Clause, Slice, Statement
from controls.semantics.truth import Truth

_NETWORK_OR_OWN_PEOPLE = (
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:vpcsourceip",
    "aws:principalorgid",
    "aws:principalorgpaths",
)
"""Keys that fence in people and workloads, and shut out every AWS service with them."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused: an action on the resources of a slice."""

    action: str
    bucket: str
    piece: Slice
    region: str
    partition: str

    @property
    def principal(self) -> str:
        """The name that Redshift delivers under."""
        return delivery_principal(self.partition, self.region)


def explain(
    refusal: Refusal, statements: Sequence[Statement], reach: Sequence[Truth], context: Context
) -> str:
    """The Deny that refuses; else the Allow that comes nearest, and what it lacks."""
    rows = list(zip(statements, reach, refusal.piece.named, strict=True))
    denies = [s for s, hit, named in rows if not s.allows and hit is True and named is True]
    if denies:
        return _denied(denies[0], refusal, context)
    allows = [(s, named) for s, _, named in rows if s.allows and s.names_action(refusal.action)]
    explained = [found for s, named in allows if (found := _near(s, named, refusal, context))]
    best = min(explained, default=(9, ""))[1]
    where = f"the policy of bucket {refusal.bucket}"
    if best:
        return f"{where} does not let Redshift deliver: {best}"
    return (
        f"{where} allows {refusal.action} on {refusal.piece.example} to nobody that delivers "
        f"Redshift's logs: add an Allow for {refusal.principal}"
    )


def _denied(statement: Statement, refusal: Refusal, context: Context) -> str:
    """Which statement denies, and the usual mistake behind it."""
    text = (
        f"{statement.name} of the policy of bucket {refusal.bucket} denies {refusal.action} on "
        f"{refusal.piece.example} to Redshift"
    )
    keys = {clause.key.lower() for clause in statement.clauses}
    source = next((c for c in statement.clauses if c.key.lower().startswith("aws:source")), None)
    if keys & set(_NETWORK_OR_OWN_PEOPLE) and "aws:principalisawsservice" not in keys:
        return f"{text}: it forgot the exception for AWS services (aws:PrincipalIsAWSService)"
    if any("server-side-encryption" in key for key in keys):
        return f"{text}: it demands an encryption header, and Redshift delivers with SSE-S3 only"
    if source is not None:
        return f"{text}: {_other_cluster(source, context)}"
    if statement.principals is not None and statement.principals.negated:
        return f"{text}: NotPrincipal denies all but those it names; name {refusal.principal} too"
    return text


def _near(
    statement: Statement, named: Truth, refusal: Refusal, context: Context
) -> tuple[int, str] | None:
    """What an Allow of the action lacks, and how near it comes (0 is nearest)."""
    if statement.principals is None:
        return None
    principal = covers_delivery(statement.principals, refusal.partition, refusal.region, deny=False)
    if principal is False:
        hint = _wrong_principal(statement, refusal)
        return (2, hint) if hint else None
    if named is False:
        return 1, (
            f"{statement.name} allows {refusal.action} only on "
            f"{_resources(statement)}, not on {refusal.piece.example}"
        )
    failing = [c for c in statement.clauses if clause_holds(c, context) is False]
    return (0, f"{statement.name} {_unmet(failing[0], context)}") if failing else None


def _resources(statement: Statement) -> str:
    listed = ", ".join(pattern.text for pattern in statement.resources)
    return f"what is not {listed}" if statement.not_resources else listed


def _wrong_principal(statement: Statement, refusal: Refusal) -> str:
    """The two usual mistakes: another region's name, and the accounts of before 2022."""
    if statement.principals is None:
        return ""
    services = [s for s in statement.principals.of("Service") if s.startswith("redshift.")]
    if services:
        return (
            f"{statement.name} allows {services[0]}, but in {refusal.region} Redshift delivers "
            f"as {refusal.principal}: name that principal"
        )
    users = [arn for arn in statement.principals.of("AWS") if arn.endswith(":user/logs")]
    if users:
        return (
            f"{statement.name} allows {users[0]}, Redshift's account of before 2022; it now "
            f"delivers as the service principal {refusal.principal}: name that principal"
        )
    return ""


def _unmet(clause: Clause, context: Context) -> str:
    if clause.key.lower().startswith("aws:source"):
        return _other_cluster(clause, context)
    return f"allows only requests with {clause}, which Redshift's are not"


def _other_cluster(clause: Clause, context: Context) -> str:
    """A confused-deputy condition that names somebody else."""
    known = context(clause.key.lower())
    ours = f"; this cluster's is {known[0]}" if isinstance(known, tuple) and known[0] else ""
    return f"admits only {clause.key} {', '.join(clause.values)}{ours}"
