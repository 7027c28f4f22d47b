"""The settings of the monthly report: where the logs lie, what is asked, where the report goes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from agent.config_values import BucketName, ExternalId, RoleArn, Text, shape
from agent.report.model import Questions
from agent.yaml_file import Written, several

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_CLOCK = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")
_WINDOW = re.compile(r"(mon|tue|wed|thu|fri|sat|sun) (\S+)-(\S+)")


def _place(text: str) -> str:
    """`s3://bucket/prefix/`, or a folder."""
    if "://" in text and not re.fullmatch(r"s3://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/.*)?", text):
        raise PydanticCustomError("place", "should be s3://bucket/prefix/ or a folder")
    return text


def _zone(name: str) -> str:
    """A zone that there is; where no zone files are (the agent's image), one that looks like it."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        looks = re.fullmatch(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+)*", name)
        if available_timezones() or not looks:
            message = "should be a time zone such as UTC or Europe/Berlin"
            raise PydanticCustomError("zone", message) from None
    return name


def _minute(text: str) -> int | None:
    """The minute of the day that `HH:MM` names, 24:00 included."""
    found = _CLOCK.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2]) if found else 24 * 60 + 1
    return minute if minute <= 24 * 60 else None


def _span(first: str, last: str) -> tuple[int, int] | None:
    begins, ends = _minute(first), _minute(last)
    return (begins, ends) if begins is not None and ends is not None and begins < ends else None


def _hours(value: object) -> object:
    """`07:00-19:00` as minutes of the day."""
    if isinstance(value, str) and (span := _span(*value.partition("-")[::2])):
        return span
    raise PydanticCustomError("hours", "should be from-to within a day such as 07:00-19:00")


def _window(value: object) -> object:
    """`sun 02:00-04:00` as weekday and minutes."""
    found = _WINDOW.fullmatch(value) if isinstance(value, str) else None
    span = _span(found[2], found[3]) if found else None
    if found is None or span is None:
        message = "should be a weekday and from-to within it such as sun 02:00-04:00"
        raise PydanticCustomError("window", message)
    return (DAYS.index(found[1]), *span)


def _days(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(value), key=DAYS.index))


Place = Annotated[Text, AfterValidator(_place)]
Zone = Annotated[Text, AfterValidator(_zone)]
Hours = Annotated[tuple[int, int], BeforeValidator(_hours)]
Window = Annotated[tuple[int, int, int], BeforeValidator(_window)]
WorkDays = Annotated[
    tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...], AfterValidator(_days)
]
S3Url = Annotated[
    str,
    shape(r"s3://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]/.*", "an S3 URL such as s3://bucket/prefix/"),
]


def _at_most(most: int) -> Any:
    return Field(strict=True, ge=1, le=most)


class BurstSetting(Written):
    """How many failed logins, within how many minutes, are an attack."""

    failures: Annotated[int, _at_most(100_000)] = 5
    minutes: Annotated[int, _at_most(1_440)] = 10


class AthenaSetting(Written):
    """What `--engine athena` asks: the Glue database, and where Parquet and answers lie."""

    database: Annotated[str, shape("[a-z0-9_]{1,255}", "lower-case letters, digits and _")]
    output_location: S3Url
    curated: S3Url
    """Where the normalised logs are put for Athena to read."""
    workgroup: Text = "primary"


class ReportSetting(Written):
    """What the monthly report reads, asks and writes. The defaults alone must work."""

    destination: Place | None = None
    """Where reports are written, and where the agent looks for last month's."""
    sources: tuple[Place, ...] = ()
    """Where the audit logs lie, beyond what --source names."""
    role: Literal["current"] | RoleArn | None = None
    """Who reads the logs and writes the report on S3; None: the credentials at hand."""
    external_id: ExternalId | None = None
    work_directory: Path | None = None
    """None: `auditlog` in the state directory. Kept between runs: each object is read once."""
    time_zone: Zone = "UTC"
    work_days: WorkDays = ("mon", "tue", "wed", "thu", "fri")
    work_hours: Hours = (7 * 60, 19 * 60)
    change_windows: tuple[Window, ...] = ()
    admins: tuple[Text, ...] = ()
    sensitive_objects: tuple[Text, ...] = ()
    allowed_buckets: tuple[BucketName, ...] = ()
    burst: BurstSetting = BurstSetting()
    shared_addresses: Annotated[int, Field(strict=True, ge=2, le=10_000)] = 5
    gap_hours: Annotated[int, _at_most(744)] = 1
    baseline_months: Annotated[int, Field(strict=True, ge=0, le=24)] = 1
    """Months before of which connections are read, to tell what is new."""
    athena: AthenaSetting | None = None

    @model_validator(mode="after")
    def _external_id_goes_with_a_role(self) -> ReportSetting:
        if self.external_id and self.role in (None, "current"):
            several([(("external_id",), "goes with the ARN of a role")])
        return self

    def to_questions(self) -> Questions:
        """As the sections take it."""
        return Questions(
            time_zone=self.time_zone,
            work_days=tuple(DAYS.index(day) for day in self.work_days),
            work_from=self.work_hours[0],
            work_to=self.work_hours[1],
            change_windows=self.change_windows,
            admins=self.admins,
            sensitive=self.sensitive_objects,
            allowed_buckets=self.allowed_buckets,
            burst_failures=self.burst.failures,
            burst_minutes=self.burst.minutes,
            shared_addresses=self.shared_addresses,
            gap_hours=self.gap_hours,
        )


def anchor(report: object, folder: Path) -> None:
    """Make the folders in a `report` mapping, as it was written, relative to `folder`."""
    if not isinstance(report, dict):
        return
    if isinstance(report.get("work_directory"), str):
        report["work_directory"] = folder / Path(report["work_directory"]).expanduser()
    if isinstance(report.get("destination"), str):
        report["destination"] = _anchored(report["destination"], folder)
    if isinstance(report.get("sources"), list):
        report["sources"] = [_anchored(one, folder) for one in report["sources"]]


def _anchored(place: Any, folder: Path) -> Any:
    """A folder below the file's own; a URL, or what is no text, as it stands."""
    if not isinstance(place, str) or not place or "://" in place:
        return place
    return str(folder / Path(place).expanduser())
