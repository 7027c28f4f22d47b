"""Where logs stand: prefixes as keys show them, and names that belong to one cluster alone."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.semantics.log_keys import (
    LOG_TYPES,
    LogKey,
    cluster_log_group,
    day_prefix,
    log_prefix,
    normalise_prefix,
    parse_key,
    serverless_log_group,
)

ACCOUNT, REGION = "111122223333", "eu-west-1"

identifiers = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4}){0,2}", fullmatch=True)
prefixes = st.from_regex(r"([a-z0-9_.:=+@-]{1,6}/?){0,3}", fullmatch=True)


@pytest.mark.parametrize(
    ("prefix", "shown"),
    [
        pytest.param(None, "", id="none is empty"),
        pytest.param("", "", id="empty stays empty"),
        pytest.param("prod", "prod/", id="a slash is added"),
        pytest.param("prod/", "prod/", id="a slash stays"),
        pytest.param("a/b", "a/b/", id="inner slashes stay"),
        pytest.param("/prod", "/prod/", id="a leading slash is part of the key"),
    ],
)
def test_a_prefix_reads_as_keys_show_it(prefix: str | None, shown: str) -> None:
    assert normalise_prefix(prefix) == shown


@given(prefixes)
def test_normalising_twice_changes_nothing(prefix: str) -> None:
    assert normalise_prefix(normalise_prefix(prefix)) == normalise_prefix(prefix)


def test_the_prefix_of_a_writer_is_awss_layout() -> None:
    assert log_prefix("prod", ACCOUNT, REGION) == ("prod/AWSLogs/111122223333/redshift/eu-west-1/")
    assert log_prefix(None, ACCOUNT, REGION) == "AWSLogs/111122223333/redshift/eu-west-1/"


def test_a_day_is_a_folder_with_padded_month_and_day() -> None:
    assert day_prefix("", ACCOUNT, REGION, "c1", date(2027, 1, 2)) == (
        "AWSLogs/111122223333/redshift/eu-west-1/2027/01/02/111122223333_redshift_eu-west-1_c1_"
    )


@given(identifiers, identifiers, st.sampled_from(LOG_TYPES))
def test_the_day_prefix_of_a_cluster_meets_no_other_cluster(
    mine: str, other: str, log_type: str
) -> None:
    day = date(2026, 11, 22)
    folder = day_prefix("", ACCOUNT, REGION, "x", day).rpartition("/")[0]
    key = f"{folder}/{ACCOUNT}_redshift_{REGION}_{other}_{log_type}_2026-11-22T07:00.gz"
    assert key.startswith(day_prefix("", ACCOUNT, REGION, mine, day)) is (mine == other)


@given(
    prefixes,
    identifiers,
    st.sampled_from(LOG_TYPES),
    st.datetimes(datetime(2013, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive by contract
)
def test_a_key_says_what_it_was_made_of(
    prefix: str, cluster: str, log_type: str, time: datetime
) -> None:
    minute = time.replace(second=0, microsecond=0)
    key = (
        day_prefix(prefix, ACCOUNT, REGION, cluster, time.date())
        + f"{log_type}_{time:%Y-%m-%dT%H:%M}.gz"
    )
    assert parse_key(key) == LogKey(ACCOUNT, REGION, cluster, log_type, minute)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="nothing"),
        pytest.param("a/", id="a folder marker"),
        pytest.param("1_redshift_r_c1_connectionlog_2026-11-22T07:00", id="no gz"),
        pytest.param("1_redshift_r_c1_connectionlog_2026-11-22T07:00.gz.tmp", id="another ending"),
        pytest.param("1_redshift_r_c1_auditlog_2026-11-22T07:00.gz", id="an unheard-of log"),
        pytest.param("1_rds_r_c1_connectionlog_2026-11-22T07:00.gz", id="another service"),
        pytest.param("1_redshift_r_c1_connectionlog_2026-11-22.gz", id="no time of day"),
        pytest.param("1_redshift_r_c1_connectionlog_2026-02-30T07:00.gz", id="no such day"),
        pytest.param("1_redshift_r_c_1_connectionlog_2026-11-22T07:00.gz", id="too many parts"),
        pytest.param("1_redshift_r_connectionlog_2026-11-22T07:00.gz", id="too few parts"),
    ],
)
def test_what_is_no_log_object_is_not_read_as_one(name: str) -> None:
    assert parse_key(f"AWSLogs/1/redshift/r/2026/11/22/{name}") is None


def test_log_groups_are_named_as_aws_names_them() -> None:
    assert cluster_log_group("c1", "userlog") == "/aws/redshift/cluster/c1/userlog"
    assert serverless_log_group("ns", "userlog") == "/aws/redshift/ns/userlog"
