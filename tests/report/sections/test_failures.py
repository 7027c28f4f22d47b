"""Section 2, asked of small tables and counted by hand; bursts against a plain count too."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.report.model import Noted, Questions, Row
from agent.report.sections.failures import SECTION
from tests.report.tables import answers, ask, filled_calendar, made, ms

START = ms("2026-10-05 09:00:00")
BURSTS = next(query for query in SECTION.queries if query.name == "bursts")


def failed(*minutes: float, **columns: object) -> list[dict[str, object]]:
    """Failures so many minutes after 9."""
    return [
        {"at": START + round(minute * 60_000), "event": "authentication failure", **columns}
        for minute in minutes
    ]


def entered(minute: float, **columns: object) -> dict[str, object]:
    """A login so many minutes after 9."""
    return {"at": START + round(minute * 60_000), **columns}


def found_in(connects: Sequence[dict[str, object]], asked: Questions | None = None) -> list[Noted]:
    """The section's findings."""
    asked = asked or Questions()
    return list(SECTION.findings(answers(made(asked, connect=connects), SECTION), asked))


def bursts_of(rows: Sequence[Row], kind: str = "address") -> list[tuple[object, ...]]:
    """Bursts as subject, failures and others."""
    return [(r["subject"], r["failures"], r["others"]) for r in rows if r["kind"] == kind]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param((0, 1, 2, 3), [], id="four are no burst"),
        pytest.param((0, 1, 2, 3, 10), [5], id="five in exactly ten minutes are one"),
        pytest.param((0, 1, 2, 3, 10.1), [], id="five in more than ten minutes are none"),
        pytest.param((0, 1, 2, 3, 4, 5, 6), [7], id="windows that share failures are one burst"),
        pytest.param(
            (0, 9, 9, 9, 9, 12, 21, 21), [6], id="a later failure out of reach is not in it"
        ),
        pytest.param(
            (0, 0, 0, 0, 0, 60, 60, 60, 60, 60, 60), [6, 5], id="two bursts an hour apart"
        ),
        pytest.param((0, 0, 0, 0, 0), [5], id="at the very same moment"),
    ],
)
def test_bursts_of_an_address(minutes: tuple[float, ...], expected: list[int]) -> None:
    found = ask(made(connect=failed(*minutes)), BURSTS)

    assert [r["failures"] for r in found if r["kind"] == "address"] == expected


def slowly(times: list[int], needed: int, within: int) -> list[int]:
    """Sizes of bursts by looking at every window one after another."""
    sizes, last = [], -1
    for start in range(len(times) - needed + 1):
        end = start + needed - 1
        if times[end] - times[start] <= within:
            if start > last:
                sizes.append(needed)
            else:
                sizes[-1] += end - last
            last = end
    return sorted(sizes, reverse=True)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 60), max_size=30), st.integers(1, 6), st.integers(1, 15))
def test_bursts_are_those_that_a_plain_walk_finds(
    minutes: list[int], needed: int, within: int
) -> None:
    asked = Questions(burst_failures=needed, burst_minutes=within)

    found = ask(made(asked, connect=failed(*minutes)), BURSTS)

    assert [r["failures"] for r in found if r["kind"] == "address"] == slowly(
        sorted(minutes), needed, within
    )


def test_a_burst_tells_how_many_users_were_tried_and_a_user_from_how_many_addresses() -> None:
    connects = [
        *failed(0, 1, remote_host="10.0.0.1"),
        *failed(2, 3, 4, remote_host="10.0.0.2"),
        *failed(0, 1, 2, 3, 4, remote_host="10.0.0.3", user_name="eve"),
        *failed(5, remote_host="10.0.0.3", user_name="amy"),
    ]

    found = ask(made(connect=connects), BURSTS)

    assert bursts_of(found) == [("10.0.0.3", 6, 2)]
    assert sorted(bursts_of(found, "user")) == [("bob", 5, 2), ("eve", 5, 1)]


