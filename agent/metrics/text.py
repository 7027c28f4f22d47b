"""Prometheus's text format, version 0.0.4: families, label values, numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

PREFIX = "trailkeeper_"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name without the prefix, what it says, and its labels in their order."""

    name: str
    help: str
    labels: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """As Prometheus knows it."""
        return PREFIX + self.name


class Quoted(dict[str, str]):
    """Label values by what they are, escaped once each: few are new in a page of many series.

    What UTF-8 cannot hold (half of a surrogate pair) is written out as Python shows it.
    """

    def __missing__(self, raw: str) -> str:
        """Escape a value that was not seen before."""
        # str(): an enum's member must not stand in the page as its class shows it.
        held = str(raw).encode("utf-8", "backslashreplace").decode()
        escaped = held.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
        self[raw] = escaped
        return escaped


def number(value: float) -> str:
    """A finite number as Go's shortest format writes it: `1`, `0.5`, `1.763841519e+09`.

    Raises ValueError for what is not finite: no verdict is.
    """
    shortest = Decimal(repr(float(value))).normalize()
    sign, digits, exponent = shortest.as_tuple()
    power = len(digits) + int(exponent) - 1
    minus = "-" if sign else ""
    if -4 <= power < 6:
        return minus + format(abs(shortest), "f")
    first, rest = str(digits[0]), "".join(map(str, digits[1:]))
    point = "." if rest else ""
    return f"{minus}{first}{point}{rest}e{'-' if power < 0 else '+'}{abs(power):02d}"


Samples = Mapping[tuple[str, ...], float]
"""Values by label values, which are escaped already: so no two series can have equal labels."""


def exposed(family: Family, samples: Samples) -> Iterable[str]:
    """The lines of one gauge, each with its end."""
    name = family.full_name
    yield f"# HELP {name} {family.help}\n# TYPE {name} gauge\n"
    labels = ",".join(f'{label}="%s"' for label in family.labels)
    line = f"{name}{{{labels}}} %s\n" if labels else f"{name} %s\n"
    for values, value in samples.items():
        # Most values are 1, and there may be 100,000 of them.
        yield line % (*values, "1" if value == 1 else number(value))
