"""Remediation: plan, look again, act, look again. The one place that writes to AWS."""
