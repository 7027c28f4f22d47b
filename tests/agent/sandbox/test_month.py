"""The made-up month of logs: what it counts is what it writes, and what it writes is repeatable."""

from __future__ import annotations

import gzip
import hashlib
import re
import subprocess
import sys
import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.report.model import Month
from agent.sandbox.month import Truth, generate, produce

MONTH = Month(2026, 10)
SCALE = 0.05
FIRST = int(MONTH.start.timestamp()) // 3600
NOVEMBER = int(MONTH.end.timestamp()) // 3600
HEADER = re.compile(
    rb"(?:\A|(?<=\n))'(\d{4}-\d\d-\d\dT\d\d):\d\d:\d\dZ UTC "
    rb"\[ db=[^\n]*? user=([^\n]*?) pid=\d+ userid=\d+ xid=\d+ \]' LOG: "
)


@dataclass(frozen=True)
class Made:
    """A generated month."""

    truth: Truth
    folder: Path

    def objects(self, log_type: str) -> list[Path]:
        """Its objects of one log, by stamp."""
        return sorted(self.folder.rglob(f"*_{log_type}_*.gz"), key=lambda path: path.name)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A small month without damage."""
    folder = tmp_path_factory.mktemp("clean")
    return Made(generate(MONTH, folder, scale=SCALE, damage=False), folder)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The same month with all kinds of damage."""
    folder = tmp_path_factory.mktemp("damaged")
    return Made(generate(MONTH, folder, scale=SCALE), folder)


def salvaged(path: Path) -> bytes:
    """All that zlib gives away of a gzip, whole or not, of every member."""
    data, found = path.read_bytes(), b""
    while data:
        unpack = zlib.decompressobj(31)
        found += unpack.decompress(data)
        data = unpack.unused_data
    return found


