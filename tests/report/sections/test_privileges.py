"""Section 8: changes of privileges, what is notable among them, and who made them."""

from __future__ import annotations

import pytest

from agent.report.model import Questions
from agent.report.sections.privileges import SECTION
from tests.report.sections.asking import HOSTILE, brief, said, told, told_each, told_one

KINDS = {
    "grant select on table pci.cards to bob": ("privilege", "bob"),
    "GRANT USAGE ON SCHEMA public TO analyst": ("privilege", "analyst"),
    "revoke all on s.t from bob cascade": ("privilege", "bob cascade"),
    "grant /* a */ role sales to bob": ("role", "bob"),
    "create role sales": ("role", ""),
    "alter default privileges in schema s grant select on tables to group g": (
        "default privileges",
        "group g",
    ),
    "alter table s.t owner to carol": ("owner", "carol"),
    "grant usage on datashare d to account '1'": ("datashare", "account"),
    "create rls policy p with (a int) using (a = 1)": ("policy", ""),
    "attach masking policy m on t(c) to public": ("policy", "public"),
    "alter table t row level security off": ("policy", ""),
    "alter group g add user bob": ("group", "g"),
    "create user mallory createuser password '***'": ("superuser", "mallory"),
    "set session authorization 'root'": ("session user", ""),
    "create procedure p() as $$ begin end $$ language plpgsql security definer": (
        "procedure that runs as its owner",
        "",
    ),
}
NONE = (
    "select 'grant all to public'",
    "create table grants (a int)",
    "create user bob password '***' nocreateuser nocreatedb",
    "set session authorization default",
    "set search_path to s",
    "/* grant all on t to public */ analyze t",
)


@pytest.mark.parametrize(("sql", "kind"), KINDS.items(), ids=lambda one: str(one)[:30])
def test_a_change_of_privileges_has_its_kind_and_whom_it_is_about(
    sql: str, kind: tuple[str, str]
) -> None:
    answers, _ = told_one("privileges", KINDS, sql)

    assert [(row["kind"], row["whom"]) for row in answers["changes"]] == [kind]


def test_what_changes_no_privilege_is_in_no_answer() -> None:
    answers, found = told_each("privileges", NONE, Questions())

    assert not any(answers.values())
    assert not found


NOTABLE = {
    "grant select on t to public": ("public", "medium"),
    "grant select on t to bob, Public": ("public", "medium"),
    'grant select on t to bob, "PUBLIC"': ("public", "medium"),
    "grant select on t -- to\n to/**/public": ("public", "medium"),
    "begin;grant select on t to bob;commit": ("behind", "medium"),
    "grant role sys:superuser to bob": ("power", "high"),
    "alter user bob createuser": ("superuser", "high"),
    "set session authorization root": ("session user", "medium"),
    "detach rls policy p on t from public": ("policy", "medium"),
    "alter table t row level security off": ("policy", "medium"),
    "grant select on t to bob with grant option": ("grantable", "low"),
}


@pytest.mark.parametrize(("sql", "expected"), NOTABLE.items(), ids=lambda one: str(one)[:40])
def test_a_notable_change_is_a_finding(sql: str, expected: tuple[str, str]) -> None:
    answers, found = told_one("privileges", NOTABLE, sql)

    assert [(row["why"]) for row in answers["notable"]] == [expected[0]]
    assert [one.severity for one in found] == [expected[1]]


def test_the_schema_public_is_not_the_role_and_revoking_is_no_finding() -> None:
    sqls = (
        "grant usage on schema public to bob",
        "grant select on public.t to bob",
        "revoke all on t from public",
        "grant select on t to publican",
        "grant select on t to not_public",
    )

    assert not told_each("privileges", sqls, Questions())[1]


def test_for_an_administrator_the_severity_is_less_and_on_a_sensitive_object_more() -> None:
    asked = Questions(admins=("root*",), sensitive=("pci.cards",))
    rows = [
        *said("grant select on t to public", user_name="Root1"),
        *said("grant select on a.t, pci.cards to public", user_name="Root2"),
    ]

    assert [one.severity for one in told(SECTION, asked, statement=rows)[1]] == ["high", "low"]


