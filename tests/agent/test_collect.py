"""What a collection makes of kinds, facts and a world in which anything may go wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.collect import Target, collect
from agent.packs import load_packs
from agent.turns import StoppedError
from agent.wanted import operations, wanted_facts
from controls.kinds.catalog import KINDS
from controls.kinds.kind import Fact, Found, Item, Kind, LogBucket
from controls.model import (
    Absent,
    Answer,
    AwsError,
    CannotTellError,
    Coverage,
    Gap,
    Maybe,
    Reader,
    Ref,
    Said,
    Snapshot,
    State,
    Unknown,
)
from controls.rule import Rule
from controls.rule_file import RuleText, parse_rules
from tests.fakes import ACCOUNT, ARCHIVE, NOW, REGION, FakeAws, FakeWorld, denied

HERE = Target(ACCOUNT, REGION)
LIST = "redshift:DescribeClusters"
ASK = "redshift:DescribeLoggingStatus"


def list_boxes(aws: Reader) -> Iterable[Item]:
    """Two boxes in each target."""
    for entry in aws.pages("redshift", "DescribeClusters", "Boxes"):
        ref = Ref("box", aws.account, aws.region, entry["name"])
        yield Item(ref, entry, {"team": "play"}, LIST)


def plain(aws: Reader, box: Item) -> Answer[bool]:
    """A value without a reason."""
    return True


def said(aws: Reader, box: Item) -> Answer[bool]:
    """A value with one."""
    return Said(True, "it says so")


def nothing(aws: Reader, box: Item) -> Maybe[int]:
    """Known to have none."""
    return Absent("there is none")


def undecided(aws: Reader, box: Item) -> Answer[bool]:
    """Could not be decided."""
    return Unknown("the lid is shut")


def puzzled(aws: Reader, box: Item) -> Answer[bool]:
    """Raises what means so."""
    raise CannotTellError("two lids")


def refused(aws: Reader, box: Item) -> Answer[bool]:
    """Asks what is denied."""
    return bool(aws.call("redshift", "DescribeLoggingStatus"))


def overreaching(aws: Reader, box: Item) -> Answer[bool]:
    """Asks what it did not declare."""
    return bool(aws.call("s3", "GetBucketPolicy"))


def broken(aws: Reader, box: Item) -> Answer[bool]:
    """A mistake of ours."""
    raise ZeroDivisionError


def mistyped(aws: Reader, box: Item) -> Answer[bool]:
    """Not what its annotation says."""
    return "yes"  # type: ignore[return-value]  # the mistake under test


FACTS = tuple(
    Fact(one, needs=(ASK,) if one is refused else ())
    for one in (
        plain,
        said,
        nothing,
        undecided,
        puzzled,
        refused,
        overreaching,
        broken,
        mistyped,
    )
)
BOX = Kind("box", "A box.", FACTS, lists=list_boxes, needs=(LIST,))
ANSWERS: dict[str, Any] = {LIST: {"Boxes": [{"name": "red"}, {"name": "blue"}]}, ASK: denied(ASK)}


def rule_text(kind: str, must: str, passes: str) -> str:
    """A rule file; it fails where what passes is not true."""
    return (
        f"id: it\ntitle: It\nwhy: So.\nseverity: low\nresource: {kind}\n"
        f"must: {must}\nremedy: None.\nfalse_positives: none\n"
        f"examples: {{pass: [{passes}], fail: [{passes.replace('true', 'false')}]}}\n"
    )


def rule_on(kind: str, *facts: str, kinds: Sequence[Kind] = (BOX,)) -> Rule:
    """A rule that reads these facts."""
    passes = f"{{{', '.join(f'{one}: true' for one in facts)}}}"
    text = rule_text(kind, " && ".join(facts), passes)
    rules, problems = parse_rules(
        [RuleText("it.yaml", text, "mine")], {one.name: one for one in kinds}, ()
    )
    assert problems == ()
    return rules[0]


def look(*facts: str, answers: dict[str, Any] | None = None, targets: Any = (HERE,)) -> Snapshot:
    """A collection of boxes for a rule on these facts."""
    world = FakeWorld(FakeAws(ANSWERS if answers is None else answers))
    return collect(world, targets, [rule_on("box", *facts)], [BOX])


# ---------------------------------------------------------------- facts


@pytest.mark.parametrize(
    ("fact", "state", "says"),
    [
        ("plain", State.KNOWN, ""),
        ("said", State.KNOWN, "it says so"),
        ("undecided", State.UNKNOWN, "the lid is shut"),
        ("puzzled", State.UNKNOWN, "two lids"),
        ("refused", State.UNKNOWN, "redshift:DescribeLoggingStatus denied"),
        ("overreaching", State.UNKNOWN, "not among the needs that the fact declares"),
        ("broken", State.UNKNOWN, "reading broken failed inside Trailkeeper: ZeroDivisionError"),
        ("mistyped", State.UNKNOWN, "mistyped: "),
    ],
)
def test_what_becomes_of_an_answer(fact: str, state: State, says: str) -> None:
    """Whatever goes wrong ends as unknown with the reason, and never as a value."""
    snapshot = look(fact)

    readings = [resource.facts[fact] for resource in snapshot.resources]
    assert len(readings) == 2
    for reading in readings:
        assert reading.state is state
        assert says in reading.reason
        assert reading.value is (True if state is State.KNOWN else None)


def test_an_absent_value_is_not_unknown() -> None:
    """It is known that there is none."""
    text = rule_text("box", "plain && nothing > 1", "{plain: true, nothing: 2}")
    rules, problems = parse_rules(
        [
            RuleText(
                "it.yaml",
                text.replace("plain: false, nothing: 2", "plain: false, nothing: null"),
                "mine",
            )
        ],
        {"box": BOX},
        (),
    )
    assert problems == ()

    snapshot = collect(FakeWorld(FakeAws(ANSWERS)), [HERE], rules, [BOX])

    assert snapshot.resources[0].facts["nothing"].state is State.ABSENT


def test_one_bad_fact_costs_no_other() -> None:
    """The rest of the resource is read."""
    facts = look("broken", "refused", "plain").resources[0].facts

    assert facts["plain"].value is True


def test_only_what_a_rule_reads_is_read() -> None:
    """No fact, no kind, no call beyond it."""
    world = FakeWorld(FakeAws(ANSWERS))

    snapshot = collect(world, [HERE], [rule_on("box", "plain")], [BOX])

    assert set(snapshot.resources[0].facts) == {"plain"}
    assert [asked.operation for asked in world.aws.asked] == [LIST]
    assert operations([rule_on("box", "plain")], [BOX]) == {LIST}


def test_the_snapshot_says_what_was_looked_for() -> None:
    """Each kind that was listed, be it for another's sake, with its facts; found or not."""
    world = FakeWorld(FakeAws({LIST: denied(LIST)}))

    both = collect(world, [HERE], [rule_on("lid", "plain", kinds=[LID])], [BOX, LID])
    one = collect(world, [HERE], [rule_on("box", "plain")], [BOX, LID])

    assert both.collected == {"box": ("said",), "lid": ("plain",)}
    assert one.collected == {"box": ("plain",)}
    assert operations([rule_on("box", "refused")], [BOX]) == {LIST, ASK}


