"""Loading: each object once, whole or not at all, and at its own expense."""

from __future__ import annotations

import fcntl
import gzip
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.auditlog import sidecar
from agent.auditlog.loading import Loaded, load, pooled
from agent.auditlog.local import LocalSource
from agent.auditlog.objects import (
    Fragment,
    Listing,
    LogObject,
    ObjectResult,
    ObjectStatus,
)
from agent.auditlog.schema import ACTIVITY, partition
from agent.stop import StopError
from controls.model import AwsError
from tests.auditlog.standins import C1, C2, START, Memory, Seen, changed, item_of, read_whole

A, B, C = item_of(0), item_of(1), item_of(2)
LINES = item_of(0, "connectionlog")


def loaded(
    curated: Path,
    bodies: dict[LogObject, bytes | Exception],
    *,
    jobs: int = 1,
    breaks: dict[LogObject, int] | None = None,
    seen: Seen | None = None,
) -> tuple[Loaded, list[str]]:
    """One run over these objects; and the keys that were opened, in order."""
    source = Memory(
        {item.key: body for item, body in bodies.items()},
        {item.key: n for item, n in (breaks or {}).items()},
    )
    found = load(
        source,
        Listing(tuple(bodies)),
        curated,
        jobs=jobs,
        said=lambda done, of: None,
        run=partial(pooled, jobs=jobs, read=read_whole),
        stitches=(seen or Seen()).stitches(),
    )
    return found, source.opened


def statuses(found: Loaded) -> list[str]:
    return [one.status.value for one in found.results]


def parquet(curated: Path) -> list[str]:
    return sorted(path.stem for path in curated.rglob("*.parquet"))


def test_every_object_has_one_result_in_the_order_of_writer_log_and_stamp(tmp_path: Path) -> None:
    other = item_of(0, writer=C2)
    found, _ = loaded(tmp_path, {other: b"x\n", B: b"b\n", LINES: b"l\n", A: b"a\n"})

    assert [one.object for one in found.results] == [LINES, A, B, other]
    assert all(path.exists() for one in found.results for path in files(one, tmp_path))


def files(result: ObjectResult, curated: Path) -> list[Path]:
    return [curated / name for name in result.files.values()]


def test_ends_are_written_once_for_each_writer_after_all_objects(tmp_path: Path) -> None:
    seen, other = Seen(), item_of(0, writer=C2)
    found, _ = loaded(tmp_path, {B: b"b\n", A: b"a\n", LINES: b"l\n", other: b"x\n"}, seen=seen)

    assert seen.calls == [
        ("activity", (A.key, B.key)),
        ("lines", (LINES.key,)),
        ("activity", (other.key,)),
    ]
    assert {writer: len(ends) for writer, ends in found.ends.items()} == {C1: 2, C2: 1}


def test_progress_is_told_up_to_the_last_object(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    load(
        Memory({A.key: b"a\n", B.key: b"b\n"}),
        Listing((A, B)),
        tmp_path,
        jobs=1,
        said=lambda done, of: told.append((done, of)),
        run=partial(pooled, jobs=1, read=read_whole),
        stitches=Seen().stitches(),
    )

    assert told == [(0, 2), (1, 2), (2, 2)]


def test_what_was_read_is_not_read_again(tmp_path: Path) -> None:
    bodies: dict[LogObject, bytes | Exception] = {A: b"a\n", LINES: b""}
    first, _ = loaded(tmp_path, bodies)
    second, opened = loaded(tmp_path, bodies)

    assert (second, opened) == (first, [])


def test_an_object_that_changed_is_read_anew_and_what_was_made_of_it_goes(tmp_path: Path) -> None:
    loaded(tmp_path, {A: b"a\n", B: b"b\n"})
    new = changed(A, "other")
    found, opened = loaded(tmp_path, {new: b"a\na\n", B: b"b\n"})

    assert opened == [A.key]
    assert found.results[0].records == 2
    assert parquet(tmp_path) == sorted([new.digest, B.digest])
    assert not sidecar.path_of(A, tmp_path).exists()


@pytest.mark.parametrize(
    "harm",
    [
        *("removed", "cut", "full of zeros", "one bit"),
        *("no sidecar", "broken sidecar", "alien sidecar"),
    ],
)
def test_what_is_not_whole_is_read_again(tmp_path: Path, harm: str) -> None:
    first, _ = loaded(tmp_path, {A: b"a\n"})
    file, kept = files(first.results[0], tmp_path)[0], sidecar.path_of(A, tmp_path)
    match harm:
        case "removed":
            file.unlink()
        case "cut":
            file.write_bytes(file.read_bytes()[:-1])
        case "full of zeros":
            file.write_bytes(bytes(file.stat().st_size))
        case "one bit":
            file.write_bytes(b"c" + file.read_bytes()[1:])
        case "no sidecar":
            kept.unlink()
        case "broken sidecar":
            kept.write_bytes(kept.read_bytes()[:-20])
        case _:
            kept.write_text(json.dumps({"schema": "another"}), encoding="utf-8")
    second, opened = loaded(tmp_path, {A: b"a\n"})

    assert opened == [A.key]
    assert second == first
    assert file.read_bytes() == b"a\nPAR1"


def test_a_sidecar_cannot_have_files_outside_the_folder_removed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("x", encoding="utf-8")
    curated = tmp_path / "curated"
    loaded(curated, {A: b"a\n"})
    path = sidecar.path_of(A, curated)
    document = json.loads(path.read_text(encoding="utf-8"))
    document["files"] = {"activity": "../precious"}
    path.write_text(json.dumps(document), encoding="utf-8")
    loaded(curated, {changed(A, "other"): b"b\n"})

    assert precious.exists()


def test_sidecars_are_their_owners_alone(tmp_path: Path) -> None:
    loaded(tmp_path / "new", {A: b"a\n"})

    assert sidecar.path_of(A, tmp_path / "new").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "objects").stat().st_mode & 0o777 == 0o700


