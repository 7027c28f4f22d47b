"""Statements: where each ends, its verb, and what it is about."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.auditlog.schema import CLASSES
from agent.auditlog.statements import classify, is_open
from agent.auditlog.verbs import CLASS_OF

Told = tuple[str, str, str]


def told(text: str) -> list[Told]:
    """Verb, class and object of each statement."""
    return [(one.verb, one.verb_class, one.object_name) for one in classify(text)]


ONE: dict[str, Told] = {
    "select 1": ("SELECT", "DQL", ""),
    "(select 1) union all (select 2)": ("SELECT", "DQL", ""),
    "select a into temp table s.t2 from t": ("SELECT INTO", "DDL", "s.t2"),
    'select "into x" from t': ("SELECT", "DQL", ""),
    "select 'into x' from t -- into y": ("SELECT", "DQL", ""),
    "select (select 1 into x)": ("SELECT", "DQL", ""),
    "with a as (select 1), b as (delete from x) select * from a": ("SELECT", "DQL", ""),
    "with a as (select 1) insert into t select * from a": ("INSERT", "DML", "t"),
    "with a as (select 1) delete from s.t using a where x": ("DELETE", "DML", "s.t"),
    'insert into "My Schema" . "T;1" (a) values (1)': ("INSERT", "DML", "My Schema.T;1"),
    "merge into t using s on a = b": ("MERGE", "DML", "t"),
    "update only t set a = 1 where b": ("UPDATE", "DML", "t"),
    "delete t where b": ("DELETE", "DML", "t"),
    "truncate table a.b": ("TRUNCATE", "DDL", "a.b"),
    "create user bob password '***'": ("CREATE USER", "DCL", "bob"),
    'CREATE/* x */USER"IAM:bob"': ("CREATE USER", "DCL", "IAM:bob"),
    "create\n-- who\nuser bob": ("CREATE USER", "DCL", "bob"),
    "drop user if exists a, b": ("DROP USER", "DCL", "a, b"),
    "alter group g add user u": ("ALTER GROUP", "DCL", "g"),
    "create role r": ("CREATE ROLE", "DCL", "r"),
    "grant select on all tables in schema s to group g": ("GRANT", "DCL", "s"),
    'grant all on a.b, "C d".e to public': ("GRANT", "DCL", "a.b, C d.e"),
    "grant role r to u": ("GRANT", "DCL", "r"),
    "grant usage on datashare d to account '1'": ("GRANT", "DCL", "d"),
    "revoke grant option for select on t from u": ("REVOKE", "DCL", "t"),
    "alter default privileges in schema s grant select on tables to u": (
        "ALTER DEFAULT PRIVILEGES",
        "DCL",
        "s",
    ),
    "alter datashare d add schema s": ("ALTER DATASHARE", "DCL", "d"),
    "attach rls policy p on t to role r": ("ATTACH RLS POLICY", "DCL", "p"),
    "detach masking policy p on t (c) from u": ("DETACH MASKING POLICY", "DCL", "p"),
    "set session authorization bob": ("SET SESSION AUTHORIZATION", "DCL", "bob"),
    "create or replace local temp table if not exists t as select 1": ("CREATE TABLE", "DDL", "t"),
    "create external schema x from data catalog": ("CREATE EXTERNAL SCHEMA", "DDL", "x"),
    "create materialized view v as select 1": ("CREATE MATERIALIZED VIEW", "DDL", "v"),
    "create procedure p() as $$ begin; drop table x; end $$ language plpgsql": (
        "CREATE PROCEDURE",
        "DDL",
        "p",
    ),
    "alter table s.t owner to u": ("ALTER TABLE", "DDL", "s.t"),
    "alter table t append from s": ("ALTER TABLE APPEND", "DATA_MOVE", "t"),
    "drop table t, u cascade": ("DROP TABLE", "DDL", "t, u"),
    "comment on table t is 'x'": ("COMMENT", "DDL", "t"),
    "COPY /* tag */public.t from 's3://b/k'": ("COPY", "DATA_MOVE", "public.t"),
    "unload ('select ;') to 's3://b'": ("UNLOAD", "DATA_MOVE", ""),
    "begin": ("BEGIN", "TCL", ""),
    "START TRANSACTION": ("START", "TCL", ""),
    "alter system set x = 1": ("ALTER SYSTEM", "UTILITY", "x"),
    "set local Statement_Timeout to 1": ("SET", "UTILITY", "statement_timeout"),
    "show search_path": ("SHOW", "UTILITY", "search_path"),
    "call s.p(1, 2)": ("CALL", "UTILITY", "s.p"),
    "vacuum delete only t": ("VACUUM", "UTILITY", "t"),
    "analyze compression t": ("ANALYZE", "UTILITY", "t"),
    "prepare p as select $1": ("PREPARE", "UTILITY", "p"),
    "explain delete from t": ("EXPLAIN", "UTILITY", ""),
    "cancel 18764": ("CANCEL", "UTILITY", "18764"),
    "fetch 100 from c": ("FETCH", "DQL", ""),
    "Undoing transaction 7 on table 3": ("OTHER", "OTHER", ""),
    "<script>": ("OTHER", "OTHER", ""),
    "": ("", "OTHER", ""),
    "-- nothing; here": ("", "OTHER", ""),
}


@pytest.mark.parametrize(
    ("text", "what"), [pytest.param(*one, id=one[0][:40]) for one in ONE.items()]
)
def test_a_statement_is_told_by_its_words(text: str, what: Told) -> None:
    assert told(text) == [what]


@pytest.mark.parametrize(
    ("text", "verbs"),
    [
        pytest.param(
            "begin;create /* t */user x;commit;",
            ["BEGIN", "CREATE USER", "COMMIT"],
            id="behind-begin",
        ),
        pytest.param("select ';', \"a;b\"; drop table t", ["SELECT", "DROP TABLE"], id="quotes"),
        pytest.param("select 'it''s;'; select 1", ["SELECT", "SELECT"], id="doubled-quote"),
        pytest.param(r"select 'a\';b'; grant a to b", ["SELECT", "GRANT"], id="escaped-quote"),
        pytest.param(r"select 'a\\'; grant a to b", ["SELECT", "GRANT"], id="escaped-backslash"),
        pytest.param("select $$;$$, $t$;$$;$t$; abort", ["SELECT", "ABORT"], id="dollar-quotes"),
        pytest.param("select a$b$ ; select c$b$", ["SELECT", "SELECT"], id="dollars-in-names"),
        pytest.param("select $1; select $2", ["SELECT", "SELECT"], id="parameters"),
        pytest.param("/* a /* ; */ ; */ select 1; end", ["SELECT", "END"], id="nested-comments"),
        pytest.param("select 1 -- ; /*\n; end", ["SELECT", "END"], id="line-comment"),
        pytest.param("select (1; drop table t", ["SELECT", "DROP TABLE"], id="open-parenthesis"),
        pytest.param(";;select 1;; ;", ["SELECT"], id="empty-statements"),
    ],
)
def test_statements_end_where_their_semicolons_are(text: str, verbs: list[str]) -> None:
    assert [one.verb for one in classify(text)] == verbs


@pytest.mark.parametrize(
    ("text", "is_unfiltered"),
    [
        ("delete from t", True),
        ("delete from t where a = 1", False),
        ("delete from t -- where a = 1", True),
        ('delete from "where"', True),
        ("update t set a = (select b from c where d)", True),
        ("update t set a = 1 where 1 = 1", True),
        ("update t set a = 1 where TRUE", True),
        ("update t set a = 1 where 1 = 1 and b", False),
        ("with a as (select 1 where b) delete from t", True),
        ("explain delete from t", False),
        ("select 1", False),
    ],
)
def test_a_change_without_a_condition_is_told(text: str, is_unfiltered: bool) -> None:
    assert [one.is_unfiltered for one in classify(text)] == [is_unfiltered]


def test_a_single_statement_keeps_every_byte_but_its_semicolon() -> None:
    assert [one.text for one in classify("\n  -- a\r\nselect 1 ;\n")] == ["\n  -- a\r\nselect 1 "]


def test_several_statements_come_without_the_white_space_around_them() -> None:
    assert [one.text for one in classify("begin;\n  select 1 ;")] == ["begin", "select 1"]


def test_a_comment_behind_the_last_semicolon_stays_with_the_statement_before() -> None:
    assert [one.text for one in classify("analyze t; -- run 3")] == ["analyze t; -- run 3"]


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("select 'a", True),
        ("select 'a\\'", True),
        ('select "a', True),
        ("select /* a", True),
        ("select /* /* */", True),
        ("select $$ a", True),
        ("select '", True),
        ("select 'a\\\\'", False),
        ("select 'a'", False),
        ("select -- 'a", False),
        ("select a$b$", False),
        ('select "a"', False),
        ("select /* ' */ 1", False),
        ("", False),
    ],
)
def test_a_text_that_ends_within_a_literal_or_comment_is_open(text: str, is_so: bool) -> None:
    assert is_open(text) is is_so


def test_every_verb_has_a_class_of_the_tables() -> None:
    assert set(CLASS_OF.values()) <= set(CLASSES)


SQL = st.lists(
    st.sampled_from(
        [
            "'",
            '"',
            ";",
            "--",
            "/*",
            "*/",
            "$$",
            "$a$",
            "\\",
            "(",
            ")",
            "\n",
            " ",
            "select ",
            "create user ",
            "into ",
            "where ",
            "x",
            "é",
            "\0",
            "$1",
            ",",
            ".",
        ]
    ),
    max_size=30,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(SQL)
def test_any_text_is_split_without_loss(text: str) -> None:
    found = classify(text)
    kept = "".join(one.text for one in found)

    assert found
    assert [c for c in kept if c not in "; \n"] == [c for c in text if c not in "; \n"]


@pytest.mark.parametrize("piece", ["'", '"', "/*", "$a$", "(", "\\", "--", "select ", "a.", "a,"])
def test_hostile_repetition_takes_no_more_than_linear_time(piece: str) -> None:
    assert classify("drop table " + piece * 40_000)