# ---------------------------------------------------------------- listing and targets


def test_what_cannot_be_listed_is_a_gap() -> None:
    """And the target unreadable."""
    snapshot = look("plain", answers={LIST: denied(LIST)})

    (gap,) = snapshot.gaps
    assert (gap.kind, gap.account, gap.region) == ("box", ACCOUNT, REGION)
    assert "redshift:DescribeClusters denied" in gap.reason
    assert [target.status for target in snapshot.targets] == [Coverage.UNREADABLE]


def test_a_listing_that_is_not_what_it_should_be_is_a_gap() -> None:
    """A mistake of ours, or AWS's: not an empty list."""
    (gap,) = look("plain", answers={LIST: {"Boxes": [{"nom": "rouge"}]}}).gaps

    assert "listing box failed inside Trailkeeper: KeyError('name')" in gap.reason


def closed(
    code: str = "Unreachable", message: str = "Could not connect to the endpoint URL: x"
) -> AwsError:
    """What the door raises where nobody answers."""
    return AwsError(code, message, action="redshift-serverless:ListNamespaces")


@pytest.mark.parametrize(
    ("region", "error", "gaps"),
    [
        pytest.param("xx-young-1", closed(), 0, id="where there is no such service"),
        pytest.param("xx-young-1", closed("Timeout"), 1, id="there, but somebody did answer"),
        pytest.param(
            "xx-young-1", closed(message="Connection was closed"), 1, id="there, but it was cut off"
        ),
        pytest.param(REGION, closed(), 1, id="where there is one"),
    ],
)
def test_a_service_that_a_region_lacks_has_nothing_there(
    region: str, error: AwsError, gaps: int
) -> None:
    """`--region all` would never be whole in regions without Redshift Serverless."""
    serverless = Kind(
        "box",
        "",
        lists=lambda aws: aws.pages("redshift-serverless", "ListNamespaces", "namespaces"),  # type: ignore[arg-type, return-value]
        needs=("redshift-serverless:ListNamespaces",),
        facts=BOX.facts,
        optional=True,
    )
    world = FakeWorld(FakeAws({"redshift-serverless:ListNamespaces": error}))
    snapshot = collect(
        world,
        [Target(ACCOUNT, region)],
        [rule_on("box", "plain", kinds=[serverless])],
        [serverless],
    )

    assert len(snapshot.gaps) == gaps