def test_half_done_work_of_a_run_that_was_killed_is_cleared_away(tmp_path: Path) -> None:
    half = tmp_path / ".work" / "x" / "activity" / "y.parquet"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / f"{A.digest}.1.tmp").write_bytes(b"{")
    loaded(tmp_path, {A: b"a\n"})

    assert parquet(tmp_path) == [A.digest]
    assert [path.name for path in (tmp_path / "objects").iterdir()] == [f"{A.digest}.json"]


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with open(tmp_path / ".lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StopError, match="another run is loading"):
            loaded(tmp_path, {A: b"a\n"})


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(AwsError("AccessDenied", "no", action="s3:GetObject", denied=True),
                     "s3:GetObject denied", id="denied"),
        pytest.param(AwsError("InvalidObjectState", "", denied=True),
                     "archived: restore it from Glacier first", id="archived"),
        pytest.param(AwsError("PreconditionFailed", ""), "changed since it was listed",
                     id="replaced"),
        pytest.param(AwsError("NoSuchKey", ""), "gone since it was listed", id="gone"),
        pytest.param(FileNotFoundError(2, "no"), "gone since it was listed", id="no file"),
        pytest.param(PermissionError(13, "Permission denied"), "cannot be read: Permission denied",
                     id="no permission"),
        pytest.param(RuntimeError("select 'secret'"), "cannot be read: RuntimeError",
                     id="a mistake of ours, whose message may quote the log"),
    ],
)  # fmt: skip
def test_an_object_that_cannot_be_read_costs_itself_and_is_tried_in_the_next_run(
    tmp_path: Path, error: Exception, reason: str
) -> None:
    found, _ = loaded(tmp_path, {A: error, B: b"b\n"})
    assert [one.reason for one in found.results] == [reason, ""]
    assert statuses(found) == ["unreadable", "read"]

    found, opened = loaded(tmp_path, {A: b"a\n", B: b"b\n"})
    assert (statuses(found), opened) == (["read", "read"], [A.key])


def test_a_reader_that_fails_leaves_no_file_and_quotes_nothing_of_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, _ = loaded(tmp_path, {A: b"RAISE\n"})

    said = "".join(capsys.readouterr())
    assert "object not read" in said
    assert "secret" not in found.results[0].reason + said
    assert statuses(found) == ["unreadable"]
    assert parquet(tmp_path) == []


def test_bytes_that_break_off_are_read_again_from_the_start(tmp_path: Path) -> None:
    found, opened = loaded(tmp_path, {A: b"1\n2\n3\n4\n"}, breaks={A: 2})

    assert (found.results[0].records, statuses(found)) == (4, ["read"])
    assert opened == [A.key] * 3


def test_bytes_that_always_break_off_are_damage_that_may_be_gone_next_time(tmp_path: Path) -> None:
    found, _ = loaded(tmp_path, {A: b"1\n2\n3\n4\n"}, breaks={A: 3})
    (broken,) = found.results
    assert (broken.status, broken.records) == (ObjectStatus.DAMAGED, 2)
    assert broken.reason == "the peer went away (tried 3 times)"
    assert broken.sha256 == ""

    found, opened = loaded(tmp_path, {A: b"1\n2\n3\n4\n"})
    assert (found.results[0].records, opened) == (4, [A.key])


