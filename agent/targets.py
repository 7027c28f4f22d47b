"""Which accounts and regions to sweep, and how each account is reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from agent.aws import errors
from agent.aws.access import AccountAccess, partition_of, region_for
from agent.aws.door import Aws
from agent.collect import Target
from agent.config import Settings
from agent.config import Target as Written
from agent.config_values import REGION
from agent.stop import NO_VERDICT, WRONG_USE, StopError
from agent.targets_written import ALL
from controls.model import AwsError, CannotTellError

ASKED_REGIONS = 3
"""In so many regions at most it is asked whose credentials these are."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one sweep goes to: the ways into every account that is configured, and the targets."""

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

    A target whose regions cannot be listed stands in the plan with its problem: it is unreadable,
    not absent. The ways into accounts that were left out stay: log buckets may be theirs.

    Raises:
        StopError: no credentials, profile or region at all; an account that is no target, or is
            one twice.
    """
    home = _home_region(aws, settings, regions)
    accesses: list[AccountAccess] = []
    targets: list[Target] = []
    for written in settings.targets:
        wanted = _wanted_regions(settings, written, regions, home)
        access = _access(aws, written, wanted, home)
        accesses.append(access)
        if not accounts or access.account in accounts:
            targets += _targets(aws, access, wanted)
    _check_ways(accesses)
    _check_accounts(accounts, accesses)
    return Plan(tuple(accesses), tuple(dict.fromkeys(targets)))


def _home_region(aws: Aws, settings: Settings, regions: Sequence[str] | None) -> str:
    """A region to begin in: the credentials' own, else the first that is named anywhere."""
    try:
        own = aws.default_region()
    except AwsError as error:
        raise StopError(WRONG_USE, f"{error.message}: check AWS_PROFILE") from error
    _check_region(own, "AWS_REGION (or the profile)")
    asked = [*(regions or ()), *_listed(settings.regions)]
    for region in regions or ():
        _check_region(region, "--region")
    for target in settings.targets:
        asked += _listed(target.regions)
    named = [region for region in (own, *asked) if region and region != ALL]
    if named:
        return named[0]
    if asked:  # `all`, and nothing says where to begin to ask
        role = settings.targets[0].role
        return region_for("sts", "global", partition_of("", role))
    raise StopError(
        WRONG_USE,
        "no region: name one with --region, in the configuration (regions), or in AWS_REGION",
    )


def _listed(regions: Literal["all"] | Sequence[str] | None) -> list[str]:
    return [ALL] if regions == ALL else list(regions or ())


def _check_region(region: str, source: str) -> None:
    """A typo would only show as an endpoint that nobody answers at."""
    if region and region != ALL and not REGION.fullmatch(region):
        message = f"{source} names {region!r}, which is no region such as eu-west-1"
        raise StopError(WRONG_USE, message)


def _wanted_regions(
    settings: Settings, written: Written, regions: Sequence[str] | None, home: str
) -> tuple[str, ...]:
    chosen = regions or _listed(written.regions) or _listed(settings.regions) or [home]
    return tuple(dict.fromkeys(chosen))


def _access(aws: Aws, written: Written, wanted: Sequence[str], home: str) -> AccountAccess:
    named = [region for region in wanted if region != ALL]
    near = home if home in named or not named else named[0]
    if written.role:
        account = written.role.split(":")[4]
        return AccountAccess(account, written.role, written.external_id, region=near)
    return _at_hand(aws, list(dict.fromkeys((near, home, *named))))


def _at_hand(aws: Aws, regions: Sequence[str]) -> AccountAccess:
    """The credentials at hand: a region that is closed to them must not cost the others."""
    said: list[AwsError] = []
    for region in regions[:ASKED_REGIONS]:
        try:
            return AccountAccess(aws.identify(region=region).account, region=region)
        except AwsError as error:
            said.append(error)
            if not (errors.is_expired(error) or error.code == errors.UNREACHABLE):
                break
    nothing = errors.is_no_credentials(said[0]) or said[0].code == errors.NO_REGION
    code = WRONG_USE if nothing else NO_VERDICT
    raise StopError(code, f"cannot tell whose credentials these are: {said[0]}") from said[0]


def _targets(aws: Aws, access: AccountAccess, wanted: Iterable[str]) -> list[Target]:
    if ALL not in wanted:
        return [Target(access.account, region) for region in wanted]
    try:
        regions = enabled_regions(aws, access, access.region)
        return [Target(access.account, region) for region in regions]
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


def _check_ways(accesses: Sequence[AccountAccess]) -> None:
    """Two ways into one account: which one answers must be sure."""
    seen: dict[str, str] = {}
    for access in accesses:
        way = access.role_arn or "the credentials at hand"
        if access.account in seen:
            raise StopError(
                WRONG_USE,
                f"account {access.account} is a target twice, by {seen[access.account]} and by "
                f"{way}: keep one of them under targets",
            )
        seen[access.account] = way


def _check_accounts(accounts: Sequence[str] | None, accesses: Sequence[AccountAccess]) -> None:
    known = {access.account for access in accesses}
    missing = [account for account in accounts or () if account not in known]
    if missing:
        raise StopError(
            WRONG_USE,
            f"account {', '.join(missing)} is not among the targets: add its role under targets "
            "in the configuration",
        )