def test_changes_are_counted_by_user_kind_and_kind_of_identity() -> None:
    rows = [
        *said("grant select on t to a"),
        *said("grant select on t to b", at="2026-10-06 12:00:00"),
        *said("create role r"),
        *said("grant select on t to a", identity="IAM"),
        *said("grant select on t to a", is_duplicate=True),
    ]
    answers, _ = told(SECTION, statement=rows)

    assert [(row["kind"], row["identity"], row["times"]) for row in answers["by_kind"]] == [
        ("privilege", "local", 2),
        ("privilege", "IAM", 1),
        ("role", "local", 1),
    ]
    assert [(row["kind"], row["times"]) for row in answers["kinds"]] == [
        ("privilege", 3),
        ("role", 1),
    ]


def test_the_address_is_that_of_the_session_and_a_finding_has_evidence_and_times() -> None:
    session = {"pid": 7, "remote_host": "10.9.9.9", "start_ms": "2026-10-05 11:00:00"}
    rows = [
        *said("begin;grant select on t to a;commit", pid=7),
        *said("begin;revoke all on t from a;commit", pid=7, at="2026-10-06 12:00:00"),
    ]
    answers, found = told(SECTION, statement=rows, session=[session])

    assert {row["remote_host"] for row in answers["changes"]} == {"10.9.9.9"}
    assert brief(found) == [
        ("medium", "Privileges changed behind another statement", "bob", 2),
    ]
    assert len(found[0].evidence) == 2
    assert (found[0].first_ms, found[0].last_ms) == (1791201600000, 1791288000000)


def test_a_hostile_name_is_a_subject_as_it_is() -> None:
    _, found = told(SECTION, statement=said("grant select on t to public", user_name=HOSTILE))

    assert [one.subject for one in found] == [HOSTILE]
    assert HOSTILE in found[0].because


def test_a_comment_of_any_length_hides_no_grant() -> None:
    sql = f"grant select on t to {'/* * */' * 20_000} public"

    assert [one.title for one in told(SECTION, statement=said(sql))[1]] == ["Granted to PUBLIC"]


def test_rights_on_a_whole_schema_are_found_where_a_sensitive_object_is_in_it() -> None:
    rows = [
        *said("BEGIN; /* v2 */ GRANT ALL ON ALL TABLES IN SCHEMA fin TO eve; COMMIT"),
        *said("grant usage on schema FIN to eve", user_name="dba"),
        *said("grant usage on schema other to eve"),
        *said("revoke usage on schema fin from eve"),
        *said("grant select on fin.open to eve"),
    ]
    asked = Questions(sensitive=("fin.payroll", "ledger"), admins=("dba",))
    answers, found = told(SECTION, asked, statement=rows)

    title = "Rights given on a schema with sensitive objects"
    assert [(one.severity, one.because) for one in found if one.title == title] == [
        (
            "medium",
            (
                "bob gave rights on the schema fin as a whole in 1 statement, to eve; "
                "fin.payroll is in it."
            ),
        ),
        (
            "low",
            (
                "dba gave rights on the schema fin as a whole in 1 statement, to eve; "
                "fin.payroll is in it."
            ),
        ),
    ]
    assert len(answers["schemas"]) == 3
    assert not [one for one in told(SECTION, Questions(), statement=rows)[1] if one.title == title]


def test_what_hides_behind_another_statement_is_named() -> None:
    _, found = told(SECTION, statement=said("begin; grant select on s.t to eve; commit"))

    assert found[0].because == (
        "bob changed privileges in 1 statement (GRANT on s.t) that stood behind another in one "
        "record, where a look at the record's first word does not show it."
    )


WHOM = {
    "grant select on s.t to eve": "eve",
    "grant select on s.t to group ops with grant option": "group ops",
    'grant select on s.t to "Eve", public': '"Eve", public',
    "revoke all on s.t from eve": "eve",
    "alter table s.t owner to eve": "eve",
    "grant role r to 'go to secret'": "",
    "create rls policy p with (a int) using (note = 'go to secret')": "",
    "attach masking policy p on t(a) to role ops": "role ops",
    r"create masking policy m with (a text) using ('it\' to secret')": "",
    "alter default privileges grant select on tables to eve": "eve",
}


@pytest.mark.parametrize(("sql", "expected"), WHOM.items())
def test_whom_it_is_about_is_told_and_never_out_of_a_literal(sql: str, expected: str) -> None:
    answers, _ = told_one("privileges", WHOM, sql)

    assert [row["whom"] for row in answers["changes"]] == [expected]
