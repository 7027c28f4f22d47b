"""A made-up month of the audit logs of one cluster, with independent counts of all that is in it.

`generate` writes it into a folder as Redshift would into a bucket; `planted` into the simulated
estate. Content depends on the seed, the scale and the calendar alone: two months made alike agree
on the hours they share.
"""

from __future__ import annotations

from agent.sandbox.month.making import WRITER, generate, produce
from agent.sandbox.month.truth import Damaged, Incident, Truth

__all__ = ["WRITER", "Damaged", "Incident", "Truth", "generate", "produce"]