def test_the_same_bytes_count_once(tmp_path: Path) -> None:
    seen = Seen()
    found, _ = loaded(tmp_path, {A: b"1\n", B: b"2\n", C: b"1\n"}, seen=seen)

    assert statuses(found) == ["read", "read", "duplicate"]
    assert found.results[2].reason == f"byte for byte the same as {A.key}"
    assert sum(one.records for one in found.results) == 2
    assert parquet(tmp_path) == sorted([A.digest, B.digest])
    assert seen.calls == [("activity", (A.key, B.key, C.key))]
    again, opened = loaded(tmp_path, {A: b"1\n", B: b"2\n", C: b"1\n"})
    assert (again.results, opened) == (found.results, [])


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(item_of(1, writer=C2), id="of another cluster"),
        pytest.param(item_of(1, "userlog"), id="of another log"),
    ],
)
def test_the_same_bytes_elsewhere_are_another_object(tmp_path: Path, other: LogObject) -> None:
    found, _ = loaded(tmp_path, {A: b"1\n", other: b"1\n"})

    assert statuses(found) == ["read", "read"]


def test_objects_without_a_byte_are_no_copies(tmp_path: Path) -> None:
    found, _ = loaded(tmp_path, {A: b"", B: b""})

    assert statuses(found) == ["empty", "empty"]


def test_a_copy_whose_original_has_gone_is_read(tmp_path: Path) -> None:
    loaded(tmp_path, {A: b"1\n", B: b"1\n", C: b"1\n"})
    found, opened = loaded(tmp_path, {B: b"1\n", C: b"1\n"})

    assert (statuses(found), opened) == (["read", "duplicate"], [B.key])
    assert found.results[1].reason.endswith(B.key)


def test_an_original_that_comes_later_takes_the_place_of_its_copy(tmp_path: Path) -> None:
    loaded(tmp_path, {B: b"1\n"})
    found, _ = loaded(tmp_path, {A: b"1\n", B: b"1\n"})

    assert statuses(found) == ["read", "duplicate"]
    assert parquet(tmp_path) == [A.digest]


def test_a_process_that_is_killed_costs_the_object_it_had(tmp_path: Path) -> None:
    bodies: dict[LogObject, bytes | Exception] = {
        item_of(n): b"KILL\n" if n == 1 else b"%d\n" % n for n in range(6)
    }
    found, _ = loaded(tmp_path, bodies, jobs=2)

    assert statuses(found) == ["read", "unreadable", "read", "read", "read", "read"]
    assert "ended from outside" in found.results[1].reason
    alone, _ = loaded(tmp_path / "alone", {k: v for k, v in bodies.items() if v != b"KILL\n"})
    assert [one for one in found.results if one.records] == list(alone.results)


def test_a_run_killed_at_any_moment_leaves_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before each rename in turn, the next run finds what a first one would have."""
    bodies: dict[LogObject, bytes | Exception] = {A: b"a\n", B: b"a\n", C: b"c\n"}
    whole, _ = loaded(tmp_path / "whole", bodies)
    rename = Path.replace
    for stop in range(8):
        left = [stop]

        def dies(self: Path, target: Any, left: list[int] = left) -> Any:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return rename(self, target)

        curated = tmp_path / str(stop)
        monkeypatch.setattr(Path, "replace", dies)
        with suppress(KeyboardInterrupt):
            loaded(curated, bodies)
        monkeypatch.setattr(Path, "replace", rename)
        found, _ = loaded(curated, bodies)

        assert found.results == whole.results
        assert parquet(curated) == parquet(tmp_path / "whole")


texts = st.text(max_size=20)
numbers = st.integers(0, 2**62)
fragments = st.none() | st.builds(Fragment, st.text(max_size=30), st.booleans())


@given(
    st.builds(
        partial(ObjectResult, A, sha256="ab", files={}),
        status=st.sampled_from([ObjectStatus.READ, ObjectStatus.DAMAGED]),
        reason=texts,
        plain_bytes=numbers,
        records=numbers,
        statements=numbers,
        bad=numbers,
        first_ms=st.none() | numbers,
        last_ms=st.none() | numbers,
        head=fragments,
        tail=fragments,
        tail_ordinal=numbers,
    )
)
@settings(max_examples=30, deadline=None)
def test_a_result_comes_back_as_it_was_kept(
    tmp_path_factory: pytest.TempPathFactory, result: ObjectResult
) -> None:
    curated = tmp_path_factory.mktemp("kept")
    sidecar.keep(result, curated)

    ((kept,),) = sidecar.all_kept(curated).values()
    assert kept.result == result


def test_another_way_of_running_may_be_handed_in(tmp_path: Path) -> None:
    """As Spark's executors are: any order."""

    def backwards(source: Any, items: Sequence[LogObject], curated: Path) -> list[ObjectResult]:
        return [read_whole(source, item, curated) for item in reversed(items)]

    found = load(
        Memory({A.key: b"a\n", B.key: b"b\n"}),
        Listing((A, B)),
        tmp_path,
        jobs=1,
        said=lambda done, of: None,
        run=backwards,
        stitches=Seen().stitches(),
    )
    assert [one.object for one in found.results] == [A, B]
    assert found.results[0] == replace(found.results[0], status=ObjectStatus.READ)


