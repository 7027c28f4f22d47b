"""The report for a person: by resource, the worst first, and what could not be seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC

from agent.formats.as_json import summary
from agent.verdict import nothing_judged
from controls.model import Coverage, Finding, Ref, Report, Status, TargetStatus, WaiverNote

LABELS = {
    Status.FAIL: ("FAIL", "bold red"),
    Status.UNKNOWN: ("UNKNOWN", "bold yellow"),
    Status.WAIVED: ("WAIVED", "cyan"),
    Status.PASS: ("PASS", "green"),
    Status.NOT_APPLICABLE: ("N/A", "dim"),
}
"""How each status is written, the worst first."""

COVERAGE_STYLES = {
    Coverage.UNREADABLE: "bold red",
    Coverage.PARTIAL: "bold yellow",
    Coverage.COMPLETE: "green",
}

HIDDEN = frozenset({Status.PASS, Status.NOT_APPLICABLE})

MANY_TARGETS = 12
"""Above this number, targets that were read wholly are counted and not listed."""

FEW_REGIONS = 6
"""Above this number, regions that were not looked at are counted and not all named."""

_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Terminal controls, line breaks, changes of writing direction, halves of characters."""

Span = tuple[str, str]
"""A piece of text and its style."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line before it is broken to a width: what it says, how far it and its rest stand in."""

    indent: int
    spans: tuple[Span, ...]
    rest: int


def render(
    report: Report,
    *,
    show_all: bool = False,
    not_looked_at: Sequence[str] = (),
    caution: str = "",
    width: int | None = None,
    color: bool = False,
) -> str:
    """The whole report. `not_looked_at` names the regions that nobody asked to look at.

    `caution` is what to know before reading it, such as that it is about long ago.

    On a terminal, give its `width` in columns: lines are broken between words, and never inside
    a name. Without it each line stays whole, for `grep` and logs. Whatever AWS or a rule says is
    printed literally, control characters made visible.
    """
    lines = list(_lines(report, show_all, not_looked_at, caution))
    if width is None and not color:
        return "".join(f"{' ' * line.indent}{_text(line)}\n" for line in lines)
    return _on_terminal(lines, width, color=color)


# ---------------------------------------------------------------- what is said


def _lines(
    report: Report, show_all: bool, not_looked_at: Sequence[str], caution: str
) -> Iterator[Line]:
    taken = report.taken_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    yield _line(0, (f"Trailkeeper {report.version}", "bold"), (f", {taken}", ""))
    if caution:
        yield _line(0, (f"{caution[:1].upper()}{caution[1:]}.", "bold yellow"))
    yield _line(0)
    shown = [f for f in report.findings if show_all or f.status not in HIDDEN]
    for group in _by_resource(shown):
        yield from _resource_lines(group)
        yield _line(0)
    yield from _target_lines(report.targets, show_all)
    if not_looked_at:
        yield _line(0, ("Not looked at: ", "bold"), (_regions(not_looked_at, show_all), ""))
    yield from _deviation_lines(report.deviations)
    yield from _waiver_lines(report.waiver_notes)
    yield _line(0)
    yield from _summary_lines(report, show_all)


def _regions(names: Sequence[str], show_all: bool) -> str:
    """Those regions where Redshift exists; of many the first few, unless all are asked for."""
    counted = f"{_count(len(names), 'region')} where Redshift exists"
    cut = len(names) > FEW_REGIONS and not show_all
    named = ", ".join([*names[:FEW_REGIONS], "…"] if cut else names)
    hint = "--all names them, " if cut else ""
    return f"{counted} ({named}); {hint}--region all looks at every enabled one"


def _by_resource(findings: Iterable[Finding]) -> list[list[Finding]]:
    """The findings of each resource together: the worst finding first, and so the resources."""
    groups: dict[str, list[Finding]] = {}
    for finding in sorted(findings, key=_badness):
        groups.setdefault(finding.ref.id, []).append(finding)
    return list(groups.values())


