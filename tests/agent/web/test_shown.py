"""Times, numbers, texts and links as pages write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.web import shown
from agent.web.index import score
from controls.model import Ref, Status

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(0, "0 s ago", id="now"),
        pytest.param(0.4, "0 s ago", id="less than a second"),
        pytest.param(59.9, "59 s ago", id="rounded down"),
        pytest.param(60, "1 min ago", id="a minute"),
        pytest.param(3_599, "59 min ago", id="almost an hour"),
        pytest.param(3_600 * 47, "47 h ago", id="almost two days"),
        pytest.param(86_400 * 2, "2 d ago", id="two days"),
        pytest.param(-720, "in 12 min", id="to come"),
    ],
)
def test_an_age_is_said_in_its_largest_full_unit(seconds: float, text: str) -> None:
    assert text == shown.ago(NOW - timedelta(seconds=seconds), NOW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (9.96, "10.0 s"), (2.0, "2 s"), (14.4, "14 s"), (300.0, "5 min")],
)
def test_how_long_a_short_sweep_took_is_said_to_a_tenth(seconds: float, text: str) -> None:
    assert text == shown.span(seconds)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        pytest.param(None, "–", id="nothing judged"),
        pytest.param(1.0, "100 %", id="all"),
        pytest.param(9_999 / 10_000, "99.9 %", id="one of many is not all"),
        pytest.param(0.0, "0.0 %", id="none"),
        pytest.param(0.29, "29.0 %", id="a fraction that binary has not"),
    ],
)
def test_a_share_is_never_rounded_up(share: float | None, text: str) -> None:
    assert text == shown.percent(share)


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_hundred_percent_is_said_only_where_everything_passes(good: int, bad: int) -> None:
    counts = {Status.PASS: good, Status.UNKNOWN: bad}

    assert shown.percent(score(counts)) != "100 %"


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({Status.WAIVED: 3, Status.NOT_APPLICABLE: 2}, None, id="nothing judged"),
        pytest.param({Status.PASS: 3, Status.UNKNOWN: 1}, 0.75, id="unknown counts against"),
        pytest.param({Status.PASS: 1, Status.FAIL: 1, Status.WAIVED: 8}, 0.5, id="waived not"),
    ],
)
def test_a_score_is_of_what_passes_fails_or_is_unknown(
    counts: dict[Status, int], expected: float | None
) -> None:
    assert expected == score(counts)


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        pytest.param("must `a < b`; no", "must <code>a &lt; b</code>; no", id="code"),
        pytest.param("a ` b", "a ` b", id="half a mark"),
        pytest.param("`<i>`<i>", "<code>&lt;i&gt;</code>&lt;i&gt;", id="markup within"),
        pytest.param("`\u202e`", "<code>\\u202e</code>", id="a turn of the line"),
    ],
)
def test_backticks_become_code_and_nothing_else_markup(text: str, markup: str) -> None:
    assert markup == str(shown.words(text))


@given(st.text())
def test_what_is_made_visible_can_be_written_and_stays_on_its_line(text: str) -> None:
    seen = shown.visible(text)

    seen.encode()
    assert len(seen.splitlines()) <= 1
    assert shown.visible(seen) == seen


@given(st.text(alphabet=st.characters(codec=None)), st.text())
def test_every_name_survives_its_address(name: str, region: str) -> None:
    """A browser takes dots away, a server unquotes once; what is left is unquoted by us."""
    link = shown.resource_link(Ref("kind", "1", region, name))
    path = urlsplit(f"http://host{link}").path
    steps = path.split("/")

    assert link.isascii()
    assert "." not in steps
    assert ".." not in steps
    _, _, _, _, of_region, of_name = unquote(path).split("/", 5)
    assert (region, name) == (shown.from_path(of_region), shown.from_path(of_name))


@pytest.mark.parametrize(
    "name",
    ["prod-dwh", "audit-logs/prod/", "/aws/redshift/cluster/x", "arn:aws:s3:::b", "a.b..c"],
)
def test_an_ordinary_name_stands_in_its_address_as_it_is(name: str) -> None:
    assert f"/findings/{name}" == shown.finding_link(name)
