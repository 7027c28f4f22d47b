"""The one place that writes to AWS."""
