"""Where results go: stdout, files, devices; whole or not at all."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

import pytest

from agent.output import printable, read_file, write_result
from agent.stop import StopError


def test_stdout_ends_with_one_line_break(capsys: pytest.CaptureFixture[str]) -> None:
    """Whether the text has one or not."""
    write_result("one", None)
    write_result("two\n", "-")

    assert capsys.readouterr().out == "one\ntwo\n"


def test_a_stdout_that_knows_few_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it cannot say is escaped, not an error."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))

    write_result("Köln\ud800", None)

    assert raw.getvalue() == b"K\\xf6ln\\ud800\n"


def test_a_disk_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2 and a sentence; the interpreter does not complain again as it ends."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)

        with pytest.raises(StopError, match="cannot write the result to stdout: No space") as stop:
            write_result("x" * 100_000, None)

    assert stop.value.code == 2


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    """Old or new, never half; readable by others, and nothing is left beside it."""
    file = tmp_path / "report.txt"
    file.write_text("old")

    write_result("new", str(file))

    assert file.read_text() == "new\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [one.name for one in tmp_path.iterdir()] == ["report.txt"]


def test_a_link_keeps_leading_where_it_leads(tmp_path: Path) -> None:
    """The file behind it is replaced, not the link."""
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)

    write_result("new", str(link))

    assert link.is_symlink()
    assert real.read_text() == "new\n"


def test_a_pipe_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    """As a device is: --output /dev/null must leave the machine its /dev/null."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    write_result("through", str(pipe))

    assert os.read(reader, 100) == b"through\n"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    os.close(reader)


def test_the_null_device_stays_one() -> None:
    """Written to, not replaced."""
    write_result("gone", os.devnull)

    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@pytest.mark.parametrize("where", ["missing/report.txt", "folder"])
def test_what_cannot_be_written(where: str, tmp_path: Path) -> None:
    """Exit 2, the path, and nothing left behind."""
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.iterdir())

    with pytest.raises(StopError, match=r"cannot write .*; choose another --output") as stop:
        write_result("x", str(tmp_path / where))

    assert stop.value.code == 2
    assert sorted(tmp_path.iterdir()) == before


def test_a_write_that_breaks_off_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old file stays as it was."""
    file = tmp_path / "report.txt"
    file.write_text("old")

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "replace", refuse)

    with pytest.raises(StopError, match="Read-only file system"):
        write_result("new", str(file))

    assert [one.name for one in tmp_path.iterdir()] == ["report.txt"]
    assert file.read_text() == "old"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, Köln\nnext", "plain, Köln\nnext"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("over\rwritten", "over\\rwritten"),
        ("a\u202eb", "a\\u202eb"),
        ("half \ud800", "half \\ud800"),
    ],
)
def test_controls_are_made_visible(text: str, shown: str) -> None:
    """A line break is the only one that stays."""
    assert printable(text) == shown


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Exit 2, what it was to be and where."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe")

    for name in ("missing", "binary", "."):
        with pytest.raises(StopError, match="the plan"):
            read_file(str(tmp_path / name), "the plan")