def _badness(finding: Finding) -> tuple[int, int, str, str]:
    worst_first = list(LABELS).index(finding.status)
    return worst_first, -finding.severity.rank, finding.ref.id, finding.rule


def _resource_lines(findings: Sequence[Finding]) -> Iterator[Line]:
    ref = findings[0].ref
    yield _line(0, (_name(ref), "bold"), (f"  {ref.kind}, {_place(ref)}", "dim"))
    for finding in findings:
        yield from _finding_lines(finding)


def _name(ref: Ref) -> str:
    return "(all of them)" if ref.name == "*" else ref.name


def _place(ref: Ref) -> str:
    owner = ref.owner_account
    owned = f" (owned by {owner})" if owner and owner != ref.account else ""
    return f"{ref.account}/{ref.region}{owned}"


def _finding_lines(finding: Finding) -> Iterator[Line]:
    label, style = LABELS[finding.status]
    yield _line(
        2,
        (f"{label:<8}", style),
        (f"{finding.severity.value:<9}", ""),
        (finding.rule, "bold"),
        (f": {finding.title}", ""),
        rest=19,
    )
    if finding.because:
        yield _line(4, (finding.because, ""))
    for reason in finding.reasons:
        if reason not in finding.because:
            yield _line(4, (f"- {reason}", ""))
    if finding.status is Status.FAIL and finding.remedy:
        yield _line(4, ("Remedy: ", "bold"), (finding.remedy, ""))
    if finding.waiver is not None:
        told = finding.waiver
        yield _line(
            4,
            (f"Waived by {told.get('by', '?')} until {told.get('until', '?')}: ", "cyan"),
            (told.get("why", ""), ""),
        )


def _target_lines(targets: Sequence[TargetStatus], show_all: bool) -> Iterator[Line]:
    """What was not wholly read first; what was, unless there is a lot of it."""
    yield _line(0, ("Targets", "bold"))
    order = list(COVERAGE_STYLES)
    complete = [t for t in targets if t.status is Coverage.COMPLETE]
    listed = sorted(targets, key=lambda t: (order.index(t.status), t.account, t.region))
    if len(complete) > MANY_TARGETS and not show_all:
        listed = [t for t in listed if t.status is not Coverage.COMPLETE]
    longest = max((len(f"{t.account}/{t.region}") for t in listed), default=0)
    for target in listed:
        place = f"{target.account}/{target.region}"
        counted = _count(target.resources, "resource")
        yield _line(
            2,
            (f"{place:<{longest}}  ", ""),
            (f"{target.status.value:<10}", COVERAGE_STYLES[target.status]),
            (f"  {counted}" + (f"; {target.reason}" if target.reason else ""), ""),
        )
    if len(listed) < len(targets):
        counted = _count(sum(t.resources for t in complete), "resource")
        yield _line(
            2, (f"{len(complete)} others ", ""), ("complete", "green"), (f"  {counted}", "")
        )
    if not targets:
        yield _line(2, ("none", "bold red"))


def _deviation_lines(deviations: Sequence[str]) -> Iterator[Line]:
    if deviations:
        yield _line(0, ("Parameters that differ from the rules' own:", "bold"))
    for each in deviations:
        yield _line(2, (each, ""))


def _waiver_lines(notes: Sequence[WaiverNote]) -> Iterator[Line]:
    if notes:
        yield _line(0, ("Waivers that did nothing", "bold"))
    for note in notes:
        yield _line(
            2,
            (f"{note.state:<9}", "bold yellow"),
            (f"{note.rule} on {', '.join(note.resources)}", ""),
            (f", until {note.until} by {note.by}: {note.why}", ""),
        )


def _summary_lines(report: Report, show_all: bool) -> Iterator[Line]:
    counts = summary(report)
    spans: list[Span] = [("Summary: ", "bold")]
    for status, (_, style) in LABELS.items():
        number = counts[status.value]
        word = status.value.replace("_", " ")
        separator = ", " if len(spans) > 1 else ""
        spans.append((separator, ""))
        spans.append((f"{number} {word}", style if number else "dim"))
    yield _line(0, *spans)
    for message in _warnings(report, counts):
        yield _line(0, (message, "bold yellow"))
    hidden = sum(counts[status.value] for status in HIDDEN)
    if hidden and not show_all:
        yield _line(0, ("What passes or does not apply is not shown; --all shows it.", "dim"))


