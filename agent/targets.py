"""Which accounts and regions to sweep, and how each account is reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.aws import errors
from agent.aws.access import AccountAccess
from agent.aws.door import Aws
from agent.collect import Target
from agent.config import Settings
from agent.config import Target as Written
from agent.stop import NO_VERDICT, WRONG_USE, StopError
from agent.targets_written import ALL
from controls.model import AwsError, CannotTellError


@dataclass(frozen=True, slots=True)
class Plan:
    """What one sweep goes to: the ways in, the targets, and the regions left out."""

    accesses: tuple[AccountAccess, ...]
    targets: tuple[Target, ...]


def plan_targets(
    aws: Aws,
    settings: Settings,
    *,
    accounts: Sequence[str] | None = None,
    regions: Sequence[str] | None = None,
) -> Plan:
    """The targets of the configuration, narrowed to `accounts` and `regions` if given.

    A target whose regions cannot be listed, or whose role cannot be assumed, stands in the plan
    with its problem: it is unreadable, not absent.

    Raises:
        StopError: no credentials, profile or region at all; an account that is no target.
    """
    home = _home_region(aws, settings, regions)
    accesses: list[AccountAccess] = []
    targets: list[Target] = []
    for written in settings.targets:
        wanted = _wanted_regions(settings, written, regions, home)
        first = next((region for region in wanted if region != ALL), home)
        access = _access(aws, written, first)
        if accounts and access.account not in accounts:
            continue
        accesses.append(access)
        targets += _targets(aws, access, wanted, first)
    _check_accounts(accounts, accesses)
    return Plan(tuple(accesses), tuple(dict.fromkeys(targets)))


def _home_region(aws: Aws, settings: Settings, regions: Sequence[str] | None) -> str:
    """A region to begin in: asked for, configured, or the credentials' own."""
    try:
        own = aws.default_region()
    except AwsError as error:
        raise StopError(WRONG_USE, f"{error.message}: check AWS_PROFILE") from error
    named = [*(regions or ()), *(settings.regions or ())]
    for target in settings.targets:
        named += target.regions or ()
    if own or any(region != ALL for region in named if len(region) > 1):
        return own or next(region for region in named if region != ALL and len(region) > 1)
    raise StopError(
        WRONG_USE,
        "no region: name one with --region, in the configuration (regions), or in AWS_REGION",
    )


def _wanted_regions(
    settings: Settings, written: Written, regions: Sequence[str] | None, home: str
) -> tuple[str, ...]:
    if regions:
        return tuple(dict.fromkeys(regions))
    chosen = written.regions or settings.regions
    if chosen is None:
        return (home,)
    return (ALL,) if chosen == ALL else tuple(chosen)


def _access(aws: Aws, written: Written, region: str) -> AccountAccess:
    if written.role:
        account = written.role.split(":")[4]
        return AccountAccess(account, written.role, written.external_id, region=region)
    try:
        return AccountAccess(aws.identify(region=region).account, region=region)
    except AwsError as error:
        code = WRONG_USE if errors.is_no_credentials(error) else NO_VERDICT
        raise StopError(code, f"cannot tell whose credentials these are: {error}") from error


def _targets(aws: Aws, access: AccountAccess, wanted: Iterable[str], first: str) -> list[Target]:
    if ALL not in wanted:
        return [Target(access.account, region) for region in wanted]
    try:
        return [Target(access.account, region) for region in enabled_regions(aws, access, first)]
    except (AwsError, CannotTellError) as error:
        return [Target(access.account, ALL, f"which regions are enabled is unknown: {error}")]


def enabled_regions(aws: Aws, access: AccountAccess, region: str) -> list[str]:
    """Every region that the account has enabled. Raises AwsError."""
    reader = aws.sweep(aws.utc(), [access]).reader(access.account, region)
    answer = reader.call(
        "ec2",
        "DescribeRegions",
        Filters=[{"Name": "opt-in-status", "Values": ["opt-in-not-required", "opted-in"]}],
    )
    return sorted(str(one["RegionName"]) for one in answer.get("Regions", ()))


def _check_accounts(accounts: Sequence[str] | None, accesses: Sequence[AccountAccess]) -> None:
    known = {access.account for access in accesses}
    missing = [account for account in accounts or () if account not in known]
    if missing:
        raise StopError(
            WRONG_USE,
            f"account {', '.join(missing)} is not among the targets: add its role under targets "
            "in the configuration",
        )
