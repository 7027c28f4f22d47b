"""The statements of a record's SQL: where each ends, its verb, and what it is about.

Literals and comments are skipped as Redshift's lexer skips them (PostgreSQL 8's: a backslash
escapes in every string, comments nest, dollar quotes have tags), then patterns look at what is
left outside of parentheses. No grammar: SQL that is wrong is classified by its first words too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from agent.auditlog.verbs import KINDS, OTHER, PLAIN, class_of

LONGEST_NAME = 512
"""Characters of an object name, or a list of them, that are kept."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a record. See `agent.auditlog.schema` for the meaning of each field."""

    verb: str
    verb_class: str
    object_name: str
    text: str
    is_unfiltered: bool = False


def classify(text: str) -> tuple[Statement, ...]:
    """The record's statements, at least one: without any it has an empty verb.

    The text of an only statement is the record's, without the semicolon at its end; of several,
    each is without the white space around it. A comment behind the last semicolon stays with it.
    """
    return tuple(one for _, one in placed(text))


def placed(text: str) -> list[tuple[int, Statement]]:
    """The same, each with the place in the text at which its own begins."""
    found = _joined(text, _pieces(text)[0])
    if len(found) == 1:
        return [(0, statement(text[: found[0].end], found[0].flat))]
    out = []
    for one in found:
        bare = text[one.start : one.end].lstrip()
        out.append((one.end - len(bare), statement(bare.rstrip(), one.flat)))
    return out


def is_open(text: str) -> bool:
    """Whether the text ends within a string, a quoted name, a comment or a dollar quote."""
    return _pieces(text)[1]


@dataclass(slots=True)
class _Piece:
    """A statement by its place in the text. flat: its SQL outside of literals, comments and
    parentheses."""

    start: int
    end: int
    flat: str