def digests(folder: Path) -> dict[str, str]:
    """What lies below a folder, by path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


# ---------------------------------------------------------------- counts


def test_headers_of_a_clean_month_are_as_many_as_the_records_told(clean: Made) -> None:
    text = b"".join(gzip.decompress(path.read_bytes()) for path in clean.objects("useractivitylog"))
    hours = Counter(match[1].decode() for match in HEADER.finditer(text))
    told = {hour: n for (log, hour), n in clean.truth.hours.items() if log == "useractivitylog"}

    assert {
        int(datetime.fromisoformat(f"{hour}:00+00:00").timestamp()) // 3600: count
        for hour, count in hours.items()
        if hour.startswith(str(MONTH))
    } == told
    assert sum(hours.values()) - sum(told.values()) == clean.truth.outside["useractivitylog"]


def test_every_hour_of_a_clean_month_has_records_in_both_logs(clean: Made) -> None:
    for log_type in ("useractivitylog", "connectionlog"):
        hours = {hour for log, hour in clean.truth.hours if log == log_type}
        assert hours == set(range(FIRST, NOVEMBER))
    assert clean.truth.gaps == ()
    assert clean.truth.damaged == ()


def test_lines_of_the_connection_log_are_as_many_as_the_records_told(clean: Made) -> None:
    lines = [
        line
        for path in clean.objects("connectionlog")
        for line in gzip.decompress(path.read_bytes()).split(b"\n")
        if b" Oct 2026 " in line
    ]

    assert len(lines) == clean.truth.records["connectionlog"]
    assert sum(line.startswith(b"authentication failure |") for line in lines) == sum(
        clean.truth.failures.values()
    )
    assert sum(line.startswith(b"authenticated |") for line in lines) == sum(
        clean.truth.logins.values()
    )


def test_the_damage_takes_no_record_but_those_it_tells_of(clean: Made, damaged: Made) -> None:
    missing = Counter(clean.truth.hours)
    missing.subtract(damaged.truth.hours)
    lost = {(log, first + n) for log, first, hours in damaged.truth.gaps for n in range(hours)}
    truncated = [one for one in damaged.truth.damaged if one.what == "truncated"]

    assert {key for key in lost if damaged.truth.hours[key]} == set()
    assert sum(n for key, n in missing.items() if n > 0 and key not in lost) == sum(
        one.lost for one in truncated
    )


@pytest.mark.parametrize("log_type", ["useractivitylog", "connectionlog"])
def test_of_a_truncated_object_as_much_can_be_had_as_told(damaged: Made, log_type: str) -> None:
    (one,) = [
        each
        for each in damaged.truth.damaged
        if each.what == "truncated" and f"_{log_type}_" in each.key
    ]
    path = damaged.folder / one.key
    hour = int(datetime.strptime(one.key[-19:-3], "%Y-%m-%dT%H:%M").replace(tzinfo=UTC).timestamp())
    text = salvaged(path)
    records = len(HEADER.findall(text)) if log_type == "useractivitylog" else text.count(b"\n")

    with pytest.raises(EOFError):
        gzip.decompress(path.read_bytes())
    assert records == damaged.truth.hours[log_type, hour // 3600 - 1]
    assert one.lost > 0


def test_a_record_across_three_objects_is_whole_when_they_are_put_together(damaged: Made) -> None:
    parts = [one.key for one in damaged.truth.damaged if one.what == "across three"]
    texts = [salvaged(damaged.folder / key) for key in parts]

    assert len(parts) == 3
    assert HEADER.search(texts[1]) is None
    assert texts[1]
    assert b"column_059" in b"".join(texts)


# ---------------------------------------------------------------- what is in it


def test_every_kind_of_damage_is_there(damaged: Made) -> None:
    kinds = {one.what for one in damaged.truth.damaged}

    assert kinds == {
        "truncated",
        "zero bytes",
        "nothing in it",
        "several members",
        "twice",
        "underscore",
        "late",
        "foreign",
        "across two",
        "across three",
    }
    assert {log for log, _, _ in damaged.truth.gaps} == {"useractivitylog", "connectionlog"}
    assert damaged.truth.bad_lines["connectionlog"] == 3
    assert min(damaged.truth.bad_bytes.values()) > 0
    assert len(damaged.truth.orphans) == 1
    assert all((damaged.folder / one.key).is_file() for one in damaged.truth.damaged)


def test_all_layouts_of_the_connection_log_occur(clean: Made) -> None:
    lines = [
        line
        for path in clean.objects("connectionlog")
        for line in gzip.decompress(path.read_bytes()).split(b"\n")
    ]

    assert {16, 19, 21, 22} <= {line.count(b"|") + 1 for line in lines}
    assert any(b"Tableau | Finance" in line for line in lines)


def test_every_section_that_finds_has_an_incident(clean: Made) -> None:
    sections = {one.section for one in clean.truth.incidents}

    assert {"failures", "newcomers", "transport", "users", "privileged", "privileges"} <= sections
    assert {"movement", "sensitive", "off_hours", "tampering", "destructive"} <= sections
    assert {"sessions", "schema_changes"} <= sections
    assert all(
        MONTH.start.timestamp() * 1000 <= one.at_ms < MONTH.end.timestamp() * 1000
        for one in clean.truth.incidents
    )


# ---------------------------------------------------------------- how it is made


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        generate(MONTH, tmp_path / name, seed=seed, scale=0.01)
    one, again, other = (digests(tmp_path / name) for name in ("one", "again", "other"))

    assert one == again
    assert one != other


def test_months_made_alike_agree_on_the_hours_they_share(tmp_path: Path) -> None:
    told = {"scale": 0.01, "damage": False, "incidents": False}
    generate(MONTH, tmp_path / "october", **told)  # type: ignore[arg-type]
    generate(MONTH.shifted(1), tmp_path / "november", **told)  # type: ignore[arg-type]
    october, november = digests(tmp_path / "october"), digests(tmp_path / "november")
    shared = october.keys() & november.keys()

    assert len(shared) > 90
    assert {key: october[key] for key in shared} == {key: november[key] for key in shared}


def test_nothing_is_delivered_after_the_last_time_that_is_told() -> None:
    until = datetime(2026, 11, 1, 9, 20, tzinfo=UTC)
    stamps: list[str] = []
    produce(
        MONTH,
        lambda key, body, modified: stamps.append(key[-19:-3]),
        scale=0.01,
        damage=False,
        minute=20,
        until=until,
    )

    assert max(stamps) == "2026-11-01T09:20"


def test_the_command_line_writes_a_month_and_says_what_is_in_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agent.sandbox.month", str(tmp_path), "--month", "2026-02"]
    done = subprocess.run(
        [*command, "--scale", "0.01", "--clean", "--quiet"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "useractivitylog: " in done.stdout
    assert "userlog: 1 records" in done.stdout
    assert list(tmp_path.rglob("*_useractivitylog_2026-03-01T00:50.gz"))
