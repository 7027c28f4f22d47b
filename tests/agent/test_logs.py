"""Logs and progress: on stderr only, JSON off a terminal, whoever wrote the line."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import time
import warnings
from collections.abc import Iterator

import pytest
import structlog

from agent.logs import configure
from agent.progress import shown_progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leaves logging as it was found."""
    handlers, level = list(logging.root.handlers), logging.root.level
    logging.captureWarnings(capture=False)  # another test's command may have begun it
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def logged(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    """What each way of logging writes."""
    monkeypatch.setattr(sys, "stderr", stream)
    configure()
    structlog.get_logger().warning("ours", account="111122223333")
    structlog.get_logger().info("too quiet")
    logging.getLogger("botocore.somewhere").warning("%s of botocore", "theirs")
    logging.getLogger("urllib3").info("too quiet")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("an old thing", FutureWarning, stacklevel=1)
    return stream.getvalue()


def test_off_a_terminal_every_line_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours, those of libraries, and Python's warnings."""
    lines = [json.loads(line) for line in logged(io.StringIO(), monkeypatch).splitlines()]

    assert [line["level"] for line in lines] == ["warning"] * 3
    assert lines[0]["event"] == "ours"
    assert lines[0]["account"] == "111122223333"
    assert lines[1]["event"] == "theirs of botocore"
    assert "an old thing" in lines[2]["event"]
    assert all(line["timestamp"].endswith("Z") for line in lines)


def test_on_a_terminal_lines_are_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without braces."""
    text = logged(Terminal(), monkeypatch)

    assert "ours" in text
    assert "theirs of botocore" in text
    assert "{" not in text


def test_an_exception_is_one_line_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its traceback is a member, not lines of its own."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure()
    try:
        int("wrong")
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed too")

    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert "ValueError: invalid literal" in first["exception"]
    assert "ValueError: invalid literal" in second["exception"]


def test_configured_twice_each_line_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second command in the same process does not double them."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure()
    configure()

    logging.getLogger("library").warning("once")

    assert len(stream.getvalue().splitlines()) == 1


# ---------------------------------------------------------------- progress


def test_no_progress_off_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drawn into a log."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)

    with shown_progress(0) as progress:
        progress("resources", 1, 2)

    assert stream.getvalue() == ""


def test_what_is_quick_shows_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under two seconds there is nothing to see."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)

    with shown_progress() as progress:
        progress("resources", 1, 2)

    assert stream.getvalue() == ""


@pytest.mark.parametrize("done", [True, False], ids=["some is done", "nothing has come yet"])
def test_what_takes_long_shows_progress(done: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though no call has answered yet: that is when one wonders."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")

    with shown_progress(0) as progress:
        if done:
            progress("resources", 1, 2)
        patience = time.monotonic() + 5
        wanted = "resources" if done else "asking AWS"
        while wanted not in stream.getvalue() and time.monotonic() < patience:
            time.sleep(0.02)

    assert wanted in stream.getvalue()


def test_a_thread_that_ends_in_a_mistake_is_one_line_of_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    configure(logging.INFO)

    thread = threading.Thread(target=lambda: 1 / 0, name="sweeper")  # type: ignore[return-value]
    thread.start()
    thread.join()

    (line,) = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert (said["event"], said["thread"]) == ("thread_ended", "sweeper")
    assert "ZeroDivisionError" in said["exception"]
