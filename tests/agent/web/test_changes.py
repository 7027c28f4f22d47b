"""The pages of remediation: the plan and what holds it, the journal, one change, and the JSON."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
import yaml

from agent.config_remediation import RemediationSetting
from agent.daemon.health import PlannedRound
from agent.web.changed import allow, diff_runs, shown_steps, troubled, why_no_undo
from agent.web.index import Indexes
from agent.web.lately import FRESH_FOR, Lately
from agent.web.shown import change_link, resource_link
from controls.change import Cost, Document
from controls.guard import Circumstances, why_held
from controls.remedy import Outcome, Policy, change_to_json
from tests.agent.formats.samples import ACCOUNT, LOCATION, NOW, TYPICAL, WALKTHROUGH
from tests.agent.web.estate import FakeView, typical, view
from tests.agent.web.remedied import (
    MINUTE,
    entry,
    evil_change,
    journal,
    lifecycle,
    plan,
    reboot,
    step,
)
from tests.agent.web.test_app import TOKEN, client
from tests.agent.web.test_pages import EVIL, get

# ---------------------------------------------------------------- the plan


@pytest.mark.parametrize(
    "says",
    [
        pytest.param("Ready High", id="what is ready"),
        pytest.param("expire_logs on audit-logs/prod/", id="which fix on what"),
        pytest.param("let prod/ expire after 180 days", id="what it does"),
        pytest.param("Because audit-logs-expire-in-time fails: must logs_expire", id="why"),
        pytest.param('+ "Expiration": {', id="the diff, with its marks"),
        pytest.param("s3:PutBucketLifecycleConfiguration in 111122223333/eu-west-1", id="calls"),
        pytest.param("Undo: 1 call", id="how it is undone"),
        pytest.param("Held Critical Interrupts", id="what is held, and what it costs"),
        pytest.param("reboot_cluster is not among the fixes that are allowed", id="first reason"),
        pytest.param("it interrupts (queries that run are cancelled)", id="second"),
        pytest.param("- to: interrupts fix: reboot_cluster resource: prod-dwh", id="the consent"),
        pytest.param("Interrupts queries that run are cancelled", id="the cost's sentence"),
        pytest.param("It cannot be undone: a reboot is over when it is over", id="no undo"),
        pytest.param("Touches beside it reporting etl", id="what else it touches"),
        pytest.param("Then: the parameter is in force once", id="what follows"),
        pytest.param("Held because the cluster is modifying", id="held by the fix itself"),
        pytest.param("Waits for a reboot of prod-dwh", id="what waits"),
        pytest.param("✓ not thrown", id="the kill switch"),
        pytest.param("2026-11-22 08:01:00 UTC, 2 min ago", id="when it was planned"),
    ],
)
def test_the_plan_says(says: str) -> None:
    text = get("/changes").text

    assert says in text


def test_ready_steps_come_first_then_held_ones_then_what_waits() -> None:
    of = plan()

    shown = shown_steps(of.steps, (), of.at)

    assert [one.verdict for one in shown] == ["ready", "held", "held", "awaiting", "right"]


def test_a_step_leads_to_the_newest_change_of_the_same_by_the_same() -> None:
    of = PlannedRound(NOW, (step(lifecycle()),))
    other = entry("other", change=lifecycle(fix="another"))
    older = entry("older", 2 * MINUTE)

    (shown,) = shown_steps(of.steps, (other, entry("newest"), older), NOW)

    assert shown.latest is not None
    assert shown.latest.id == "newest"


def many(count: int) -> FakeView:
    steps = tuple(
        step(lifecycle(ref=replace(LOCATION, name=f"b-{n:03d}/")), WALKTHROUGH)
        for n in range(count)
    )
    return view(round=PlannedRound(NOW, steps))


def test_every_step_is_on_some_page_and_on_no_other() -> None:
    names = [
        name
        for page in (1, 2, 3)
        for name in re.findall(r"step-name", client(many(30)).get(f"/changes?page={page}").text)
    ]

    assert len(names) == 30
    get("/changes?page=4", many(30), 404)


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=²", "fix=a"])
def test_a_question_that_means_nothing_is_refused(query: str) -> None:
    get(f"/changes?{query}", status=400)


def test_a_long_diff_says_that_there_is_more() -> None:
    document = Document("policy", None, [str(number) for number in range(500)])

    cut, whole = diff_runs(document, 20), diff_runs(document)

    assert sum(len(lines) for _, lines in cut) == 21
    assert cut[-1][1][-1].startswith("… and more")
    assert [kind for kind, _ in whole] == ["head", "place", "add"]


def test_a_diff_keeps_a_line_that_looks_like_a_head() -> None:
    runs = diff_runs(Document("text", "-- a\nx", "++ b\nx"))

    assert runs[2:] == [("take", ["--- a"]), ("add", ["+++ b"]), ("same", [" x"])]


# ---------------------------------------------------------------- what would let it through


@pytest.mark.parametrize("cost", list(Cost))
@pytest.mark.parametrize("name", ["audit-logs/prod/", "123", "yes", "a: b #c", "- x", "é'\"\\ <b>"])
def test_what_a_page_writes_down_lets_the_guard_through(cost: Cost, name: str) -> None:
    """Read as the configuration reads it, every reason it was written for is gone."""
    finding = replace(WALKTHROUGH, ref=replace(LOCATION, name=name))
    change = lifecycle(ref=finding.ref, costs={cost: "said"})
    held = step(change, finding, policy=Policy())
    assert len(held.held) == 2

    written = yaml.safe_load("\n".join(allow(held, NOW)))
    setting = RemediationSetting.model_validate(written["remediation"])

    policy = setting.policy(frozenset(), frozenset())
    assert why_held(change, finding, policy, Circumstances(NOW, NOW)) == ()
    assert setting.consents[0].until == date(2026, 11, 29)


def test_only_what_is_asked_for_is_written_down() -> None:
    both = lifecycle(costs={Cost.DESTROYS: "a", Cost.WEAKENS: "b"})
    policy = Policy(fixes=frozenset({"expire_logs"}))

    lines = allow(step(both, policy=policy), NOW)

    written = yaml.safe_load("\n".join(lines))["remediation"]
    assert list(written) == ["consents"]
    assert [one["to"] for one in written["consents"]] == ["destroys", "weakens"]
    assert {one["account"] for one in written["consents"]} == {ACCOUNT}
    assert allow(step(lifecycle()), NOW) == ()


# ---------------------------------------------------------------- observing, stopped, away


def test_an_agent_that_observes_says_so_and_how_to_switch_it_on_and_keeps_its_journal() -> None:
    text = get("/changes", view(remedies=False)).text

    assert "The agent only observes: it changes nothing." in text
    assert (
        "start it with --remediate and name the fixes it may make under remediation.fixes" in text
    )
    assert "Kill switch" not in text
    assert "undone by a-undoing" in text


@pytest.mark.parametrize(
    ("fake", "says"),
    [
        pytest.param(view(round=None), "No round has been yet", id="before the first"),
        pytest.param(view(round=plan(steps=())), "Nothing that fails has a fix", id="no fix"),
        pytest.param(
            view(round=plan(steps=(), problem="the store is away")),
            "so there is no plan: what fails is not put right",
            id="impossible",
        ),
        pytest.param(view(round=plan(killed="SIGUSR1")), "✕ thrown: SIGUSR1", id="stopped"),
        pytest.param(view(entries=()), "Nothing has been changed", id="an empty journal"),
        pytest.param(view(store_down="disk gone"), "cannot be read now: disk gone", id="away"),
    ],
)
def test_the_page_says_why_there_is_nothing(fake: FakeView, says: str) -> None:
    assert says in get("/changes", fake).text


@pytest.mark.parametrize(
    ("fake", "says"),
    [
        pytest.param(
            view(round=plan(killed="the file /run/stop is there")),
            "The kill switch of remediation is thrown: nothing is changed. The file /run/stop",
            id="stopped",
        ),
        pytest.param(
            view(round=PlannedRound(NOW, problem="no journal")),
            "The last round of remediation was impossible. No journal.",
            id="impossible",
        ),
        pytest.param(
            view(entries=(entry(outcome=Outcome.PARTIAL, why="throttled"),)),
            "A change was made in part, then failed. expire_logs on audit-logs/prod/, 4 min ago: "
            "throttled",
            id="partial",
        ),
        pytest.param(
            view(
                remedies=False,
                entries=tuple(
                    entry(str(n), outcome=Outcome.INEFFECTIVE, change=lifecycle(fix=f"fix_{n}"))
                    for n in range(3)
                ),
            ),
            "3 changes of the last day: each was made, and its resource does not read so. "
            "The newest: fix_0 on",
            id="several without effect",
        ),
    ],
)
@pytest.mark.parametrize("path", ["/", "/findings", "/changes", "/agent"])
def test_every_page_says_first_what_is_amiss_with_changes(
    fake: FakeView, says: str, path: str
) -> None:
    assert says in get(path, fake).text


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param(
            (entry("2"), entry("1", 9 * MINUTE, outcome=Outcome.PARTIAL)), id="made since"
        ),
        pytest.param((entry(outcome=Outcome.PARTIAL, undone_by="x"),), id="undone"),
        pytest.param((entry(ago=timedelta(hours=25), outcome=Outcome.PARTIAL),), id="days ago"),
        pytest.param((entry(outcome=Outcome.REFUSED),), id="nothing was changed"),
    ],
)
def test_what_is_over_is_no_news(entries: Any) -> None:
    text = get("/", view(entries=entries)).text

    assert "in part" not in text
    assert "does not read so" not in text


def test_the_undoing_that_failed_is_news() -> None:
    failed = entry("2", outcome=Outcome.PARTIAL, undoes="1")

    assert troubled([failed, entry("1", 9 * MINUTE)]) == [failed]


# ---------------------------------------------------------------- the journal and one change


@pytest.mark.parametrize(
    "word",
    ["Under way", "Undone", "Applied", "Awaiting", "Already right", "Held", "Refused",
     "Ineffective", "Partial"],
)  # fmt: skip
def test_the_journal_tells_each_outcome_by_a_word(word: str) -> None:
    marks = re.findall(r'<span class="result [a-z_]+"><span aria-hidden="true">.</span> ([^<]+)<',
                       client().get("/changes").text)  # fmt: skip

    assert word in marks


@pytest.mark.parametrize(
    "says",
    [
        pytest.param("expire_logs", id="the fix"),
        pytest.param("let prod/ expire after 180 days", id="what it was to do"),
        pytest.param("it reads so since", id="what came of it"),
        pytest.param("1,204 objects (3.1 GB) older than 180 days are deleted", id="its costs"),
        pytest.param('+ "Expiration": {', id="the diff"),
        pytest.param('"Bucket": "audit-logs"', id="the exact calls"),
        pytest.param("1 of 1 answered", id="how far it came"),
        pytest.param("trailkeeper undo 0a1b", id="how to undo it"),
        pytest.param("1 call that put back", id="what the undo does"),
        pytest.param("2026-11-22 07:59:04", id="when it ended"),
        pytest.param("Finding now ✕ Fail", id="how it stands now"),
        pytest.param("max_days 180", id="the parameters it was made by"),
    ],
)
def test_the_page_of_a_change_says(says: str) -> None:
    assert says in get("/changes/0a1b", view(entries=(entry("0a1b"),))).text


@pytest.mark.parametrize(
    ("of", "why"),
    [
        pytest.param(entry(), "", id="it can be"),
        pytest.param(entry(outcome=Outcome.PARTIAL), "", id="half made"),
        pytest.param(entry(undoes="x"), "It is itself the undoing of x.", id="an undoing"),
        pytest.param(entry(outcome=None), "It is under way.", id="open"),
        pytest.param(entry(outcome=Outcome.REFUSED), "It changed nothing.", id="refused"),
        pytest.param(entry(undone_by="y"), "It was undone already, by y.", id="undone"),
        pytest.param(
            entry(change=reboot()),
            "It cannot be undone: a reboot is over when it is over",
            id="cannot be",
        ),
    ],
)
def test_the_command_to_undo_stands_only_where_it_would_be_taken(of: Any, why: str) -> None:
    text = get(change_link(of.id), view(entries=(of,))).text

    assert why == why_no_undo(of)
    assert ("trailkeeper undo " in text) == (not why)
    assert why in text


def test_a_change_that_is_not_there_is_said_and_so_is_a_journal_that_cannot_be_read() -> None:
    assert "no change nope in the journal" in get("/changes/nope", status=404).text
    away = get("/changes/nope", view(store_down="disk gone"), 503)
    assert "cannot be told now: disk gone" in away.text


def test_a_resource_shows_what_the_agent_changed_there_and_nothing_else() -> None:
    text = get(resource_link(LOCATION)).text

    assert "What the agent changed" in text
    assert "undone by a-undoing" in text
    assert "fix_10" not in text


def test_a_resource_of_which_only_the_journal_knows_has_a_page() -> None:
    gone = replace(LOCATION, name="gone/")
    fake = view(history=(), entries=(entry(change=lifecycle(ref=gone)),))

    assert "No rule judges it now" in get(resource_link(gone), fake).text


def test_the_overview_tells_how_changes_stand() -> None:
    text = get("/").text

    assert "Kill switch ✓ not thrown Last round 1 ready, 2 held Last 24 h 2 applied, " in text
    assert "Plan and journal" not in get("/", view(remedies=False)).text
    assert "nothing was changed" in get("/", view(entries=())).text
    assert "cannot be told : the journal" in get("/", view(store_down="gone")).text


# ---------------------------------------------------------------- whatever it is shown


@pytest.mark.parametrize("text", [pytest.param(each, id=ascii(each[:24])) for each in EVIL])
def test_a_diff_of_any_text_reads_as_it_is_and_runs_nothing(text: str) -> None:
    of = entry(change=evil_change(text, WALKTHROUGH.ref))

    page = client(view(entries=(of,))).get(change_link(of.id)).text

    assert "<script" not in page
    assert "<b>" not in page
    taken = unescape("".join(re.findall(r"<del>(.*?)</del>", page, re.DOTALL)))
    if text.isascii() and text.isprintable():
        assert f"-{text}" in taken


# ---------------------------------------------------------------- asked for once in a while


class Counting(FakeView):
    """Counts how often the journal is asked for."""

    asked = 0

    def changes(self, **more: Any) -> Any:
        self.asked += 1
        return super().changes(**more)


def test_the_journal_is_asked_for_once_in_a_few_seconds_and_not_for_each_page() -> None:
    fake = Counting(entries=(entry(), entry("old", timedelta(days=2))))
    lately = Lately(fake)

    first = [lately.of(NOW + number * FRESH_FOR / 10) for number in range(10)]
    assert (fake.asked, [one.id for one in first[-1].found]) == (1, ["0a1b2c3d4e5f"])

    lately.of(NOW + FRESH_FOR)
    assert fake.asked == 2


def test_who_comes_while_the_store_hangs_does_not_hang() -> None:
    inner: list[Any] = []

    class Hanging(FakeView):
        def changes(self, **_: Any) -> Any:
            inner.append(lately.of(NOW))
            return ()

    lately = Lately(Hanging())
    lately.of(NOW)

    assert [one.found for one in inner] == [()]


def test_a_store_that_is_away_is_asked_again() -> None:
    fake = view(store_down="gone", entries=(entry(),))
    lately = Lately(fake)
    assert lately.of(NOW).problem == "gone"

    fake.store_down = ""

    assert len(lately.of(NOW + FRESH_FOR).found) == 1


def test_the_page_for_a_page_that_breaks_does_not_ask_the_store_on_the_loop() -> None:
    asked_by: list[str] = []

    class Broken(FakeView):
        def rules(self) -> Any:
            raise ValueError

        def health(self) -> Any:
            self.well = replace(self.well, now=self.well.now + 2 * FRESH_FOR)
            return self.well

        def changes(self, **_: Any) -> Any:
            asked_by.append(threading.current_thread().name)
            return ()

    assert client(Broken()).get("/rules").status_code == 500
    assert set(asked_by) == {"page"}


def test_indexes_that_are_handed_in_are_used_by_the_pages() -> None:
    class Watched(Indexes):
        asked = 0

        def of(self, state: Any) -> Any:
            self.asked += 1
            return super().of(state)

    indexes, state = Watched(), typical()
    warm = indexes.of(state)

    client(view(current=state), indexes=indexes).get("/findings")

    assert indexes.asked > 1
    assert indexes.of(state) is warm


# ---------------------------------------------------------------- for programs


def asked(query: str = "", fake: FakeView | None = None, status: int = 200) -> dict[str, Any]:
    """What the API answers."""
    answer = client(fake).get(f"/api/v1/changes{query}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def test_the_api_gives_the_journal_newest_first_with_nothing_lost() -> None:
    found = asked()

    assert found["schema"] == "trailkeeper.changes/1"
    assert [one["id"] for one in found["changes"]] == [one.id for one in journal()]
    assert found["changes"][2] == {
        "id": "a-undone",
        "rule": "audit-logs-expire-in-time",
        "finding": f"audit-logs-expire-in-time:{LOCATION.id}",
        "fix": "expire_logs",
        "kind": "s3_log_location",
        "account": ACCOUNT,
        "region": "eu-west-1",
        "resource": "audit-logs/prod/",
        "arn": "arn:aws:s3:::audit-logs",
        "outcome": "applied",
        "why": "it reads so since",
        "began_at": "2026-11-22T07:57:00Z",
        "ended_at": "2026-11-22T07:57:04Z",
        "done": 1,
        "undoes": "",
        "undone_by": "a-undoing",
        "change": change_to_json(lifecycle()),
    }
    assert (found["changes"][0]["outcome"], found["changes"][0]["ended_at"]) == (None, None)


def test_the_api_gives_what_is_asked_for() -> None:
    assert [one["id"] for one in asked("?limit=1")["changes"]] == ["a-open"]
    of_one = asked(f"?resource={LOCATION.id}&limit=")["changes"]
    assert [one["id"] for one in of_one] == ["a-undoing", "a-undone"]
    assert asked(fake=view(entries=()))["changes"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=many", "status=applied"])
def test_the_api_refuses_what_means_nothing(query: str) -> None:
    assert list(asked(f"?{query}", status=400)) == ["error"]


def test_the_api_says_that_the_journal_cannot_be_read() -> None:
    found = asked(fake=view(store_down="disk gone"), status=503)

    assert found == {"error": "the journal cannot be read now: disk gone"}


@pytest.mark.parametrize("path", ["/api/v1/changes", "/changes", "/changes/a-undone"])
def test_changes_ask_for_the_token_and_are_only_read(path: str) -> None:
    guarded = client(token=TOKEN)

    assert guarded.get(path).status_code == 401
    bearer = {"authorization": f"Bearer {TOKEN}".encode()}
    assert guarded.get(path, headers=bearer).status_code == 200
    assert guarded.post(path, headers=bearer).status_code == 405


@pytest.mark.parametrize("text", [pytest.param(each, id=ascii(each[:24])) for each in EVIL])
def test_the_api_writes_any_text(text: str) -> None:
    of = entry(change=evil_change(text, TYPICAL.findings[0].ref), why=text)

    (found,) = asked(fake=view(entries=(of,)))["changes"]

    assert (found["why"], found["change"]["summary"]) == (text, text)
