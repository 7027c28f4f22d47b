"""The agent itself: its sweeps, its configuration, its store."""

from __future__ import annotations

from agent.web.page import Look, Page, past

SWEEPS = 30


def agent_page(look: Look) -> Page:
    """How it is, and its last sweeps."""
    return Page("agent.html", "Agent", "agent", {"sweeps": past(lambda: look.view.sweeps(SWEEPS))})
