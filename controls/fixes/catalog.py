"""Every fix there is, by name."""

from __future__ import annotations

from collections.abc import Mapping

from controls.change import Fix
from controls.fixes import (
    bucket_access,
    bucket_encryption,
    bucket_policy,
    lifecycle,
    log_groups,
    redshift_logging,
    redshift_parameters,
    redshift_reboot,
    serverless,
)

FIXES: Mapping[str, Fix] = {
    fix.name: fix
    for fixes in (
        redshift_logging.FIXES,
        redshift_parameters.FIXES,
        redshift_reboot.FIXES,
        bucket_policy.FIXES,
        bucket_encryption.FIXES,
        bucket_access.FIXES,
        lifecycle.FIXES,
        log_groups.FIXES,
        serverless.FIXES,
    )
    for fix in fixes
}
"""By name; one file of fixes after the other."""