STATEMENT = (
    "'{:%Y-%m-%dT%H:%M:%SZ} UTC [ db=dev user=bob pid=7 userid=100 xid={} ]' LOG: select {}\n"
)


def month_in(folder: Path) -> None:
    """Four hours of three logs of two clusters; a record is cut between hours, one file is cut, and
    one lies there twice."""
    for writer in (C1, C2):
        for hour in range(4):
            at = START + timedelta(hours=hour)
            activity = "".join(STATEMENT.format(at, n, n) for n in range(5)).encode()
            half = len(activity) - 4
            body = {1: activity[:half], 2: activity[half:] + activity}.get(hour, activity)
            connection = (
                f"authenticated |{at:%a, %d %b %Y %H:%M:%S}:123|1.2.3.4 |5 |7|dev |bob |password |0"
                "| | |0| | | | | | |\n"
            ) * 3
            users = f"100|bob||create|0|0|0||7|9|{at:%a, %d %b %Y %H:%M:%S}:123\n"
            for log, data in (
                ("useractivitylog", body),
                ("connectionlog", connection.encode()),
                ("userlog", users.encode()),
            ):
                (folder / item_of(hour, log, writer).key).write_bytes(gzip.compress(data))
    broken = folder / item_of(3, "useractivitylog", C1).key
    broken.write_bytes(broken.read_bytes()[:-9])
    again = folder / "copy"
    again.mkdir()
    first = item_of(0, "useractivitylog", C2).key
    (again / first.replace("T00:00", "T00:30")).write_bytes((folder / first).read_bytes())


def test_every_record_of_a_folder_is_in_the_tables_once(tmp_path: Path) -> None:
    """With the readers of the logs themselves."""
    logs, curated = tmp_path / "logs", tmp_path / "curated"
    logs.mkdir()
    month_in(logs)
    source = LocalSource(logs)
    listing = source.list(START.date(), START.date())
    found = load(source, listing, curated, jobs=1, said=lambda done, of: None)

    by_status = Counter(one.status.value for one in found.results)
    assert by_status == {"read": 23, "damaged": 1, "duplicate": 1}
    rows = {
        table: sum(
            pq.ParquetFile(path).metadata.num_rows for path in (curated / table).rglob("*.parquet")
        )
        for table in ("activity", "connection", "user_change")
    }
    assert rows == {"activity": 40, "connection": 24, "user_change": 8}
    assert sum(one.records for one in found.results) == 40 + 24 + 8
    assert [ends.orphans for some in found.ends.values() for ends in some] == [()] * 4
    again = load(source, listing, curated, jobs=1, said=lambda done, of: None)
    assert again == found


def later(curated: Path, source: Memory, items: Sequence[LogObject], first_day: str) -> None:
    """A run that looks at these objects, and at no day before the first."""
    load(
        source,
        Listing(tuple(items)),
        curated,
        jobs=1,
        said=lambda done, of: None,
        run=partial(pooled, jobs=1, read=read_whole),
        stitches=Seen().stitches(),
        first_day=first_day,
    )


def test_what_was_kept_of_days_before_the_first_is_removed(tmp_path: Path) -> None:
    old, now = item_of(0), item_of(48)
    loaded(tmp_path, {old: b"a\n", now: b"b\n"})
    day = tmp_path / partition(ACTIVITY, old)
    (day / "ends.parquet").write_bytes(b"x")
    later(tmp_path, Memory({now.key: b"b\n"}), [now], now.day)

    assert not day.exists()
    assert parquet(tmp_path) == [now.digest]
    assert [path.stem for path in (tmp_path / sidecar.OBJECTS).iterdir()] == [now.digest]


def test_an_object_that_is_listed_stays_whatever_its_day(tmp_path: Path) -> None:
    old = item_of(0)
    source = Memory({old.key: b"a\n"})
    for _ in range(2):
        later(tmp_path, source, [old], "2999-01-01")

    assert source.opened == [old.key]
    assert parquet(tmp_path) == [old.digest]
