"""Three derived tables of the statements that chapters tell by kind: each kind is found once.

`privilege_change`, `schema_change` and `data_movement` read `event`; what each holds is said in
`agent.report.sql`. Their patterns cost more than all else that is asked of events, so statements
whose verb alone says that they are none of these are left out before any pattern.
"""

# ruff: noqa: S608 - no text of a user is put into SQL here

from __future__ import annotations

SHOWN = "substr(query_text, 1, 1000) AS query_text"
"""A record may be megabytes long; the evidence leads to the rest."""


def plain(text: str) -> str:
    """SQL: the text in lower case without comments, so that its words can be looked for.

    Non-greedy runs and negated classes alone: Java's engine recurses for a repeated group, and a
    long enough comment would end the query.
    """
    return f"replace_all(replace_all(lower({text}), '(?s)/[*].*?[*]/', ' '), '--[^\n]*', ' ')"


EVENT = f"(SELECT v.*, {plain('v.query_text')} AS low FROM event v)"
"""SQL: `event` with `low`, its statement as `plain` makes it."""

_EVERY = "at_ms, utc_day, local_day, user_name, identity, remote_host, db_name, verb, object_name"

# ---------------------------------------------------------------- what others may do

_CHANGE = "(verb LIKE 'CREATE%' OR verb LIKE 'ALTER%' OR verb LIKE 'DROP%')"
_GIVES = "(verb LIKE 'GRANT%' OR (verb LIKE 'ALTER DEFAULT%' AND low LIKE '%grant%'))"
NO_RIGHTS = """('SET', 'COPY', 'UNLOAD', 'ANALYZE', 'VACUUM', 'TRUNCATE', 'CREATE TABLE',
    'DROP TABLE')"""
"""Frequent verbs for which `_RIGHT` is empty whatever the statement says outside of comments."""

_RIGHT = f"""CASE
    WHEN verb LIKE 'ALTER DEFAULT%' THEN 'default privileges'
    WHEN verb LIKE 'GRANT%' OR verb LIKE 'REVOKE%' THEN CASE
        WHEN regexp_like(low, '[^a-z0-9_]on[^a-z0-9_]+datashare[^a-z0-9_]') THEN 'datashare'
        WHEN regexp_like(low, '(grant|revoke|for)[^a-z0-9_]+role[^a-z0-9_]') THEN 'role'
        ELSE 'privilege' END
    WHEN {_CHANGE} AND verb LIKE '% ROLE' THEN 'role'
    WHEN {_CHANGE} AND verb LIKE '% GROUP' THEN 'group'
    WHEN {_CHANGE} AND verb LIKE '% DATASHARE' THEN 'datashare'
    WHEN verb LIKE '%POLICY%' OR regexp_like(low,
        '^[^a-z]*(create|alter|drop|attach|detach)[^a-z]+(rls|masking)[^a-z]+policy') THEN 'policy'
    WHEN verb LIKE 'ALTER%' AND
        regexp_like(low, '[^a-z0-9_]row[^a-z]+level[^a-z]+security[^a-z]') THEN 'policy'
    WHEN verb LIKE 'ALTER%' AND regexp_like(low, '[^a-z0-9_]owner[^a-z]+to[^a-z0-9_]') THEN 'owner'
    WHEN verb IN ('CREATE USER', 'ALTER USER')
        AND regexp_like(low, '[^a-z0-9_](createuser|createdb)([^a-z0-9_]|$)') THEN 'superuser'
    WHEN {_CHANGE} AND low LIKE '%identity%provider%' AND verb LIKE '%IDENTITY%'
        THEN 'identity provider'
    WHEN verb = 'SET SESSION AUTHORIZATION' AND lower(object_name) <> 'default'
        THEN 'session user'
    WHEN verb LIKE '%PROCEDURE%' AND regexp_like(low, '[^a-z0-9_]security[^a-z]+definer')
        THEN 'procedure that runs as its owner'
    ELSE '' END"""
"""SQL: what kind of a change of privileges a row of EVENT is; empty for none."""