_MARK = re.compile(
    r"'[^'\\]*+(?:\\.[^'\\]*+)*+(?:'|\\?\Z)"
    r'|"[^"]*+(?:"|\Z)'
    r"|--[^\n]*+"
    r"|/\*"
    r"|\$(?:[^\W\d]\w*+)?\$"
    r"|[;()]",
    re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")
_TO_SPACE = re.compile(r"\S")


def _pieces(text: str) -> tuple[list[_Piece], bool]:
    """The text between semicolons, where there is any, and whether the last ends in a literal."""
    found: list[_Piece] = []
    flat: list[str] = []
    start = kept = at = depth = 0
    is_broken = False
    while mark := _MARK.search(text, at):
        begin, at = mark.span()
        first = text[begin]
        if first == '"' and at - begin > 1 and text[at - 1] == '"':
            continue
        if first == "$" and begin and (text[begin - 1].isalnum() or text[begin - 1] in "_$"):
            at = begin + 1  # part of a name
            continue
        if not depth:
            flat.append(text[kept:begin])
        if first == "(":
            depth += 1
        elif first == ")":
            depth = max(0, depth - 1)
            flat.append(" ")
        elif first == ";":
            found.append(_Piece(start, begin, "".join(flat)))
            flat, start, depth = [], at, 0
        else:
            at, is_broken = _past(text, begin, at)
            flat.append("" if depth else _LEFT[first])
        kept = at
    if not depth:
        flat.append(text[kept:])
    found.append(_Piece(start, len(text), "".join(flat)))
    return found, is_broken


_LEFT = {"'": "''", "$": "''", "-": " ", "/": " ", '"': " "}
"""What a literal or comment leaves behind in the flat text."""


def _past(text: str, begin: int, at: int) -> tuple[int, bool]:
    """The end of the literal or comment that begins there, and whether it has none."""
    first = text[begin]
    if first == "'":
        is_ended = at - begin > 1 and text[at - 1] == "'" and not _ends_escaped(text, begin, at)
        return at, not is_ended
    if first == "$":
        tag = text[begin:at]
        end = text.find(tag, at)
        return (len(text), True) if end < 0 else (end + len(tag), False)
    if first == "/":
        depth = 1
        for mark in _COMMENT_MARK.finditer(text, at):
            depth += 1 if mark.group() == "/*" else -1
            if not depth:
                return mark.end(), False
        return len(text), True
    return at, first == '"'


def _ends_escaped(text: str, begin: int, at: int) -> bool:
    """Whether the quote at the end is itself escaped: the text ends within the string."""
    if at < len(text):
        return False
    slashes = len(text[begin + 1 : at - 1]) - len(text[begin + 1 : at - 1].rstrip("\\"))
    return slashes % 2 == 1


def _joined(text: str, pieces: list[_Piece]) -> list[_Piece]:
    """The pieces that are statements, with the comments that stand alone behind the last one."""
    found: list[_Piece] = []
    for piece in pieces:
        if not _TO_SPACE.search(text, piece.start, piece.end):
            continue
        if found and not piece.flat.strip():
            found[-1].end = piece.end
        else:
            found.append(piece)
    if not found:
        return [_Piece(0, len(text), "")]
    found[0].start = 0
    return found


_FIRST = re.compile(r"\s*([^\W\d]\w*)")
_PAREN = re.compile(r"\s*\(")


def statement(text: str, flat: str) -> Statement:
    """A statement by its flat text: without literals, comments and what stands in parentheses."""
    word = _FIRST.match(flat)
    if word is None:
        verb = "SELECT" if "(" in text else OTHER if flat.strip() else ""
        return Statement(verb, class_of(verb), "", text)
    first = word.group(1).upper()
    if first in PLAIN:
        return Statement(first, class_of(first), "", text)
    if first in ("UNION", "INTERSECT", "EXCEPT", "MINUS", "ORDER", "LIMIT"):
        return Statement("SELECT", "DQL", "", text)  # its first part stands in parentheses
    read = _READERS.get(first, _unknown)
    verb, name, is_unfiltered = read(flat)
    return Statement(verb, class_of(verb), name, text, is_unfiltered)


_Read = tuple[str, str, bool]
"""Verb, object name, is_unfiltered."""

_NAME = r'(?:"[^"]*"|[^\s"\';(),.=]+)(?:\s*\.\s*(?:"[^"]*"|[^\s"\';(),.=]+))*'
_NAMES = rf"({_NAME}(?:\s*,\s*{_NAME})*)"
_EXISTS = r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"
_FLAGS = re.IGNORECASE | re.ASCII


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(r"\s*" + text.replace(" ", r"\s+"), _FLAGS)


_QUOTED = re.compile(r'"([^"]*)"')
_AROUND = re.compile(r"\s*([.,])\s*")


def _named(match: re.Match[str] | None, group: int = 1) -> str:
    """The name, or names, that a pattern found, without quotes and white space."""
    found = match.group(group) if match else None
    if not found or (len(found) < LONGEST_NAME and found.replace(".", "").isidentifier()):
        return found or ""
    found = found[: 2 * LONGEST_NAME]
    if '"' in found:
        parts = [
            part if at % 2 else _AROUND.sub(r"\1", part)
            for at, part in enumerate(_QUOTED.split(found))
        ]
        return "".join(parts)[:LONGEST_NAME].replace(",", ", ")
    return _AROUND.sub(r"\1", found)[:LONGEST_NAME].replace(",", ", ")


def _simple(verb: str, pattern: str) -> Callable[[str], _Read]:
    """A reader of statements whose object follows some fixed words."""
    compiled = _pattern(pattern)
    return lambda flat: (verb, _named(compiled.match(flat)), False)


_KIND = "|".join(kind.replace(" ", r"\s+") for kind in KINDS)
_DEFINE = _pattern(
    r"(CREATE|ALTER|DROP)\b(?: OR REPLACE\b)?(?: (?:LOCAL|GLOBAL|TEMP|TEMPORARY|NONATOMIC)\b)*"
    rf"(?: ({_KIND})\b)?(?:\s+(?:CONCURRENTLY|{_EXISTS.strip()}))?\s*"
)
_DEFINED = _pattern(_EXISTS + _NAMES)
_DEFAULTS = re.compile(rf"\bIN\s+SCHEMA\s+{_NAMES}", _FLAGS)
_APPEND = re.compile(r"\bAPPEND\s+FROM\b", _FLAGS)


def _define(flat: str) -> _Read:
    """CREATE, ALTER, DROP: the kind is part of the verb."""
    head = _DEFINE.match(flat)
    if head is None:
        return OTHER, "", False
    kind = " ".join((head.group(2) or "").upper().split())
    verb = f"{head.group(1).upper()} {kind}".strip()
    rest = flat[head.end() :]
    if kind == "DEFAULT PRIVILEGES":
        return verb, _named(_DEFAULTS.search(rest)), False
    if kind == "SYSTEM":
        return verb, _named(_SYSTEM.match(rest)), False
    if verb == "ALTER TABLE" and _APPEND.search(rest):
        verb = "ALTER TABLE APPEND"
    return verb, _named(_DEFINED.match(rest)) if kind else "", False


_SYSTEM = _pattern(rf"(?:SET|RESET) ({_NAME})")
_ON = re.compile(
    r"\bON\s+(?:(?:ALL\s+)?(?:TABLES|FUNCTIONS|PROCEDURES|ROUTINES|COPY\s+JOBS)\s+IN\s+SCHEMA\s+"
    r"|(?:EXTERNAL\s+)?(?:TABLE|SCHEMA)\s+|DATABASE\s+|FUNCTION\s+|PROCEDURE\s+|LANGUAGE\s+"
    rf"|MODEL\s+|DATASHARE\s+|CONNECTION\s+|TEMPLATE\s+)?{_NAMES}",
    _FLAGS,
)
_ROLE = _pattern(rf"(?:GRANT|REVOKE)(?: ADMIN OPTION FOR)? ROLE {_NAMES}")


def _grant(verb: str) -> Callable[[str], _Read]:
    """GRANT and REVOKE: of a role, of privileges on something, or of system permissions."""
    return lambda flat: (verb, _named(_ROLE.match(flat) or _ON.search(flat)), False)


_POLICY = _pattern(rf"(?:ATTACH|DETACH) (RLS|MASKING) POLICY {_NAMES}")


def _attach(verb: str) -> Callable[[str], _Read]:
    """ATTACH and DETACH of a policy."""

    def read(flat: str) -> _Read:
        found = _POLICY.match(flat)
        full = f"{verb} {found.group(1).upper()} POLICY" if found else verb
        return full, _named(found, 2), False

    return read


_INTO = re.compile(r"\bINTO\b", _FLAGS)
_MADE = _pattern(rf"INTO(?: (?:TEMP|TEMPORARY|LOCAL|GLOBAL)\b)*(?: TABLE\b)? ({_NAME})")
_OUTSIDE = re.compile(r'"[^"]*"')


def _masked(flat: str) -> str:
    """The same length, with quoted names made unreadable."""
    return _OUTSIDE.sub(lambda one: "_" * len(one.group()), flat) if '"' in flat else flat


def _select(flat: str) -> _Read:
    """SELECT; with INTO it makes a table."""
    into = _INTO.search(_masked(flat)) if "into" in flat.lower() else None
    if into is None:
        return "SELECT", "", False
    return "SELECT INTO", _named(_MADE.match(flat, into.start())), False


_INSERT = _pattern(rf"INSERT INTO ({_NAME})")
_MERGE = _pattern(rf"MERGE INTO ({_NAME})")
_UPDATE = _pattern(rf"UPDATE(?: ONLY)? ({_NAME})")
_DELETE = _pattern(rf"DELETE(?: FROM)?(?: ONLY)? ({_NAME})")
_WHERE = re.compile(r"\bWHERE\b(.*)", _FLAGS | re.DOTALL)
_ALWAYS = re.compile(r"\s*(?:NOT\s+FALSE|TRUE|(\d+)\s*=\s*\1)\s*\Z", _FLAGS)


def is_unfiltered(flat: str) -> bool:
    """Whether no WHERE picks rows: none at all, or one that always holds."""
    found = _WHERE.search(_masked(flat))
    if found is None:
        return True
    return _ALWAYS.match(found.group(1)) is not None


def _changing(verb: str, pattern: re.Pattern[str]) -> Callable[[str], _Read]:
    """A reader of UPDATE or DELETE."""
    return lambda flat: (verb, _named(pattern.match(flat)), is_unfiltered(flat))


_MAIN = re.compile(r"\b(?:SELECT|INSERT|UPDATE|DELETE|MERGE)\b", _FLAGS)


def _with(flat: str) -> _Read:
    """WITH: the statement that uses its queries, which stand in parentheses."""
    main = _MAIN.search(_masked(flat))
    if main is None:
        return "SELECT", "", False
    return _READERS[main.group().upper()](flat[main.start() :])


_AUTHORIZATION = _pattern(rf"(SET|RESET)(?: SESSION| LOCAL)? SESSION AUTHORIZATION\b\s*({_NAME})?")
_AUTHORIZE = _pattern(rf"(SET|RESET) SESSION AUTHORIZATION\b\s*({_NAME})?")
_SETTING = _pattern(rf"(?:SET|RESET|SHOW)(?: SESSION| LOCAL)? ({_NAME})")


def _set(verb: str) -> Callable[[str], _Read]:
    """SET, RESET, SHOW of a parameter; SESSION AUTHORIZATION changes who one is."""

    def read(flat: str) -> _Read:
        is_role = verb != "SHOW" and "authorization" in flat.lower()
        found = (_AUTHORIZE.match(flat) or _AUTHORIZATION.match(flat)) if is_role else None
        if found:
            return f"{verb} SESSION AUTHORIZATION", _named(found, 2), False
        return verb, _named(_SETTING.match(flat)).lower(), False

    return read


def _unknown(_flat: str) -> _Read:
    return OTHER, "", False


_READERS: dict[str, Callable[[str], _Read]] = {
    "SELECT": _select,
    "TABLE": _simple("SELECT", rf"TABLE ({_NAME})"),
    "WITH": _with,
    "INSERT": lambda flat: ("INSERT", _named(_INSERT.match(flat)), False),
    "UPDATE": _changing("UPDATE", _UPDATE),
    "DELETE": _changing("DELETE", _DELETE),
    "MERGE": lambda flat: ("MERGE", _named(_MERGE.match(flat)), False),
    **dict.fromkeys(("CREATE", "ALTER", "DROP"), _define),
    "TRUNCATE": _simple("TRUNCATE", rf"TRUNCATE(?: TABLE)? {_NAMES}"),
    "COMMENT": _simple("COMMENT", rf"COMMENT ON (?:{_KIND}|COLUMN|CONSTRAINT) ({_NAME})"),
    "GRANT": _grant("GRANT"),
    "REVOKE": _grant("REVOKE"),
    "ATTACH": _attach("ATTACH"),
    "DETACH": _attach("DETACH"),
    "COPY": _simple("COPY", rf"COPY ({_NAME})"),
    "UNLOAD": _simple("UNLOAD", r"UNLOAD\b()"),
    "SET": _set("SET"),
    "RESET": _set("RESET"),
    "SHOW": _set("SHOW"),
    "USE": _simple("USE", rf"USE ({_NAME})"),
    "EXPLAIN": _simple("EXPLAIN", r"EXPLAIN\b()"),
    "ANALYZE": _simple("ANALYZE", rf"ANALYZE(?: VERBOSE| COMPRESSION)* ({_NAME})"),
    "ANALYSE": _simple("ANALYZE", rf"ANALYSE(?: VERBOSE| COMPRESSION)* ({_NAME})"),
    "VACUUM": _simple(
        "VACUUM", rf"VACUUM(?: (?:FULL|SORT ONLY|DELETE ONLY|REINDEX|RECLUSTER))* ({_NAME})"
    ),
    "PREPARE": _simple("PREPARE", rf"PREPARE ({_NAME})"),
    "EXECUTE": _simple("EXECUTE", rf"EXECUTE ({_NAME})"),
    "CALL": _simple("CALL", rf"CALL ({_NAME})"),
    "LOCK": _simple("LOCK", rf"LOCK(?: TABLE)? {_NAMES}"),
    "CANCEL": _simple("CANCEL", r"CANCEL (\d+)"),
    "REFRESH": _simple("REFRESH MATERIALIZED VIEW", rf"REFRESH MATERIALIZED VIEW ({_NAME})"),
    "DESC": _simple("DESC", rf"DESC(?: DATASHARE| IDENTITY PROVIDER)? ({_NAME})"),
    "DESCRIBE": _simple("DESC", rf"DESCRIBE ({_NAME})"),
    "SAVEPOINT": _simple("SAVEPOINT", rf"SAVEPOINT ({_NAME})"),
    "RELEASE": _simple("RELEASE", rf"RELEASE(?: SAVEPOINT)? ({_NAME})"),
    **{
        verb: _simple(verb, rf"{verb} ({_NAME})")
        for verb in ("LISTEN", "NOTIFY", "UNLISTEN", "DISCARD")
    },
    "CHECKPOINT": _simple("CHECKPOINT", r"CHECKPOINT\b()"),
}
"""By first word: how a statement is read."""
