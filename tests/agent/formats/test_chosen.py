"""The options of the command line reach the format that is asked for."""

from __future__ import annotations

import pytest

from agent.cli import build_parser
from agent.commands.check import rendered
from tests.agent.formats.samples import NOTHING_THERE, TYPICAL

REGIONS = [f"r{number}" for number in range(9)]


def shown(*options: str, empty: bool = True) -> str:
    args = build_parser().parse_args(["--check", *options])
    return "".join(rendered(NOTHING_THERE if empty else TYPICAL, args, REGIONS, {}, "long ago"))


@pytest.mark.parametrize(
    ("form", "bad", "good"),
    [
        ("sarif", '"executionSuccessful": false', '"executionSuccessful": true'),
        ("junit", "<error ", "<skipped "),
    ],
)
def test_nothing_judged_is_bad_unless_it_is_allowed(form: str, bad: str, good: str) -> None:
    strict, lenient = shown("--format", form), shown("--format", form, "--allow-empty")

    assert (bad in strict, good in strict) == (True, False)
    assert (bad in lenient, good in lenient) == (False, True)


def test_allowing_nothing_does_not_make_blindness_a_success() -> None:
    assert '"executionSuccessful": false' in shown(
        "--format", "sarif", "--allow-empty", empty=False
    )


def test_text_names_every_region_with_all_and_carries_the_caution() -> None:
    assert ("r8" in shown(), "r8" in shown("--all")) == (False, True)
    assert "Long ago.\n" in shown()