def _warnings(report: Report, counts: dict[str, int]) -> Iterator[str]:
    nothing = nothing_judged(report)
    if nothing:
        yield nothing
    of_all = f"of {_count(len(report.targets), 'target')}"
    if counts["targets_unreadable"]:
        yield f"{counts['targets_unreadable']} {of_all} could not be read."
    if counts["targets_partial"]:
        yield f"{counts['targets_partial']} {of_all} could be read in part only."
    if counts["rule_errors"]:
        counted = _count(counts["rule_errors"], "finding")
        yield f"{counted} unknown through a mistake in a rule: `trailkeeper rules test` shows it."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


# ---------------------------------------------------------------- how it is shown


def _line(indent: int, *spans: Span, rest: int = 0) -> Line:
    """A line of what may safely be printed."""
    safe = tuple((_visible(text), style) for text, style in spans if text)
    return Line(indent, safe, rest or indent + 2)


def _visible(text: str) -> str:
    """The text on one line, with controls as escapes that can be seen."""
    one_line = re.sub(r"[ \t]*[\r\n]+[ \t]*", " ", text).replace("\t", " ")
    return _UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], one_line)


def _text(line: Line) -> str:
    return "".join(text for text, _ in line.spans).rstrip()


def _on_terminal(lines: Sequence[Line], width: int | None, *, color: bool) -> str:
    """The lines broken to the width, with the styles as ANSI codes."""
    painted = _painter() if color else _unpainted
    rows: list[str] = []
    for line in lines:
        spans = _without_trailing_space(line.spans)
        breaks = _breaks("".join(text for text, _ in spans), line, width)
        for number, part in enumerate(_parts(spans, breaks)):
            indent = " " * (line.rest if number else line.indent)
            shown = "".join(painted(*span) for span in _without_trailing_space(part))
            rows.append(f"{indent}{shown}".rstrip(" ") + "\n")
    return "".join(rows)


def _painter() -> Callable[[str, str], str]:
    """Puts rich's ANSI codes for a style around a text, in the terminal's own 16 colours."""
    from rich.color import ColorSystem  # noqa: PLC0415 - rich costs 0.1 s: only for a terminal
    from rich.style import Style  # noqa: PLC0415

    def painted(text: str, style: str) -> str:
        return Style.parse(style).render(text, color_system=ColorSystem.STANDARD)

    return painted


def _unpainted(text: str, _: str) -> str:
    return text


def _without_trailing_space(spans: Sequence[Span]) -> tuple[Span, ...]:
    """The spans as a line ends with them: what is only there to separate goes."""
    kept = list(spans)
    while kept:
        text, style = kept.pop()
        if text.rstrip():
            return (*kept, (text.rstrip(), style))
    return ()


def _breaks(text: str, line: Line, width: int | None) -> list[int]:
    """Where to break the text so that it fits, between words only: a name is copied whole."""
    found: list[int] = []
    column = line.indent
    for word in re.finditer(r"\S+\s*", text) if width is not None else ():
        if column + _columns(word[0].rstrip()) > (width or 0) and word.start():
            found.append(word.start())
            column = line.rest
        column += _columns(word[0])
    return found


def _columns(text: str) -> int:
    """How many columns of a terminal the text takes: some characters take two, some none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - as above

    return cell_len(text)


def _parts(spans: Sequence[Span], breaks: Sequence[int]) -> Iterator[list[Span]]:
    """The spans cut at the breaks, which count characters from the start of the line."""
    start = 0
    total = sum(len(text) for text, _ in spans)
    for end in (*breaks, total):
        part: list[Span] = []
        at = 0
        for text, style in spans:
            piece = text[max(start - at, 0) : max(end - at, 0)]
            if piece:
                part.append((piece, style))
            at += len(text)
        yield part
        start = end
