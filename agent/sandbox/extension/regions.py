"""Which regions an account has: ec2 DescribeRegions and account ListRegions say the same."""

from __future__ import annotations

from typing import Any

import moto.account.urls
from moto.account.responses import AccountResponse
from moto.core.responses import ActionResult
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.ec2.responses.availability_zones_and_regions import AvailabilityZonesAndRegions
from moto.utilities.utils import get_partition

from agent.sandbox.accounts import ACCOUNTS, DEFAULT_REGIONS
from agent.sandbox.extension.patch import add, replace


def _status(account: str, region: str) -> tuple[str, str]:
    """The region's state as EC2 and as Account Management put it."""
    if region in DEFAULT_REGIONS:
        return "opt-in-not-required", "ENABLED_BY_DEFAULT"
    if region in ACCOUNTS.regions(account):
        return "opted-in", "ENABLED"
    return "not-opted-in", "DISABLED"


def _is_visible(account: str, region: str) -> bool:
    return region in ACCOUNTS.regions(account)


def _names() -> list[str]:
    return [r.name for r in RegionsAndZonesBackend.regions if get_partition(r.name) == "aws"]


def _describe_regions(self: Any) -> ActionResult:
    wanted = self._get_param("RegionNames", [])
    everything = self._get_bool_param("AllRegions", False)
    shown = [
        {
            "RegionName": name,
            "Endpoint": f"ec2.{name}.amazonaws.com",
            "OptInStatus": _status(self.current_account, name)[0],
        }
        for name in _names()
        if (not wanted or name in wanted)
        and (everything or wanted or _is_visible(self.current_account, name))
    ]
    return ActionResult({"Regions": shown})


def _list_regions(self: Any) -> ActionResult:
    wanted = self._get_param("RegionOptStatusContains") or []
    shown = [
        {"RegionName": name, "RegionOptStatus": _status(self.current_account, name)[1]}
        for name in _names()
    ]
    return ActionResult(
        {"Regions": [r for r in shown if not wanted or r["RegionOptStatus"] in wanted]}
    )


def install() -> None:
    """Answers from the sandbox's own list; EC2's backend is slow to build and lists all."""
    replace(AvailabilityZonesAndRegions, "describe_regions", _describe_regions)
    add(AccountResponse, "list_regions", _list_regions)
    moto.account.urls.url_paths["{0}/listRegions$"] = AccountResponse.dispatch
