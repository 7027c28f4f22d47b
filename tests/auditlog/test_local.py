"""A folder of logs: what is taken, what is refused and why, and that nothing leads out of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.auditlog.local import LocalSource
from agent.auditlog.names import parse_name
from agent.auditlog.objects import Listing, Refused, Writer
from agent.stop import StopError
from controls.semantics.log_keys import parse_key

FIRST, LAST = date(2026, 10, 1), date(2026, 11, 2)
DAY = "AWSLogs/111122223333/redshift/eu-west-1/2026/10/05"
NAME = "111122223333_redshift_eu-west-1_c1_connectionlog_2026-10-05T07:00.gz"
KEY = f"{DAY}/{NAME}"


def put(root: Path, key: str = KEY, data: bytes = b"x") -> Path:
    path = root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def listed(root: Path, **asked: list[str]) -> Listing:
    return LocalSource(root).list(FIRST, LAST, **asked)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(KEY, id="as delivered"),
        pytest.param(f"a/b/c/{KEY}", id="deeper"),
        pytest.param(NAME, id="flat"),
        pytest.param(f"{DAY}/{NAME.replace(':', '_')}", id="an underscore for the colon"),
        pytest.param(f"{DAY}/{NAME.removesuffix('.gz')}", id="unpacked"),
        pytest.param(f"{DAY}/{NAME.replace(':', '_').removesuffix('.gz')}", id="both"),
    ],
)
def test_a_log_is_known_by_its_name_wherever_it_lies(tmp_path: Path, key: str) -> None:
    path = put(tmp_path, key)
    os.utime(path, (1_790_000_000, 1_790_000_000))
    (found,) = listed(tmp_path).objects

    assert found.key == key
    assert found.writer == Writer("111122223333", "eu-west-1", "c1")
    assert found.stamp == datetime(2026, 10, 5, 7, tzinfo=UTC)
    assert (found.log_type, found.size) == ("connectionlog", 1)
    assert found.last_modified == datetime.fromtimestamp(1_790_000_000, UTC)
    with LocalSource(tmp_path).open(found) as stream:
        assert stream.read() == b"x"


def test_rules_still_take_no_name_that_redshift_does_not_write() -> None:
    assert parse_key(KEY.replace(":", "_")) is None
    assert parse_key(KEY.removesuffix(".gz")) is None


@pytest.mark.parametrize(
    ("key", "refused"),
    [
        pytest.param(
            "notes/readme.txt",
            Refused("notes/readme.txt", "no audit log by its name", counts=False),
            id="another file",
        ),
        pytest.param(
            NAME.replace("10-05", "13-05"),
            Refused(
                NAME.replace("10-05", "13-05"),
                "seems to be an audit log, but its name is not as Redshift writes it",
            ),
            id="a log with a month that there is not",
        ),
        pytest.param(
            NAME.replace("_c1_", "_c'1_"),
            Refused(
                NAME.replace("_c1_", "_c'1_"),
                "seems to be an audit log, but its name is not as Redshift writes it",
            ),
            id="a cluster's name that is none",
        ),
    ],
)
def test_what_is_not_taken_is_listed_with_its_reason(
    tmp_path: Path, key: str, refused: Refused
) -> None:
    put(tmp_path, key)

    assert listed(tmp_path) == Listing((), (refused,))


@pytest.mark.parametrize(
    ("stamp", "is_taken"),
    [
        ("2026-09-30T23:59", False),
        ("2026-10-01T00:00", True),
        ("2026-11-02T23:59", True),
        ("2026-11-03T00:00", False),
    ],
)
def test_the_days_asked_for_are_both_included(tmp_path: Path, stamp: str, is_taken: bool) -> None:
    put(tmp_path, NAME.replace("2026-10-05T07:00", stamp))

    assert (len(listed(tmp_path).objects), listed(tmp_path).refused) == (is_taken, ())


def test_clusters_and_logs_may_be_named(tmp_path: Path) -> None:
    for cluster in ("c1", "c10", "c2"):
        for log_type in ("connectionlog", "userlog"):
            put(tmp_path, NAME.replace("_c1_", f"_{cluster}_").replace("connectionlog", log_type))

    found = listed(tmp_path, clusters=["c1", "c2"], types=["userlog"]).objects
    assert [(one.writer.cluster, one.log_type) for one in found] == [
        ("c1", "userlog"),
        ("c2", "userlog"),
    ]


def link_out(root: Path, outside: Path) -> str:
    (root / NAME).symlink_to(put(outside, "secret"))
    return NAME


def link_out_of_a_folder(root: Path, outside: Path) -> str:
    put(outside, KEY)
    (root / "more").symlink_to(outside)
    return "more"


@pytest.mark.parametrize("make", [link_out, link_out_of_a_folder])
def test_a_link_that_leads_out_is_not_followed(
    tmp_path: Path, make: Callable[[Path, Path], str]
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    key = make(root, tmp_path / "outside")

    assert listed(root) == Listing(
        (), (Refused(key, "a symbolic link that leads out of the folder"),)
    )


def test_a_link_that_leads_out_only_after_the_listing_is_not_opened(tmp_path: Path) -> None:
    root = tmp_path / "root"
    path = put(root)
    (item,) = listed(root).objects
    path.unlink()
    path.symlink_to(put(tmp_path, "secret"))

    with pytest.raises(PermissionError), LocalSource(root).open(item):
        pass


def test_links_within_the_folder_are_files_and_never_circles(tmp_path: Path) -> None:
    put(tmp_path, "plain")
    (tmp_path / NAME).symlink_to(tmp_path / "plain")
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    found = listed(tmp_path)

    assert [one.key for one in found.objects] == [NAME]
    assert [one.key for one in found.refused] == ["plain", "round", "self"]


def test_a_file_that_changed_since_it_was_listed_is_not_read_as_what_it_was(
    tmp_path: Path,
) -> None:
    path = put(tmp_path)
    (item,) = listed(tmp_path).objects
    path.write_bytes(b"more")

    with pytest.raises(OSError, match="changed since it was listed"):
        LocalSource(tmp_path).open(item).__enter__()


def test_a_file_that_changes_while_it_is_read_is_not_taken(tmp_path: Path) -> None:
    path = put(tmp_path)
    (item,) = listed(tmp_path).objects

    def read() -> None:
        with LocalSource(tmp_path).open(item) as stream:
            assert stream.read() == b"x"
            path.write_bytes(b"more")

    with pytest.raises(OSError, match="changed while it was read"):
        read()


def test_a_pipe_with_the_name_of_a_log_hangs_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)

    assert listed(tmp_path) == Listing((), (Refused(NAME, "no regular file"),))


def test_a_name_that_is_no_text_is_refused_in_text(tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/\xff")
    put(tmp_path)

    found = listed(tmp_path)
    assert found.refused == (Refused("\\xff", "its name is not UTF-8"),)
    assert len(found.objects) == 1


def test_a_folder_that_cannot_be_listed_counts_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path)
    put(tmp_path, f"closed/{NAME}")
    scan = os.scandir

    def denied(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", denied)
    found = listed(tmp_path)
    assert len(found.objects) == 1
    assert found.refused == (Refused("closed", "cannot be listed: Permission denied"),)


def test_a_folder_that_is_not_there_ends_the_command(tmp_path: Path) -> None:
    with pytest.raises(StopError, match="is not a folder"):
        listed(tmp_path / "nowhere")


def test_a_changed_file_is_another_object(tmp_path: Path) -> None:
    path = put(tmp_path)
    (before,) = listed(tmp_path).objects
    path.write_bytes(b"xy")
    (after,) = listed(tmp_path).objects

    assert before.digest != after.digest


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_no_name_breaks_the_parser(name: str) -> None:
    found = parse_name(name)

    assert found is None or "/" not in found.cluster
