"""Text: the same words on a terminal and in a pipe, literal, and nothing unseen left out."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import pytest
from rich.cells import cell_len

from agent.formats import text
from controls.model import Coverage, Report, Severity, Status, TargetStatus
from tests.agent.formats.samples import (
    ADVERSARIAL,
    EMPTY,
    NOTHING_THERE,
    NOW,
    TYPICAL,
    WALKTHROUGH,
    finding,
)

ANSI = re.compile("\x1b\\[[0-9;]*m")


def words(rendered: str) -> list[str]:
    return ANSI.sub("", rendered).split()


@pytest.mark.parametrize("show_all", [False, True])
@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("width", [None, 40, 80, 140])
@pytest.mark.parametrize("report", [EMPTY, NOTHING_THERE, TYPICAL, ADVERSARIAL])
def test_a_terminal_shows_the_words_of_the_pipe(
    report: Report, width: int | None, color: bool, show_all: bool
) -> None:
    shown = text.render(
        report, show_all=show_all, width=width, color=color, not_looked_at=["eu-west-2"]
    )
    piped = text.render(report, show_all=show_all, not_looked_at=["eu-west-2"])

    assert words(shown) == words(piped)
    assert ("\x1b" in shown) == color


@pytest.mark.parametrize("width", [60, 80, 140])
def test_lines_fit_the_terminal_unless_one_word_does_not(width: int) -> None:
    for line in ANSI.sub("", text.render(TYPICAL, width=width, color=True)).splitlines():
        assert cell_len(line) <= width or len(line.split()) == 1
        assert line == line.rstrip()


def test_a_name_is_never_broken() -> None:
    name = "a" * 200
    report = Report("0", NOW, (), (replace(WALKTHROUGH, because=f"see {name} there"),))

    assert f"\n      {name}\n      there\n" in text.render(report, width=60)


def test_a_name_that_is_too_long_begins_where_it_would_anyway() -> None:
    name = "a" * 200
    report = Report("0", NOW, (), (replace(WALKTHROUGH, because=name),))

    shown = text.render(report, width=60)

    assert re.search(r"policy\n +allows\n    a{200}\n|allows\n    a{200}\n", shown)


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("variable", ["NO_COLOR", "FORCE_COLOR"])
def test_colour_is_decided_by_who_asks_and_not_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, color: bool
) -> None:
    before = text.render(TYPICAL, width=80, color=color)
    monkeypatch.setenv(variable, "1")

    assert text.render(TYPICAL, width=80, color=color) == before


def test_in_a_pipe_each_line_is_whole() -> None:
    lines = text.render(TYPICAL).splitlines()

    assert f"    {WALKTHROUGH.because}" in lines
    assert not any("\x1b" in line for line in lines)


def test_what_comes_from_outside_is_printed_literally_and_harmlessly() -> None:
    for shown in (
        text.render(ADVERSARIAL, show_all=True),
        ANSI.sub("", text.render(ADVERSARIAL, show_all=True, width=500, color=True)),
    ):
        assert "[bold]x[/bold] <script>&\"'\\x00\\x1b[31m\\ud800\\u202e ]]> :smile: é" in shown
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff\u202e]", shown)
        shown.encode("utf-8")


def test_resources_and_findings_come_the_worst_first() -> None:
    shown = text.render(TYPICAL, show_all=True)

    order = [
        "prod-dwh  redshift_cluster",
        "redshift-user-activity-logged",
        "redshift-log-types-complete",
        "redshift-audit-logging-on",
        "redshift-logs-fresh",
        "audit-logs/prod/  s3_log_location",
        "audit-logs-expire-in-time",
        "(all of them)  redshift_serverless_namespace",
        "audit-logs  s3_log_bucket",
        "etl  redshift_role",
        "Targets",
    ]
    places = [shown.index(each) for each in order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "line",
    [
        "audit-logs/prod/  s3_log_location, 111122223333/eu-west-1 (owned by 999988887777)",
        f"  FAIL    high     audit-logs-expire-in-time: {WALKTHROUGH.title}",
        f"    {WALKTHROUGH.because}",
        f"    Remedy: {WALKTHROUGH.remedy}",
        "  WAIVED  medium   redshift-log-types-complete: The title of redshift-log-types-complete",
        "    Waived by Ada until 2026-12-31: moves to CloudWatch",
        "    - s3:GetEncryptionConfiguration denied in 999988887777/eu-west-1",
        "    - the owner of audit-logs is not known",
        "  111122223333/us-east-1  partial     0 resources; ListNamespaces denied",
        "  111122223333/eu-west-1  complete    3 resources",
        (
            "Not looked at: 2 regions where Redshift exists (eu-west-2, us-west-2); "
            "--region all looks at every enabled one"
        ),
        "  expired  log-bucket-private on old-*, until 2026-01-31 by Bob: decommissioned",
        "  unused   redshift-logs-fresh on dev, test, until 2027-01-31 by Eve: noisy",
        "Summary: 2 fail, 3 unknown, 1 waived, 1 pass, 1 not applicable",
        "1 of 3 targets could not be read.",
        "1 of 3 targets could be read in part only.",
        "1 finding unknown through a mistake in a rule: `trailkeeper rules test` shows it.",
        "What passes or does not apply is not shown; --all shows it.",
    ],
)
def test_the_report_says(line: str) -> None:
    shown = text.render(TYPICAL, not_looked_at=["eu-west-2", "us-west-2"])

    assert line in shown.splitlines()


def test_what_passes_or_does_not_apply_is_hidden_unless_asked_for() -> None:
    assert not re.search("PASS|N/A", text.render(TYPICAL))
    assert "--all" not in text.render(TYPICAL, show_all=True)
    assert "  PASS    high     redshift-audit-logging-on" in text.render(TYPICAL, show_all=True)
    assert "  N/A     low      redshift-logs-fresh" in text.render(TYPICAL, show_all=True)


def test_a_reason_that_because_gives_already_is_not_said_twice() -> None:
    found = finding("r", Status.UNKNOWN, because="denied in eu-west-1", reasons=("denied in eu",))

    assert text.render(Report("0", NOW, (), (found,))).count("denied in eu") == 1


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        pytest.param((), "nothing was found that a rule is for", id="nothing"),
        pytest.param(
            (finding("r", Status.NOT_APPLICABLE),), "no rule applies to what was found", id="n/a"
        ),
        pytest.param(
            (finding("r", Status.UNKNOWN),), "all that was found is unknown", id="unknown"
        ),
        pytest.param((finding("r", Status.PASS),), None, id="a pass"),
        pytest.param((finding("r", Status.WAIVED),), None, id="a waived failure"),
    ],
)
def test_a_sweep_that_judged_nothing_says_so(
    findings: tuple[object, ...], said: str | None
) -> None:
    shown = text.render(Report("0", NOW, (), findings))  # type: ignore[arg-type]

    assert ("Nothing was judged" in shown) == (said is not None)
    assert said is None or said in shown


def targets(complete: int) -> tuple[TargetStatus, ...]:
    fine = [
        TargetStatus("111122223333", f"r{n:02}", Coverage.COMPLETE, None, 2)
        for n in range(complete)
    ]
    return (*fine, TargetStatus("999988887777", "r", Coverage.UNREADABLE, "refused", 0))


@pytest.mark.parametrize(
    ("complete", "show_all", "listed"),
    [
        pytest.param(12, False, 13, id="a dozen is listed"),
        pytest.param(13, False, 1, id="more is counted"),
        pytest.param(13, True, 14, id="and listed when asked for"),
    ],
)
def test_targets_that_were_read_are_counted_when_they_are_many(
    complete: int, show_all: bool, listed: int
) -> None:
    report = Report("0", NOW, targets(complete), (WALKTHROUGH,))

    shown = text.render(report, show_all=show_all)

    assert len(re.findall("^  [0-9]{12}/r", shown, re.MULTILINE)) == listed
    assert ("  13 others complete  26 resources" in shown) == (listed == 1)
    assert "  999988887777/r" in shown


def test_equal_reports_are_equal_texts() -> None:
    turned = replace(TYPICAL, findings=TYPICAL.findings[::-1], targets=TYPICAL.targets[::-1])

    assert text.render(TYPICAL) == text.render(turned)


def test_the_gravest_of_equal_statuses_comes_first() -> None:
    found = [finding(f"r-{s.value}", Status.FAIL, severity=s) for s in Severity]

    shown = text.render(Report("0", NOW, (), tuple(found)))

    rules = re.findall(r"r-(\w+):", shown)
    assert rules == ["critical", "high", "medium", "low"]


def test_plain_text_does_not_load_rich() -> None:
    code = (
        "import sys; from agent.formats import text; from controls.model import Report;"
        "from datetime import datetime, UTC;"
        "text.render(Report('0', datetime.now(UTC), (), ())); sys.exit('rich' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("number", "show_all", "said"),
    [
        pytest.param(1, False, "1 region where Redshift exists (r0); --region", id="one"),
        pytest.param(6, False, "(r0, r1, r2, r3, r4, r5); --region", id="few are all named"),
        pytest.param(
            7,
            False,
            "7 regions where Redshift exists (r0, r1, r2, r3, r4, r5, …); --all names them, "
            "--region all looks",
            id="of many the first few",
        ),
        pytest.param(
            7, True, "(r0, r1, r2, r3, r4, r5, r6); --region", id="every one of many with --all"
        ),
    ],
)
def test_regions_that_were_not_looked_at_are_counted(
    number: int, show_all: bool, said: str
) -> None:
    regions = [f"r{each}" for each in range(number)]

    shown = text.render(TYPICAL, show_all=show_all, not_looked_at=regions)

    assert f"Not looked at: {number} region" in shown
    assert said in shown


def test_a_caution_stands_before_everything_else() -> None:
    shown = text.render(TYPICAL, caution="this was long ago")

    assert shown.splitlines()[1:3] == ["This was long ago.", ""]


def test_parameters_that_are_not_the_rules_own_stand_after_the_targets() -> None:
    line = "redshift-logs-fresh: max_age_hours 12 instead of 24, for all"

    shown = text.render(replace(TYPICAL, deviations=(line,))).splitlines()

    at = shown.index("Parameters that differ from the rules' own:")
    assert shown[at + 1] == f"  {line}"
    assert shown.index("Targets") < at
    assert "Parameters that differ" not in text.render(TYPICAL)
