"""The JSON: one schema, as the document describes it."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from agent.report.outputs.as_json import as_json
from agent.report.redact import redacted
from tests.report.documents import HOSTILE, SECRET, document

EVIDENCE = {
    "type": "object",
    "required": ["key", "record"],
    "additionalProperties": False,
    "properties": {"key": {"type": "string"}, "record": {"type": "integer"}},
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        "schema",
        "month",
        "writer",
        "source",
        "completeness",
        "headlines",
        "before",
        "findings",
        "sections",
        "cannot",
        "questions",
    ],
    "properties": {
        "schema": {"const": "trailkeeper.report/1"},
        "month": {"pattern": "^[0-9]{4}-[0-9]{2}$"},
        "writer": {"required": ["account", "region", "cluster"]},
        "source": {"type": "string"},
        "completeness": {
            "required": [
                "verdict",
                "because",
                "records",
                "outside",
                "gaps",
                "hours",
                "orphans",
                "cut",
                "late",
                "objects",
                "refused",
            ],
            "properties": {
                "verdict": {"enum": ["complete", "incomplete", "running", "empty"]},
                "objects": {
                    "items": {
                        "required": ["key", "etag", "sha256", "size", "status", "records", "bad"]
                    }
                },
            },
        },
        "headlines": {"additionalProperties": {"type": "integer"}},
        "before": {"additionalProperties": {"type": "integer"}},
        "findings": {
            "items": {
                "required": [
                    "severity",
                    "section",
                    "title",
                    "subject",
                    "because",
                    "count",
                    "first",
                    "last",
                    "requirements",
                    "evidence",
                ],
                "properties": {
                    "severity": {"enum": ["critical", "high", "medium", "low", "info"]},
                    "evidence": {"items": EVIDENCE},
                },
            }
        },
        "sections": {
            "items": {
                "required": [
                    "id",
                    "title",
                    "question",
                    "logs",
                    "requirements",
                    "cannot",
                    "failed",
                    "answers",
                ],
                "properties": {
                    "answers": {"items": {"required": ["name", "columns", "rows", "beyond"]}}
                },
            }
        },
        "cannot": {"items": {"type": "string"}},
        "questions": {"type": "object"},
    },
}


def written() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(as_json(redacted(document())))
    return found


def test_it_is_of_its_schema() -> None:
    Draft202012Validator(SCHEMA).validate(written())


def test_names_are_as_they_were_logged() -> None:
    rows = written()["sections"][0]["answers"][0]["rows"]

    assert [row["user_name"] for row in rows[: len(HOSTILE)]] == list(HOSTILE)


def test_times_are_iso_and_evidence_is_key_and_record() -> None:
    row = written()["sections"][0]["answers"][0]["rows"][1]

    assert row["first_ms"] == "2026-10-01T00:01:00.000Z"
    assert row["evidence"]["record"] == 2
    assert row["took"] == 1_500_000


def test_no_value_holds_a_literal() -> None:
    assert SECRET.encode() not in as_json(redacted(document()))
    assert SECRET.encode() in as_json(document())


def test_what_was_not_answered_has_no_answers_and_the_reason() -> None:
    broken = written()["sections"][2]

    assert broken["answers"] == []
    assert broken["failed"].startswith("ConversionError")
