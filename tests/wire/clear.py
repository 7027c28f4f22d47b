"""What runs are read by: refusals in one clear line, findings counted, targets and their state."""

from __future__ import annotations

import json
from typing import Any

from tests.wire.conftest import Ran


def one_line(ran: Ran, code: int) -> str:
    """The one line that was said. Fails on any other exit code, on more lines and on tracebacks."""
    lines = ran.err.splitlines()
    assert ran.code == code, ran.err
    assert ran.out == ""
    assert len(lines) == 1, ran.err
    assert lines[0].startswith("trailkeeper: ")
    return lines[0].removeprefix("trailkeeper: ")


def judged(ran: Ran, code: int) -> dict[str, int]:
    """How many findings of each status. Fails on any other exit code, and where stderr says
    anything that is no line of JSON or tells of a traceback."""
    assert ran.code == code, ran.err + ran.out
    assert "Traceback" not in ran.err
    for line in ran.err.splitlines():
        json.loads(line)
    summary: dict[str, int] = ran.report["summary"]
    return summary


def coverage(ran: Ran) -> dict[str, str]:
    """`account/region` to how much of it was read."""
    return {f"{one['account']}/{one['region']}": one["status"] for one in ran.report["targets"]}


def reason(ran: Ran, region: str) -> str:
    """Why a region was not wholly read."""
    (found,) = [one["reason"] for one in ran.report["targets"] if one["region"] == region]
    return str(found)


def bare_cluster(account: str, region: str, name: str) -> dict[str, Any]:
    """A cluster that logs nowhere."""
    return {"do": "cluster", "account": account, "region": region, "identifier": name}
