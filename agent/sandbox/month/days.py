"""The rhythm of a day: who connects when, for how long, and what is asked meanwhile."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from agent.sandbox.month.people import PEOPLE, RDSDB, Person
from agent.sandbox.month.statements_written import INTERNAL, POOLS, Move, Written
from agent.sandbox.month.truth import HOUR_MS

DAY_MS = 24 * HOUR_MS

Asked = list[tuple[int, int, str, Written]]
"""Milliseconds since 1970, xid, text as logged, and what it is; in the order of time."""


@dataclass(slots=True)
class Session:
    """One session of one person; all times in milliseconds since 1970.

    end_event: how it ends. tls: version and cipher, empty without.
    """

    person: Person
    address: str
    port: str
    pid: int
    session_id: str
    start: int
    end: int
    tls: tuple[str, str]
    application: str
    guid: str
    asked: Asked
    end_event: str = "disconnecting session"


def day_of(at: int) -> int:
    """The day since 1970."""
    return at // DAY_MS


def start_of(day: int) -> int:
    """The first millisecond of a day, counted from 1970."""
    return day * DAY_MS


def pid_of(day: int, number: int) -> int:
    """Unlike any other of three years; larger than 2^30, as on newer nodes."""
    return 1_073_741_824 + day % 1000 * 200_000 + number * 13 + 7


def xid_at(at: int) -> int:
    """Grows with time."""
    return 6_000_000 + at // 250 % 500_000_000


def sessions(day: int, seed: int, scale: float) -> Iterator[Session]:
    """The sessions that begin on a day (since 1970): of people and services, then the service's."""
    rng = random.Random(f"{seed}/{day}")  # noqa: S311 - repeatable
    weekend = (day + 3) % 7 > 4  # 1970 began on a Thursday
    number = 0
    for person in PEOPLE:
        rhythm = person.weekend if weekend else person.weekday
        for hour, rate in enumerate(rhythm):
            if not rate:
                continue
            wanted = rate * scale
            for _ in range(int(wanted) + (rng.random() < wanted % 1)):
                number += 1
                at = start_of(day) + hour * HOUR_MS + int(rng.random() * HOUR_MS)
                yield drawn(person, rng, at, pid_of(day, number))
    for hour in range(24):
        for turn in range(6):
            at = start_of(day) + hour * HOUR_MS + turn * 600_000 + int(rng.random() * 500_000)
            yield _internal(rng, at, day, hour * 6 + turn)


def drawn(person: Person, rng: random.Random, at: int, pid: int) -> Session:
    """A usual session of a person that begins then."""
    minutes = person.minutes * (0.3 + 1.4 * rng.random())
    end = at + int(minutes * 60_000) + 400
    count = max(1, int(person.records * (0.4 + 1.2 * rng.random())))
    return opened(person, rng, at, end, pid, asked=_asked(person, rng, at, end, count))


def opened(  # noqa: PLR0913 - all but a few by name
    person: Person,
    rng: random.Random,
    at: int,
    end: int,
    pid: int,
    *,
    asked: Asked,
    address: str = "",
    tls: tuple[str, str] | None = None,
    end_event: str = "disconnecting session",
) -> Session:
    """A session with what is left to chance."""
    bits = f"{rng.getrandbits(128):032x}"
    return Session(
        person,
        address or rng.choice(person.addresses),
        str(rng.randrange(32_768, 61_000)),
        pid,
        f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}",
        at,
        end,
        person.tls if tls is None else tls,
        person.client.application,
        f"{bits[16:24]}-{bits[4:8]}-4{bits[1:4]}-9{bits[9:12]}-{bits[12:24]}"
        if person.kind != "local"
        else "",
        asked,
        end_event,
    )


def _asked(person: Person, rng: random.Random, at: int, end: int, count: int) -> Asked:
    """About so many records, spread over the session."""
    moves: list[Move] = rng.choices(POOLS[person.work], k=count)
    span = end - at - 300
    found: Asked = []
    for at_share, move in zip(sorted(rng.random() for _ in moves), moves, strict=True):
        when = at + 200 + int(at_share * span)
        xid = xid_at(when)
        number = str(xid % 9_973_117)
        for written in move:
            found.append((when, xid, written.text.replace("§", number), written))
    return found


def _internal(rng: random.Random, at: int, day: int, number: int) -> Session:
    """The service looks after itself: some milliseconds, over the local socket."""
    asked: Asked = []
    for written in rng.sample(INTERNAL, 2):
        asked.append((at + 20, xid_at(at), written.text.replace("§", str(number)), written))
    length = 40 + int(rng.random() * 900)
    made = opened(RDSDB, rng, at, at + length, 3_000 + day % 400 * 200 + number, asked=asked)
    made.port, made.tls = "", ("", "")
    return made
