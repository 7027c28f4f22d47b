"""What every refusal looks like: an exit code, one clear line on stderr, and nothing on stdout."""

from __future__ import annotations

import json

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
