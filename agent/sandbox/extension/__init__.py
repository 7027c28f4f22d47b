"""What moto lacks or gets wrong, put right: one module per AWS service."""

from __future__ import annotations

from agent.sandbox.extension import (
    iam,
    logs,
    redshift,
    redshift_logging,
    redshift_parameters,
    regions,
    s3,
    s3_lifecycle,
    s3_policy,
    serverless,
    speed,
    sts,
)

_INSTALLED: list[bool] = []


def install() -> None:
    """Puts the extension over moto, once per process, before its first use."""
    if _INSTALLED:
        return
    for part in (
        redshift,
        redshift_parameters,
        redshift_logging,
        serverless,
        s3,
        s3_lifecycle,
        s3_policy,
        logs,
        iam,
        sts,
        regions,
        speed,  # last: it caches what the others have put in place
    ):
        part.install()
    _INSTALLED.append(True)