# Of those statements alone that name somebody in the end; `bare` has no literal and nothing after
# one: what stands behind a `to` inside a literal would be data, no name.
_NAMES_WHOM = """(verb LIKE 'GRANT%' OR verb LIKE 'ALTER DEFAULT%' OR verb LIKE 'ATTACH%'
    OR verb LIKE 'DETACH%' OR kind = 'owner')"""
_WHOM = f"""CASE
    WHEN kind IN ('superuser', 'session user', 'group', 'identity provider') THEN object_name
    WHEN (verb LIKE 'REVOKE%' OR verb LIKE 'DETACH%')
            AND regexp_like(bare, '(?i)[^a-z0-9_]from[^a-z0-9_]')
        THEN replace_all(bare, '(?is)^.*[^a-z0-9_]from[^a-z0-9_"]+', '')
    WHEN {_NAMES_WHOM} AND regexp_like(bare, '(?i)[^a-z0-9_]to[^a-z0-9_]')
        THEN replace_all(replace_all(bare, '(?is)^.*[^a-z0-9_]to[^a-z0-9_"]+', ''),
            '(?is)[^a-z0-9_"]+with[^a-z0-9_"]+(grant|admin)[^a-z0-9_"]+option.*$', '')
    ELSE '' END"""

_TO_PUBLIC = """regexp_like(low,
    '[^a-z0-9_"]to[^a-z0-9_]+([^;]*,[^a-z0-9_,]*)?public([^a-z0-9_]|$)')"""
_POWER = "regexp_like(low, '[^a-z0-9_](sys:superuser|sys:secadmin)([^a-z0-9_]|$)')"
_GRANTABLE = (
    "regexp_like(low, '[^a-z0-9_]with[^a-z0-9_]+(grant|admin)[^a-z0-9_]+option([^a-z0-9_]|$)')"
)
_LOOSER = """(verb LIKE 'DETACH%' OR verb LIKE 'DROP%' OR regexp_like(low, '^[^a-z]*(detach|drop)')
        OR regexp_like(low, '[^a-z]security[^a-z]+off([^a-z]|$)'))"""
_ON_SCHEMA = "regexp_like(low, '[^a-z0-9_](in|on)[^a-z0-9_]+schema[^a-z0-9_]')"

_PRIVILEGE_CHANGE = f"""
SELECT {_EVERY}, statement_no, kind, substr({_WHOM}, 1, 200) AS whom,
    CASE
        WHEN kind = 'superuser' THEN 'superuser'
        WHEN {_GIVES} AND {_POWER} THEN 'power'
        WHEN {_GIVES} AND {_TO_PUBLIC} THEN 'public'
        WHEN kind = 'session user' THEN 'session user'
        WHEN kind = 'policy' AND {_LOOSER} THEN 'policy'
        WHEN statements > 1 AND statement_no > 1 THEN 'behind'
        WHEN {_GIVES} AND {_GRANTABLE} THEN 'grantable'
        ELSE '' END AS why,
    {_GIVES} AND {_ON_SCHEMA} AS is_on_schema, {SHOWN}, evidence
FROM (SELECT e.*, {_RIGHT} AS kind,
    replace_all(replace_all(replace_all(query_text, '(?s)/[*].*?[*]/', ' '), '--[^\n]*', ' '),
        '(?s) *(\\x27|[$][$]).*$', '') AS bare
    FROM {EVENT} e WHERE verb NOT IN {NO_RIGHTS}) k
WHERE kind <> ''"""

# ---------------------------------------------------------------- tables, views and code

_TEMPORARY = """(regexp_like(low, '^[^a-z]*create[^a-z]+((local|global)[^a-z]+)?temp(orary)?[^a-z]')
        OR (verb = 'SELECT INTO' AND
            regexp_like(low, '[^a-z0-9_]into[^a-z]+((local|global)[^a-z]+)?temp(orary)?[^a-z]'))
        OR substr(object_name, 1, 1) = '#')"""