def test_a_target_with_a_problem_is_not_asked() -> None:
    """It stands in the snapshot as unreadable, with the problem."""
    world = FakeWorld(FakeAws(ANSWERS))
    targets = [Target(ACCOUNT, "all", "which regions are enabled is unknown"), HERE]

    snapshot = collect(world, targets, [rule_on("box", "plain")], [BOX])

    assert [one.status for one in snapshot.targets] == [Coverage.UNREADABLE, Coverage.COMPLETE]
    assert snapshot.targets[0].reason == "which regions are enabled is unknown"
    assert {asked.region for asked in world.aws.asked} == {REGION}


@pytest.mark.parametrize(
    ("fact", "coverage"),
    [("plain", Coverage.COMPLETE), ("refused", Coverage.PARTIAL), ("puzzled", Coverage.PARTIAL)],
)
def test_how_much_was_seen(fact: str, coverage: Coverage) -> None:
    """A call that was refused leaves the target read in part, with the reason."""
    (target,) = look(fact).targets

    assert target.status is coverage
    assert bool(target.reason) == (coverage is Coverage.PARTIAL)
    assert target.resources == 2


def test_many_reasons_are_counted() -> None:
    """Three are told, the rest counted: a line stays a line."""
    boxes = {"Boxes": [{"name": f"b{number}"} for number in range(9)]}
    asked = iter(range(100))

    def refusing(_: Any) -> AwsError:
        return AwsError("Odd", f"number {next(asked)}", action=ASK)

    (target,) = look("refused", answers={LIST: boxes, ASK: refusing}).targets

    assert target.reason is not None
    assert target.reason.endswith("; and 6 more")


# ---------------------------------------------------------------- derived kinds


def lids(found: Found) -> Iterable[Item | Gap]:
    """A lid for each box; the archive's boxes have none that can be seen."""
    for resource in found.of("box"):
        where = resource.ref
        if where.account == ARCHIVE:
            yield Gap("lid", where.account, where.region, "the archive is shut")
        else:
            yield Item(replace(where, kind="lid"), {})


def bad_lids(found: Found) -> Iterable[Item | Gap]:
    """The first is listed, the second a mistake of ours."""
    first, *_ = found.of("box")
    yield Item(replace(first.ref, kind="lid"), {})
    raise IndexError("no fifth part")


LID = Kind("lid", "A lid.", (Fact(plain),), derives=lids, sources={"box": ("said",)})


def test_a_derived_kind_is_listed_from_what_was_found() -> None:
    """What it is listed from is read for it; its gaps are told with those of its source."""
    world = FakeWorld(FakeAws(ANSWERS))
    rule = rule_on("lid", "plain", kinds=[LID])
    targets = [HERE, Target(ARCHIVE, REGION)]

    snapshot = collect(world, targets, [rule], [BOX, LID])

    assert [r.ref.name for r in snapshot.resources if r.ref.kind == "lid"] == ["red", "blue"]
    assert {gap.reason for gap in snapshot.gaps} == {"the archive is shut"}
    assert wanted_facts([rule], [BOX, LID]).facts["box"] == {"said"}


