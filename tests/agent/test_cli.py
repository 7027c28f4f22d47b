"""The command line by itself: parsing, exit codes, and what it costs to start."""

from __future__ import annotations

import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

import pytest

import agent.commands.rules
from agent import __version__
from agent.cli import build_parser, main
from agent.stop import StopError

Raises = Callable[[Namespace], int]


def raising(error: BaseException) -> Raises:
    """A command that ends so."""

    def run(_: Namespace) -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        pytest.param(StopError(3, "no verdict"), 3, "trailkeeper: no verdict\n", id="stopped"),
        pytest.param(KeyboardInterrupt(), 130, "trailkeeper: interrupted\n", id="interrupted"),
        pytest.param(ValueError("x"), 4, "an error inside Trailkeeper", id="a mistake of ours"),
        pytest.param(RecursionError("x"), 4, "RecursionError: x", id="another"),
    ],
)
def test_how_a_command_ends(
    error: BaseException,
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An exit code and one line, never a traceback."""
    monkeypatch.setattr(agent.commands.rules, "run", raising(error))

    assert main(["rules", "list"]) == code
    said = capsys.readouterr().err
    assert says in said
    assert len(said.splitlines()) == 1


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    """On stdout; exit 0."""
    with pytest.raises(SystemExit) as end:
        main(["--version"])

    assert end.value.code == 0
    assert capsys.readouterr().out == f"trailkeeper {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["--region", "a", "snapshot"], ["a"], id="before the command"),
        pytest.param(["snapshot", "--region", "b"], ["b"], id="after it"),
        pytest.param(["snapshot", "--region", "b", "--region", "c"], ["b", "c"], id="twice"),
        pytest.param(["snapshot"], None, id="not at all"),
    ],
)
def test_the_scope_is_given_before_or_after_a_command(
    arguments: Sequence[str], expected: list[str] | None
) -> None:
    """A command's own default does not undo what stood before it."""
    assert build_parser().parse_args(arguments).regions == expected


def test_help_documents_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """All five, and every option in some line."""
    with pytest.raises(SystemExit):
        main(["--help"])

    out = capsys.readouterr().out
    for code in range(5):
        assert f"\n  {code}  " in out
    for action in build_parser()._actions:
        assert all(option in out for option in action.option_strings)


@pytest.mark.parametrize("arguments", [["--help"], ["rules", "--help"], ["undo", "--help"]])
def test_help_imports_nothing_heavy(arguments: Sequence[str]) -> None:
    """Whoever asks how to use it does not wait for AWS's client, the rules or the forms."""
    program = (
        "import sys\nfrom agent.cli import main\n"
        f"try:\n    main({list(arguments)!r})\nexcept SystemExit:\n    pass\n"
        "heavy = {'boto3', 'botocore', 'moto', 'yaml', 'pydantic', 'cel_expr_python', 'rich',"
        " 'structlog', 'jinja2'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.startswith("usage: trailkeeper")
    assert done.stderr.splitlines()[-1] == "[]"


def test_an_interrupt_in_a_process_of_its_own() -> None:
    """Ctrl-C during an endless command: 130 and a word, no traceback."""
    program = (
        "import os, signal, sys\nimport agent.commands.rules as command\n"
        "from agent.cli import main\n"
        "command.run = lambda args: os.kill(os.getpid(), signal.SIGINT) or signal.pause()\n"
        "sys.exit(main(['rules', 'list']))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.returncode, done.stderr) == (130, "trailkeeper: interrupted\n")
