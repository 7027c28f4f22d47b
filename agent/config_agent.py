"""The settings of the agent as it runs: how often it sweeps, what it remembers, where it serves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from agent.config_values import HistoryDays, Interval, Listen, Seconds, StoreUrl, Text
from agent.yaml_file import Written


class IntervalSetting(Written):
    """How often the agent looks, in seconds."""

    full_seconds: Interval = 900.0
    freshness_seconds: Interval = 300.0
    spread_seconds: Annotated[float, Field(strict=True, ge=0, le=3_600)] = 30.0
    """Over so many seconds the targets of a sweep begin, each at its own offset."""
    reload_seconds: Seconds = 10.0
    """How often configuration, rules and waivers are looked at for changes."""


class StoreSetting(Written):
    """Where findings, their history and the sweeps are kept."""

    url: StoreUrl | None = None
    """None: the SQLite file `trailkeeper.db` in the state directory."""
    url_file: Path | None = None
    """A file that holds the URL, for one with a password in it."""
    history_days: HistoryDays = 400


class HttpSetting(Written):
    """Where metrics, pages and API are served, and to whom."""

    listen: Listen = ("127.0.0.1", 9712)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    token_file: Path | None = None
    """A file with the bearer token that everything but /healthz and /readyz asks for."""


class MetricsSetting(Written):
    """What the metrics hold."""

    resource_series: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 10_000
    """How many non-compliant resources have a series of their own, the gravest first."""


FRESHNESS_RULES: tuple[Text, ...] = ("redshift-logs-fresh", "redshift-log-delivery-healthy")
"""The rules of the freshness sweep, which runs more often than the full one."""
