"""Renders deploy/kubernetes, and knows as much of the Prometheus operator's schemas as we use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.test_image_files import variables

KUBERNETES = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"

Manifest = dict[str, Any]

STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
KEY = {
    "type": "object",
    "required": ["name", "key"],
    "additionalProperties": False,
    "properties": {"name": {"type": "string"}, "key": {"type": "string"}},
}
ENDPOINT = {
    "type": "object",
    "required": ["port"],
    "additionalProperties": False,
    "properties": {
        "port": {"type": "string"},
        "interval": {"type": "string", "pattern": "^[0-9]+[sm]$"},
        "scrapeTimeout": {"type": "string", "pattern": "^[0-9]+[sm]$"},
        "honorLabels": {"type": "boolean"},
        "scheme": {"enum": ["http", "https"]},
        "authorization": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"type": {"type": "string"}, "credentials": KEY},
        },
        "tlsConfig": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "serverName": {"type": "string"},
                "ca": {"type": "object", "required": ["secret"], "properties": {"secret": KEY}},
            },
        },
        "relabelings": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "sourceLabels": {"type": "array", "items": {"type": "string"}},
                    "separator": {"type": "string"},
                    "targetLabel": {"type": "string"},
                },
            },
        },
    },
}
CUSTOM = {
    "ServiceMonitor": {
        "type": "object",
        "required": ["selector", "endpoints"],
        "additionalProperties": False,
        "properties": {
            "selector": {
                "type": "object",
                "required": ["matchLabels"],
                "additionalProperties": False,
                "properties": {"matchLabels": STRINGS},
            },
            "endpoints": {"type": "array", "minItems": 1, "items": ENDPOINT},
        },
    },
    "PrometheusRule": {
        "type": "object",
        "required": ["groups"],
        "additionalProperties": False,
        "properties": {"groups": {"type": "array", "minItems": 1}},
    },
}
"""As much of the Prometheus operator's schemas as we use; promtool judges the rules themselves."""


@cache
def renderer() -> tuple[str, ...] | None:
    """kubectl of 1.27 or later, or kustomize: components are unknown to what is older."""
    if shutil.which("kubectl"):
        told = subprocess.run(
            ["kubectl", "version", "--client", "-o", "json"],
            capture_output=True,
            text=True,
            check=False,
        )
        if not told.returncode:
            minor = json.loads(told.stdout)["clientVersion"]["minor"].rstrip("+")
            if int(minor) >= 27:
                return ("kubectl", "kustomize")
    return ("kustomize", "build") if shutil.which("kustomize") else None


@cache
def rendered(folder: str) -> tuple[Manifest, ...]:
    """What Kustomize makes of a folder below deploy/kubernetes."""
    command = renderer()
    if command is None:
        missing = "neither kubectl 1.27 or later nor kustomize is on the PATH"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    done = subprocess.run(
        [*command, str(KUBERNETES / folder)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")  # a deprecated field is a warning there
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(folder: str, kind: str) -> list[Manifest]:
    """The manifests of one kind."""
    return [one for one in rendered(folder) if one["kind"] == kind]


def pods(folder: str) -> Iterator[Manifest]:
    """The templates of every pod."""
    for one in rendered(folder):
        if one["kind"] == "StatefulSet":
            yield one["spec"]["template"]
        if one["kind"] == "CronJob":
            yield one["spec"]["jobTemplate"]["spec"]["template"]


def agent_of(folder: str) -> Manifest:
    """The agent's StatefulSet."""
    (found,) = of_kind(folder, "StatefulSet")
    return found


def container(template: Manifest) -> Manifest:
    """The only container of a pod."""
    (found,) = template["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def part(template: Manifest) -> str:
    """What a pod is: `agent`, `check` or `report`."""
    return str(template["metadata"]["labels"]["app.kubernetes.io/component"])


def image_of(template: Manifest) -> str:
    """The name that its image is built by."""
    return "trailkeeper-report" if part(template) == "report" else "trailkeeper"


def environment(template: Manifest) -> dict[str, str]:
    """What the container is given, the image's own variables below it."""
    given = {one["name"]: one["value"] for one in container(template).get("env", [])}
    return variables("report" if part(template) == "report" else "") | given


def arguments(template: Manifest) -> list[str]:
    """All that `trailkeeper` is started with: the report's image names the command."""
    args: list[str] = container(template)["args"]
    return ["report", *args] if part(template) == "report" else args