def test_a_gap_in_the_source_is_one_in_what_is_derived() -> None:
    """Boxes that nobody saw may have lids."""
    world = FakeWorld(FakeAws({LIST: denied(LIST)}))

    snapshot = collect(world, [HERE], [rule_on("lid", "plain", kinds=[LID])], [BOX, LID])

    assert {gap.kind for gap in snapshot.gaps} == {"box", "lid"}


def test_a_mistake_in_deriving_is_a_gap_and_costs_nothing_else() -> None:
    """Everything else is still there."""
    kind = replace(LID, derives=bad_lids)
    world = FakeWorld(FakeAws(ANSWERS))
    rules = [rule_on("lid", "plain", kinds=[kind]), rule_on("box", "plain")]

    snapshot = collect(world, [HERE], rules, [BOX, kind])

    assert [r.ref.kind for r in snapshot.resources] == ["box", "box", "lid"]
    (gap,) = snapshot.gaps
    assert "listing lid failed inside Trailkeeper: IndexError" in gap.reason
    assert [one.status for one in snapshot.targets] == [Coverage.PARTIAL]


# ---------------------------------------------------------------- the run of it


def asks_for_buckets(aws: Reader, box: Item) -> Answer[bool]:
    """It need not ask in truth: that it may is enough for owners to be looked for."""
    return True


class NoOwners(FakeAws):
    """Where asking for the owner of a bucket is a mistake of ours."""

    def of_bucket(self, bucket: str) -> FakeAws:
        """As if an answer had not been what it should."""
        raise KeyError(bucket)


@dataclass(frozen=True)
class Ownerless:
    """A world of it."""

    aws: FakeAws
    now: datetime = NOW

    def offers(self, service: str, region: str) -> bool:
        """Everything, everywhere."""
        return True

    def reader(self, account: str, region: str, *, deadline: float | None = None) -> Reader:
        """One that knows no owner."""
        return NoOwners(self.aws.answers, account=account, region=region)


@dataclass
class Interrupted:
    """A world in which Ctrl-C is pressed at the first call."""

    now: datetime = NOW

    def reader(self, account: str, region: str, *, deadline: float | None = None) -> Reader:
        """As Python tells it."""
        raise KeyboardInterrupt


def test_an_interrupt_ends_it() -> None:
    """Ctrl-C is no fact that could not be read."""
    with pytest.raises(KeyboardInterrupt):
        collect(Interrupted(), [HERE], [rule_on("box", "plain")], [BOX])


@dataclass(frozen=True)
class Timed:
    """A world that notes until when its readers may take."""

    aws: FakeAws
    deadlines: dict[str, float]
    now: datetime = NOW

    def offers(self, service: str, region: str) -> bool:
        """Everything, everywhere."""
        return True

    def reader(self, account: str, region: str, *, deadline: float | None = None) -> Reader:
        """The first one of each account counts."""
        assert deadline is not None
        self.deadlines.setdefault(account, deadline)
        return self.aws.at(account, region)


BOTH = (HERE, Target(ARCHIVE, REGION))


def test_a_target_that_begins_later_has_its_whole_time() -> None:
    """And each as much of it as it is given."""
    world = Timed(FakeAws(ANSWERS), {})

    collect(
        world,
        BOTH,
        [rule_on("box", "plain")],
        [BOX],
        begins=lambda target: 0.05 if target.account == ARCHIVE else 0.0,
        target_seconds=lambda target: 300.0 if target == HERE else 100.0,
    )

    later = world.deadlines[ARCHIVE] - world.deadlines[ACCOUNT]
    assert abs(later - (0.05 - 200)) < 10


def test_nothing_is_asked_of_a_target_before_it_begins_and_a_stop_ends_the_wait() -> None:
    """The other is asked meanwhile."""
    stop = threading.Event()

    def boxes(_: Any) -> Any:
        stop.set()
        return ANSWERS[LIST]

    world = FakeWorld(FakeAws({LIST: boxes}))
    with pytest.raises(StoppedError):
        collect(
            world,
            BOTH,
            [rule_on("box", "plain")],
            [BOX],
            begins=lambda target: 3600.0 if target == HERE else 0.0,
            stop=stop,
        )

    assert {asked.account for asked in world.aws.asked} == {ARCHIVE}