_SCHEMA_CHANGE = f"""
SELECT {_EVERY}, in_window, CASE WHEN {_TEMPORARY} THEN 1 ELSE 0 END AS is_temporary, {SHOWN},
    evidence
FROM {EVENT} e
WHERE (verb = 'SELECT INTO' OR verb LIKE 'CREATE%' OR verb LIKE 'ALTER%' OR verb LIKE 'DROP%'
        OR verb LIKE 'TRUNCATE%' OR verb LIKE 'COMMENT%')
    AND verb NOT LIKE '% USER' AND verb <> 'ALTER SYSTEM'
    AND CASE WHEN verb IN {NO_RIGHTS} THEN '' ELSE {_RIGHT} END
        IN ('', 'owner', 'procedure that runs as its owner')"""

# ---------------------------------------------------------------- data that comes and goes

NO_MOVE = """('SET', 'ANALYZE', 'VACUUM', 'TRUNCATE', 'CREATE TABLE', 'ALTER TABLE', 'DROP TABLE')
"""
"""Frequent verbs for which `_MOVE` is empty whatever the statement says outside of comments."""

_MOVE = """CASE
    WHEN verb LIKE 'UNLOAD%' THEN 'unload'
    WHEN verb LIKE 'COPY%' THEN 'copy'
    WHEN verb LIKE '%DATASHARE%' OR ((verb LIKE 'GRANT%' OR verb LIKE 'REVOKE%')
        AND regexp_like(low, '[^a-z0-9_]on[^a-z0-9_]+datashare[^a-z0-9_]')) THEN 'datashare'
    WHEN regexp_like(low, '^[^a-z]*create[^a-z]+external[^a-z]+schema') THEN CASE
        WHEN regexp_like(low, '[^a-z]from[^a-z]+(postgres|mysql)') THEN 'federated schema'
        WHEN regexp_like(low, '[^a-z]from[^a-z]+(kinesis|kafka|msk)') THEN 'stream'
        ELSE 'external schema' END
    WHEN regexp_like(low, '^[^a-z]*(create|alter|drop)[^a-z]+external[^a-z]')
        THEN 'external object'
    WHEN verb = 'CREATE DATABASE' AND
        regexp_like(low, '[^a-z]from[^a-z]+(datashare|integration|arn)')
        THEN 'shared database'
    WHEN regexp_like(low, '^[^a-z]*create[^a-z]+(or[^a-z]+replace[^a-z]+)?(library|model)[^a-z]')
        THEN 'library or model'
    WHEN verb = 'ALTER TABLE APPEND' THEN 'append'
    WHEN verb_class = 'DATA_MOVE' THEN 'other'
    ELSE '' END"""

# All that is no bucket goes: each is marked with a bar (no bucket's name has one), and from the
# first character that no name has, everything up to the next bar. Every mention stays, a decoy in
# a comment or a literal too: which of them is the target is not guessed.
_BUCKETS = (
    "replace_all(replace_all(replace_all(replace_all(lower(query_text), '[|]', ' '),"
    " 's3://', '|'), '(?s)(^|[^a-z0-9._|-])[^|]*', ' '), '[|]', 's3://')"
)

_SHARED_OUT = """(CASE WHEN kind = 'datashare' AND verb LIKE 'GRANT%' AND
        regexp_like(low, '[^a-z0-9_]to[^a-z0-9_]+(account|namespace)[^a-z0-9_]') THEN 1
    WHEN kind = 'datashare' AND
        regexp_like(low, 'publicaccessible[^a-z0-9_]+(set[^a-z]+|to[^a-z]+|=[^a-z]*)?true') THEN 2
    ELSE 0 END)"""

_DATA_MOVEMENT = f"""
SELECT {_EVERY}, kind, {_SHARED_OUT} AS shared_out,
    CASE WHEN position('s3://' IN lower(query_text)) > 0 THEN {_BUCKETS} ELSE '' END AS buckets,
    {SHOWN}, evidence
FROM (SELECT e.*, {_MOVE} AS kind FROM {EVENT} e WHERE verb NOT IN {NO_MOVE}) k
WHERE kind <> ''"""

BY_KIND = {
    "privilege_change": _PRIVILEGE_CHANGE,
    "schema_change": _SCHEMA_CHANGE,
    "data_movement": _DATA_MOVEMENT,
}
"""The SQL of each table by name."""
