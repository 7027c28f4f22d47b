"""Makes a month of logs hour by hour, and counts what it writes."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path

from agent.auditlog.objects import FOLDERS_AFTER, Writer
from agent.report.model import Month
from agent.sandbox.month import damage as harm
from agent.sandbox.month.damage import ACTIVITY, CONNECTION, USER, Cut, Piece
from agent.sandbox.month.days import Session, day_of, sessions
from agent.sandbox.month.files import (
    DELAY,
    Put,
    folder_of,
    into,
    key_of,
    stamp_of,
    zipped,
)
from agent.sandbox.month.incidents import Planted, all_user_lines, lasting, planted
from agent.sandbox.month.lines import MINUTES, Clock, connection_lines, header, hour_text, line
from agent.sandbox.month.people import ETL
from agent.sandbox.month.statements_written import Written
from agent.sandbox.month.truth import CLASS_OF, HOUR_MS, Damaged, Tally, Truth

WRITER = Writer("111122223333", "eu-west-1", "warehouse-prod")

_LONG = "select\n" + "".join(f'    column_{n:03} as "it\'s {n}",\n' for n in range(60)) + "    1;"

_Asked = tuple[int, str, Written, str]
"""Second of the hour, user, what it is, and the record behind the time in its header."""
_Seen = tuple[int, str, str, str, str]
"""Millisecond of the hour, event, user, address, and the line."""


@dataclass(slots=True)
class _Making:
    """A month in the making."""

    month: Month
    writer: Writer
    put: Put
    prefix: str
    minute: int
    until: datetime | None
    level: int
    tally: Tally
    plan: dict[tuple[str, int], str]
    asked: defaultdict[int, list[_Asked]] = field(default_factory=lambda: defaultdict(list))
    seen: defaultdict[int, list[_Seen]] = field(default_factory=lambda: defaultdict(list))
    changed: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    carry: dict[str, bytes] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)


def generate(
    month: Month,
    folder: Path,
    *,
    seed: int = 1,
    scale: float = 1.0,
    damage: bool = True,
    incidents: bool = True,
    writer: Writer = WRITER,
    prefix: str = "",
) -> Truth:
    """Writes a month of one cluster's logs below a folder, laid out as in a bucket.

    scale: 1 is some 52,000 activity records; sessions grow with it. damage: see `damage`.
    incidents: see `incidents`. Raises OSError when the folder cannot be written.
    """
    return produce(
        month,
        into(folder),
        seed=seed,
        scale=scale,
        damage=damage,
        incidents=incidents,
        writer=writer,
        prefix=prefix,
    )


def produce(  # noqa: PLR0913 - all but a few by name
    month: Month,
    put: Put,
    *,
    seed: int = 1,
    scale: float = 1.0,
    damage: bool = True,
    incidents: bool = True,
    writer: Writer = WRITER,
    prefix: str = "",
    minute: int = 50,
    until: datetime | None = None,
) -> Truth:
    """The same into anything that takes objects. `minute`: of every object's name.

    until: the last time that may stand in a name; later objects are not there yet.
    """
    first, end = (int(each.timestamp()) // 3600 for each in (month.start, month.end))
    made = _Making(
        month,
        writer,
        put,
        prefix,
        minute,
        until,
        level=6 if scale <= 2 else 1,
        tally=Tally(first, end),
        plan=harm.planned(month) if damage else {},
    )
    extra = planted(month, seed) if incidents else Planted.nothing(month)
    if damage:
        _foreign(made)
        _for_the_damage(extra)
        made.carry[ACTIVITY] = harm.ORPHANED
        made.tally.orphans.append(key_of(writer, prefix, ACTIVITY, stamp_of(first - 1, minute)))
    for at, text in all_user_lines(extra):
        made.changed[at // HOUR_MS].append(f"{text}\n")
    _days(made, extra, seed, scale)
    lost = [key for key, kind in made.plan.items() if kind in (harm.GAP, harm.ZERO)]
    made.tally.gaps.extend(harm.gaps(lost))
    return made.tally.truth(month, writer, tuple(extra.incidents))


def _days(made: _Making, extra: Planted, seed: int, scale: float) -> None:
    """Every day's sessions, and then its hours; a day earlier than the month, for what lasts."""
    first, end = made.tally.first_hour, made.tally.end_hour
    by_day: defaultdict[int, list[Session]] = defaultdict(list)
    for session in extra.sessions:
        by_day[day_of(session.start)].append(session)
    for at, session in extra.failures:
        text = line(session, made.clock, "authentication failure", at)
        _see(made, at, "authentication failure", session, text)
    for day in range(first // 24 - 1, end // 24 + FOLDERS_AFTER):
        for session in sessions(day, seed, scale):
            _add(made, session)
        for session in by_day.pop(day, ()):
            _add(made, session)
        for hour in range(day * 24, day * 24 + 24):
            asked, seen = made.asked.pop(hour, []), made.seen.pop(hour, [])
            stamp = stamp_of(hour, made.minute)
            early = hour < first - 1 or stamp >= made.month.end + timedelta(days=FOLDERS_AFTER)
            if early or (made.until is not None and stamp > made.until):
                continue
            _activity(made, hour, asked)
            _connections(made, hour, seen)
            _changes(made, hour)


def _add(made: _Making, session: Session) -> None:
    """A session's records, each to its hour."""
    name, head, asked = session.person.name, header(session), made.asked
    for at, xid, text, written in session.asked:
        hour, rest = divmod(at, HOUR_MS)
        asked[hour].append((rest // 1000, name, written, f"{head}{xid} ]' LOG: {text}\n"))
    for at, event, text in connection_lines(session, made.clock):
        _see(made, at, event, session, text)


def _see(made: _Making, at: int, event: str, session: Session, text: str) -> None:
    address = "local" if session.address == "[local]" else session.address
    hour, rest = divmod(at, HOUR_MS)
    made.seen[hour].append((rest, event, session.person.name, address, f"{text}\n"))


def _activity(made: _Making, hour: int, rows: list[_Asked]) -> None:
    """One hour of the activity log."""
    rows.sort(key=itemgetter(0))
    begin = hour_text(hour)
    kept = _store(made, ACTIVITY, hour, [f"{begin}{MINUTES[row[0]]}{row[3]}" for row in rows])
    tally = made.tally
    counted = Counter(map(itemgetter(1, 2), rows[:kept]))
    forged = sum(1 for _, written in counted if written.forged_at)
    if not tally.within(hour):
        tally.outside[ACTIVITY] += kept
        return
    tally.hours[ACTIVITY, hour] += kept + forged
    for (user, written), count in counted.items():
        if written.bad_bytes:
            tally.bad_bytes[ACTIVITY] += count
        if written.is_internal or written.is_duplicate:
            tally.kinds["internal" if written.is_internal else "duplicate"] += count
            continue
        told = [(user, verb) for verb in written.verbs]
        for who, verb in [*told, *([("larkadmin", "DROP TABLE")] if written.forged_at else [])]:
            tally.verbs[who, verb] += count
            tally.statements[who, CLASS_OF[verb]] += count


def _connections(made: _Making, hour: int, rows: list[_Seen]) -> None:
    """One hour of the connection log."""
    rows.sort(key=itemgetter(0))
    kept = _store(made, CONNECTION, hour, [row[4] for row in rows])
    if not made.tally.within(hour):
        made.tally.outside[CONNECTION] += kept
        return
    made.tally.hours[CONNECTION, hour] += kept
    made.tally.events.update(map(itemgetter(1, 2, 3), rows[:kept]))
    bad = sum(1 for row in rows[:kept] if not row[4].isascii() and "\udcff" in row[4])
    made.tally.bad_bytes[CONNECTION] += bad


def _changes(made: _Making, hour: int) -> None:
    """The user log of an hour, if anything changed."""
    if rows := made.changed.pop(hour, []):
        kept = _store(made, USER, hour, rows)
        made.tally.hours[USER, hour] += kept


def _store(made: _Making, log_type: str, hour: int, texts: list[str]) -> int:
    """Stores an hour's records; returns how many of the first can still be read."""
    kind = made.plan.get((log_type, hour), "")
    before = made.carry.pop(log_type, b"")
    if kind == harm.GAP:
        return 0
    if kind and len(texts) >= 2:
        split = [text.encode("utf-8", "surrogateescape") for text in texts]
        cut = harm.damaged(kind, log_type, split, before, made.level)
        plain = sum(map(len, split))
    else:
        whole = before + "".join(texts).encode("utf-8", "surrogateescape")
        cut = Cut(len(texts), (Piece(zipped(whole, made.level)),))
        plain = len(whole)
    if cut.carry:
        made.carry[log_type] = cut.carry
    made.tally.plain_bytes[log_type] += plain
    made.tally.bad_lines[log_type] += cut.bad
    for piece in cut.pieces:
        _put(made, log_type, hour, piece, len(texts) - cut.kept)
    return cut.kept


def _put(made: _Making, log_type: str, hour: int, piece: Piece, lost: int) -> None:
    """One object, and a note if it is not as it should be."""
    stamp = stamp_of(hour, made.minute) + timedelta(minutes=piece.after)
    colon = "_" if piece.what == harm.UNDERSCORE else ":"
    key = key_of(made.writer, made.prefix, log_type, stamp, colon=colon)
    late = harm.LATENESS if piece.what == harm.LATE else timedelta()
    made.put(key, piece.body, stamp + DELAY + late)
    made.tally.objects[log_type] += 1
    if piece.what:
        made.tally.damaged.append(Damaged(key, piece.what, lost))


def _foreign(made: _Making) -> None:
    """Files that are no logs, in the folders of the logs."""
    for day, name in ((3, "manifest.json"), (4, "notes.txt")):
        when = made.month.start + timedelta(days=day - 1)
        key = f"{folder_of(made.writer, made.prefix, when)}/{name}"
        made.put(key, b"{}\n", when)
        made.tally.damaged.append(Damaged(key, "foreign"))


def _for_the_damage(extra: Planted) -> None:
    """Records that some kinds of damage need: long ones to cut, and invalid bytes in each log."""
    for day, hour in ((19, 8), (22, 16)):
        lasting(extra, extra.at(day, hour, 41), _LONG)
    odd = replace(ETL, client=replace(ETL.client, application="job \udcff"))
    asked = [("select '\udcfe'", ("SELECT",))]
    session = extra.session(odd, extra.at(27, 11, 20), 3, asked)
    at, xid, text, written = session.asked[0]
    session.asked[0] = (at, xid, text, replace(written, bad_bytes=True))
