"""Prometheus metrics: verdicts rendered once per sweep, the agent's own live."""
