"""The verbs of Redshift's SQL, and the class of each.

Names and spellings: the SQL commands of the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

CLASS_OF = {
    "SELECT": "DQL",
    "TABLE": "DQL",
    "VALUES": "DQL",
    "DECLARE": "DQL",  # a cursor: how drivers read large answers
    "FETCH": "DQL",
    "CLOSE": "DQL",
    "INSERT": "DML",
    "UPDATE": "DML",
    "DELETE": "DML",
    "MERGE": "DML",
    "CREATE": "DDL",
    "ALTER": "DDL",
    "DROP": "DDL",
    "TRUNCATE": "DDL",
    "COMMENT": "DDL",
    "SELECT INTO": "DDL",
    "GRANT": "DCL",
    "REVOKE": "DCL",
    "ATTACH": "DCL",
    "DETACH": "DCL",
    "SET SESSION AUTHORIZATION": "DCL",
    "RESET SESSION AUTHORIZATION": "DCL",
    "BEGIN": "TCL",
    "START": "TCL",
    "COMMIT": "TCL",
    "END": "TCL",
    "ABORT": "TCL",
    "ROLLBACK": "TCL",
    "SAVEPOINT": "TCL",
    "RELEASE": "TCL",
    "COPY": "DATA_MOVE",
    "UNLOAD": "DATA_MOVE",
    "ALTER TABLE APPEND": "DATA_MOVE",
    "ALTER SYSTEM": "UTILITY",
    "SET": "UTILITY",
    "RESET": "UTILITY",
    "SHOW": "UTILITY",
    "DESC": "UTILITY",
    "DESCRIBE": "UTILITY",
    "USE": "UTILITY",
    "EXPLAIN": "UTILITY",
    "ANALYZE": "UTILITY",
    "ANALYSE": "UTILITY",
    "VACUUM": "UTILITY",
    "PREPARE": "UTILITY",
    "EXECUTE": "UTILITY",
    "DEALLOCATE": "UTILITY",
    "CALL": "UTILITY",
    "LOCK": "UTILITY",
    "CANCEL": "UTILITY",
    "REFRESH MATERIALIZED VIEW": "UTILITY",
    "LISTEN": "UTILITY",
    "NOTIFY": "UTILITY",
    "UNLISTEN": "UTILITY",
    "DISCARD": "UTILITY",
    "CHECKPOINT": "UTILITY",
}
"""Of the whole verb, or of its first word."""

KINDS = (
    "DEFAULT PRIVILEGES",
    "EXTERNAL FUNCTION",
    "EXTERNAL MODEL",
    "EXTERNAL PROTECTED VIEW",
    "EXTERNAL SCHEMA",
    "EXTERNAL TABLE",
    "EXTERNAL VIEW",
    "IDENTITY PROVIDER",
    "MASKING POLICY",
    "MATERIALIZED VIEW",
    "RLS POLICY",
    "AGGREGATE",
    "CONNECTION",
    "DATABASE",
    "DATASHARE",
    "FUNCTION",
    "GROUP",
    "INDEX",
    "LANGUAGE",
    "LIBRARY",
    "MODEL",
    "PROCEDURE",
    "ROLE",
    "SCHEMA",
    "SEQUENCE",
    "SYSTEM",
    "TABLE",
    "TEMPLATE",
    "TYPE",
    "USER",
    "VIEW",
)
"""What CREATE, ALTER and DROP are about; the longer spelling first."""

_ACCESS = (
    "USER",
    "GROUP",
    "ROLE",
    "DEFAULT PRIVILEGES",
    "DATASHARE",
    "IDENTITY PROVIDER",
    "MASKING POLICY",
    "RLS POLICY",
)
"""Kinds that decide who may do what: their statements are of DCL."""

OTHER = "OTHER"
"""Verb and class of what begins with no known word."""

PLAIN = frozenset(
    (
        *("BEGIN", "START", "COMMIT", "END", "ABORT", "ROLLBACK"),
        *("FETCH", "CLOSE", "DECLARE", "VALUES", "DEALLOCATE"),
    )
)
"""One-word verbs about nothing that has a name: their first word says everything."""


def class_of(verb: str) -> str:
    """One of the classes of the curated tables; of no verb, and of an unknown one, OTHER."""
    if verb in CLASS_OF:
        return CLASS_OF[verb]
    first, _, kind = verb.partition(" ")
    if first in ("CREATE", "ALTER", "DROP") and kind in _ACCESS:
        return "DCL"
    return CLASS_OF.get(first, OTHER)