def test_a_login_after_a_burst_from_the_same_address_is_critical() -> None:
    connects = [*failed(0, 1, 2, 3, 4), entered(7, user_name="eve")]

    after, burst, *_ = found_in(connects)

    assert (after.severity, after.subject) == ("critical", "10.0.0.1")
    assert "eve" in after.because
    assert "5 failed logins" in after.because
    assert len(after.evidence) == 2
    assert (burst.severity, burst.count) == ("medium", 5)


@pytest.mark.parametrize(
    "login",
    [
        pytest.param(entered(3.5), id="before the burst was one"),
        pytest.param(entered(65), id="more than an hour later"),
        pytest.param(
            entered(6, remote_host="10.0.0.9", user_name="eve"), id="of another address and user"
        ),
        pytest.param(entered(6, event="initiating session"), id="no login but what follows one"),
        pytest.param(entered(6, remote_host="local"), id="not over the network"),
    ],
)
def test_no_success_is_found(login: dict[str, object]) -> None:
    found = found_in([*failed(0, 1, 2, 3, 4), login])

    assert "critical" not in {one.severity for one in found}


def test_a_user_tried_from_many_addresses_is_found_and_a_success_is_high() -> None:
    spread = [row for n in range(5) for row in failed(n, remote_host=f"10.0.1.{n}")]

    after, burst = found_in([*spread, entered(6, remote_host="10.0.2.1")])

    assert (after.severity, after.subject) == ("high", "bob")
    assert (burst.severity, burst.subject) == ("high", "bob")
    assert "5 addresses" in burst.because


def test_a_burst_of_ten_times_the_threshold_is_high() -> None:
    (burst,) = found_in([*failed(*([1] * 50)), entered(0)])

    assert (burst.severity, burst.count) == ("high", 50)


def test_names_that_never_log_in_are_listed_and_an_address_that_tries_many_is_found() -> None:
    guesses = [row for n in range(5) for row in failed(20 * n, user_name=f"guess{n}")]
    connects = [*guesses, *failed(0, user_name="eve"), entered(900, user_name="eve")]

    found = answers(made(connect=connects), SECTION)
    (noted,) = SECTION.findings(found, Questions())

    assert [r["user_name"] for r in found["never"]] == [f"guess{n}" for n in range(5)]
    assert (noted.severity, noted.subject, noted.count) == ("medium", "10.0.0.1", 5)


def test_an_iam_user_of_the_same_name_is_another_user() -> None:
    connects = [*failed(0), entered(9, identity="IAM")]

    found = answers(made(connect=connects), SECTION)

    assert [(r["user_name"], r["identity"]) for r in found["never"]] == [("bob", "local")]


def test_failures_by_user_address_and_day() -> None:
    connects = [
        *failed(0, 1),
        *failed(1440, user_name="eve"),
        *failed(0, remote_host="local"),
        entered(0),
    ]

    found = answers(made(connect=connects, calendar=filled_calendar()), SECTION)

    assert [(r["user_name"], r["failures"]) for r in found["by_user"]] == [("bob", 2), ("eve", 1)]
    (address,) = found["by_address"]
    assert (address["failures"], address["users"], address["logins"]) == (3, 2, 1)
    assert [(r["local_day"], r["failures"]) for r in found["by_day"] if r["failures"]] == [
        ("2026-10-05", 2),
        ("2026-10-06", 1),
    ]


def test_failures_of_rdsdb_over_the_network_are_failures() -> None:
    found = answers(made(connect=failed(0, user_name="rdsdb")), SECTION)

    assert [r["user_name"] for r in found["by_user"]] == ["rdsdb"]


def test_more_than_twenty_of_a_kind_are_summed_up() -> None:
    many = [row for n in range(30) for row in failed(0, 0, 0, 0, 0, remote_host=f"10.1.0.{n}")]

    found = found_in([*many, entered(900)])
    bursts = [one for one in found if one.subject != "bob"]

    assert len(bursts) == 20  # bob, tried from all of them, comes first
    assert (bursts[-1].subject, bursts[-1].count) == ("11 more", 55)
