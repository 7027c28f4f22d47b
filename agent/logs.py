"""Structured logs on stderr: for a person on a terminal, as JSON for everything else."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TextIO

import structlog
from structlog.types import Processor


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to whatever is stderr at that moment, as structlog does."""

    def emit(self, record: logging.LogRecord) -> None:
        """One record."""
        self.setStream(sys.stderr)
        super().emit(record)


def configure(level: int = logging.WARNING) -> None:
    """Set up structlog, and let what libraries log and warn of leave the same way.

    Results never pass through it; it writes to stderr only.
    """
    terminal = sys.stderr.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([] if terminal else [structlog.processors.format_exc_info]),
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    threading.excepthook = _thread_ended
    # What libraries tell of their inner life is nobody's concern; their warnings are.
    _adopt_libraries(max(level, logging.WARNING), shared, renderer)


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    """A thread that ended in a mistake: said as all else is, not as bare lines."""
    structlog.get_logger().error(
        "thread_ended",
        thread=ended.thread.name if ended.thread else None,
        exc_info=(ended.exc_type, ended.exc_value, ended.exc_traceback),
    )


def _adopt_libraries(level: int, shared: list[Processor], renderer: Processor) -> None:
    """Libraries use the standard logging and warnings: bare lines would break a JSON log."""
    handler = _Stderr()
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[strip, renderer],
        )
    )
    for old in [one for one in logging.root.handlers if isinstance(one, _Stderr)]:
        logging.root.removeHandler(old)
    logging.root.addHandler(handler)
    logging.root.setLevel(level)
    logging.captureWarnings(capture=True)
