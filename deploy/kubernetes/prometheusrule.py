"""Write deploy/prometheus/rules.yml as the PrometheusRule that the Prometheus operator reads."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent
RULES = HERE.parent / "prometheus" / "rules.yml"
MANIFEST = HERE / "components" / "prometheus-operator" / "prometheusrule.yaml"

HEAD = """\
# Generated from deploy/prometheus/rules.yml by `make manifests`: edit that, not this.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: trailkeeper
  labels:
    app.kubernetes.io/name: trailkeeper
spec:
"""


def manifest(rules: str) -> str:
    """The manifest of a rule file, whose lines are kept: a rule file is a `spec` as it stands."""
    lines = (f"  {line}" if line.strip() else "" for line in rules.splitlines())
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    MANIFEST.write_text(manifest(RULES.read_text(encoding="utf-8")), encoding="utf-8")
