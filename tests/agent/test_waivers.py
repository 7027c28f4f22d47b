"""The waiver file: its two shapes, and every problem with its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from agent.waivers import load_waivers
from agent.yaml_file import ConfigProblems
from controls.waiver import Waiver

GOOD = "rule: logs-fresh, resources: [prod-*], why: moving, by: Ada, until: 2026-12-31"


def load(folder: Path, text: str) -> tuple[Waiver, ...]:
    path = folder / "waivers.yaml"
    path.write_text(text)
    return load_waivers(path)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param(f"- {{{GOOD}}}", "waivers.yaml:1:3", id="a list"),
        pytest.param(f"waivers:\n  - {{{GOOD}}}", "waivers.yaml:2:5", id="a list under a key"),
    ],
)
def test_a_waiver_is_read_with_its_place(tmp_path: Path, text: str, at: str) -> None:
    (waiver,) = load(tmp_path, text)

    assert waiver == Waiver("logs-fresh", ("prod-*",), "moving", "Ada", date(2026, 12, 31))
    assert waiver.at == f"{tmp_path}/{at}"


def test_a_waiver_may_name_an_account_and_a_region(tmp_path: Path) -> None:
    (waiver,) = load(tmp_path, f"- {{{GOOD}, account: 012345670123, region: global}}")

    assert (waiver.account, waiver.region) == ("012345670123", "global")


@pytest.mark.parametrize("text", ["", "[]", "waivers: []", "# none\n"])
def test_a_file_without_waivers_has_none(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            GOOD.replace("2026-12-31", "2026-02-30"), ":1:72: [0].until should be a", id="no day"
        ),
        pytest.param(
            GOOD.replace("2026-12-31", "20261231"),
            "should be a day such as 2026-12-31, not 20261231",
            id="a number",
        ),
        pytest.param(
            GOOD.replace("2026-12-31", "2026-12-31T10:00:00Z"), "should be a day", id="a time"
        ),
        pytest.param(GOOD.replace("2026-12-31", "'20261231'"), "should be a day", id="no dashes"),
        pytest.param(GOOD.replace("2026-12-31", "2026-W53-4"), "should be a day", id="a week"),
        pytest.param(GOOD.replace("until", "untill"), "did you mean 'until'?", id="a typo"),
        pytest.param(GOOD.replace(", by: Ada", ""), "[0].by is missing", id="by nobody"),
        pytest.param(GOOD.replace("moving", "''"), "[0].why should have at", id="for no reason"),
        pytest.param(GOOD.replace("moving", ""), "[0].why has no value", id="reason left out"),
        pytest.param(GOOD.replace("[prod-*]", "[]"), "resources should have at", id="nothing"),
        pytest.param(GOOD.replace("[prod-*]", "prod"), "resources should be a list", id="no list"),
        pytest.param(GOOD.replace("[prod-*]", "['']"), "resources[0] should have", id="no name"),
        pytest.param(GOOD.replace("prod-*", "*-dwh"), "YAML reads `*-dwh` as an", id="no quotes"),
        pytest.param(GOOD + ", account: 12", "12 digits", id="no account"),
        pytest.param(GOOD + ", by: Bob", "`by` is written twice", id="by two"),
    ],
)
def test_a_problem_says_where_and_what(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigProblems) as error:
        load(tmp_path, f"- {{{text}}}")

    found = [problem.headline for problem in error.value.problems]
    assert any(said in problem for problem in found), found
    assert all(problem.startswith(f"{tmp_path}/waivers.yaml:1:") for problem in found)


def test_every_waiver_is_checked(tmp_path: Path) -> None:
    with pytest.raises(ConfigProblems) as error:
        load(tmp_path, f"- {{{GOOD}}}\n- {{rule: x}}\n- 5\n")

    assert len(error.value.problems) == 5
