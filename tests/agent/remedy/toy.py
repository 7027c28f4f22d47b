"""A toy world: one document of two members, a fix that sets both, a journal, a clock.

Everything that goes wrong is injected, and everything that happens is recorded in `happened`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from agent.remedy.making import Hands
from agent.remedy.steps import Planning, Step, plan_one
from agent.store.records import StoreError
from controls.change import Call, Change, Cost, Document, Fix, Held, Planned, Right, Task
from controls.model import AwsError, CannotTellError, Finding, Reader, Ref, Severity, Status
from controls.remedy import Entry, Policy
from tests.fakes import ACCOUNT, NOW, REGION, FakeAws, denied, failing

REF = Ref("toy", ACCOUNT, REGION, "thing")
RULE = "toy-rule"
WANTED = {"a": 1, "b": 1}
READ, WRITE = "s3:GetPublicAccessBlock", "s3:PutPublicAccessBlock"

Happens = Callable[["World"], object]


def timeout() -> AwsError:
    """No answer came: nothing is known."""
    return AwsError("Timeout", "no answer", action=WRITE)


def server_error() -> AwsError:
    """A 5xx says nothing about what was done."""
    return AwsError("InternalFailure", "oops", action=WRITE, status=500)


ANSWERS: dict[str, tuple[bool, Callable[[], AwsError] | None]] = {
    "ok": (True, None),
    "denied": (False, lambda: denied(WRITE)),
    "invalid": (False, lambda: failing("InvalidRequest")),
    "busy": (False, lambda: failing("InvalidClusterState")),
    "throttled": (False, lambda: AwsError("SlowDown", "slow down", action=WRITE, status=503)),
    "role": (False, lambda: AwsError("InternalFailure", "x", action="sts:AssumeRole", status=500)),
    "refused": (False, lambda: AwsError("Refused", "not in the hand", action=WRITE)),
    "timeout, done": (True, timeout),
    "timeout, not done": (False, timeout),
    "5xx, done": (True, server_error),
    "5xx, not done": (False, server_error),
    "malformed, done": (True, lambda: AwsError("Unparseable", "?", action=WRITE, status=200)),
}
"""How AWS answers a call: whether it is carried out, and what is said of it."""

SURE_NOT = frozenset({"denied", "invalid", "busy", "throttled", "role", "refused"})


@dataclass
class World:
    """What there is, and what is to go wrong."""

    doc: dict[str, Any] = field(default_factory=lambda: {"a": 0, "b": 0})
    answers: list[str] = field(default_factory=list)
    """Of each call in turn; `ok` once they are used up."""
    policy: Policy = field(default_factory=lambda: Policy(fixes=frozenset({"set_both", "turn_on"})))
    fails_puts: frozenset[int] = frozenset()
    """The writes of the journal, counted from 0, that fail."""
    past_fails: bool = False
    ends_at_wait: int | None = None
    """The agent is to end from this question for it on, counted from 0."""
    killed_at: int | None = None
    """The kill switch is thrown from this question for it on."""
    verdict: Callable[[Finding], Finding | None] = lambda finding: finding
    at: dict[float, Happens] = field(default_factory=dict)
    """What happens once so many seconds have passed."""
    after_call: dict[int, Happens] = field(default_factory=dict)
    """What happens right after the call of that number was answered."""
    sees: Callable[[World], dict[str, Any]] = lambda world: world.doc
    """What a look shows."""
    plan_raises: Exception | None = None
    plan_holds: Held | None = None
    costs: dict[Cost, str] = field(default_factory=dict)
    awaits: str = ""
    no_undo: str = ""
    happened: list[tuple[str, Any]] = field(default_factory=list)
    journal: dict[str, Entry] = field(default_factory=dict)
    seconds: float = 0.0
    puts: int = 0
    waits: int = 0
    questions: int = 0
    calls: int = 0
    closed: str = ""
    errors: list[str] = field(default_factory=list)

    # ------------------------------------------------------------ the fix

    def plan(self, aws: Reader, task: Task) -> Planned:
        """Set each member that is not as it should be."""
        if self.plan_raises is not None:
            raise self.plan_raises
        if self.plan_holds is not None:
            return self.plan_holds
        doc = dict(aws.call("s3", "GetPublicAccessBlock"))
        now = Document("doc", doc, doc)
        wrong = [key for key in WANTED if doc.get(key) != WANTED[key]]
        if not wrong:
            return Right("both are 1", self.awaits, (now,))
        return Change(
            "set_both",
            task.ref,
            "set both to 1",
            calls=tuple(put(key, WANTED[key]) for key in wrong),
            documents=(Document("doc", doc, {**doc, **WANTED}),),
            undo=() if self.no_undo else tuple(put(key, doc[key]) for key in wrong),
            no_undo=self.no_undo,
            costs=self.costs,
        )

    def fix(self, name: str = "set_both") -> Fix:
        """The fix, by its name."""

        def plan(aws: Reader, task: Task) -> Planned:
            return self.plan(aws, task)

        plan.__name__ = name
        return Fix(plan, "toy", reads=(READ,), writes=(WRITE,))

    # ------------------------------------------------------------ the outside

    def hands(self, **other: Any) -> Hands:
        """Everything that acting needs."""
        fixes = {"set_both": self.fix()}
        planning = Planning(
            fixes, lambda account, region: self.reader(), lambda a, r: None, self.policy, self._door
        )
        given: dict[str, Any] = {
            "judge": self.judge,
            "make": self.make,
            "journal": Journal(self),
            "planning": planning,
            "wait": self.wait,
            "utc": self.utc,
            "monotonic": lambda: self.seconds,
            "killed": self.killed,
            "sweep_began": NOW,
            "on_error": self.errors.append,
        }
        return Hands(**{**given, **other})

    def _door(self, account: str) -> str:
        return self.closed

    def reader(self) -> FakeAws:
        """Shows the document as it is seen."""
        return FakeAws({READ: lambda params: dict(self.sees(self))})

    def utc(self) -> datetime:
        """NOW, and what has passed."""
        return NOW + timedelta(seconds=self.seconds)

    def judge(self, finding: Finding) -> Finding | None:
        """The verdict by what is seen, and what the test makes of it."""
        right = all(self.sees(self).get(key) == wanted for key, wanted in WANTED.items())
        status = Status.PASS if right else Status.FAIL
        return self.verdict(replace(finding, status=status, because=f"doc is {self.sees(self)}"))

    def make(self, call: Call) -> None:
        """Carries it out or not, and answers as told."""
        kind = self.answers.pop(0) if self.answers else "ok"
        does, says = ANSWERS[kind]
        self.happened.append(("call", (call, kind)))
        if does:
            self.doc = {**self.doc, call.params["key"]: call.params["value"]}
        number, self.calls = self.calls, self.calls + 1
        if happens := self.after_call.pop(number, None):
            happens(self)
        if says is not None:
            raise says()

    def wait(self, seconds: float) -> bool:
        """Time passes, and with it happens what is to happen."""
        self.seconds += seconds
        for when in [when for when in self.at if when <= self.seconds]:
            self.at.pop(when)(self)
        number, self.waits = self.waits, self.waits + 1
        return self.ends_at_wait is not None and number >= self.ends_at_wait

    def killed(self) -> str:
        """By whom."""
        number, self.questions = self.questions, self.questions + 1
        return "a test" if self.killed_at is not None and number >= self.killed_at else ""

    # ------------------------------------------------------------ what is asked of it

    def step(self, **finding: Any) -> Step:
        """The step as it is planned now."""
        found = toy_finding(**finding)
        hands = self.hands()
        fix = hands.planning.fixes["set_both"]
        return Step(found, fix, plan_one(fix, found, hands.planning, NOW))

    @property
    def made(self) -> list[tuple[str, str]]:
        """Each call: the member it sets, and how it was answered."""
        return [(what[0].params["key"], what[1]) for kind, what in self.happened if kind == "call"]

    @property
    def entry(self) -> Entry:
        """The one entry."""
        (entry,) = self.journal.values()
        return entry


@dataclass(frozen=True)
class Journal:
    """Keeps what the world lets it keep."""

    world: World

    def put(self, entry: Entry) -> None:
        """Raises StoreError where the world says so."""
        number, self.world.puts = self.world.puts, self.world.puts + 1
        if number in self.world.fails_puts:
            raise StoreError("the disk is full")
        self.world.happened.append(("put", entry))
        self.world.journal[entry.id] = entry

    def past(self) -> list[Entry]:
        """All of it."""
        if self.world.past_fails:
            raise StoreError("the store is down")
        return list(self.world.journal.values())

    def get(self, identity: str) -> Entry | None:
        """By id."""
        return self.world.journal.get(identity)


def put(key: str, value: object) -> Call:
    """Sets one member."""
    params = {"key": key, "value": value}
    return Call("s3", "PutPublicAccessBlock", params, ACCOUNT, REGION)


def toy_finding(**other: Any) -> Finding:
    """It fails."""
    given: dict[str, Any] = {
        "rule": RULE,
        "title": "Both are 1",
        "severity": Severity.HIGH,
        "status": Status.FAIL,
        "ref": REF,
        "because": "it is 0",
    }
    return Finding(**{**given, **other})


def blind() -> Exception:
    """What a look raises that is denied."""
    return denied(READ)


def unseeable() -> Exception:
    """What a look raises where the owner is not among the targets."""
    return CannotTellError("whose it is cannot be told")


def set_doc(**members: object) -> Happens:
    """Somebody else changes the document."""

    def happens(world: World) -> None:
        world.doc = {**world.doc, **members}

    return happens


def stale(seconds: float, was: dict[str, Any]) -> Callable[[World], dict[str, Any]]:
    """For so long looks show what was."""
    return lambda world: was if world.seconds < seconds else world.doc


def kinds(happened: Sequence[tuple[str, Any]]) -> str:
    """The order of writes in the journal (j) and calls (c)."""
    return "".join("j" if kind == "put" else "c" for kind, _ in happened)
