"""The waiver file: a list of dated exceptions, read strictly."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from agent.config_values import Account, Text
from agent.yaml_file import Where, Written, check, read
from controls.waiver import Waiver


def _day(value: object) -> date:
    """A day as YYYY-MM-DD and nothing else: a number is no date, a time no day."""
    if isinstance(value, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise PydanticCustomError("day", "should be a day such as 2026-12-31")


class WaiverSetting(Written):
    """One waiver as it is written."""

    rule: Text
    resources: Annotated[tuple[Text, ...], Field(min_length=1)]
    why: Text
    by: Text
    until: Annotated[date, BeforeValidator(_day)]
    account: Account | None = None
    region: Text | None = None


class WaiverFile(Written):
    """The file where the list stands under a key."""

    waivers: tuple[WaiverSetting, ...]


def load_waivers(path: Path) -> tuple[Waiver, ...]:
    """The waivers in the file: a YAML list, or `waivers:` with a list. An empty file has none.

    Raises:
        ConfigProblems: every problem, each a line with file, line and column.
    """
    source = read(path)
    value = source.value if source.value is not None else []
    above: Where = ("waivers",) if isinstance(value, dict) else ()
    written = (
        check(WaiverFile, value, source).waivers
        if above
        else check(tuple[WaiverSetting, ...], value, source)
    )
    return tuple(
        Waiver(**dict(item), at=source.place((*above, index))) for index, item in enumerate(written)
    )