def test_a_target_with_a_problem_holds_nobody_up() -> None:
    """It is not asked anyway: its offset does not count."""
    targets = [Target(ACCOUNT, "all", "which regions are enabled is unknown"), *BOTH]

    snapshot = collect(
        FakeWorld(FakeAws(ANSWERS)),
        targets,
        [rule_on("box", "plain")],
        [BOX],
        begins=lambda target: 3600.0 if target.problem else 0.0,
    )

    assert len(snapshot.resources) == 4


@pytest.mark.parametrize("hanging", ["listing", "fact"])
def test_a_stop_does_not_wait_for_aws(hanging: str) -> None:
    """Whichever call hangs."""
    stop, release = threading.Event(), threading.Event()

    def hang(_: Any) -> Any:
        stop.set()
        release.wait(60)
        return ANSWERS[LIST]

    answers = ANSWERS | ({LIST: hang} if hanging == "listing" else {ASK: hang})
    world = FakeWorld(FakeAws(answers))
    with pytest.raises(StoppedError):
        collect(world, [HERE], [rule_on("box", "refused")], [BOX], stop=stop)
    assert not release.is_set()
    release.set()


LISTS_BADLY: dict[str, Any] = {LIST: {"Boxes": [{"nom": "rouge"}]}}


@pytest.mark.parametrize(
    ("rule", "kinds", "answers", "counted"),
    [
        pytest.param(("box", "plain"), [BOX], ANSWERS, [], id="nothing goes wrong"),
        pytest.param(("box", "refused"), [BOX], ANSWERS, [], id="AWS refuses: no error of ours"),
        pytest.param(("box", "broken"), [BOX], ANSWERS, ["fact"] * 2, id="a fact of each box"),
        pytest.param(("box", "plain"), [BOX], LISTS_BADLY, ["listing"], id="a listing"),
        pytest.param(
            ("lid", "plain"),
            [BOX, replace(LID, derives=bad_lids)],
            ANSWERS,
            ["listing"],
            id="a derived kind",
        ),
    ],
)
def test_errors_of_our_own_are_counted(
    rule: tuple[str, str], kinds: list[Kind], answers: Any, counted: list[str]
) -> None:
    """They end as unknown: nobody would hear of them otherwise."""
    told: list[str] = []
    world = FakeWorld(FakeAws(answers))

    collect(world, [HERE], [rule_on(*rule, kinds=kinds)], kinds, on_error=told.append)

    assert told == counted


def test_an_error_in_finding_an_owner_is_counted() -> None:
    """Every fact of the bucket will say that its owner is not known."""
    told: list[str] = []
    asking = replace(BOX, facts=(Fact(asks_for_buckets, needs=("s3:ListBuckets",)),))
    named = LogBucket("lost", ACCOUNT, REGION)

    collect(
        Ownerless(FakeAws(ANSWERS)),
        [HERE],
        [rule_on("box", "asks_for_buckets", kinds=[asking])],
        [asking],
        log_buckets=[named],
        on_error=told.append,
    )

    assert told == ["listing"]


def test_progress_counts_resources() -> None:
    """Up to all of them."""
    told: list[tuple[str, int, int]] = []
    world = FakeWorld(FakeAws(ANSWERS))

    collect(
        world,
        [HERE],
        [rule_on("box", "plain")],
        [BOX],
        progress=lambda *note: told.append(note),
    )

    assert told == [("resources", 1, 2), ("resources", 2, 2)]


def test_times_are_those_of_the_answers() -> None:
    """A snapshot is of the sweep's time, aware and in UTC."""
    snapshot = look("plain")

    assert snapshot.taken_at == NOW
    assert snapshot.resources[0].facts["plain"].read_at.tzinfo is UTC


@pytest.mark.parametrize("rule", load_packs(["redshift-audit"], [], {k.name: k for k in KINDS})[0])
def test_every_source_of_a_kind_is_collected_with_it(rule: Rule) -> None:
    """A rule on a derived kind brings along what that kind is listed from."""
    wanted = wanted_facts([rule], KINDS).facts
    kind = next(kind for kind in KINDS if kind.name == rule.kind)

    for source, names in kind.sources.items():
        assert set(names) <= wanted[source]
